"""Rows of the explorer's table and the record beside it, as plain data. Only these records are decoded, and the largest not even here."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lash_nb.clock import rfc3339
from lash_nb.errors import LashError
from lash_nb.plots import byte_size, one_line, printable, recorded_duration, short_id, token_count
from lash_nb.trace import Trace, TraceError
from lash_nb.views._json import LIMIT, inline, pretty_capped
from lash_nb.views._record_words import TEXTS_WITHHELD
from lash_nb.views._trace_explorer_facts import TraceFacts
from lash_nb.views._trace_explorer_said import said
from lash_nb.views._trace_explorer_words import GROUPS, STATUSES

__all__ = ["bad_line_detail", "bad_lines", "clock", "neighbor_of", "record_detail", "table_rows"]

_LONGEST: Final = 220
"""Characters of a cell: more than the widest column shows."""
_VISIBLE: Final = 40
"""Characters that a column of the usual width shows: what is found behind them is cut to at its front."""
_BEFORE: Final = 16
"""Characters before a match that stay."""
_DECODED: Final = 1_000_000
"""Bytes of the largest record that is decoded to be shown."""
_BAD: Final = 100
"""Bad lines that are told one by one."""
_MS: Final = 1000


def table_rows(
    trace: Trace, facts: TraceFacts, rows: NDArray[Any], pattern: re.Pattern[str] | None
) -> list[dict[str, Any]]:
    """Return these records as rows of the table, in this order."""
    numbers = rows.tolist()
    usages = trace.index.usages(numbers)
    whats = [
        _what(facts, row, body, trace, pattern) for row, body in zip(numbers, _bodies(trace, numbers), strict=True)
    ]
    return [_row(trace, facts, row, what, usage) for row, what, usage in zip(numbers, whats, usages, strict=True)]


def _row(trace: Trace, facts: TraceFacts, row: int, what: Sequence[str], usage: Any) -> dict[str, Any]:
    words, group = facts.words[facts.kind[row]], list(GROUPS)[facts.group[row]]
    status, place = list(STATUSES)[facts.status[row]], int(facts.turn[row])
    return {
        "record": row,
        "line": int(trace.index.line[row]),
        "where": _where(trace, row),
        "session": _session(trace, row),
        "time": clock(float(facts.ms[row])),
        "exact": rfc3339(int(trace.index.time_ns[row])),
        "color": GROUPS[group],
        "word": one_line(words.word, 24),
        "phase": words.phase,
        "raw": group == "unknown",
        "turn": facts.turn_labels[place] if place >= 0 else "–",
        "what": what,
        "mark": STATUSES[status],
        "status": status,
        "took": "–" if facts.took_ms[row] < 0 else recorded_duration(float(facts.took_ms[row])),
        "tokens": "" if usage is None else f"{token_count(usage.input)} → {token_count(usage.output)}",
    }


def _where(trace: Trace, row: int) -> str:
    """The file of a record and its line in it; nothing when there is one file only."""
    several = len(trace.sources) > 1
    return f"{one_line(trace.source_of(row), 60)}, line {trace.index.line[row]}" if several else ""


def _session(trace: Trace, row: int) -> str:
    """The session of a record, short; nothing when there is one only."""
    column = trace.index.text("session_id")
    return short_id(column[row] or "") if len(column.values) > 1 else ""


def clock(ms: float) -> str:
    """Write a time since the trace began: `0.149 s`, `12:03.149`, `3:12:03.149`, `2 d 3:12:03`."""
    seconds = ms / _MS
    if seconds < 100:
        return f"{seconds:.3f} s"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    if not hours:
        return f"{minutes}:{rest:06.3f}"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours}:{minutes:02d}:{int(rest):02d}" if days else f"{hours}:{minutes:02d}:{rest:06.3f}"


def _bodies(trace: Trace, rows: Sequence[int]) -> Iterator[Mapping[str, Any] | str]:
    """The records, or why one is not shown: it is too large for a table, or no longer there."""
    lengths = trace.index.length
    small = [row for row in rows if lengths[row] <= _DECODED]
    try:
        found = dict(zip(small, trace.bodies(small), strict=True))
    except LashError:
        found = _one_by_one(trace, small)
    for row in rows:
        size = int(lengths[row])
        missing = (
            f"a record of {byte_size(size)}: trace[{row}]"
            if size > _DECODED
            else "no longer where it was: the file has changed"
        )
        yield found.get(row, missing)


def _one_by_one(trace: Trace, rows: Sequence[int]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for row in rows:
        with suppress(LashError):
            found[row] = trace[row]
    return found


def _what(
    facts: TraceFacts, row: int, body: Mapping[str, Any] | str, trace: Trace, pattern: re.Pattern[str] | None
) -> list[str]:
    """What a record says, as plain text and matches in turn, cut where the column ends."""
    if isinstance(body, str):
        return [_joined_name(trace, row, body)]
    text = _flat(said(facts.kinds[facts.kind[row]], body))
    if pattern is None:
        return [_cut(text)]
    found = pattern.search(text)
    if found is None:
        text = inline(body)
        found = pattern.search(text)
    return _with_matches(text, found, pattern) if found else [_cut(_flat(said(facts.kinds[facts.kind[row]], body)))]


def _joined_name(trace: Trace, row: int, words: str) -> str:
    name = trace.index.text("name")[row]
    return f"{one_line(name, 40)} · {words}" if name else words


def _flat(text: str) -> str:
    return " ".join(text.split())


def _cut(text: str) -> str:
    return one_line(text, _LONGEST)


def _with_matches(text: str, first: re.Match[str], pattern: re.Pattern[str]) -> list[str]:
    """Cut the text at its front so that the first match can be seen, and into pieces: plain text and matches in turn."""
    start = max(0, first.start() - _BEFORE) if first.end() > _VISIBLE else 0
    space = text.find(" ", start, first.start())
    start = space + 1 if start and space >= 0 else start
    shown = text[start : start + max(_LONGEST, first.end() - start)]
    pieces = ["… " if start else ""]
    at = 0
    for match in pattern.finditer(shown):
        if match.end() > match.start():
            pieces[-1] += printable(shown[at : match.start()])
            pieces += [printable(match[0]), ""]
            at = match.end()
    pieces[-1] += printable(shown[at:]) + ("…" if start + len(shown) < len(text) else "")
    return pieces


def record_detail(trace: Trace, facts: TraceFacts, row: int) -> dict[str, Any]:
    """Return a whole record as JSON text, cut aloud."""
    index = trace.index
    known = bool(index.is_known[row])
    version = index.text("schema_version")[row]
    return {
        "title": f"{_where(trace, row) or f'line {index.line[row]}'} · trace[{row}]",
        "note": one_line(index.text("type")[row] or "", 60)
        + (f" · {TEXTS_WITHHELD}" if index.is_withheld[row] else ""),
        "warning": _strange_time(float(facts.took_ms[row]))
        if known
        else f"schema version {version}: no release described here writes this, shown as it is",
        **_detail_body(trace, row),
        "turn": facts.turn_names[facts.turn[row]] if facts.turn[row] >= 0 else "",
    }


def _strange_time(took_ms: float) -> str:
    return f"it took {took_ms:,.0f} ms: its clock went back, so nobody knows" if took_ms < 0 else ""


def _detail_body(trace: Trace, row: int) -> dict[str, str]:
    size = int(trace.index.length[row])
    try:
        if size > 10 * _DECODED:
            return {
                "json": "",
                "raw": _raw_text(trace.raw(row)[:LIMIT]),
                "cut": f"first {byte_size(LIMIT)} of {byte_size(size)}; all of it: trace[{row}]",
            }
        text, cut = pretty_capped(trace[row], whole=f"trace[{row}]")
        return {"json": printable(text), "raw": "", "cut": cut}
    except LashError as error:
        return {"json": "", "raw": "", "cut": error.message}


def _raw_text(data: bytes) -> str:
    return printable(data.decode(errors="replace"))


def bad_line_detail(error: TraceError) -> dict[str, Any]:
    """Return a line that is no record: why, where, and how it begins."""
    cut = f"{error.source}, byte {error.offset:,}; this is how it begins"
    return {
        "title": f"line {error.line}",
        "note": "not a record",
        "warning": one_line(error.reason, 300),
        "json": "",
        "raw": _raw_text(error.text.encode(errors="replace")),
        "cut": cut,
        "turn": "",
    }


def bad_lines(trace: Trace, *, is_growing: bool = False) -> dict[str, Any]:
    """Return how many lines are no records, and the first of them: where and why; of a trace that grows without a line that is being written."""
    writing = sum(error.in_progress for error in trace.errors) if is_growing else 0
    errors = [error for error in trace.errors if not (is_growing and error.in_progress)]
    several = len({error.source for error in errors[:_BAD]}) > 1
    told = [
        {
            "line": f"{one_line(error.source, 30)}, line {error.line}" if several else f"line {error.line}",
            "byte": f"byte {error.offset:,}",
            "reason": one_line(error.reason, 200),
        }
        for error in errors[:_BAD]
    ]
    return {"count": trace.bad_lines - writing, "lines": told, "records": len(trace), "writing": writing > 0}


def neighbor_of(trace: Trace, error: TraceError) -> int | None:
    """Return the record next to a line that is none; None where lines of several files stand one after the other."""
    lines = trace.index.line
    if not len(lines) or not bool((np.diff(lines) > 0).all()):
        return None
    return min(int(np.searchsorted(lines, error.line)), len(lines) - 1)
