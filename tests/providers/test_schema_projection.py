"""How JSON Schemas are made fit for OpenAI's endpoints, and which embedded errors may pass."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lash_nb.errors import LlmTransportError
from lash_nb.providers._schema_projection import (  # the rules by themselves; the providers' tests see them at work
    SchemaProfile,
    is_passing_error,
    projected_schema,
)
from lash_nb.wire import SchemaProjectionOverride

TOOL: SchemaProfile = "openai_tool_parameters"
STRICT: SchemaProfile = "openai_strict_tool_parameters"
STRUCTURED: SchemaProfile = "openai_structured_output"
PROFILES: tuple[SchemaProfile, ...] = (TOOL, STRICT, STRUCTURED)
EMPTY = {"type": "object", "properties": {}}
CLOSED = {**EMPTY, "required": [], "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "projected"),
    [
        ({}, EMPTY),
        ({"type": "object"}, EMPTY),
        ({"type": ["object", "null"]}, {**EMPTY, "type": ["object", "null"]}),
        (
            {"properties": {"mode": {"const": "fast"}, "list": {"items": {"enum": [1, None, 2]}}}},
            {
                "type": "object",
                "properties": {
                    "mode": {"enum": ["fast"], "type": "string"},
                    "list": {"type": "array", "items": {"enum": [1, None, 2], "type": "integer"}},
                },
            },
        ),
        (
            {"properties": {"a": {"const": 1, "enum": [1, 2]}, "b": {"enum": [1, "x"]}, "c": {"enum": [[]]}, "d": {}}},
            {
                "type": "object",
                "properties": {
                    "a": {"enum": [1, 2], "type": "integer"},
                    "b": {"enum": [1, "x"]},
                    "c": {"enum": [[]]},
                    "d": {},
                },
            },
        ),
        (
            {"properties": {"v": {"enum": [True, False]}, "w": {"enum": [1.5]}, "x": {"required": []}}},
            {
                "type": "object",
                "properties": {
                    "v": {"enum": [True, False], "type": "boolean"},
                    "w": {"enum": [1.5], "type": "number"},
                    "x": {"required": [], **EMPTY},
                },
            },
        ),
        (
            {"anyOf": [{"additionalProperties": True}], "$defs": {"D": {"properties": {}}}},
            {
                "anyOf": [{"additionalProperties": True, **EMPTY}],
                "$defs": {"D": EMPTY},
                **EMPTY,
            },
        ),
    ],
)
def test_parameters_of_tools_are_completed(schema: Any, projected: Any) -> None:
    """Missing types are inferred, objects get properties, a constant is an enum of one."""
    given_schema = deepcopy(schema)

    assert projected_schema(schema, profile=TOOL) == projected
    assert schema == given_schema


@pytest.mark.parametrize("profile", [STRICT, STRUCTURED])
def test_strict_objects_require_all_and_take_no_more(profile: SchemaProfile) -> None:
    """What was optional may be null, in every way in which a schema says its type."""
    schema: dict[str, Any] = {
        "properties": {
            "must": {"type": "string"},
            "may": {"type": "string"},
            "either": {"type": ["string", "integer"]},
            "null": {"type": "null"},
            "nullable": {"type": ["string", "null"]},
            "choice": {"anyOf": [{"type": "string"}]},
            "null_choice": {"anyOf": [{"type": "null"}]},
            "any": {"description": "whatever"},
            "deep": {"items": {"properties": {"x": {"$ref": "#/$defs/D"}}}},
        },
        "required": ["must", "deep"],
        "$defs": {"D": {"type": "object"}},
    }

    projected = projected_schema(schema, profile=profile)

    assert projected["properties"] == {
        "must": {"type": "string"},
        "may": {"type": ["string", "null"]},
        "either": {"type": ["string", "integer", "null"]},
        "null": {"type": "null"},
        "nullable": {"type": ["string", "null"]},
        "choice": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "null_choice": {"anyOf": [{"type": "null"}]},
        "any": {"anyOf": [{"description": "whatever"}, {"type": "null"}]},
        "deep": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"x": {"anyOf": [{"$ref": "#/$defs/D"}, {"type": "null"}]}},
                "required": ["x"],
                "additionalProperties": False,
            },
        },
    }
    assert projected["required"] == sorted(schema["properties"])
    assert projected["additionalProperties"] is False
    assert projected["$defs"] == {"D": CLOSED}


@pytest.mark.parametrize(
    "keyword",
    ["allOf", "oneOf", "not", "dependentRequired", "dependentSchemas", "if", "then", "else", "patternProperties"],
)
@pytest.mark.parametrize("profile", PROFILES)
def test_what_cannot_be_kept_fails_the_call(profile: SchemaProfile, keyword: str) -> None:
    """Wherever it stands; all faults are told, the first of them in the message."""
    schema: dict[str, Any] = {keyword: {}, "properties": {"a": {"items": {keyword: []}}}}

    with pytest.raises(LlmTransportError) as error:
        projected_schema(schema, profile=profile)

    told = json.loads(error.value.raw or "")
    assert told["diagnostics"] == [
        f"$: unsupported JSON Schema keyword `{keyword}`",
        f"$.properties.a.items: unsupported JSON Schema keyword `{keyword}`",
    ]
    assert told["profile"] in {"ToolParameters", "StrictToolParameters", "StructuredOutput"}
    assert told["diagnostics"][0] in error.value.message
    assert (error.value.kind, error.value.retryable) == ("validation", False)


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        ({"type": "string"}, "$: root schema must be an object schema"),
        (True, "$: schema must be a JSON object"),
        ({"properties": []}, "$: object schema properties must be an object"),
        ({"properties": {"a": True}}, "$.properties.a: schema must be a JSON object"),
        ({"definitions": {"D": 1}}, "$.definitions.D: schema must be a JSON object"),
        ({"type": "object", "anyOf": [7]}, "$.anyOf[0]: schema must be a JSON object"),
    ],
)
def test_what_is_no_schema_of_an_object_fails_the_call(schema: Any, fault: str) -> None:
    """The message says where."""
    with pytest.raises(LlmTransportError) as error:
        projected_schema(schema, profile=TOOL)
    assert error.value.message == (
        f"OpenAI-compatible schema projection failed: {fault}; change the schema, or give it a projection for {TOOL!r}"
    )


def test_a_choice_at_the_root_is_no_structured_output() -> None:
    """Further down it is one."""
    schema = {"type": "object", "anyOf": [{"type": "object"}]}

    assert projected_schema(schema, profile=STRICT)["anyOf"] == [CLOSED]
    with pytest.raises(LlmTransportError, match="root anyOf"):
        projected_schema(schema, profile=STRUCTURED)


def test_a_schema_written_for_the_profile_goes_as_it_is() -> None:
    """Whatever it says; one for another profile does not count."""
    overrides = [
        SchemaProjectionOverride(profile=STRICT, schema={"allOf": []}),
        SchemaProjectionOverride(profile=TOOL, schema=7),
    ]

    assert projected_schema({"oneOf": []}, profile=STRICT, overrides=overrides) == {"allOf": []}
    assert projected_schema({}, profile=STRUCTURED, overrides=overrides) == CLOSED


SCHEMAS = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["string", "object", "array", "null", ["object", "null"]]),
            "const": st.integers(),
            "enum": st.lists(st.integers() | st.text(max_size=3), max_size=3),
            "required": st.lists(st.sampled_from(["a", "b"]), max_size=2),
        },
    ),
    lambda below: st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(st.sampled_from(["a", "b", "c"]), below, max_size=3),
            "items": below,
            "anyOf": st.lists(below, max_size=2),
            "$defs": st.dictionaries(st.sampled_from(["D"]), below, max_size=1),
        },
    ),
    max_leaves=6,
)


@given(schema=SCHEMAS, profile=st.sampled_from([TOOL, STRICT]))
def test_projecting_twice_changes_nothing(schema: dict[str, Any], profile: SchemaProfile) -> None:
    """Nor does it ever change the schema that was given."""
    schema.pop("type", None)
    before = deepcopy(schema)

    once = projected_schema(schema, profile=profile)

    assert projected_schema(once, profile=profile) == once
    assert schema == before


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        ({"code": 429}, True),
        ({"code": "503"}, True),
        ({"status": 500}, True),
        ({"code": 400, "status": 500}, False),
        ({"code": "rate_limit_exceeded"}, True),
        ({"type": "server_error"}, True),
        ({"code": None, "type": "server_error"}, True),
        ({"status": "overloaded"}, True),
        ({"code": "invalid_prompt", "type": "server_error"}, False),
        ({"code": True}, False),
        ({"code": "²"}, False),
        ({}, False),
        ("server_error", False),
        (None, False),
    ],
)
def test_which_embedded_errors_may_pass(error: Any, *, passes: bool) -> None:
    """By a number as of HTTP, else by a word."""
    assert is_passing_error(error) is passes
