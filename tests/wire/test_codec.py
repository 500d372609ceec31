"""Laws of the codec: numbers bit by bit, texts however they are escaped, keys given twice, depth."""

import json
import math
import struct
from typing import Any, Final

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lash_nb.errors import WireError
from lash_nb.wire import Json, RuntimeInvocation, ToolValue, from_builtins, from_json, to_json
from tests.wire.documents import documents, free_values

DIGITS: Final = st.text("0123456789", min_size=1, max_size=25)
INTEGERS: Final = st.just("0") | st.builds(lambda first, rest: first + rest, st.sampled_from("123456789"), DIGITS)
TOKENS: Final = st.builds(
    lambda *parts: "".join(parts),
    st.sampled_from(["", "-"]),
    INTEGERS,
    st.just("") | DIGITS.map(lambda digits: f".{digits}"),
    st.just("")
    | st.builds(lambda mark, power: f"{mark}{power}", st.sampled_from(["e", "E", "e+"]), st.integers(0, 280)),
)
LARGE_END: Final = 1.797e308


def spelled(text: str) -> str:
    """Return a text as JSON in which every character is an escape."""
    units = text.encode("utf-16-be")
    return '"' + "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2)) + '"'


@given(bits=st.integers(0, 2**64 - 1))
def test_every_finite_double_keeps_its_bits(bits: int) -> None:
    """A double of any bit pattern is written, by Python's own digits, and read back bit by bit; the others are refused."""
    packed = struct.pack(">Q", bits)
    [value] = struct.unpack(">d", packed)
    if not math.isfinite(value):
        with pytest.raises(WireError):
            to_json([None, {"a": value}])
        return
    written = to_json(value)
    assert struct.pack(">d", from_json(written)) == packed
    assert float(written) == float(repr(value))
    assert from_json(written.replace(b"e+", b"E") + b" ") == value


@given(number=TOKENS)
def test_any_number_is_rounded_correctly(number: str) -> None:
    """A number is the integer that it spells, where 64 bits hold it and it is not -0, and else the nearest double."""
    value = from_json(number)
    is_integer = number.lstrip("-").isdigit() and number != "-0" and -(2**63) <= int(number) < 2**64
    assert type(value) is (int if is_integer else float)
    assert value == (int(number) if is_integer else float(number))
    assert math.copysign(1, value) == math.copysign(1, float(number))
    assert from_json(to_json(value)) == value


@given(steps=st.integers(0, 10**6))
def test_largest_doubles_are_read_as_they_are_written(steps: int) -> None:
    """What is written of the largest doubles does not overflow in the reference's own way of reading."""
    value = 1.7976931348623157e308 - steps * 2.0**971
    assert from_json(to_json(value)) == value
    assert from_json(to_json([-value, {"b": 0, "a": 1}]).replace(b",", b" , ")) == [-value, {"a": 1, "b": 0}]


@pytest.mark.parametrize(
    "token",
    [
        "1.7976931348623158e308",
        "-1.7976931348623159e+308",
        "1.797693134862315807e308",
        "1797693134862315807e290",
        "17976931348623157" + "0" * 292,
        "1.797693134862315708145274237317e308",
        "0.5e309",
        "1e99999999999",
        "1e" + "9" * 5000,
    ],
)
def test_what_overflows_in_the_reference_is_refused(token: str) -> None:
    """Near the end of the range some numbers overflow on the reference's way, also some that a double can hold."""
    for text in (token, f'{{"a":[{token}]}}'):
        with pytest.raises(WireError):
            from_json(text)


@pytest.mark.parametrize(
    ("token", "value"),
    [
        ("1.79769313486231580e308", 1.7976931348623157e308),
        ("-1.79769313486231590e308", -1.7976931348623157e308),
        ("0.00017976931348623157e312", 1.7976931348623157e308),
        ("1e0000000000000308", 1e308),
        ("0.1e309", 1e308),
        ("0e" + "9" * 5000, 0.0),
        ("0." + "0" * 400 + "1e401", 1.0),
        ("1e-99999999999", 0.0),
        ("1" + "0" * 5000 + "e-5000", 1.0),
    ],
)
def test_what_the_reference_accepts_is_the_nearest_double(token: str, value: float) -> None:
    """Numbers that it reads although they are too large, or look so, are the nearest finite double."""
    assert from_json(token) == value
    assert from_json(f'{{"b":{token},"a":0}}') == {"a": 0, "b": value}


@given(text=st.text())
def test_a_text_is_the_same_however_it_is_escaped(text: str) -> None:
    """Texts are written as Python writes them, raw where they may be, and read back from any spelling."""
    assert to_json({text: text}).decode() == json.dumps({text: text}, ensure_ascii=False, separators=(",", ":"))
    assert from_json(spelled(text)) == from_json(json.dumps(text)) == from_json(to_json(text)) == text


@given(before=st.text(max_size=3), after=st.text(max_size=3), unit=st.integers(0xD800, 0xDFFF))
def test_half_a_character_is_refused(before: str, after: str, unit: int) -> None:
    """A surrogate without its other half is no text, neither read nor written."""
    broken = f"{spelled(before)[:-1]}\\u{unit:04x}x{spelled(after)[1:]}"
    for document in (broken, f"[{broken}]", f"{{{broken}:1}}"):
        with pytest.raises(WireError):
            from_json(document)
    with pytest.raises(WireError):
        to_json({"a": before + chr(unit) + after})


@given(code=st.integers(0, 0x1F), text=st.text(max_size=3))
def test_raw_control_characters_are_refused(code: int, text: str) -> None:
    """A control character inside a text must be an escape, which is how it is written."""
    with pytest.raises(WireError):
        from_json(f'"{chr(code)}"')
    assert from_json(to_json(text + chr(code))) == text + chr(code)


@given(value=free_values(), key=st.text(max_size=3), replaced=free_values())
def test_last_of_equal_keys_wins_in_free_values(value: Any, key: str, replaced: Any) -> None:
    """Free values and tool values keep the last of equal keys, spelled as they may be."""
    assume("$lash_tool_value" not in str(value))
    first, last = to_json(replaced).decode(), to_json(value).decode()
    for name in (spelled(key), json.dumps(key, ensure_ascii=False)):
        text = f"{{{json.dumps(key)}:{first},{name}:{last}}}"
        assert from_json(text) == from_json(f"{{{name}:{last}}}")
        assert to_json(from_json(text, ToolValue)) == to_json({key: value})


@given(document=documents(RuntimeInvocation), data=st.data())
def test_known_key_may_be_given_once(document: Json, data: st.DataObject) -> None:
    """Whichever key of a typed record is repeated, at whatever depth and however spelled, the document is refused."""
    text = to_json(from_builtins(document, RuntimeInvocation)).decode()
    places = [at for at in range(len(text)) if text.startswith('{"', at) and _is_object(text, at)]
    at = data.draw(st.sampled_from(places))
    key, end = json.JSONDecoder().raw_decode(text, at + 1)
    value, _ = json.JSONDecoder().raw_decode(text, end + 1)
    for name in (json.dumps(key), spelled(key)):
        repeated = f"{text[: at + 1]}{name}:{json.dumps(value)},{text[at + 1 :]}"
        with pytest.raises(WireError, match=r"given twice"):
            from_json(repeated, RuntimeInvocation)


def _is_object(text: str, at: int) -> bool:
    """Tell whether the brace at `at` opens an object, and is no part of a text."""
    return text[:at].replace("\\\\", "").replace('\\"', "").count('"') % 2 == 0


@given(kinds=st.lists(st.booleans(), min_size=120, max_size=135), leaf=free_values())
def test_depth_is_what_counts(kinds: list[bool], leaf: Any) -> None:
    """Arrays and objects nest 127 deep, in any order, whatever stands inside; one more is refused."""
    opening = "".join("[" if is_array else '{"[":' for is_array in kinds)
    closing = "".join("]" if is_array else "}" for is_array in reversed(kinds))
    text = f"{opening}{to_json(leaf).decode()}{closing}"
    if len(kinds) + _depth(leaf) <= 127:
        assert to_json(from_json(text)).decode() == text
    else:
        with pytest.raises(WireError, match="deep"):
            from_json(text)


def _depth(value: Any) -> int:
    if not isinstance(value, list | dict):
        return 0
    return 1 + max(map(_depth, value.values() if isinstance(value, dict) else value), default=0)


@given(value=free_values(), gap=st.sampled_from(["", " ", "\n", "\r\n\t"]))
def test_canonical_form_is_a_fixed_point(value: Any, gap: str) -> None:
    """Reading and writing again changes nothing, whatever white space and order of keys there was before."""
    canonical = to_json(value)
    loose = json.dumps(
        dict(reversed(value.items())) if isinstance(value, dict) else value, separators=(f"{gap},", f":{gap}")
    )
    assert to_json(from_json(canonical)) == canonical
    assert to_json(from_json(f"{gap}{loose}{gap}")) == canonical


@pytest.mark.parametrize(
    "text", ["\ufeff1", "1 2", "1,", "[1]]", "1\x0c", "\xa01", "[1]\x00", "{}{}", "", " ", "//\n1"]
)
def test_nothing_but_white_space_may_stand_around(text: str) -> None:
    """A byte order mark, a second value, or anything else around the document is refused."""
    with pytest.raises(WireError):
        from_json(text)
