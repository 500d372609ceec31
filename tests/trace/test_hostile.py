"""Records with anything in the place of anything: whatever is worked out of them is worked out, and nothing breaks."""

from copy import deepcopy
from random import Random
from typing import Any, Final

import msgspec
import pytest

from lash_nb.trace import kind_of, read_trace
from lash_nb.wire import to_json
from tests.trace.golden import golden_records

JUNK: Final[tuple[Any, ...]] = (
    None,
    True,
    -1,
    2**63,
    2**64 - 1,
    1e300,
    "",
    "x",
    "9" * 40,
    [],
    [[]],
    [{}],
    {},
    {"a": 1},
    "\u2028",
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to all members and items of a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way for key, one in inner for way in ((*path, key), *places(one, (*path, key)))]


def broken(body: dict[str, Any], random: Random) -> dict[str, Any]:
    """The record with junk at one to three places; it stays a record."""
    body = deepcopy(body)
    for _ in range(random.randint(1, 3)):
        ways = [way for way in places(body) if way not in (("type",), ("timestamp",))]
        *above, last = random.choice(ways)
        holder: Any = body
        for step in above:
            holder = holder[step]
        holder[last] = deepcopy(random.choice(JUNK))
    return body


def samples() -> list[dict[str, Any]]:
    """A few golden records of each kind and version."""
    found: dict[Any, list[dict[str, Any]]] = {}
    for record in golden_records():
        event = record.get("event")
        sort = (
            kind_of(record["type"]),
            record["schema_version"],
            event.get("kind") if isinstance(event, dict) else None,
        )
        found.setdefault(sort, []).append(record)
    return [record for records in found.values() for record in records[:2]]


@pytest.mark.parametrize("seed", range(12))
def test_junk_in_the_place_of_members(seed: int) -> None:
    """Turns, calls, code, graphs, spans and rows are made of what is left; each record is still there whole."""
    random = Random(seed)  # noqa: S311 - which places are broken must be the same in each run
    records = [broken(record, random) for record in samples()]
    random.shuffle(records)
    trace = read_trace([msgspec.json.encode(record) for record in records])
    spans = [span for root in trace.spans() for span in root.walk()]

    assert trace.errors == ()
    assert list(trace) == records
    assert len(spans) >= len(trace.turns) + len(trace.llm_calls) + len(trace.tool_calls)
    assert all(str(shape) for shape in trace.shapes)
    assert to_json(trace.lashlang_graphs())
    assert str(trace.summary())
    for rows in (trace.prompts, trace.stream_events, trace.context_pressure, trace.durable_events, trace.others):
        assert len(list(rows)) == len(rows)
    assert all(attempt.row < len(trace) for attempt in trace.attempts)
