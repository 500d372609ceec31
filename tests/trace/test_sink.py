"""Trace sinks: nothing is lost on the way to the file, and nothing that goes wrong there reaches the turn."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from msgspec.structs import replace

from lash_nb.trace import JsonlTraceSink, MemoryTraceSink, TeeTraceSink, TraceSink, TraceSinkWarning, read_trace
from lash_nb.wire import Custom, TraceContext, TraceRecord, TurnCompleted, from_json


def record(number: int, payload: object = None) -> TraceRecord:
    """A record with a number."""
    event = Custom(name="test", payload=payload)
    return TraceRecord(
        schema_version=2, id=str(number), timestamp="2027-01-15T08:00:00+00:00", context=TraceContext(), event=event
    )


def turn_end(number: int) -> TraceRecord:
    """The last record of a turn."""
    event = TurnCompleted(status="completed", done_reason="assistant_message")
    return TraceRecord(
        schema_version=2, id=str(number), timestamp="2027-01-15T08:00:00+00:00", context=TraceContext(), event=event
    )


def feed(sink: TraceSink, *records: TraceRecord) -> None:
    """Give records to a sink."""
    for one in records:
        sink.record(one)


def written(path: Path) -> list[str]:
    """Ids of the records in a file, every line of which must be whole."""
    text = path.read_bytes() if path.exists() else b""
    assert text == b"" or text.endswith(b"\n")
    return [from_json(line)["id"] for line in text.splitlines()]


def test_a_memory_sink_keeps_records_and_shows_them_as_a_trace() -> None:
    """Records are kept in order; `trace()` is the reader on them."""
    sink = MemoryTraceSink()
    for number in range(3):
        sink.record(record(number))

    assert sink.records == [record(0), record(1), record(2)]
    assert [line["id"] for line in sink.trace()] == ["0", "1", "2"]


def test_a_memory_sink_shows_the_records_of_one_session() -> None:
    """Those that name it, and it grows with them, whoever asks; records of others do not disturb it."""
    sink, names = MemoryTraceSink(), ["one", "two", "one", None]
    for number, name in enumerate(names):
        sink.record(replace(record(number), context=TraceContext(session_id=name)))

    one, everything = sink.trace("one"), sink.trace()
    assert (one.name, everything.name) == ("session one", "records")
    assert [[line["id"] for line in trace] for trace in (one, everything)] == [["0", "2"], ["0", "1", "2", "3"]]
    for number, name in ((4, "two"), (5, "one")):
        sink.record(replace(record(number), context=TraceContext(session_id=name)))
    assert one.refresh() == 1
    assert one is sink.trace("one")
    assert [line["id"] for line in one] == ["0", "2", "5"]
    assert [line["id"] for line in sink.trace("three")] == []


def test_a_file_has_one_line_a_record_once_the_turn_is_over(tmp_path: Path) -> None:
    """Folders are made, records wait for the end of their turn, and each line is the record's own JSON."""
    path = tmp_path / "deep" / "run.jsonl"
    sink = JsonlTraceSink(path)
    sink.record(record(1))
    assert not path.exists()
    sink.record(turn_end(2))

    assert path.read_bytes() == record(1).to_json() + b"\n" + turn_end(2).to_json() + b"\n"
    assert [line["id"] for line in read_trace(path)] == ["1", "2"]


def test_a_long_turn_is_written_on_the_way(tmp_path: Path) -> None:
    """No more than one batch waits in memory."""
    sink = JsonlTraceSink(tmp_path / "run.jsonl")
    for number in range(20):
        sink.record(record(number, "x" * 10_000))

    assert len(written(sink.path)) >= 14


def test_closing_writes_the_rest_and_may_be_followed_by_more(tmp_path: Path) -> None:
    """Closing is not an end: a later record goes to the same file, behind the others, another sink's too."""
    sink = JsonlTraceSink(tmp_path / "run.jsonl")
    sink.record(record(1))
    sink.close()
    sink.close()
    other = JsonlTraceSink(str(sink.path))
    other.record(record(2))
    other.close()
    sink.record(record(3))
    sink.close()

    assert written(sink.path) == ["1", "2", "3"]
    assert repr(sink).endswith("waiting=0, errors=0)")


def test_a_forgotten_sink_writes_its_rest(tmp_path: Path) -> None:
    """A sink that nobody closed loses nothing when it goes."""
    path = tmp_path / "run.jsonl"
    sink = JsonlTraceSink(path)
    sink.record(record(1))
    del sink

    assert written(path) == ["1"]


def test_a_line_that_a_crash_left_half_written_stays_alone(tmp_path: Path) -> None:
    """New records begin on a line of their own; the reader tells of the broken one."""
    path = tmp_path / "run.jsonl"
    path.write_bytes(b'{"schema_version": 2, "id": "ha')
    sink = JsonlTraceSink(path)
    sink.record(turn_end(2))

    assert path.read_bytes().splitlines()[1] == turn_end(2).to_json()
    assert [error.line for error in read_trace(path).errors] == [1]


def test_a_file_that_is_moved_away_begins_anew(tmp_path: Path) -> None:
    """Rotating the file from outside needs no word to the sink."""
    sink = JsonlTraceSink(tmp_path / "run.jsonl")
    sink.record(turn_end(1))
    sink.path.rename(tmp_path / "old.jsonl")
    sink.record(turn_end(2))

    assert (written(tmp_path / "old.jsonl"), written(sink.path)) == (["1"], ["2"])


FORKED = """
import os, sys
from pathlib import Path
from tests.trace.test_sink import JsonlTraceSink, record, turn_end
sink = JsonlTraceSink(Path(sys.argv[1]))
sink.record(record(1))
child = os.fork()
if child == 0:
    sink.record(turn_end(10))
    sys.exit()
os.waitpid(child, 0)
sink.record(turn_end(2))
"""


@pytest.mark.skipif(
    not hasattr(os, "fork"), reason="this system starts processes in another way, without a sink to share"
)
def test_a_forked_process_writes_its_own_records_only(tmp_path: Path) -> None:
    """What waited before the fork is the parent's; both append to the file."""
    path = tmp_path / "run.jsonl"
    subprocess.run([sys.executable, "-c", FORKED, str(path)], check=True, cwd=Path(__file__).parents[2])

    assert written(path) == ["10", "1", "2"]


def test_a_file_that_cannot_be_written_is_said_once_and_tried_again(tmp_path: Path) -> None:
    """The turn goes on, the error is kept, the records come when the way is free."""
    obstacle = tmp_path / "logs"
    obstacle.write_text("a file where the folder should be")
    sink = JsonlTraceSink(obstacle / "run.jsonl")
    with pytest.warns(TraceSinkWarning, match="they are kept and tried again") as warned:
        feed(sink, turn_end(1), turn_end(2))
    assert len(warned) == 1
    assert [type(error).__name__ for error in sink.errors] == ["FileExistsError", "FileExistsError"]
    obstacle.unlink()
    sink.record(turn_end(3))

    assert written(sink.path) == ["1", "2", "3"]


def test_even_where_warnings_are_errors_the_turn_goes_on(tmp_path: Path) -> None:
    """A sink never raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sink = JsonlTraceSink(tmp_path)
        sink.record(turn_end(1))

    assert len(sink.errors) == 1


def test_a_record_that_is_no_json_costs_only_itself(tmp_path: Path) -> None:
    """A payload that cannot be written is an error of the sink, not of the turn."""
    sink = JsonlTraceSink(tmp_path / "run.jsonl")
    with pytest.warns(TraceSinkWarning, match="object is not JSON|objects of type object are not JSON"):
        sink.record(record(1, object()))
    sink.record(turn_end(2))

    assert written(sink.path) == ["2"]


def test_what_waits_too_long_is_counted(tmp_path: Path) -> None:
    """A file that never becomes writable costs bounded memory; the oldest lines go, and the sink says how many."""
    sink = JsonlTraceSink(tmp_path)
    with pytest.warns(TraceSinkWarning):
        feed(sink, *(record(number, "x" * 1_000_000) for number in range(20)))

    assert sink.dropped == 4
    assert len(sink.errors) <= 20


class BrokenSink:
    """A sink of the user's own that fails."""

    def record(self, record: TraceRecord) -> None:
        """Fail."""
        raise ZeroDivisionError(record.id)


def test_a_tee_gives_every_record_to_every_sink() -> None:
    """One sink that raises does not keep the record from the others, nor end the turn; it is said once."""
    first, last = MemoryTraceSink(), MemoryTraceSink()
    tee = TeeTraceSink(first, BrokenSink(), last)
    with pytest.warns(TraceSinkWarning, match="BrokenSink failed on a trace record") as warned:
        feed(tee, record(1), record(2))

    assert first.records == last.records == [record(1), record(2)]
    assert len(warned) == 1
    assert len(tee.errors) == 2
