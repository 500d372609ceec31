"""Laws of reading and writing, on documents of every large type."""

import json
from types import UnionType
from typing import Any, Final, Literal, Union, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lash_nb import wire
from lash_nb.errors import WireError
from lash_nb.wire import Json, PreparedProcessEventAppend, from_builtins, from_json, to_builtins, to_json
from lash_nb.wire._base import Flat
from tests.wire.documents import documents, free_values

EXAMPLES: Final = 3
"""For each of hundreds of types."""
NO_DOCUMENTS: Final = (
    wire.Wire,
    wire.External,
    wire.TwoWay,
    wire.Octets,
    wire.Shareable,
    PreparedProcessEventAppend,
)
"""What is public and no type of a document: what types are made of, and what is only written."""


def _is_read(kind: Any) -> bool:
    """Tell whether documents of this public name exist: it is a record or tool value, or stands for a union of such or for a few texts."""
    if kind in NO_DOCUMENTS:
        return False
    if isinstance(kind, type):
        return issubclass(kind, wire.Wire | wire.ToolValue)
    return get_origin(kind) in (Literal, Union, UnionType, tuple)


KINDS: Final = {name: kind for name in wire.__all__ if _is_read(kind := getattr(wire, name))} | {"Json": Json}

RECORDS: Final = [name for name, kind in KINDS.items() if isinstance(kind, type) and issubclass(kind, wire.Wire)]


def _given(data: st.DataObject, name: str) -> Any:
    """Draw a value of a kind; of a flat record, whose document is not its fields, the last field is joined to the others."""
    document = data.draw(documents(KINDS[name]))
    if isinstance(KINDS[name], type) and issubclass(KINDS[name], Flat):
        document |= document.pop(KINDS[name].__struct_fields__[-1])
    return from_builtins(document, KINDS[name])


def test_there_is_a_law_for_every_type() -> None:
    """No public type is forgotten: what is left out are functions, constants, and what has no documents."""
    left_out = {name for name in wire.__all__ if name not in KINDS and not name.islower()}
    assert left_out == {
        "AttachmentId",
        "BlobRef",
        "External",
        "LONGEST_PICTURE_SIDE",
        "MOST_PICTURE_BYTES",
        "Octets",
        "PreparedProcessEventAppend",
        "ProcessScopeId",
        "ResumeSafety",
        "Shareable",
        "SharedMap",
        "SharedSequence",
        "StoreBytes",
        "TRACE_SCHEMA_VERSION",
        "TupleLike",
        "TwoWay",
        "Wire",
    }


@pytest.mark.parametrize("name", KINDS)
@given(data=st.data())
@settings(max_examples=EXAMPLES)
def test_what_is_written_is_read_back(name: str, data: st.DataObject) -> None:
    """Decoding undoes encoding, from text and from dicts and lists."""
    value = _given(data, name)
    assert from_json(to_json(value), KINDS[name]) == value
    assert from_builtins(to_builtins(value), KINDS[name]) == value


@pytest.mark.parametrize("name", KINDS)
@given(data=st.data())
@settings(max_examples=EXAMPLES)
def test_canonical_form_does_not_depend_on_how_it_was_written(name: str, data: st.DataObject) -> None:
    """White space, escapes and the order of keys change nothing; writing twice gives the same bytes."""
    value = _given(data, name)
    written = to_json(value)
    shuffled = _shuffled(json.loads(written), data.draw(st.randoms(use_true_random=False)))
    indent = data.draw(st.sampled_from([None, 1]))
    again = from_json(json.dumps(shuffled, indent=indent, ensure_ascii=data.draw(st.booleans())), KINDS[name])
    assert to_json(again) == written


@pytest.mark.parametrize("name", RECORDS)
@given(data=st.data())
@settings(max_examples=EXAMPLES)
def test_an_unknown_field_is_ignored_or_refused(name: str, data: st.DataObject) -> None:
    """A field that no record knows changes nothing, however often it is given; strict records and unions by key refuse it."""
    value = _given(data, name)
    unknown = ",".join(f'"unknown key":{to_json(data.draw(free_values())).decode()}' for _ in range(2))
    written = to_json(value).decode()
    text = f"{{{unknown}{'' if written == '{}' else ','}{written[1:]}"
    if not KINDS[name].__struct_config__.forbid_unknown_fields:
        assert from_json(text, KINDS[name]) == value
        return
    with pytest.raises(WireError):
        from_json(text, KINDS[name])


def _shuffled(value: Any, random: Any) -> Any:
    if isinstance(value, list):
        return [_shuffled(item, random) for item in value]
    if isinstance(value, dict):
        keys = random.sample(list(value), len(value))
        return {key: _shuffled(value[key], random) for key in keys}
    return value


@given(value=free_values())
def test_free_values_are_json_with_sorted_keys(value: Any) -> None:
    """A free value is written as Python's own encoder would, but for floats; keys are sorted by code point."""
    assert json.loads(to_json(value)) == json.loads(json.dumps(value))
    assert [*_keys(json.loads(to_json(value)))] == [*_keys(json.loads(json.dumps(value, sort_keys=True)))]


def _keys(value: Any) -> Any:
    if isinstance(value, dict):
        yield list(value)
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _keys(item)


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_floats_keep_every_bit(value: float) -> None:
    """A float is written with digits that give the same float, and in the layout of the reference."""
    written = to_json(value).decode()
    assert float(written).hex() == value.hex()
    assert written == _reference_layout(value)


def _reference_layout(value: float) -> str:
    """Lay a float out as the reference does (effect wire format §1.4), from Python's own shortest digits."""
    digits, _, exponent = repr(value).partition("e")
    if not exponent:
        return digits
    if int(exponent) == -5:
        sign = "-" if digits.startswith("-") else ""
        return f"{sign}0.0000{digits.lstrip('-').replace('.', '')}"
    return f"{digits}e{'+' if int(exponent) > 0 else '-'}{abs(int(exponent))}"
