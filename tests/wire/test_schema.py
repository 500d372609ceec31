"""Schemas and pointers: keywords that make no sense hold nothing back, and every place of a value can be pointed at."""

from collections.abc import Iterator
from copy import deepcopy
from threading import Event, Thread, current_thread
from typing import Any

import pytest
from hypothesis import given
from msgspec import UNSET

from lash_nb.wire import LashSchema, pointed_at
from tests.wire.documents import free_values


@pytest.mark.parametrize(
    ("schema", "value", "fault"),
    [
        ({"type": [5, "string"]}, 1, "arguments: expected string, got 1"),
        ({"type": []}, 1, "arguments: expected valid value, got 1"),
        ({"type": 5}, 1, None),
        ({"type": "colour"}, 1, None),
        ({"required": True}, {}, None),
        ({"required": "abc"}, {}, None),
        ({"required": [1, "a"]}, {}, "a: required property missing"),
        ({"maximum": True}, 5, None),
        ({"maximum": 9007199254740992}, 9007199254740993, None),
        ({"maximum": 1.5}, 2, "arguments: expected <= 1.5, got 2"),
        ({"maxLength": 1.0}, "abc", None),
        ({"maxLength": -1}, "abc", None),
        ({"minLength": 4}, "😀😀😀", 'arguments: expected length >= 4, got "😀😀😀"'),
        ({"enum": [0.0]}, -0.0, None),
        ({"enum": [[1]]}, [True], "arguments: expected one of [1], got [true]"),
        ({"anyOf": 1, "oneOf": [False]}, 1, None),
        ({"anyOf": []}, 1, "arguments: expected matching schema, got 1"),
        ([], 1, None),
    ],
)
def test_only_what_makes_sense_is_checked(schema: Any, value: Any, fault: str | None) -> None:
    """A keyword with a value of the wrong type is not looked at; numbers are compared as doubles, texts counted by code point."""
    assert LashSchema(schema=schema).fault(value) == fault


def test_a_schema_that_is_changed_is_asked_anew() -> None:
    """What a schema says when a value is checked counts, at whichever depth it was changed, and not what it said before."""
    schema = LashSchema(schema={"type": "object", "properties": {"days": {"type": "integer"}}, "required": []})
    given: Any = schema.schema
    assert schema.fault({"days": 1}) is None

    given["properties"]["days"]["maximum"] = 0
    given["required"].append("city")

    assert schema.fault({"city": "Oslo", "days": 1}) == "days: expected integer <= 0, got 1"
    assert schema.fault({"days": 0}) == "city: required property missing"
    del given["required"]
    assert schema.fault({"days": 0}) is None


def test_a_schema_that_is_changed_is_asked_by_two_threads() -> None:
    """Whoever finds out that it was changed while the other one makes its check anew makes it, too."""
    copying, told = Event(), Event()
    answers: list[str | None] = []
    other = Thread(target=lambda: answers.append(schema.fault({"days": 1})))

    class Properties(dict[str, Any]):
        """While the first thread compares, the other one begins to copy, and goes on when the first one is done."""

        def __eq__(self, value: object) -> bool:
            if current_thread() is not other and not copying.is_set():
                other.start()
                copying.wait()
            return super().__eq__(value)

        def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
            if current_thread() is other:
                copying.set()
                told.wait()
            return Properties(deepcopy(dict(self), memo))

        __hash__ = None

    given: dict[str, Any] = {"properties": {"days": {"type": "string"}}}
    schema = LashSchema(schema=given)
    assert schema.fault({}) is None
    given["properties"] = Properties(days={"type": "integer"})
    try:
        answers.append(schema.fault({"days": 1}))
    finally:
        told.set()
    other.join()

    assert answers == [None, None]


@given(value=free_values())
def test_every_place_can_be_pointed_at(value: Any) -> None:
    """The pointer made of the keys on the way leads to what stands there; one step further there is nothing."""
    for pointer, item in _places("", value):
        assert pointed_at(value, pointer) is item
        if not isinstance(item, dict):
            assert pointed_at(value, f"{pointer}/") is UNSET


@pytest.mark.parametrize("pointer", ["/-", "/+0", "/00", "/-1", "/ 0", "/٠", "/2", "/99999999999999999999999", "0"])
def test_what_is_no_index_points_nowhere(pointer: str) -> None:
    """Only plain ASCII numbers without leading zeros count items."""
    assert pointed_at(["a", "b"], pointer) is UNSET


def _places(pointer: str, value: Any) -> Iterator[tuple[str, Any]]:
    yield pointer, value
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in steps:
        yield from _places(f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}", item)
