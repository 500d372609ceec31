"""What is no JSON, or no text of JSON: refused with its place and its type, whatever the encoder below would make of it."""

import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import uuid
from collections import OrderedDict, deque, namedtuple
from collections.abc import Callable
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given

from lash_nb.errors import WireError
from lash_nb.wire import (
    Json,
    Message,
    Octets,
    Part,
    RuntimeScope,
    ToolSuccess,
    ToolValue,
    from_builtins,
    from_json,
    stable_hash,
    to_json,
)
from tests.wire.documents import free_values


@dataclasses.dataclass
class Ticket:
    """A record of somebody else's."""

    number: int = 1


class Stamp(msgspec.Struct):
    """Another one, which the encoder knows."""

    number: int = 1


class Color(enum.Enum):
    """Words of somebody else's."""

    RED = "red"


class Level(enum.IntEnum):
    """Numbers of somebody else's."""

    LOW = 1


FOREIGN: Final = [
    dt.datetime(2026, 1, 2, tzinfo=dt.UTC),
    dt.date(2026, 1, 2),
    dt.time(1, 2),
    dt.timedelta(seconds=1),
    decimal.Decimal("NaN"),
    decimal.Decimal("1.50"),
    fractions.Fraction(1, 2),
    uuid.UUID(int=1),
    b"bytes",
    bytearray(b"bytes"),
    memoryview(b"bytes"),
    {1, 2},
    frozenset({"a"}),
    deque([1]),
    range(2),
    msgspec.Raw(b"no json"),
    msgspec.Raw(b"1"),
    Color.RED,
    Level.LOW,
    Ticket(),
    Stamp(),
    1j,
    ...,
    int,
    float("nan"),
    -float("inf"),
    2**64,
    -(2**63) - 1,
    "\ud800",
]
FOREIGN_NAMES: Final = [type(value).__name__ for value in FOREIGN]
HOLDERS: Final[list[tuple[Callable[[Any], Any], str]]] = [
    (lambda value: value, "$"),
    (lambda value: {"a": [None, {"b c": value}]}, "$.a[1].b c"),
    (lambda value: ({"a": 1, "z": (value, 2)},), "$[0].z[0]"),
    (lambda value: ToolSuccess(payload=ToolValue({"rows": [0, value]})), "$.payload.rows[1]"),
    (lambda value: RuntimeScope(session_id="s", turn_id=value), "$.turn_id"),
]


@pytest.mark.parametrize("value", FOREIGN, ids=FOREIGN_NAMES)
@pytest.mark.parametrize(("holder", "path"), HOLDERS, ids=[path for _, path in HOLDERS])
def test_only_json_is_written(value: Any, holder: Callable[[Any], Any], path: str) -> None:
    """What has no one form in JSON is refused by place and type, in free values as in records, and so it has no hash."""
    for write in (to_json, stable_hash):
        with pytest.raises(WireError) as caught:
            write(holder(value))

        assert caught.value.code == "wire_encode"
        assert caught.value.path == path
        assert type(value).__name__ in caught.value.message
        assert f"`{path}`" in caught.value.message


@pytest.mark.parametrize("value", FOREIGN, ids=FOREIGN_NAMES)
def test_only_json_is_read_from_parsed_documents(value: Any) -> None:
    """A parsed document is checked like text: nothing is read that could not be written."""
    for kind in (Json, ToolValue):
        with pytest.raises(WireError) as caught:
            from_builtins({"a": [value]}, kind)

        assert caught.value.code == "wire_decode"
        assert caught.value.path == "$.a[0]"
        assert type(value).__name__ in caught.value.message


@pytest.mark.parametrize("key", [1, None, True, 1.5, (1, 2), b"a", dt.date(2026, 1, 2), "\udfff"])
def test_keys_are_texts(key: Any) -> None:
    """An object with another key is refused, and its place named."""
    with pytest.raises(WireError) as caught:
        to_json([{"a": {key: 1}}])

    assert caught.value.code == "wire_encode"
    assert caught.value.path == "$[0].a"
    assert f"a key of type {type(key).__name__}" in caught.value.message


def test_a_place_that_is_not_set_is_no_json() -> None:
    """Only a field of a record may be left out like this."""
    with pytest.raises(WireError) as caught:
        to_json(ToolValue([{"a": msgspec.UNSET}]))
    assert caught.value.path == "$[0].a"


def test_what_is_json_by_another_name_is_written() -> None:
    """Tuples are arrays, ordered dicts are objects, bytes of the wire are numbers: each has one form."""
    pair = namedtuple("pair", ["a", "b"])  # noqa: PYI024 - what a user of the library may hold
    value = {"z": (1, [2]), "o": OrderedDict(b=1, a=pair(1, True)), "b": Octets(b"\0")}

    assert to_json(value) == b'{"b":[0],"o":{"a":[1,true],"b":1},"z":[1,[2]]}'


def test_what_holds_itself_is_refused() -> None:
    """A list without an end, and one of more levels than the interpreter follows, are errors like the others."""
    endless: list[Any] = []
    endless.append(endless)
    deep: list[Any] = []
    for _ in range(1_000_000):
        deep = [deep]
    for value in (endless, {"a": endless}, ToolValue(endless), deep):
        with pytest.raises(WireError, match="nests too deep") as caught:
            to_json(value)
        assert caught.value.code == "wire_encode"


@given(value=free_values())
def test_text_may_come_in_any_holder_of_bytes(value: Json) -> None:
    """A document is read alike from bytes, a bytearray, a memoryview and text."""
    written = to_json(value)
    for text in (written, bytearray(written), memoryview(written), memoryview(written + b" ")[:-1], written.decode()):
        assert to_json(from_json(text)) == written
    loose = b" " + written + b"\n"
    for text in (loose, bytearray(loose), memoryview(loose), loose.decode()):
        assert to_json(from_json(text)) == written


def test_records_are_read_from_a_part_of_a_buffer() -> None:
    """A line of a larger buffer need not be copied out of it first, nor stand in one piece."""
    text = b'x{"session_id":"s","future":1}x'
    assert from_json(memoryview(text)[1:-1], RuntimeScope) == RuntimeScope(session_id="s")
    apart = memoryview(b"".join(bytes([byte, 0]) for byte in text[1:-1]))[::2]
    assert from_json(apart, RuntimeScope) == RuntimeScope(session_id="s")


@pytest.mark.parametrize("kind", [Json, RuntimeScope])
@pytest.mark.parametrize("data", [None, 5, 1.5, True, [b"1"], {"session_id": "s"}, object(), msgspec.Raw(b"1")])
def test_what_is_no_text_is_refused(data: Any, kind: Any) -> None:
    """The error says what was given, and a dict belongs to `from_builtins`."""
    with pytest.raises(WireError) as caught:
        from_json(data, kind)

    assert caught.value.code == "wire_decode"
    assert f"got {type(data).__name__}" in caught.value.message
    assert "from_builtins" in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        '{"id":"m","role":"LARGE","parts":[]}',
        '{"id":"m","role":"User","parts":[],"LARGE":{"a":1}} x',
        '{"id":"m","role":"User","parts":[{"LARGE":"\\ud800","id":{"LARGE":1e999}}]}',
    ],
)
def test_messages_stay_short(text: str) -> None:
    """However large the faulty part is, it is not in the message as a whole."""
    for kind in (Message, Json):
        with pytest.raises(WireError) as caught:
            from_json(text.replace("LARGE", "a" * 100_000) + "," * (kind is Json), kind)
        assert len(caught.value.message) < 600
    with pytest.raises(WireError) as caught:
        to_json(Part(id="p", kind="Text", content={"a" * 100_000: 1j}, prune_state="Intact"))  # type: ignore[arg-type]  # on purpose
    assert len(caught.value.message) < 600
