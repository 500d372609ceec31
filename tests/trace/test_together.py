"""Lines that are read together say what each of them says alone: no line is read by other rules because of its neighbors."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from lash_nb.trace import Trace, read_trace
from tests.trace.lines import DATA, STATION, record, whole_lines
from tests.trace.lines import line as line_of

RECORDED: Final = [one for path in (STATION, *sorted(DATA.glob("*.jsonl"))) for one in whole_lines(path.read_bytes())]
TEXTS: Final = (
    "type",
    "kind",
    "schema_version",
    "content",
    "name",
    "model_variant",
    "call_id",
    "issuing_node_id",
    "status",
    "done_reason",
    "next_frame",
    "session_id",
    "turn_id",
    "effect_id",
    "llm_call_id",
    "cause_call_id",
)
SOME: Final = 150
"""Lines of a trace: more than are read one by one when one of them is bad."""
CHANGES: Final[Sequence[Callable[[bytes, int], bytes]]] = (
    lambda one, at: one[: at % len(one)],
    lambda one, at: one[: at % len(one)] + bytes([at % 256]) + one[at % len(one) + 1 :],
    lambda one, at: one[: at % len(one)] + b"\n" + one[at % len(one) :],
    lambda one, _: one[:-1] + b',"call_id":5,"usage":[],"content":7}',
    lambda one, at: one[:-1] + b',"type":"seen_never_%d"}' % (at % 3),
    lambda one, _: one[:-1] + b',"timestamp":"today"}',
    lambda one, _: one[:-1] + b',"timestamp":"2026-11-21T15:00:00"}',
    lambda one, _: b" " + one + b" \r",
    lambda *_: line_of(record(1, "custom", name="東" * 9, context={"turn_index": "two"}))[:-1],
    lambda *_: b"",
)
"""What may happen to a line, at some place of it."""


def told(trace: Trace) -> tuple[list[Any], list[Any]]:
    """Return what the index says of each record and each bad line."""
    index = trace.index
    without_zone = set(index.without_zone.tolist())
    columns = [
        *(index.text(name) for name in TEXTS),
        *(column.tolist() for column in (index.length, index.time_ns, index.turn_index, index.protocol_iteration)),
        map(repr, index.duration_ms.tolist()),
        index.usages(range(len(trace))),
        [row in without_zone for row in range(len(trace))],
    ]
    return list(zip(*columns, strict=True)), [(error.reason, error.text) for error in trace.errors]


@cache
def told_alone(line: bytes) -> tuple[list[Any], list[Any]]:
    """Return the same for a trace of one line."""
    return told(read_trace(line + b"\n"))


@settings(max_examples=5)
@given(
    st.integers(0, len(RECORDED)),
    st.lists(st.tuples(st.integers(0, len(RECORDED)), st.sampled_from(CHANGES), st.integers(0, 1 << 16)), max_size=9),
)
def test_lines_together_say_what_they_say_alone(
    first: int, broken: list[tuple[int, Callable[[bytes, int], bytes], int]]
) -> None:
    """Whatever stands beside them, and wherever a piece is halved to find a bad line."""
    lines = (RECORDED[first:] + RECORDED[:first])[:SOME]
    for place, change, at in broken:
        lines[place % SOME] = change(RECORDED[place % len(RECORDED)], at)
    lines = b"\n".join(lines).split(b"\n")
    alone = [told_alone(one) for one in lines if one.strip()]

    rows, errors = told(read_trace(b"\n".join([*lines, b""])))

    assert rows == [row for found, _ in alone for row in found]
    assert errors == [error for _, found in alone for error in found]
