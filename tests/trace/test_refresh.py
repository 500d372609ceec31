"""Traces that grow while they are read, and files that are changed under their reader."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lash_nb.errors import TraceReadError
from lash_nb.trace import TEXT_COLUMNS, MemoryTraceSink, Trace, read_trace
from lash_nb.wire import TraceRecord, from_builtins
from tests.trace.lines import STATION, line, record


def test_a_file_that_was_replaced_is_noticed(tmp_path: Path) -> None:
    """A body that is no longer where the index says is an error that says to read again, not another record."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(line(record(1, "custom")) * 3)
    trace = read_trace(path)
    path.write_bytes(b"short\n")

    with pytest.raises(TraceReadError, match="Read it again"):
        trace[2]


def append(path: Path, data: bytes) -> None:
    """Write behind what is in a file."""
    with path.open("ab") as file:
        file.write(data)


def contents(trace: Trace) -> dict[str, Any]:
    """All that the index and the errors of a trace tell."""
    index = trace.index
    numbers = ("offset", "length", "line", "time_ns", "turn_index", "protocol_iteration")
    return {
        **{name: getattr(index, name).tolist() for name in numbers},
        **{name: list(index.text(name)) for name in TEXT_COLUMNS},
        "durations": [repr(took) for took in index.duration_ms.tolist()],
        "usages": index.usages(range(len(trace))),
        "errors": trace.errors,
        "bodies": list(trace),
    }


def test_a_trace_is_followed(tmp_path: Path) -> None:
    """What is appended is read by `refresh`, which tells how many records came; a line is read when it is whole."""
    path, good = tmp_path / "a.jsonl", line(record(1, "custom"))
    path.touch()
    trace = read_trace(path)
    counts = []
    for new in (good, b"", good[:30], good[30:-1] + b"\n" + good[:-1], b"\n", b"bad\n" + good):
        append(path, new)
        counts.append(trace.refresh())

    assert counts == [1, 0, 0, 2, 0, 1]
    assert contents(trace) == contents(read_trace(path))


def test_a_line_that_was_unfinished_is_no_error_later(tmp_path: Path) -> None:
    """A beginning of a line is an error in progress until its end is there."""
    path, good = tmp_path / "a.jsonl", line(record(1, "custom"))
    path.write_bytes(good + good[:20])
    trace = read_trace(path)
    before = trace.errors
    append(path, good[20:])

    assert [(error.line, error.in_progress) for error in before] == [(2, True)]
    assert (trace.refresh(), trace.errors, trace.bad_lines) == (1, (), 0)


def test_what_was_handed_out_does_not_change(tmp_path: Path) -> None:
    """A column that somebody holds stays as it is while the trace grows."""
    path, good = tmp_path / "a.jsonl", line(record(1, "custom"))
    path.write_bytes(good * 3)
    trace = read_trace(path)
    lines, types = trace.index.line, trace.index.text("type")
    append(path, good * 3000)
    trace.refresh()

    assert (list(lines), list(types), len(trace)) == ([1, 2, 3], ["custom"] * 3, 3003)


def replace(path: Path) -> None:
    """Put another file in its place."""
    other = path.with_suffix(".other")
    other.write_bytes(line(record(9, "custom")) * 9)
    other.replace(path)


def rotate(path: Path) -> None:
    """Move it away and begin a new one."""
    path.rename(path.with_suffix(".1"))
    path.write_bytes(line(record(9, "custom")) * 9)


def overwrite(path: Path) -> None:
    """Begin the same file anew, and write more than there was."""
    path.write_bytes(line(record(9, "custom")) * 9)


def shorten(path: Path) -> None:
    """Cut its end off."""
    path.write_bytes(path.read_bytes()[:-50])


def make_folder(path: Path) -> None:
    """Put a folder in its place."""
    path.unlink()
    path.mkdir()


CHANGES: Final[dict[str, tuple[Callable[[Path], object], str]]] = {
    "replaced": (replace, "was replaced since it was read. Read it again"),
    "rotated": (rotate, "was replaced since it was read. Read it again"),
    "overwritten": (overwrite, "was replaced since it was read. Read it again"),
    "cut short": (shorten, "was cut short since it was read. Read it again"),
    "deleted": (Path.unlink, "there is no such file"),
    "made a folder": (make_folder, "it is a directory"),
}


@pytest.mark.parametrize(("change", "message"), CHANGES.values(), ids=CHANGES)
def test_a_file_that_is_changed_under_its_reader(
    tmp_path: Path, change: Callable[[Path], object], message: str
) -> None:
    """A file that is no longer the one that was read is a clear error, again and again; what was read of it stays."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(line(record(1, "turn_started")) + line(record(2, "turn_completed", status="completed")))
    trace = read_trace(path)
    change(path)

    for use in (trace.refresh, trace.refresh, lambda: trace[0], lambda: list(trace), lambda: trace.raw(0)):
        with pytest.raises(TraceReadError, match=message):
            use()
    assert list(trace.index.text("type")) == ["turn_started", "turn_completed"]
    assert [turn.status for turn in trace.turns] == ["completed"]


def test_one_file_of_several_that_is_gone(tmp_path: Path) -> None:
    """The records of the others are still read."""
    paths = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for path in paths:
        path.write_bytes(line(record(1, "custom", name=path.name)))
    trace = read_trace(paths)
    append(paths[1], line(record(2, "custom", name="more")))
    trace.refresh()
    paths[0].unlink()

    assert [body["name"] for body in trace.bodies([1, 2])] == ["b.jsonl", "more"]
    with pytest.raises(TraceReadError, match="no such file"):
        trace[0]


LINES: Final = st.lists(
    st.sampled_from(
        [
            *STATION.read_bytes().splitlines()[:6],
            *(line(record(1, "custom", name="ø\u2028" * times))[:-1] for times in (0, 3)),
            *(b"", b" ", b"\r", b"bad", b"{", b'{"type":"a"}', b"\xff\xfe", b'"\xc3', b"[1]", b"7"),
            line(record(2, "custom"))[:-1] + b" \r",
        ]
    ),
    max_size=12,
)


@given(LINES, st.lists(st.integers(min_value=0, max_value=6000), max_size=8), st.booleans())
def test_however_a_file_grows_its_index_is_the_same(lines: list[bytes], cuts: list[int], mark: bool) -> None:
    """Reading what was appended, wherever it was cut, gives what reading all of it at once gives."""
    data = b"\xef\xbb\xbf" * mark + b"\n".join(lines)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.jsonl"
        path.touch()
        trace = read_trace(path)
        for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(data)], strict=True):
            append(path, data[begin:end])
            trace.refresh()

        assert contents(trace) == contents(read_trace(path))
        assert len(trace) + trace.bad_lines == sum(1 for one in lines if one.strip())


def test_a_session_has_one_trace_that_grows() -> None:
    """A sink in memory gives the same trace each time, grown by what came; under another name it is the same, too."""
    sink = MemoryTraceSink()
    records = [from_builtins(record(at, "turn_started", turn=at), TraceRecord) for at in range(1, 6)]
    sink.record(records[0])
    trace = sink.trace()
    named = trace.called("session s")
    turns = trace.turns
    for one in records[1:]:
        sink.record(one)

    assert sink.trace() is trace
    assert (len(trace), len(named), len(turns), len(trace.turns), len(named.turns)) == (5, 5, 1, 5, 5)
    assert (trace.name, named.name) == ("records", "session s")
    assert [body["context"]["turn_index"] for body in named] == [1, 2, 3, 4, 5]
