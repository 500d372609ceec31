"""The rows of a running turn as a page draws them: plain values, no markup."""

from dataclasses import asdict, dataclass
from typing import Any

from lash_nb.plots import counted, one_line, recorded_duration
from lash_nb.views._json import call_text, summary
from lash_nb.views._turn_prose import PROSE
from lash_nb.views._turn_rows import NoteRow, ProseRow, ToolRow, TurnRows, shown_rows
from lash_nb.wire import ToolCancelled, ToolFailed, ToolSuccess
from lash_nb.words import unmasked

__all__ = ["LiveRow", "live_rows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRow:
    """One row."""

    kind: str
    """`prose`, `tool`, `note` (with a status: `retry`, `error`, `code`, `value`, `said`) or `more`."""
    text: str
    """What it says; of a tool call the arguments."""
    status: str = ""
    """Of a tool call how it stands, of a note what it is."""
    name: str = ""
    """The tool."""
    result: str = ""
    """What a tool gave, in one phrase."""
    took: str = ""
    """How long it took."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as the page gets it."""
        return asdict(self)


def live_rows(rows: TurnRows) -> list[LiveRow]:
    """Return the rows of a turn; of many tool calls those in the middle are one row, as in the finished card."""
    shown = shown_rows(rows.rows)
    return [_live(row, is_last=place == len(shown) - 1) for place, row in enumerate(shown)]


def _live(row: ProseRow | ToolRow | NoteRow | list[ToolRow], *, is_last: bool) -> LiveRow:
    match row:
        case ProseRow(text=text):
            return LiveRow(kind="prose", text=_capped(text))
        case ToolRow():
            took = recorded_duration(row.duration_ms) if row.output else ""
            return LiveRow(
                kind="tool",
                text=call_text(row.args),
                status=row.status,
                name=one_line(row.name, 48),
                result=_result(row),
                took=took,
            )
        case NoteRow(kind=kind, text=text, now=now):
            return LiveRow(kind="note", text=(now if is_last and now else text)[:2000], status=kind)
        case _:
            return LiveRow(kind="more", text=f"{counted(len(row), 'tool call')} more")


def _capped(text: str) -> str:
    shown = unmasked(text[:PROSE])
    return shown if len(text) <= PROSE else f"{shown} … the rest comes with the finished card: result.reply"


def _result(row: ToolRow) -> str:
    match row.output.outcome if row.output else None:
        case ToolFailed(payload=failure):
            return f"{one_line(failure.code, 48)} · {one_line(failure.message, 120)}"
        case ToolCancelled(payload=cancellation):
            return one_line(cancellation.message, 120)
        case ToolSuccess(payload=payload):
            return summary(payload)
        case _:
            return ""
