"""Records in which a member has another type than any release gives it: what fits of them is read, whoever their neighbors are."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest

from lash_nb.frames import records_df
from lash_nb.trace import Trace, read_trace
from tests.trace.lines import line, llm_end, llm_start, record, tool_end, tool_start

STRANGE: Final[tuple[dict[str, Any], ...]] = (
    {"call_id": 5},
    {"name": [1]},
    {"request": "text"},
    {"response": [{"duration_ms": 7}]},
    {"response": {"duration_ms": "long", "terminal_reason": "stop"}},
    {"output": {"outcome": "lost"}},
    {"usage": {"input_tokens": "many", "output_tokens": 3}},
    {"schema_version": "two"},
    {"schema_version": 2**70},
    {"content": {"omitted": True}},
    {"context": [1]},
    {"context": {"session_id": "s", "turn_index": "first", "metadata": 7}},
    {"type": "seen_never", "call_id": ["c"]},
    {"duration_ms": 10**400},
)
COLUMNS: Final = (
    "type",
    "schema_version",
    "content",
    "name",
    "call_id",
    "status",
    "done_reason",
    "session_id",
    "turn_id",
)


def told(trace: Trace, row: int) -> list[Any]:
    """What the index says of a record, but for its place."""
    index = trace.index
    numbers = (index.time_ns, index.turn_index, index.protocol_iteration, index.length, index.is_known)
    duration = index.duration_ms[row]
    texts = [index.text(name)[row] for name in COLUMNS]
    return [*texts, *(int(column[row]) for column in numbers), str(duration), index.usages([row])]


@pytest.mark.parametrize("strange", STRANGE, ids=lambda strange: str(strange)[:40])
def test_a_strange_member_changes_nothing_else(strange: dict[str, Any]) -> None:
    """Alone, among its like and among good ones, a record tells the same, and no line is bad."""
    good = [tool_start(1, "c"), tool_end(2, "c", "success"), llm_start(3, "x"), llm_end(4, "x"), record(5, "custom")]
    odd = [{**body, **strange} for body in good]
    alone = [told(read_trace(line(body)), 0) for body in (*good, *odd)]

    for bodies in (good + odd, odd + good, odd * 40 + good):
        trace = read_trace(b"".join(map(line, bodies)))
        expected = [alone[[*good, *odd].index(body)] for body in bodies]

        assert trace.errors == ()
        assert [told(trace, row) for row in range(len(trace))] == expected


@pytest.mark.parametrize("version", [None, "two", [2], 2**70], ids=str)
def test_a_version_that_is_missing_or_no_number_is_missing(version: Any) -> None:
    """It is not shown as a version 0, which nobody wrote; the record is of no known version."""
    body = {**record(1, "custom"), "schema_version": version}
    trace = read_trace([body, record(2, "custom")])

    assert list(trace.index.text("schema_version")) == [None, 2]
    assert records_df(trace)["schema_version"].isna().tolist() == [True, False]
    assert (trace.unknown, len(trace.shapes)) == (1, 2)


def test_bad_lines_among_strange_records() -> None:
    """Lines without a type or a time are bad where all others are strange, too; they are told in their order."""
    odd = line(record(1, "custom", name=5))
    lines = [
        odd,
        b'{"type":"custom"}\n',
        b"bad\n",
        odd,
        b'{"type":1,"timestamp":"x"}\n',
        odd,
        b'{"type":"a","timestamp":"x"}\n',
    ]
    trace = read_trace(b"".join(lines) * 30)

    assert len(trace) == 90
    assert [error.line for error in trace.errors] == [7 * run + row for run in range(30) for row in (2, 3, 5, 7)]
    assert {error.reason for error in trace.errors if error.line % 7 == 2} == {"the record has no 'timestamp'"}


def test_columns_of_contexts_are_the_same_for_all_who_ask_at_once() -> None:
    """Contexts are read when they are first asked for: by several threads at once, each gets all of them."""
    bodies = [record(number % 60, "custom", turn=number) for number in range(3000)]
    trace = read_trace(b"".join(map(line, bodies)))

    with ThreadPoolExecutor(8) as pool:
        columns = list(pool.map(lambda _: list(trace.index.text("turn_id")), range(8)))

    assert columns == [[f"turn-{number}" for number in range(3000)]] * 8
