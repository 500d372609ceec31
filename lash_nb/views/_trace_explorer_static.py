"""The explorer where no script runs: the first rows of what was asked for, the lines that are no records, what is cut and what to type next."""

from collections.abc import Sequence
from typing import Any, Final

from lash_nb.plots import KIND_COLORS, MARKS, counted, one_line
from lash_nb.trace import Trace
from lash_nb.views._markup import CODE, FAILURE, MUTED, RIGHT, Html, el, heading, joined, table
from lash_nb.views._text import aligned, clipped
from lash_nb.views._trace_explorer_query import Query
from lash_nb.views._trace_explorer_rows import bad_lines
from lash_nb.views._trace_explorer_sheet import Sheet, cell_text
from lash_nb.views._trace_explorer_table import RecordTable

__all__ = ["explorer_html", "explorer_text"]

_ROWS: Final = 30
_TEXT_ROWS: Final = 26
_BAD: Final = 5
_WIDTH: Final = 110
_ASCII: Final = {"failed": "! ", "cancelled": "x "}
_HEADS: Final = ("line", "time", "type", "turn", "what", "took", "tokens")
_STYLES: Final = (RIGHT, RIGHT, "white-space:nowrap;", RIGHT, "width:100%;overflow-wrap:anywhere;", RIGHT, RIGHT)


def explorer_html(found: RecordTable, counts: str, sheet: Sheet | None = None) -> str:
    """Return the first rows, of the records or of the table in their place, for GitHub, nbviewer and a notebook without a kernel."""
    rows = found.window(0, _ROWS)
    asked = _asked(found.query, sheet)
    return joined(
        heading(found.trace.name, counts),
        _bad_html(found.trace),
        el("div", asked, style=f"font-size:12px;{MUTED}") if asked else None,
        _sheet_html(sheet) if sheet else table(list(zip(_HEADS, _STYLES, strict=True)), [_cells(row) for row in rows]),
        el(
            "div",
            _sheet_cut(sheet, _ROWS) if sheet else _cut(found, len(rows)),
            style=f"font-size:12px;margin-top:4px;{MUTED}",
        ),
    )


def explorer_text(found: RecordTable, counts: str, sheet: Sheet | None = None) -> str:
    """Return the first rows as aligned text."""
    asked = _asked(found.query, sheet)
    head = [f"Trace  {one_line(found.trace.name, 60)}", counts, *([asked] if asked else []), *_bad_text(found.trace)]
    lines = _sheet_text(sheet) if sheet else _record_lines(found)
    return clipped([*head, *lines, _NEXT])


def _record_lines(found: RecordTable) -> list[str]:
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
    return [*aligned(cells, right=(0, 1, 3, 5, 6), limits={3: 10, 4: 40}), _cut(found, len(shown))]


def _bad_text(trace: Trace) -> list[str]:
    bad = bad_lines(trace)
    lines = [f"! {one['line']}: {one['reason']}" for one in bad["lines"][:_BAD]]
    if bad["count"] > _BAD:
        lines.append(f"! {counted(bad['count'] - _BAD, 'more bad line')}: trace.errors")
    return lines


def _sheet_rows(sheet: Sheet, count: int) -> list[list[str]]:
    rows = [[cell_text(cell) for cell in row["cells"]] for row in sheet.window(0, count)]
    return [*rows, list(sheet.total)] if sheet.total else rows


def _sheet_html(sheet: Sheet) -> Html:
    styles = {"name": "width:100%;overflow-wrap:anywhere;", "number": RIGHT, "short": RIGHT}
    return table([(one.head, styles.get(one.look, "")) for one in sheet.columns], _sheet_rows(sheet, _ROWS))


def _sheet_text(sheet: Sheet) -> list[str]:
    right = [place for place, one in enumerate(sheet.columns) if one.look in ("number", "short")]
    cells = [[one.head for one in sheet.columns], *_sheet_rows(sheet, _TEXT_ROWS)]
    return [*aligned(cells, right=right, limits={0: 24, 1: 16}), _sheet_cut(sheet, _TEXT_ROWS)]


def _sheet_cut(sheet: Sheet, most: int) -> str:
    return f"{min(most, sheet.count):,} rows of {sheet.count:,}; {sheet.note}"


_NEXT: Final = "next: view.filter(text=…), view.selection = 0, %lash trace FILE --table records"


def _asked(query: Query, sheet: Sheet | None) -> str:
    """The filters in words; nothing where there are none. Tables in place of the records know of sessions only."""
    session = f"session {query.session}" if query.session else ""
    if sheet or query.is_all:
        return one_line(f"only {session}", 100) if session else ""
    parts = [
        f"kinds {', '.join(query.kinds)}" if query.kinds is not None else "",
        session,
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
