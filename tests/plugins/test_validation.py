"""Whether arguments are what a tool asks for, and what the model reads when they are not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lash_nb.wire import LashSchema, open_object_schema

STRICT = {
    "type": "object",
    "required": ["city"],
    "additionalProperties": False,
    "properties": {
        "city": {"type": "string", "minLength": 2, "maxLength": 8},
        "days": {"type": "integer", "minimum": 1, "maximum": 7},
        "unit": {"enum": ["c", "f"]},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
        "geo": {"type": "object", "properties": {"lat": {"type": "number"}}, "required": ["lat"]},
        "when": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
}


@pytest.mark.parametrize(
    ("args", "fault"),
    [
        ({"city": "Oslo", "days": 7, "geo": {"lat": 1.0}, "when": None, "tags": []}, None),
        ([1, 2], "arguments: expected object, got [1,2]"),
        ("x", 'arguments: expected object, got "x"'),
        (None, "arguments: expected object, got null"),
        ({}, "city: required property missing"),
        ({"city": 5}, "city: expected string length >= 2 length <= 8, got 5"),
        ({"city": "O"}, 'city: expected string length >= 2 length <= 8, got "O"'),
        ({"city": "Oslo", "days": 0}, "days: expected integer >= 1 <= 7, got 0"),
        ({"city": "Oslo", "days": 1.0}, "days: expected integer >= 1 <= 7, got 1.0"),
        ({"city": "Oslo", "days": True}, "days: expected integer >= 1 <= 7, got true"),
        ({"city": "Oslo", "unit": "k"}, 'unit: expected one of "c", "f", got "k"'),
        ({"city": "Oslo", "tags": ["a", "b", "c"]}, "tags: expected array items <= 2, got 3 items"),
        ({"city": "Oslo", "tags": ["a", 2]}, "tags[1]: expected string, got 2"),
        ({"city": "Oslo", "geo": {}}, "geo.lat: required property missing"),
        ({"city": "Oslo", "geo": {"lat": "n"}}, 'geo.lat: expected number, got "n"'),
        ({"city": "Oslo", "when": 3}, "when: expected matching schema, got 3"),
        ({"city": "Oslo", "wind": 3}, "wind: unexpected property"),
        ({"city": "Oslo", "__session_id__": "s"}, None),
    ],
)
def test_the_first_fault_is_told(args: Any, fault: str | None) -> None:
    """The message names the place, what is expected there with all limits, and what came instead."""
    assert LashSchema(schema=STRICT).fault(args) == fault


@pytest.mark.parametrize(
    ("others", "fault"),
    [
        (None, "b: unexpected property"),
        (False, "b: unexpected property"),
        (True, None),
        ({"type": "integer"}, None),
        ({"type": "string"}, "b: expected string, got 1"),
    ],
)
def test_other_keys_need_leave(others: Any, fault: str | None) -> None:
    """Beside declared properties, other keys are refused unless the schema allows them or has a schema for them."""
    schema: dict[str, Any] = {"properties": {"a": {}}}
    if others is not None:
        schema["additionalProperties"] = others

    assert LashSchema(schema=schema).fault({"b": 1}) == fault


def test_an_open_object_takes_anything() -> None:
    """The schema of a tool that declares none accepts every object and nothing else."""
    assert LashSchema(schema=open_object_schema()).fault({"a": [1]}) is None
    assert LashSchema(schema=open_object_schema()).fault(1) == "arguments: expected object, got 1"


def test_an_enum_tells_numbers_apart_from_truths() -> None:
    """`1`, `1.0` and `true` are three values, whatever Python thinks of their equality."""
    assert LashSchema(schema={"enum": [1]}).fault(True) == "arguments: expected one of 1, got true"
    assert LashSchema(schema={"enum": [1]}).fault(1.0) == "arguments: expected one of 1, got 1.0"
    assert LashSchema(schema={"enum": [{"a": 1}]}).fault({"a": 1}) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from([0.5, 2.5]) | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
LIMIT = st.integers(0, 4)
SCHEMAS = st.recursive(
    st.one_of(
        st.fixed_dictionaries({"type": st.just("string")}, optional={"minLength": LIMIT, "maxLength": LIMIT}),
        st.fixed_dictionaries(
            {"type": st.sampled_from(["integer", "number"])}, optional={"minimum": LIMIT, "maximum": LIMIT}
        ),
        st.fixed_dictionaries({"type": st.sampled_from(["boolean", "null", "object", "array", ["string", "null"]])}),
        st.fixed_dictionaries({"enum": st.lists(JSON, min_size=1, max_size=3)}),
        st.just({}),
    ),
    lambda inner: st.one_of(
        st.fixed_dictionaries(
            {"type": st.just("array"), "items": inner}, optional={"minItems": LIMIT, "maxItems": LIMIT}
        ),
        st.builds(lambda of: {"anyOf": of}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(
            lambda of, required, others: {
                "type": "object",
                "properties": of,
                "required": required,
                "additionalProperties": others,
            },
            st.dictionaries(st.sampled_from("abc"), inner, min_size=1, max_size=3),
            st.lists(st.sampled_from("abc"), max_size=2, unique=True),
            st.booleans() | inner,
        ),
    ),
    max_leaves=6,
)


@given(schema=SCHEMAS, value=JSON)
def test_within_its_subset_it_is_json_schema(schema: Any, value: Any) -> None:
    """Where a schema uses only what is checked here, a JSON Schema validator comes to the same verdict."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - takes two seconds, which every worker would pay

    assert (LashSchema(schema=schema).fault(value) is None) == Draft202012Validator(schema).is_valid(value)


@given(schema=SCHEMAS, value=JSON)
def test_a_fault_is_one_line_that_names_a_place(schema: Any, value: Any) -> None:
    """Every message is one line, with the place before the first colon."""
    fault = LashSchema(schema=schema).fault(value)

    assert fault is None or (": " in fault and "\n" not in fault)
