"""Reading traces: every line is a record or an error, and nothing else is lost."""

import json
from pathlib import Path
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lash_nb.errors import CallerError
from lash_nb.trace import read_trace
from tests.trace.lines import DATA, STATION, line, record, whole_lines

REAL: Final = [STATION, *sorted(DATA.glob("*.jsonl"))]


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_real_traces_read_whole(path: Path) -> None:
    """Every line of a trace that lash wrote is a record, with the members that are in the file."""
    trace = read_trace(path)

    assert trace.errors == ()
    assert trace.unknown == 0
    assert list(trace) == [json.loads(one) for one in whole_lines(path.read_bytes())]


def test_one_record_is_read_by_its_number() -> None:
    """A record is had by number, from the end too, and several by a slice."""
    trace = read_trace(STATION)

    assert trace[0]["type"] == "turn_started"
    assert trace[-1]["type"] == "turn_completed"
    assert [body["type"] for body in trace[1:3]] == ["prompt_built", "llm_call_started"]
    with pytest.raises(IndexError):
        trace[len(trace)]


def test_no_record_is_chosen_before_a_click() -> None:
    """`view.trace[view.selection]` says what to do as long as nothing is selected."""
    with pytest.raises(CallerError, match="no record is chosen: click one in the view"):
        read_trace(STATION)[None]


def test_separators_in_text_end_no_line() -> None:
    """U+2028, U+0085, a form feed escape and a carriage return escape stand inside one record."""
    text = "a\u2028b\u0085c\x0bd\x0ce\rf"
    trace = read_trace(line(record(1, "custom", name=text, payload={"t": text})))

    assert [(body["name"], body["payload"]["t"]) for body in trace] == [(text, text)]


def test_numbers_beyond_all_floats_are_read() -> None:
    """JSON allows 1e999 and integers of any length; the record is had all the same."""
    text = line(record(1, "custom", payload="X"))
    trace = read_trace(text.replace(b'"X"', b"1e999") + text.replace(b'"X"', b"[1e999," + b"9" * 5000 + b"]"))

    assert [body["payload"] for body in trace] == [float("inf"), [float("inf")] * 2]


def test_an_empty_trace_says_so(tmp_path: Path) -> None:
    """An empty file is a trace without records, and its representation says that nothing was written yet."""
    path = tmp_path / "new.jsonl"
    path.touch()
    trace = read_trace(path)

    assert (len(trace), trace.errors, list(trace), trace.turns, trace.sessions) == (0, (), [], (), ())
    assert repr(trace) == "<Trace new.jsonl: empty, nothing has been written to it yet>"


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
