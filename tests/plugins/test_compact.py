"""Tools in the few lines that a prompt has room for."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lash_nb.plugins import authority_type, call_path, compact_contract, compact_markdown
from lash_nb.wire import CompactToolContract, ToolAgentSurface, to_json
from tests.plugins.offered import definition


def compact(**fields: Any) -> CompactToolContract:
    """The compact contract of a tool `find` with these fields."""
    tool = definition("find", **fields)
    return compact_contract(tool.manifest(), tool.contract())


def of_parameter(schema: Any) -> str:
    """The signature of an optional parameter `x` of that schema."""
    return str(compact(input_schema={"properties": {"x": schema}}).parameters[0]["signature"])


@pytest.mark.parametrize(
    ("schema", "signature"),
    [
        ({"type": "string", "minLength": 2, "maxLength": 8}, "x?: str min_len 2 max_len 8"),
        ({"type": "integer", "minimum": 1, "exclusiveMaximum": 7, "default": 3}, "x?: int >= 1 <= 7 = 3"),
        ({"type": "number", "default": 1.5}, "x?: float = 1.5"),
        ({"type": "boolean", "default": False}, "x?: bool = false"),
        ({"type": "array", "items": {"type": "string"}, "maxItems": 2}, "x?: list[str] max_items 2"),
        ({"type": "array"}, "x?: list[any]"),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, "x?: record"),
        ({"enum": ["c", "f", None]}, 'x?: enum["c", "f"] | null'),
        ({"type": ["string", "null"], "default": None}, "x?: str | null = null"),
        ({"anyOf": [{"type": "null"}, {"type": "string"}, {"type": "integer"}]}, "x?: str | int | null"),
        ({"type": "string", "default": 'say "hi"\n'}, 'x?: str = "say \\"hi\\"\\n"'),
        ({}, "x?: any"),
        (True, "x?: any"),
    ],
)
def test_a_parameter_reads_in_one_line(schema: Any, signature: str) -> None:
    """Type, limits and default of a parameter stand in its signature."""
    assert of_parameter(schema) == signature


def test_required_parameters_come_first_in_their_order() -> None:
    """Required ones in the order of `required`, the others by name; all of it in the call's signature."""
    schema = {"properties": {name: {"type": "string"} for name in "zab"}, "required": ["z", "b"]}

    assert compact(input_schema=schema).signature == "await tools.find({ z: str, b: str, a?: str })?"


def test_a_tool_without_parameters_is_called_with_an_empty_record() -> None:
    """No parameters, no names."""
    assert compact().signature == "await tools.find({})?"


def test_a_result_shows_its_records() -> None:
    """Fields of a result stand alphabetically in its label, and as paths below it."""
    schema = {
        "type": "object",
        "required": ["hits"],
        "properties": {
            "next": {"type": ["string", "null"], "description": "Where to go on."},
            "hits": {
                "type": "array",
                "description": "What was found.",
                "items": {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]},
            },
        },
    }
    short = compact(output_schema=schema)

    assert short.returns == "record{hits: list[record{id: int}], next?: str | null}"
    assert [field["signature"] for field in short.return_fields] == [
        "hits: list[record]",
        "hits[].id: int",
        "next?: str | null",
    ]


def test_branches_of_a_result_are_merged_by_path() -> None:
    """A path that several branches of a union have is listed once, with all its types."""
    branches = [
        {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
        {"type": "object", "properties": {"a": {"type": ["string", "null"]}}},
    ]
    short = compact(output_schema={"anyOf": branches})

    assert [field["signature"] for field in short.return_fields] == ["a: int | str | null"]


def test_null_stands_last_in_a_union() -> None:
    """Branches of a result are sorted, `null` behind all others."""
    branches = [{"type": "null"}, {"type": "string"}, {"type": "integer"}]

    assert compact(output_schema={"anyOf": branches}).returns == "int | str | null"


def test_local_references_are_followed_once() -> None:
    """A `$ref` counts as what it points at; one that leads back to itself counts as anything."""
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}, "v": {"type": "string"}}}
    short = compact(output_schema={"$defs": {"Node": node}, "$ref": "#/$defs/Node"})

    assert short.returns == "record{next?: any, v?: str}"


def test_an_output_typed_by_an_argument_is_a_type_parameter() -> None:
    """The argument that carries the schema of the result is shown as a type, the result as `T`."""
    short = compact(
        input_schema={"properties": {"task": {"type": "string"}, "output": {"type": "object"}}, "required": ["task"]},
        output_contract={
            "kind": "from_input_schema",
            "input_field": "output",
            "default_schema": {"type": "string"},
        },
    )

    assert short.signature == "await tools.find<T = str>({ task: str, output?: TypeSpec<T> })?"
    assert short.returns == "T"


def test_examples_are_few_and_short() -> None:
    """Two examples at most, blank ones not counted, long ones cut with dots that say so."""
    examples = compact(examples=[" ", "one", "x" * 300, "three"]).examples

    assert examples == ("one", "x" * 237 + "...")


def test_the_prompt_shows_signature_description_and_fields() -> None:
    """The markdown of a tool leaves out what is empty."""
    short = compact(
        description=" Finds things. ",
        input_schema={"properties": {"q": {"type": "string", "description": "What."}}},
        output_schema={"type": "object", "properties": {"n": {"type": "integer"}}},
        examples=["one", "two"],
    )

    assert compact_markdown(short).splitlines() == [
        "### await tools.find({ q?: str })? -> record{n?: int}",
        "Finds things.",
        "Parameters:",
        "- `q?: str` — What.",
        "Return fields:",
        "- `n?: int`",
        "Examples: one; two",
    ]


def test_the_call_path_follows_the_agent_surface() -> None:
    """Module and operation come from the surface, `tools` and the name stand in for them."""
    assert call_path(definition("find").manifest()) == "tools.find"
    moved = definition("find", agent_surface={"module_path": ["data", "web"], "operation": "search"})
    assert call_path(moved.manifest()) == "data.web.search"


def test_the_authority_type_is_the_module_in_camel_case() -> None:
    """The declared name wins; without one it is made of the first segment."""
    assert authority_type(ToolAgentSurface()) == "Tools"
    assert authority_type(ToolAgentSurface(module_path=("web_search", "x"))) == "WebSearch"
    assert authority_type(ToolAgentSurface(authority_type="Mine")) == "Mine"


INTEGERS = st.integers(-(2**63), 2**64 - 1)
"""What JSON of the wire can carry; a tool with any other number in its schema is refused when it is made."""
SCHEMAS = st.recursive(
    st.one_of(
        st.booleans(),
        st.fixed_dictionaries(
            {},
            optional={
                "type": st.sampled_from(["string", "integer", "array", "object", "odd", ["string", "null"]]),
                "enum": st.lists(st.one_of(st.none(), st.text(max_size=3), INTEGERS), max_size=3),
                "description": st.text(max_size=5),
                "default": st.none() | st.text(max_size=3),
                "minimum": INTEGERS,
                "$ref": st.sampled_from(["#", "#/properties/a", "#/nowhere", "http://else"]),
            },
        ),
    ),
    lambda inner: st.one_of(
        st.builds(lambda of: {"type": "array", "items": of}, inner),
        st.builds(lambda of: {"anyOf": of}, st.lists(inner, max_size=3)),
        st.builds(
            lambda of: {"type": "object", "properties": of, "required": list(of)[:1]},
            st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        ),
    ),
    max_leaves=8,
)


@given(taken=SCHEMAS, given_back=SCHEMAS)
def test_every_schema_has_a_compact_form(taken: Any, given_back: Any) -> None:
    """Whatever the schemas, there is a compact contract, it is JSON, and it is the same each time."""
    made = [compact(input_schema=taken, output_schema=given_back) for _ in range(2)]

    assert to_json(made[0]) == to_json(made[1])
    assert made[0].signature.startswith("await tools.find(")
