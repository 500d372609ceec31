"""The explorer where no script runs: the first rows of what was asked for, the lines that are no records, what is cut and what to type next."""

from collections.abc import Sequence
from typing import Any, Final

from lash_nb.plots import KIND_COLORS, MARKS, counted, one_line
from lash_nb.trace import Trace
from lash_nb.views._markup import CODE, FAILURE, MUTED, RIGHT, Html, el, heading, joined, table
from lash_nb.views._text import aligned, clipped
from lash_nb.views._trace_explorer_query import Query
from lash_nb.views._trace_explorer_rows import bad_lines
from lash_nb.views._trace_explorer_table import RecordTable

__all__ = ["explorer_html", "explorer_text"]

_ROWS: Final = 30
_TEXT_ROWS: Final = 26
_BAD: Final = 5
_WIDTH: Final = 110
_ASCII: Final = {"failed": "! ", "cancelled": "x "}
_HEADS: Final = ("line", "time", "type", "turn", "what", "took", "tokens")
_STYLES: Final = (RIGHT, RIGHT, "white-space:nowrap;", RIGHT, "width:100%;overflow-wrap:anywhere;", RIGHT, RIGHT)


def explorer_html(found: RecordTable, counts: str) -> str:
    """Return the first rows as a table for GitHub, nbviewer and a notebook without a kernel."""
    rows = found.window(0, _ROWS)
    body = table(list(zip(_HEADS, _STYLES, strict=True)), [_cells(row) for row in rows])
    return joined(
        heading(found.trace.name, counts),
        _bad_html(found.trace),
        el("div", _asked(found.query), style=f"font-size:12px;{MUTED}") if not found.query.is_all else None,
        body,
        el("div", _cut(found, len(rows)), style=f"font-size:12px;margin-top:4px;{MUTED}"),
    )


def explorer_text(found: RecordTable, counts: str) -> str:
    """Return the first rows as aligned text."""
    shown = found.window(0, _TEXT_ROWS - min(_BAD, len(found.trace.errors)))
    cells = [list(_HEADS)] + [
        [
            str(row["line"]),
            row["time"],
            f"{row['word']} {row['phase']}".strip(),
            row["turn"],
            _ASCII.get(row["status"], "") + "".join(row["what"]),
            row["took"],
            row["tokens"],
        ]
        for row in shown
    ]
    bad = bad_lines(found.trace)
    lines = [f"! {one['line']}: {one['reason']}" for one in bad["lines"][:_BAD]]
    if bad["count"] > _BAD:
        lines.append(f"! {counted(bad['count'] - _BAD, 'more bad line')}: trace.errors")
    asked = [] if found.query.is_all else [_asked(found.query)]
    head = [f"Trace  {one_line(found.trace.name, 60)}", counts, *asked, *lines]
    return clipped(
        [*head, *aligned(cells, right=(0, 1, 3, 5, 6), limits={3: 10, 4: 40}), _cut(found, len(shown)), _NEXT]
    )


_NEXT: Final = "next: view.filter(text=…), view.selection = 0, %lash trace FILE --table records"


def _asked(query: Query) -> str:
    """The filters in words."""
    parts = [
        f"kinds {', '.join(query.kinds)}" if query.kinds is not None else "",
        f"turn {query.turn}" if query.turn else "",
        query.status,
        f"text {query.text!r}" if query.text else "",
    ]
    return one_line(f"only {' · '.join(filter(None, parts))}", 100)


def _cut(found: RecordTable, shown: int) -> str:
    rows, total = len(found.rows), found.facts.count
    if not total and found.trace.bad_lines:
        return "this is no lash trace: no line of it is a record"
    if not total:
        return "no records yet: nothing has been written to it"
    of = f"{rows:,} found, {counted(total, 'record')} in all" if rows < total else counted(total, "record")
    return f"{shown:,} rows of {of}; long texts are cut. All of it: frames.records_df(trace), one: trace[{total - 1}]"


def _short(what: Sequence[str]) -> list[str]:
    """Cut a row to about one line; every row is stored with the notebook."""
    pieces: list[str] = []
    left = _WIDTH
    for piece in what:
        pieces.append(piece if len(piece) <= left else piece[: left - 1] + "…")
        left -= len(piece)
        if left <= 0:
            break
    return pieces


def _bad_html(trace: Trace) -> Html | None:
    bad = bad_lines(trace)
    if not bad["count"]:
        return None
    rows = [[one["line"], one["byte"], one["reason"]] for one in bad["lines"][:_BAD]]
    more = bad["count"] - len(rows)
    return el(
        "details",
        el("summary", f"{counted(bad['count'], 'bad line')} skipped", style=FAILURE),
        table([("line", RIGHT), ("where", RIGHT), ("reason", f"{CODE}width:100%;")], rows),
        el("div", f"{more} more: trace.errors", style=MUTED) if more else None,
        open="",
    )


def _cells(row: dict[str, Any]) -> list[str]:
    what = joined(*(el("b", piece) if place % 2 else piece for place, piece in enumerate(_short(row["what"]))))
    status = row["status"]
    mark = (
        el("span", f"{MARKS[row['mark']]} {status} ", style=FAILURE if status == "failed" else MUTED)
        if status in _ASCII
        else None
    )
    color = KIND_COLORS.get(row["color"])
    square = "display:inline-block;width:9px;height:9px;border:1px solid rgba(128,128,128,.6);margin-right:5px;"
    dot = el("span", style=f"{square}background:{color};") if color else None
    kind = joined(dot, f"{row['word']} {row['phase']}".strip(), el("span", " raw", style=MUTED) if row["raw"] else None)
    return [str(row["line"]), row["time"], kind, row["turn"], joined(mark, what), row["took"], row["tokens"]]
