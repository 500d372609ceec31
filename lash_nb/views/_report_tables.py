"""The numbers of a trace as tables of a report: by model, by tool, by session."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from lash_nb.plots import counted, one_line, recorded_duration, token_count
from lash_nb.trace import FAILED_STATUSES, TOOL_STATUSES, Trace
from lash_nb.views._markup import Html, el, joined
from lash_nb.views._report_numbers import CallNumbers, by_model, by_tool, tokens_cells

__all__ = ["numbers_html", "plain_table"]

_ROWS: Final = 40
"""As many models and tools have a row."""
_SESSIONS: Final = 20
_PERCENTS: Final = (50, 95, 99)
_NO_SESSION: Final = "session not recorded"
_MODEL_HEADS: Final = ("failed", "cancelled", "open")
_TOKEN_HEADS: Final = ("tokens in#", "cached#", "out#", "reasoning#")
_LATENCY_HEADS: Final = ("p50, p95, p99", "p50#", "p95#", "p99#")


def plain_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Html:
    """Return a table; a head that ends in `#` stands over numbers, in `!` takes the room that is left, in `~` over cells of one line."""
    styles = [{"#": "n", "!": "what", "~": "k"}.get(head[-1:]) for head in heads]
    head = el("tr", *(el("th", name.rstrip("#!~"), class_=style) for name, style in zip(heads, styles, strict=True)))
    body = [el("tr", *(el("td", cell, class_=style) for cell, style in zip(row, styles, strict=True))) for row in rows]
    return el("div", el("table", el("thead", head), el("tbody", *body)), class_="wide")


def numbers_html(trace: Trace, wrong: Sequence[str]) -> Iterator[Html]:
    """Yield calls, tokens and latency by model and by tool, and the sessions where there are several."""
    models, tools = by_model(trace), by_tool(trace)
    longest = max((one.latency(99) or 0 for one in (*models, *tools)), default=0)
    yield from _calls_table("model", "llm_call", _MODEL_HEADS, models, longest)
    yield from _calls_table("tool", "tool_call", TOOL_STATUSES, tools, longest)
    if len(trace.sessions) > 1:
        yield _sessions(trace, wrong)


def _calls_table(
    noun: str, kind: str, heads: Sequence[str], numbers: Sequence[CallNumbers], longest: float
) -> Iterator[Html]:
    if not numbers:
        return
    heads = [head for head in heads if head != "unknown" or any(one.statuses[head] for one in numbers)]
    rows = [
        [
            one_line(one.name, 60),
            *_counts(one, heads),
            *(tokens_cells(one.usage) if kind == "llm_call" else ()),
            *_latency(one, kind, longest),
        ]
        for one in numbers[:_ROWS]
    ]
    tokens = _TOKEN_HEADS if kind == "llm_call" else ()
    yield joined(
        plain_table((f"{noun}!", "calls#", *(f"{head}#" for head in heads), *tokens, *_LATENCY_HEADS), rows),
        _more(len(numbers), noun),
    )


def _counts(numbers: CallNumbers, statuses: Sequence[str]) -> Iterator[str]:
    yield f"{numbers.calls:,}"
    for status in statuses:
        count = numbers.statuses[status]
        is_bad = count and status in FAILED_STATUSES
        yield el("span", f"{count:,}", class_="bad") if is_bad else f"{count:,}"


def _latency(numbers: CallNumbers, kind: str, longest: float) -> Iterator[str]:
    """Yield a picture of the latencies on the scale of the whole trace, then each in words."""
    values = [numbers.latency(percent) for percent in _PERCENTS]
    known = [value for value in values if value is not None]
    if not known or longest <= 0:
        yield ""
    else:
        at = [f"left:{value / longest * 96 + 2:.1f}%" for value in known]
        line = el("i", style=f"{at[0]};width:{(known[2] - known[0]) / longest * 96:.1f}%")
        rest = (line, el("u", style=at[1]), el("s", style=at[2])) if known[0] < known[2] else ()
        yield el("span", *rest, el("b", style=at[0]), class_=f"range {kind}")
    yield from map(recorded_duration, values)


def _sessions(trace: Trace, wrong: Sequence[str]) -> Html:
    pairs, column = trace.pairs, trace.index.text("session_id")
    codes = column.codes[pairs.turns.speaker]
    is_bad = np.fromiter(map("failed".__eq__, wrong), bool, len(wrong))
    different, firsts = np.unique(codes, return_index=True)
    rows = []
    for code in different[np.argsort(firsts)][:_SESSIONS].tolist():
        is_here = np.append(codes == code, False)
        ends = pairs.llm_calls.end[is_here[pairs.llm_calls.turn]]
        failed = int((is_here[:-1] & is_bad).sum())
        usage = trace.index.total_usage(ends)
        rows.append(
            [
                one_line((column.at([code])[0] or _NO_SESSION), 60),
                f"{int(is_here.sum()):,}",
                el("span", f"{failed:,}", class_="bad") if failed else "0",
                f"{len(ends):,}",
                f"{int(is_here[pairs.tool_calls.turn].sum()):,}",
                token_count(usage.input),
                token_count(usage.output),
            ]
        )
    heads = ("session!", "turns#", "with a failure#", "model calls#", "tool calls#", "tokens in#", "out#")
    return joined(plain_table(heads, rows), _more(len(different), "session", _SESSIONS))


def _more(found: int, noun: str, most: int = _ROWS) -> Html | None:
    return el("p", f"and {counted(found - most, f'more {noun}')}", class_="muted") if found > most else None
