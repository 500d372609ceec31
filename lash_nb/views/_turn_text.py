"""A turn as text, for terminals, logs and models."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from lash_nb.plots import byte_size, counted, one_line, recorded_duration, short_id
from lash_nb.views._json import call_text, summary
from lash_nb.views._text import clipped, wrapped
from lash_nb.views._turn_rows import NoteRow, ProseRow, ToolRow, TurnRows, shown_rows
from lash_nb.views._turn_words import TurnLike, counts_words, outcome_words, told_issues, took_words
from lash_nb.wire import AttachmentRef, ToolCancelled, ToolFailed, ToolSuccess, TurnIssue

__all__ = ["text_rows", "turn_text"]

_LISTED: Final = 12
"""As many pictures are told of one by one, as on the card."""
_ASCII: Final[Mapping[str, str]] = {"success": " ", "failure": "!", "cancelled": "x", "running": "~"}


def turn_text(result: TurnLike, *, raised: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return a finished turn as text: outcome, rows in order, counters, the next command.

    Args:
        result: The turn.
        raised: Where tools raised, in words, by the id of the call, if known: stands below their rows. Where the provider did, by the
            code of the issue, below that.
    """
    head = f"{outcome_words(result)}  turn {result.turn_index} · {short_id(result.session_id)} · {took_words(result)}"
    rows = TurnRows.of(result, raised)
    body = text_rows(rows) if rows.rows else wrapped(result.reply)
    issues = [line for issue in told_issues(result) for line in _issue(issue, raised)]
    counts = counts_words(result.model_calls, len(result.tool_calls), result.usage, gap="  ")
    return clipped([head, *_given(result.pictures), *body, *issues, f"{counts}  next: %lash effects"])


def _given(pictures: Sequence[AttachmentRef]) -> Iterator[str]:
    """The pictures that the model was given, the first ones: what it said has its place below them."""
    for picture in pictures[:_LISTED]:
        named = one_line(picture.label or short_id(picture.id), 60)
        yield f"  given: {named}, {picture.media_type.type}, {byte_size(picture.byte_len)}"
    if len(pictures) > _LISTED:
        yield f"  given: {len(pictures) - _LISTED} more: session.attachments"


def _issue(issue: TurnIssue, raised: Mapping[str, str]) -> list[str]:
    where = raised.get(issue.code or "", "")
    return [
        *wrapped(f"! {issue.code or issue.kind}: {one_line(issue.message, 400)}"),
        *wrapped(where, first="  ", indent="  "),
    ]


def text_rows(rows: TurnRows) -> list[str]:
    """Return the rows of a turn as lines."""
    lines: list[str] = []
    for row in shown_rows(rows.rows):
        match row:
            case ProseRow(text=text):
                lines += wrapped(text)
            case ToolRow():
                lines.append(_text_tool(row))
                lines += wrapped(row.raised, first="  ", indent="  ")
            case NoteRow(kind=kind, text=text):
                lines.append(f"{'!' if kind == 'error' else ' '} {one_line(text, 90)}")
            case _:
                lines.append(f"  : {counted(len(row), 'tool call')} more: result.tool_calls")
    return lines


def _text_tool(row: ToolRow) -> str:
    called, gave = f"{row.name}({call_text(row.args, 40)})", _text_result(row)
    said = one_line(f"{called} → {gave}" if gave else called, 84)
    return f"{_ASCII[row.status]} {said:<84}  {recorded_duration(row.duration_ms):>8}"


def _text_result(row: ToolRow) -> str:
    match row.output.outcome if row.output else None:
        case ToolFailed(payload=failure):
            return f"{failure.code}: {failure.message}"
        case ToolCancelled(payload=cancellation):
            return cancellation.message
        case ToolSuccess(payload=payload):
            return summary(payload, 40)
        case _:
            return ""
