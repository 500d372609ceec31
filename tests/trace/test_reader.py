"""Reading traces: every line is a record or an error, and nothing else is lost."""

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lash_nb.errors import CallerError, TraceReadError
from lash_nb.trace import Usage, read_trace
from tests.trace.lines import DATA, STATION, line, record

REAL: Final = [STATION, *sorted(DATA.glob("*.jsonl"))]


def whole_lines(data: bytes) -> list[bytes]:
    """The lines of a file that are not empty; a line ends at a line feed and nowhere else."""
    return [one for one in data.split(b"\n") if one.strip()]


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_real_traces_read_whole(path: Path) -> None:
    """Every line of a trace that lash wrote is a record, with the members that are in the file."""
    trace = read_trace(path)

    assert trace.errors == ()
    assert trace.unknown == 0
    assert list(trace) == [json.loads(one) for one in whole_lines(path.read_bytes())]


def test_the_index_tells_where_each_record_lies() -> None:
    """Offset and length of the index cut the record out of the file."""
    trace, data = read_trace(STATION), STATION.read_bytes()
    index = trace.index

    cut = [data[index.offset[row] : index.offset[row] + index.length[row]] for row in range(len(trace))]

    assert cut == whole_lines(data)
    assert list(index.line) == list(range(1, len(trace) + 1))


def test_one_record_is_read_by_its_number() -> None:
    """A record is had by number, from the end too, and several by a slice."""
    trace = read_trace(STATION)

    assert trace[0]["type"] == "turn_started"
    assert trace[-1]["type"] == "turn_completed"
    assert [body["type"] for body in trace[1:3]] == ["prompt_built", "llm_call_started"]
    with pytest.raises(IndexError):
        trace[len(trace)]


def test_separators_in_text_end_no_line() -> None:
    """U+2028, U+0085, a form feed escape and a carriage return escape stand inside one record."""
    text = "a\u2028b\u0085c\x0bd\x0ce\rf"
    trace = read_trace(line(record(1, "custom", name=text, payload={"t": text})))

    assert [(body["name"], body["payload"]["t"]) for body in trace] == [(text, text)]


def test_times_keep_their_nanoseconds() -> None:
    """Fractions of no, three and nine digits, and other offsets, are exact nanoseconds since the epoch."""
    stamps = ["2026-11-21T15:00:00+00:00", "2026-11-21T15:00:00.250Z", "2026-11-21T17:00:00.123456789+02:00"]
    trace = read_trace(b"".join(line({**record(0, "custom"), "timestamp": stamp}) for stamp in stamps))

    start = 1_795_273_200_000_000_000
    assert list(trace.index.time_ns) == [start, start + 250_000_000, start + 123_456_789]


BAD_LINES: Final[dict[str, tuple[bytes, str]]] = {
    "no JSON": (b"hello", "not JSON"),
    "a list": (b"[1]", "not an object but a list"),
    "null": (b"null", "not an object but null"),
    "no type": (b'{"timestamp":"2026-11-21T15:00:00Z"}', "the record has no 'type'"),
    "no time": (b'{"type":"custom"}', "the record has no 'timestamp'"),
    "a time that is none": (b'{"type":"custom","timestamp":"noon"}', "not an RFC 3339 time"),
    "a time that is a number": (b'{"type":"custom","timestamp":5}', "has a non-text 'timestamp'"),
    "a time beyond all columns": (b'{"type":"custom","timestamp":"9999-01-01T00:00:00Z"}', "outside the years"),
    "no UTF-8": (
        b'{"type":"custom","timestamp":"2026-11-21T15:00:00Z","x":"\xff"}',
        "not UTF-8: byte 0xff at column 58",
    ),
    "nesting without end": (b"[" * 100_000, "nested too deeply"),
    "two records": (b'{"type":"a","timestamp":"2026-11-21T15:00:00Z"}{}', "not JSON: trailing characters"),
    "half a record": (b'{"type":"a","timesta', "not JSON"),
    "a NUL": (b"\0", "not JSON"),
}


@pytest.mark.parametrize(("bad", "reason"), BAD_LINES.values(), ids=BAD_LINES)
def test_a_bad_line_is_reported_and_the_rest_is_read(bad: bytes, reason: str) -> None:
    """A bad line is a row with number, offset and reason; its neighbors are records."""
    good = line(record(1, "custom"))
    trace = read_trace(good + bad + b"\n" + good)

    assert len(trace) == 2
    assert [(error.line, error.offset, error.in_progress) for error in trace.errors] == [(2, len(good), False)]
    assert reason in trace.errors[0].reason
    assert list(trace.index.line) == [1, 3]


def test_a_gzip_file_is_called_by_its_name() -> None:
    """The first line of packed bytes says what they look like."""
    trace = read_trace(gzip.compress(b"x" * 50))

    assert "gzip" in trace.errors[0].reason


def test_empty_lines_are_no_errors() -> None:
    """Empty lines, and line ends of another system, are passed over; line numbers count them."""
    good = line(record(1, "custom"))
    trace = read_trace(b"\n" + good + b"  \r\n" + good[:-1] + b"\r\n")

    assert (len(trace), trace.errors) == (2, ())
    assert list(trace.index.line) == [2, 4]


def test_an_unfinished_last_line_is_in_progress() -> None:
    """A last line that is cut off is said to be unfinished; it is no loss to the rest."""
    good = line(record(1, "custom"))
    trace = read_trace(good + good[:40])

    assert len(trace) == 1
    assert [(error.line, error.in_progress) for error in trace.errors] == [(2, True)]
    assert "still being written" in trace.errors[0].reason


def test_a_last_line_without_line_feed_is_a_record() -> None:
    """A whole record needs no line feed behind it."""
    trace = read_trace(line(record(1, "custom"))[:-1])

    assert (len(trace), trace.errors) == (1, ())


@pytest.mark.parametrize(
    "strange",
    [{"schema_version": 99}, {"type": "seen_never"}, {"schema_version": "two"}, {"context": [1]}, {"usage": 7}],
    ids=str,
)
def test_what_is_not_known_is_kept_and_counted(strange: dict[str, Any]) -> None:
    """A record of a later version, an unknown type or a strange shape is a record still, and what fits of it is indexed."""
    body = {**record(1, "tool_call_completed", call_id="c", name="t"), **strange}
    trace = read_trace(line(body))

    assert trace.errors == ()
    assert trace[0] == body
    assert trace.index.text("call_id")[0] == "c"
    assert trace.unknown == int("schema_version" in strange or "type" in strange)


def test_numbers_beyond_64_bits_are_no_error() -> None:
    """A number that no column can hold is empty in the index and exact in the record."""
    body = record(1, "custom", context={"turn_index": 2**63, "protocol_iteration": -(2**63) - 1}, duration_ms=2**64)
    trace = read_trace(line(body) + line(record(2, "custom")))

    assert (len(trace), trace.errors) == (2, ())
    assert trace[0]["context"]["turn_index"] == 2**63


def test_durations_and_tokens_that_cannot_be_are_empty() -> None:
    """What no clock and no counter can say (endless, beyond all years, no number) is empty in the index and stays in the record."""
    usage = {"input_tokens": [1], "output_tokens": 10**30, "cached_input_tokens": True, "reasoning_tokens": 7}
    text = line(record(1, "llm_call_completed", response={"duration_ms": 1e300}, usage=usage))
    trace = read_trace(text + text.replace(b"1e+300", b"1e999"))

    assert trace.errors == ()
    assert all(took != took for took in trace.index.duration_ms)  # noqa: PLR0124 - the shortest test for NaN
    assert trace.index.usages([0, 1]) == [Usage(output=7, reasoning=7, approximate=True)] * 2
    assert trace[0]["usage"] == usage


def test_numbers_beyond_all_floats_are_read() -> None:
    """JSON allows 1e999 and integers of any length; the record is had all the same."""
    text = line(record(1, "custom", payload="X"))
    trace = read_trace(text.replace(b'"X"', b"1e999") + text.replace(b'"X"', b"[1e999," + b"9" * 5000 + b"]"))

    assert [body["payload"] for body in trace] == [float("inf"), [float("inf")] * 2]


def test_a_line_longer_than_a_piece() -> None:
    """A record of several megabytes between small ones is one record."""
    small, large = line(record(1, "custom")), line(record(2, "custom", payload="x" * 3_000_000))
    trace = read_trace(small + large + small)

    assert [trace.index.length[row] for row in range(3)] == [len(small) - 1, len(large) - 1, len(small) - 1]
    assert len(trace[1]["payload"]) == 3_000_000


def test_records_may_come_as_values(tmp_path: Path) -> None:
    """Dicts, bytes and text of records, and files of them, are the same trace."""
    body = record(1, "custom", payload={"a": "b\nc"})
    pretty = json.dumps(body, indent=2)
    path = tmp_path / "a.jsonl"
    path.write_bytes(line(body))

    for source in ([body], [pretty], [pretty.encode()], line(body), path, str(path), [path], iter([str(path)])):
        assert list(read_trace(source)) == [body]


def test_several_files_are_one_trace(tmp_path: Path) -> None:
    """Records of several files stand in the order of the files; an error says which file."""
    paths = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for number, path in enumerate(paths):
        path.write_bytes(line(record(number, "custom", name=path.name)) + b"bad\n")

    trace = read_trace(paths)

    assert trace.name == "a.jsonl and 1 more"
    assert [body["name"] for body in trace] == ["a.jsonl", "b.jsonl"]
    assert trace[1]["name"] == "b.jsonl"
    assert [(error.source, error.line) for error in trace.errors] == [("a.jsonl", 2), ("b.jsonl", 2)]


def test_an_empty_trace_says_so(tmp_path: Path) -> None:
    """An empty file is a trace without records, and its representation says that nothing was written yet."""
    path = tmp_path / "new.jsonl"
    path.touch()
    trace = read_trace(path)

    assert (len(trace), trace.errors, list(trace), trace.turns, trace.sessions) == (0, (), [], (), ())
    assert repr(trace) == "<Trace new.jsonl: empty, nothing has been written to it yet>"


@pytest.mark.parametrize("where", ["missing.jsonl", "."])
def test_what_cannot_be_opened_is_one_line(where: str, tmp_path: Path) -> None:
    """A missing file and a directory are one-line errors that name the path and say what to do."""
    with pytest.raises(TraceReadError) as caught:
        read_trace(tmp_path / where)

    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.code == "trace_read"


@pytest.mark.parametrize("stream", ["/dev/zero", "pipe"])
def test_what_never_ends_is_not_begun(stream: str, tmp_path: Path) -> None:
    """A pipe that nobody writes to and a device without end are refused at once."""
    path = tmp_path / stream
    if not path.exists():
        os.mkfifo(path)

    with pytest.raises(TraceReadError, match="a pipe or a device"):
        read_trace(path)


def test_a_byte_order_mark_is_no_part_of_the_first_record() -> None:
    """A file that an editor has marked as UTF-8 has all its records, and their offsets count the mark."""
    trace = read_trace(b"\xef\xbb\xbf" + line(record(1, "custom")) + line(record(2, "custom")))

    assert (len(trace), trace.errors) == (2, ())
    assert [next(iter(trace))["id"], trace.index.offset[0], trace.index.line[0]] == ["r1", 3, 1]


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    """A trace that nobody may read."""
    path = tmp_path / "locked.jsonl"
    path.touch(mode=0o000)
    return path


@pytest.fixture
def nobody(locked: Path) -> Iterator[None]:
    """Act as a user without rights, who for root is somebody else."""
    assert locked.exists()
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    yield
    os.seteuid(before)


@pytest.mark.usefixtures("nobody")
def test_a_file_that_may_not_be_read(locked: Path) -> None:
    """A file without permission is a one-line error that says what to do."""
    with pytest.raises(TraceReadError, match="not permitted; change its mode"):
        read_trace(locked)


def test_a_file_that_was_replaced_is_noticed(tmp_path: Path) -> None:
    """A body that is no longer where the index says is an error that says to read again, not another record."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(line(record(1, "custom")) * 3)
    trace = read_trace(path)
    path.write_bytes(b"short\n")

    with pytest.raises(TraceReadError, match="Read it again"):
        trace[2]


def test_one_record_alone_is_refused() -> None:
    """A single record is no trace; the message says how to make one."""
    with pytest.raises(CallerError, match="wrap one record in a list"):
        read_trace(record(1, "custom"))


@given(st.binary(max_size=300))
def test_no_bytes_are_refused(data: bytes) -> None:
    """Whatever the bytes are, reading them gives a trace, and every line is a record, an error or empty."""
    trace = read_trace(data)

    assert len(trace) + len(trace.errors) == len(whole_lines(data))


JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=8), values, max_size=3),
    max_leaves=8,
)
MEMBERS: Final = st.sampled_from(
    [
        "schema_version",
        "context",
        "name",
        "call_id",
        "usage",
        "request",
        "response",
        "output",
        "event",
        "duration_ms",
        "x",
    ]
)
STRANGE: Final = st.dictionaries(MEMBERS, JSON, max_size=5).map(lambda members: {**record(1, "custom"), **members})
LINES: Final = st.one_of(STRANGE.map(line), st.sampled_from([b"\n", b"{\n", b"[]\n", b"\xff\n", b'{"type":"a"}\n']))


@given(st.lists(LINES, max_size=12))
@example([line(record(1, "custom", name="\u2028\u0085"))])
def test_records_of_any_shape_are_kept(lines: list[bytes]) -> None:
    """A line that is an object with type and time is a record, whatever else is in it; the others are errors, each with its line."""
    trace = read_trace(b"".join(lines))
    numbers = [number for number, one in enumerate(lines, 1) if one.strip()]

    assert sorted([*trace.index.line, *(error.line for error in trace.errors)]) == numbers
    assert list(trace) == [json.loads(one) for one in lines if b'"timestamp"' in one]


@given(st.lists(LINES, max_size=6), st.integers(min_value=0))
def test_any_beginning_of_a_file_can_be_read(lines: list[bytes], cut: int) -> None:
    """A file that is still being written is read at any moment: the records that are whole are those of the whole file."""
    data = b"".join(lines)
    part = data[: cut % (len(data) + 1)]
    whole = part[: part.rfind(b"\n") + 1]

    assert list(read_trace(part))[: len(read_trace(whole))] == list(read_trace(whole))
    assert all(error.in_progress for error in read_trace(part).errors[len(read_trace(whole).errors) :])
