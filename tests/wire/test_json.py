"""Canonical JSON: what is written, what is refused, and what the errors say."""

import hashlib

import pytest

from lash_nb.errors import WireError
from lash_nb.wire import (
    ExecImage,
    Json,
    Message,
    Octets,
    Part,
    PluginMeta,
    PluginSessionSnapshot,
    PluginSnapshot,
    RuntimeScope,
    TokenUsage,
    from_builtins,
    from_json,
    pretty_json,
    stable_hash,
    to_json,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (100000.0, "100000.0"),
        (0.00001, "0.00001"),
        (0.000001, "1e-6"),
        (1234567890123456.8, "1234567890123456.8"),
        (1e16, "1e+16"),
        (-1.5e300, "-1.5e+300"),
        (5e-324, "5e-324"),
    ],
)
def test_floats_have_the_layout_of_the_reference(value: float, text: str) -> None:
    """Large exponents carry a sign, small ones no padding, and whole numbers keep their `.0`."""
    assert to_json(value).decode() == text
    assert to_json({"a": [value, value]}).decode() == f'{{"a":[{text},{text}]}}'


@pytest.mark.parametrize("text", ["1e16", "[1e16,", 'x":1.5e300}', '\\"1e100,', "1e+16"])
def test_text_that_looks_like_a_float_stays_text(text: str) -> None:
    """Only numbers get a sign into their exponent, beside a number too."""
    assert from_json(to_json([text, 1e16])) == [text, 1e16]


def test_keys_are_sorted_by_code_point() -> None:
    """Free values and maps have sorted keys at every depth, records the order of their fields."""
    snapshot = PluginSnapshot(meta=PluginMeta(plugin_id="p", plugin_version="1"))
    assert to_json(PluginSessionSnapshot(plugins={"b": snapshot, "a": snapshot})).startswith(b'{"plugins":{"a":')
    assert to_json({"b": {"😀": 1, "￿": 2, "": 3}, "Z": 4}).decode() == '{"Z":4,"b":{"":3,"￿":2,"😀":1}}'
    assert to_json(RuntimeScope(turn_id="t", session_id="s")).decode() == '{"session_id":"s","turn_id":"t"}'


def test_integers_whose_bytes_look_like_a_nan_are_integers() -> None:
    """An integer that shares its bytes with the mark of a NaN is written as it is."""
    value = [None, 0xCB7FF80000000000]
    assert from_json(to_json(value)) == value


def test_bytes_travel_as_numbers() -> None:
    """Bytes are a list of integers, left out where they are the default, whoever made the empty bytes."""
    assert to_json(Octets(b"\x00\xff")) == b"[0,255]"
    assert from_json(b"[0,255]", Octets) == b"\x00\xff"
    assert to_json(ExecImage(mime="image/png", label="", data=Octets(b""))) == b'{"mime":"image/png","label":""}'


@pytest.mark.parametrize("text", ["[256]", "[-1]", "[true]", '["a"]', "[1.0]", '"AAEC"', "null"])
def test_byte_lists_hold_bytes_only(text: str) -> None:
    """Anything but integers from 0 to 255 is no byte."""
    with pytest.raises(WireError):
        from_json(text, Octets)


def test_error_names_the_place() -> None:
    """A document that does not fit names the type and the path, and carries the path as a field."""
    with pytest.raises(WireError) as caught:
        from_json('{"id":"m","role":"User","parts":[{"id":1}]}', Message)
    assert caught.value.path == "$.parts[0].id"
    assert "not a valid Message" in caught.value.message
    assert caught.value.code == "wire_decode"


@pytest.mark.parametrize(
    "text", ["", "{", "[1,]", "nul", "'a'", '"\\ud800"', '"\x01"', "\ufeff1", "01", "NaN", "1 2", "1e400"]
)
def test_broken_text_is_refused(text: str) -> None:
    """What is not JSON is an error, also where reading stopped before the broken place."""
    for kind in (Json, RuntimeScope):
        with pytest.raises(WireError):
            from_json(text, kind)


def test_text_with_a_lone_surrogate_is_refused() -> None:
    """A Python string that is no Unicode text is refused like broken bytes."""
    with pytest.raises(WireError):
        from_json('"\ud800"')


def test_stable_hash_is_the_hash_of_the_canonical_form() -> None:
    """The hash is SHA-256 of the bytes that are written."""
    scope = RuntimeScope(session_id="s1")
    assert stable_hash(scope) == hashlib.sha256(b'{"session_id":"s1"}').hexdigest()


def test_pretty_form_is_the_same_document() -> None:
    """People see the canonical form with indentation."""
    usage = TokenUsage(input_tokens=1, output_tokens=2, cached_input_tokens=3)
    assert pretty_json(usage).splitlines()[1] == '  "input_tokens": 1,'
    assert from_json(pretty_json(usage), TokenUsage) == usage


def test_unknown_fields_are_ignored() -> None:
    """A later version may write more; it is not kept."""
    assert from_builtins({"session_id": "s", "future": [1]}, RuntimeScope) == RuntimeScope(session_id="s")


def test_records_are_frozen_values() -> None:
    """Equal content is an equal record, and no field can be set."""
    part = Part(id="m.p0", kind="Text", content="a", prune_state="Intact")
    again: Part = from_json(to_json(part), Part)
    assert again == part
    with pytest.raises(AttributeError):
        setattr(part, "content", "b")  # noqa: B010 - mypy would refuse the plain assignment
