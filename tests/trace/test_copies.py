"""A trace copied, or sent to another process."""

import copy
import gzip
import pickle
from pathlib import Path

import pytest

from lash_nb.errors import CallerError
from lash_nb.trace import read_trace
from lash_nb.trace._column import Grown  # what a trace is made of; the spare room cannot be seen from outside
from tests.trace.lines import STATION, record


def test_a_plain_trace_travels() -> None:
    """Its copy in another process reads the same file, another one in this process, too."""
    trace = read_trace(STATION)

    for other in (pickle.loads(pickle.dumps(trace)), copy.deepcopy(trace), copy.copy(trace)):  # noqa: S301 - our own
        assert len(other) == len(trace)
        assert other[7] == trace[7]


def test_an_unpacked_trace_is_copied_and_says_that_it_cannot_travel(tmp_path: Path) -> None:
    """Its bytes lie in a temporary file of this process: copies share that for as long as one of them is there."""
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(STATION.read_bytes()))
    trace = read_trace(path)
    other = copy.deepcopy(trace)

    with pytest.raises(CallerError, match=r"'a.jsonl.gz' is unpacked .* cannot be pickled: pass its path on"):
        pickle.dumps(trace)

    seventh = trace[7]
    del trace
    assert other[7] == seventh


def test_copies_of_a_trace_of_records_are_their_own() -> None:
    """What is added to one of the lists is not in the other trace."""
    records = [record(0, "turn_started")]
    trace = read_trace(records)
    other = copy.deepcopy(trace)
    records.append(record(1, "turn_completed"))

    assert (trace.refresh(), other.refresh()) == (1, 0)


def test_a_copy_has_what_was_read_and_nothing_else_of_this_process() -> None:
    """Room that is kept for later records has what the memory had before, a key perhaps: it does not travel."""
    column = Grown("i8")
    column.extend(range(3))
    sent = pickle.dumps(column)
    arrived = pickle.loads(sent)  # noqa: S301 - our own
    arrived.extend(range(3, 2_000))

    assert len(sent) < 500
    assert (arrived.values.tolist(), column.values.tolist()) == (list(range(2_000)), [0, 1, 2])
