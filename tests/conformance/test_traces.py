"""Trace files that the reference wrote, in every shape it ever wrote: each line is a record, and nothing of it is lost.

Files of executions as graphs (`*_graphs.jsonl`) are no traces but what the reference made of them: they are compared with what is made here.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from lash_nb.frames import TRACE_TABLES
from lash_nb.trace import NO_INT, SHAPES, Shape, Trace, Usage, read_trace
from lash_nb.wire import TraceRecord, from_json, to_json
from tests.conformance.vectors import PACKED, find_groups, read_files

OURS: Final = "traces"
"""The group of the release whose records this package writes itself."""
GROUPS: Final = (OURS, "traces_later")
GRAPHS: Final = "_graphs.jsonl"
EXECUTION: Final = "lashlang_execution"
OF_TOMORROW: Final = "a_kind_of_tomorrow"
"""The one type that golden data has on purpose although nobody writes it."""
OF_TOKENS: Final = ("llm_call_completed", "token_usage")
"""Types of records whose tokens the index holds."""
IDS: Final = ("session_id", "turn_id", "llm_call_id", "effect_id", "graph_node_id", "parent_graph_node_id")


class Golden(NamedTuple):
    """A file of golden data."""

    group: str
    """The group it belongs to."""
    name: str
    """Its path in the group."""
    others: Mapping[str, bytes]
    """All files of the group."""

    @property
    def content(self) -> bytes:
        """Its bytes."""
        return self.others[self.name]

    @property
    def lines(self) -> list[bytes]:
        """Its lines; each ends at a line feed and nowhere else."""
        return self.content.removesuffix(b"\n").split(b"\n")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each trace, or for each file of graphs."""
    files = _files(metafunc.config.getoption("--vectors", default=PACKED))
    for fixture, of_graphs in (("golden", False), ("drawn", True)):
        if fixture in metafunc.fixturenames:
            found = [one for one in files if one.name.endswith(GRAPHS) is of_graphs]
            absent = [pytest.param(None, marks=pytest.mark.skip("the golden data has none"), id="absent")]
            metafunc.parametrize(fixture, found or absent, ids=[f"{one.group}/{one.name}" for one in found] or None)


def _files(folder: Path) -> list[Golden]:
    groups = {group: dict(read_files(folder, group)) for group in GROUPS if group in find_groups(folder)}
    return [Golden(group, name, files) for group, files in groups.items() for name in files]


def test_every_record_of_a_file_is_read(golden: Golden) -> None:
    """Each line is a record that is known, indexed, reachable whole and told of; ours are written as they were read."""
    trace = read_trace(golden.content, name=golden.name)
    faults = {check.__name__: fault for check in CHECKS for fault in check(golden, trace)}

    assert faults == {}


def each_line_is_a_record(golden: Golden, trace: Trace) -> Iterator[str]:
    """No line is an error, and none is left out."""
    yield from map(str, trace.errors)
    if not golden.content.endswith(b"\n") or len(trace) != len(golden.lines):
        yield f"{len(golden.lines)} lines give {len(trace)} records"


def each_record_comes_back(golden: Golden, trace: Trace) -> Iterator[str]:
    """The bytes of a record are those of its line, and its body is its value, whatever it holds."""
    for row, (line, body) in enumerate(zip(golden.lines, trace, strict=True)):
        if trace.raw(row) != line or body != json.loads(line):
            yield f"record {row} is another one: {line[:200]!r}"


def the_index_says_what_records_say(_golden: Golden, trace: Trace) -> Iterator[str]:
    """Type, version, ids and the number of the turn stand in the index as they stand in the record."""
    index = trace.index
    columns = {name: list(index.text(name)) for name in ("type", "schema_version", *IDS)}
    turns = [None if number == NO_INT else number for number in index.turn_index.tolist()]
    for row, record in enumerate(trace):
        said = {"type": record["type"], "schema_version": record["schema_version"]}
        said |= {name: record["context"].get(name) for name in IDS}
        held = {name: column[row] for name, column in columns.items()}
        number = record["context"].get("turn_index")
        if held != said or turns[row] != (None if number is None or number >= 1 << 63 else number):
            yield f"record {row}: {held} instead of {said}"


def the_index_says_how_long_and_how_many(_golden: Golden, trace: Trace) -> Iterator[str]:
    """Durations, as near as a float comes, and tokens, exactly, stand in the index as they stand in the record; none is 0 that is absent."""
    index = trace.index
    durations, usages = index.duration_ms.tolist(), index.usages(range(len(trace)))
    for row, record in enumerate(trace):
        took, tokens = _duration(record), record.get("usage") if record["type"] in OF_TOKENS else None
        if repr(durations[row]) != repr(math.nan if took is None else float(took)):
            yield f"record {row}: {durations[row]} ms instead of {took}"
        if usages[row] != (None if tokens is None else _usage(tokens)):
            yield f"record {row}: {usages[row]} instead of {tokens}"


def _duration(record: Mapping[str, Any]) -> int | None:
    """What a record of a known type says of its duration, None where it says nothing."""
    holder = record.get("response") if record["type"] == "llm_call_completed" else record
    name = "elapsed_ms" if record["type"] == "prompt_composition_failed" else "duration_ms"
    told = holder.get(name) if isinstance(holder, dict) else None
    return told if isinstance(told, int) else None


def _usage(members: Mapping[str, int]) -> Usage:
    """Tokens as the release counted them, by the names that it has for them."""
    told = Counter(members)
    if "cached_input_tokens" in members:
        cached, reasoning = told["cached_input_tokens"], told["reasoning_tokens"]
        return Usage(
            uncached_input=max(told["input_tokens"] - cached, 0),
            cache_read=cached,
            output=told["output_tokens"] + reasoning,
            reasoning=reasoning,
            approximate=reasoning != 0,
        )
    return Usage(
        uncached_input=told["input_tokens"],
        cache_read=told["cache_read_input_tokens"],
        cache_write=members.get("cache_write_input_tokens"),
        output=told["output_tokens"],
        reasoning=told["reasoning_output_tokens"],
    )


def each_type_is_known(_golden: Golden, trace: Trace) -> Iterator[str]:
    """Every type and version is described here, but the type that is there to be unknown."""
    for record, is_known in zip(trace, trace.index.is_known.tolist(), strict=True):
        if is_known is (record["type"] == OF_TOMORROW):
            yield f"{record['type']} of version {record['schema_version']} is {'known' if is_known else 'unknown'}"


def ours_are_written_as_they_were_read(golden: Golden, _trace: Trace) -> Iterator[str]:
    """A record of the release that this package follows is a type on the wire, byte for byte."""
    for line in golden.lines if golden.group == OURS else ():
        if to_json(from_json(line, TraceRecord)) != line:
            yield f"is written otherwise: {line[:200]!r}"


def each_record_is_told_of(_golden: Golden, trace: Trace) -> Iterator[str]:
    """Each record is one of a turn, a call, code, or a row of its own; and none of the last is told of twice."""
    rows = [row.order for notes in (trace.prompts, trace.stream_events, trace.context_pressure) for row in notes]
    rows += [row.order for notes in (trace.durable_events, trace.others) for row in notes]
    if len(rows) != len(set(rows)):
        yield "a record is in two tables"
    spans = [*trace.turns, *trace.llm_calls, *trace.tool_calls, *trace.code_blocks]
    told = {*rows, *(row for span in spans for row in (span.start_row, span.end_row))}
    told |= {row for block in trace.code_blocks for row in block.projection_rows}
    told |= {call.receipt_row for call in trace.tool_calls}
    kinds = trace.index.text("kind")
    for row in set(range(len(trace))) - told:
        if kinds[row] not in (EXECUTION, "llm_attempt_completed"):
            yield f"record {row}, a {kinds[row]}, is nowhere"


def each_span_stands_once_in_a_tree(_golden: Golden, trace: Trace) -> Iterator[str]:
    """Turns, calls, executions and runs of steps are each in one place, under a session."""
    found = Counter(id(span.source) for root in trace.spans() for span in root.walk() if span.source is not None)
    code = [(*execution.runs, execution) for execution in trace.executions]
    wanted = [*trace.turns, *trace.llm_calls, *trace.tool_calls, *(one for ones in code for one in ones)]
    yield from (f"{found[id(one)]} times in the trees: {one}" for one in wanted if found[id(one)] != 1)
    yield from (f"{root} is no session" for root in trace.spans() if root.kind != "session")


def its_release_is_recognized(golden: Golden, trace: Trace) -> Iterator[str]:
    """A session that ran is of one release, and what its records tell of releases includes that one."""
    if not golden.name.endswith(("types.jsonl", "byhand.jsonl")):
        match = re.match(r"v(\d+)_(?:alpha(\d+)_)?", golden.name)
        version, release = (match[1], match[2] or "113") if match else ("2", "37")
        if [shape.version for shape in trace.shapes] != [int(version)]:
            yield f"version {version} is taken for {trace.shapes}"
        elif version == "2" and not _includes(trace.shapes[0], int(release)):
            yield f"alpha.{release} is taken for {trace.shapes[0]}"


def _includes(shape: Shape, release: int) -> bool:
    first, last = (SHAPES[name][end] for name, end in ((shape.first, 0), (shape.last, 1)))
    return _number(first) <= release <= _number(last)


def _number(release: str) -> float:
    return float(release.removeprefix("alpha.")) if release.startswith("alpha.") else math.inf


CHECKS: Final[tuple[Callable[[Golden, Trace], Iterator[str]], ...]] = (
    each_line_is_a_record,
    each_record_comes_back,
    the_index_says_what_records_say,
    the_index_says_how_long_and_how_many,
    each_type_is_known,
    ours_are_written_as_they_were_read,
    each_record_is_told_of,
    each_span_stands_once_in_a_tree,
    its_release_is_recognized,
)
"""What must hold for every file; each yields what does not."""


@pytest.mark.parametrize("table", TRACE_TABLES)
def test_no_column_of_any_table_fails_on_any_record(table: str, whole: Trace) -> None:
    """Every table of all files together is built, and nothing in it has the wrong type."""
    assert TRACE_TABLES[table](whole, strict=False)[1] == []


@pytest.fixture(scope="session")
def whole(vectors: Path) -> Trace:
    """All files as one trace, in which the sessions of each are its own: tables of few rows cost as much as those of many."""
    files = [one for one in _files(vectors) if not one.name.endswith(GRAPHS)]
    session = b'"session_id":"'
    return read_trace(
        b"".join(one.content.replace(session, session + f"{number}/".encode()) for number, one in enumerate(files)),
        name="all files",
    )


def test_executions_become_the_graphs_of_the_reference(drawn: Golden) -> None:
    """The records of a file of executions reduce to the graphs that the reference made of them."""
    expected = {one["file"]: one["graphs"] for one in map(json.loads, drawn.lines)}
    made = {file: from_json(to_json(read_trace(drawn.others[file]).lashlang_graphs())) for file in expected}

    assert made == expected
