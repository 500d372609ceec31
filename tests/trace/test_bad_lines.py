"""Lines that are no records: each is told of, and nothing else is lost."""

import gzip
import tracemalloc
from codecs import BOM_UTF8
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lash_nb.trace import read_trace
from lash_nb.trace._bad_lines import KEPT_ERRORS
from lash_nb.trace._encoding import ends_and_encoding, is_utf8
from lash_nb.trace._scan import LONGEST_LINE
from tests.trace.lines import line, record, whole_lines

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
    "a time before all columns": (b'{"type":"custom","timestamp":"1600-01-01T00:00:00Z"}', "outside the years"),
    "no UTF-8 in a name": (
        b'{"type":"custom","timestamp":"2026-11-21T15:00:00Z","name":"\xc3"}',
        "not UTF-8: byte 0xc3 at column 61",
    ),
    "an endless type": (
        b'{"type":"%s","timestamp":"2026-11-21T15:00:00Z"}' % (b"a" * 2_001),
        "'type' is longer than 2,000 characters",
    ),
    "one sign": (b"x", "not JSON"),
    "one digit": (b"7", "not an object but a number"),
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


@example(BOM_UTF8)
@given(st.binary(max_size=300))
def test_no_bytes_are_refused(data: bytes) -> None:
    """Whatever the bytes are, reading them gives a trace, and every line is a record, an error or empty; a mark before the first is none."""
    trace = read_trace(data)

    assert len(trace) + len(trace.errors) == len(whole_lines(data.removeprefix(BOM_UTF8)))


def test_records_that_run_over_line_ends_are_no_records() -> None:
    """A record on two lines is two bad lines, and two records on one line are one, though there are as many records as lines."""
    good = line(record(1, "custom"))
    broken = good.replace(b',"id"', b'\n,"id"')
    trace = read_trace(good + broken + good[:-1] + good + good)

    assert list(trace.index.line) == [1, 5]
    assert [error.line for error in trace.errors] == [2, 3, 4]


@pytest.mark.parametrize("every", [1, 7, 1000])
def test_bad_lines_among_thousands_of_records(every: int) -> None:
    """Wherever bad lines stand, exactly they are told of, and every record lies where the index says."""
    lines = [line(record(number % 60, "custom", name=f"n{number}")) for number in range(6000)]
    bad = set(range(0, 6000, every))
    data = [b"bad\n" if number in bad else one for number, one in enumerate(lines)]
    trace = read_trace(b"".join(data))

    assert {error.line - 1 for error in trace.errors} == bad
    assert [error.offset for error in trace.errors] == [sum(map(len, data[:number])) for number in sorted(bad)]
    assert [body["name"] for body in trace] == [f"n{number}" for number in range(6000) if number not in bad]


def test_very_many_bad_lines_are_counted_and_the_first_are_kept() -> None:
    """A file that is no trace at all has so many rows of errors and one that tells how many more there are."""
    trace = read_trace(b"no trace\n" * (KEPT_ERRORS + 50))

    assert trace.bad_lines == trace.summary().bad_lines == KEPT_ERRORS + 50
    assert f"{KEPT_ERRORS + 50:,} bad lines" in repr(trace)
    assert [error.line for error in trace.errors] == list(range(1, KEPT_ERRORS + 2))
    assert "this one and 49 more bad lines are only counted" in trace.errors[-1].reason


def test_deep_nesting_is_no_error() -> None:
    """A record that is nested two hundred levels deep is one."""
    payload: Any = "x"
    for _ in range(200):
        payload = [payload]
    trace = read_trace(line(record(1, "custom", payload=payload)))

    assert trace[0]["payload"] == payload


def test_a_record_that_was_read_stays_readable_from_deeper_calls() -> None:
    """How deep a record may nest is settled when it is read, not by how deep in the stack it is asked for later."""
    text = line(record(1, "custom", payload="P"))
    nested = [text.replace(b'"P"', b"[" * depth + b"]" * depth) for depth in range(100, 1100, 10)]
    trace = read_trace(b"".join(nested))

    def asked(calls: int) -> list[dict[str, Any]]:
        return asked(calls - 1) if calls else trace[:]

    assert len(asked(100)) == len(trace)
    assert len(trace) > 40
    assert len(trace) + len(trace.errors) == len(nested)
    assert {error.reason for error in trace.errors} <= {"nested too deeply to be read"}


@pytest.mark.slow
def test_lines_without_end_need_bounded_memory(tmp_path: Path) -> None:
    """A record of 100 MB is one, a line of 300 MB is not; memory holds such a line and its neighbor, and no more."""
    path = tmp_path / "long.jsonl"
    with path.open("wb") as file:
        file.write(line(record(1, "custom", payload="P")).replace(b'"P"', b'"%s"' % ("ø" * 50_000_000).encode()))
        file.truncate(file.tell() + 300_000_000)
        file.seek(0, 2)
        file.write(b"\n" + line(record(2, "custom")))
    tracemalloc.start()
    try:
        trace = read_trace(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        path.unlink()

    assert len(trace) == 2
    assert [error.reason for error in trace.errors] == ["longer than 256 MiB, which is no record: 300,000,001 bytes"]
    assert peak < 1.6 * LONGEST_LINE


def test_an_endless_name_is_left_in_the_record() -> None:
    """A name that is no name is not in the index, which stays small, but in the record."""
    name = "n" * 5_000
    trace = read_trace(line(record(1, "tool_call_started", name=name, call_id="c", context={"effect_id": name})))

    assert (trace.index.text("name")[0], trace.index.text("effect_id")[0]) == (None, None)
    assert (trace.index.text("call_id")[0], trace[0]["name"]) == ("c", name)


SIGNS: Final = st.sampled_from(
    [
        b"a",
        b"{}\n",
        b"12345678",
        "ø".encode(),
        "東".encode(),
        "🌊".encode(),
        b"\x80",
        b"\xc3",
        b"\xe6\x9d",
        b"\xed\xa0\x80",
    ]
)


@given(st.one_of(st.binary(max_size=80), st.lists(SIGNS, max_size=30).map(b"".join)))
def test_the_encoding_is_checked_as_a_decoder_does(data: bytes) -> None:
    """Bytes are text when Python's decoder says so, wherever in a word a character begins; and each line feed is found."""
    try:
        data.decode()
        valid = True
    except UnicodeDecodeError:
        valid = False

    ends, is_text = ends_and_encoding(data)

    assert (is_utf8(data), is_text) == (valid, valid)
    assert ends.tolist() == [place for place, sign in enumerate(data) if sign == ord("\n")]
