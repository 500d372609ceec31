"""The card of a turn as HTML. No script: details open by themselves on any page."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from lash_nb.plots import one_line, short_id
from lash_nb.views._markup import BORDER, CODE, FAILURE, MUTED, Html, el, joined
from lash_nb.views._small_pictures import AttachmentBytes, SmallPictures
from lash_nb.views._turn_prose import prose_row, running_prose_row
from lash_nb.views._turn_rows import NoteRow, ProseRow, ToolRow, TurnRows, shown_rows
from lash_nb.views._turn_tool_row import CUT, LINE, ROW, tool_row
from lash_nb.views._turn_words import (
    TurnLike,
    TurnState,
    counts_words,
    outcome_words,
    told_issues,
    took_words,
    turn_state,
)
from lash_nb.wire import AttachmentRef, EffectEntry, ToolCallCommand, TurnIssue
from lash_nb.words import unmasked

__all__ = ["card", "card_body", "card_foot", "card_head", "turn_html"]

_HEAD_SIGNS: Final[Mapping[str, str]] = {
    "running": "○",
    "pausing": "○",
    "cancelling": "○",
    "completed": "✓",
    "failed": "✖",
    "cancelled": "⊘",
}


def turn_html(
    result: TurnLike,
    *,
    effects: Sequence[EffectEntry] = (),
    raised: Mapping[str, str] = MappingProxyType({}),
    attachment_data: AttachmentBytes | None = None,
) -> str:
    """Return a finished turn as a card.

    Args:
        result: The turn.
        effects: Its effects, if known: gives tool rows their effect id, replay key and hash.
        raised: Where tools raised, in words, by the id of the call, if known: stands below their rows. Where the provider did, by the
            code of the issue, below that.
        attachment_data: Gives the bytes of attachments: shows the pictures that it was given and those of its tools, as far as they are small.
    """
    rows = TurnRows.of(result, raised)
    state = turn_state(result)
    where = f"turn {result.turn_index} · {short_id(result.session_id)}"
    head = card_head(state, outcome_words(result), where, el("span", took_words(result)))
    entries = {
        entry.envelope.command.call.call_id: entry
        for entry in effects
        if isinstance(entry.envelope.command, ToolCallCommand)
    }
    pictures = SmallPictures(attachment_data)
    given = _given(result.pictures, pictures)
    body = card_body(rows, entries, pictures) if rows.rows else prose_row(result.reply) if result.reply else None
    counts = counts_words(result.model_calls, len(result.tool_calls), result.usage)
    foot = card_foot(counts, el("span", short_id(result.turn_id), title=result.turn_id, style=CODE))
    return card(head, given, body, *(_issue(issue, raised) for issue in told_issues(result)), _after(state), foot)


def card(*parts: Html | None) -> str:
    """Return the card around its parts."""
    style = f"border:{BORDER};border-radius:3px;font-size:13px;line-height:20px;font-family:var(--jp-ui-font-family,Helvetica,Arial,sans-serif);"
    return el("div", *parts, style=style)


def card_head(state: TurnState, words: str, where: str, right: Html) -> Html:
    """Return the line above the rows: how it stands, which turn, what stands at the right."""
    sign = el("span", _HEAD_SIGNS[state], style=FAILURE if state == "failed" else None)
    title = el("span", el("b", words), "  ", el("span", where, style=MUTED), style=CUT)
    return el("div", sign, title, right, style=f"{ROW}padding:7px 12px;", role="status")


def card_foot(counts: str, right: Html) -> Html:
    """Return the line below the rows."""
    return el(
        "div",
        el("span", counts, style="flex:1;white-space:pre-wrap;"),
        right,
        style=f"{LINE}{ROW}{MUTED}font-size:12px;",
    )


def card_body(
    rows: TurnRows, entries: Mapping[str, EffectEntry], pictures: SmallPictures, *, running: bool = False
) -> Html:
    """Return the rows, those of tools with their effects by call id; of a running turn with a caret where text is being written."""
    shown = shown_rows(rows.rows)
    return joined(
        *(
            _row(row, entries, pictures, running=running, is_last=place == len(shown) - 1)
            for place, row in enumerate(shown)
        )
    )


def _row(
    row: ProseRow | ToolRow | NoteRow | list[ToolRow],
    entries: Mapping[str, EffectEntry],
    pictures: SmallPictures,
    *,
    running: bool,
    is_last: bool,
) -> Html:
    match row:
        case ProseRow(text=text):
            return running_prose_row(text, caret=is_last) if running else prose_row(text)
        case ToolRow():
            return tool_row(row, entries.get(row.call_id), pictures)
        case NoteRow(kind=kind, text=text):
            style = FAILURE if kind == "error" else CODE if kind == "code" else MUTED
            return el("div", unmasked(text[:2000]), style=LINE + "white-space:pre-wrap;overflow-wrap:anywhere;" + style)
        case _:
            head = el("summary", f"show {len(row)} more", style=f"{LINE}{MUTED}cursor:pointer;")
            return el("details", head, *(tool_row(one, entries.get(one.call_id), pictures) for one in row))


def _given(references: Sequence[AttachmentRef], pictures: SmallPictures) -> Html | None:
    """What the model was given to look at, above everything that came of it."""
    drawn = pictures.drawn(references)
    return el("div", drawn, style=LINE) if drawn else None


def _issue(issue: TurnIssue, raised: Mapping[str, str]) -> Html:
    where = raised.get(issue.code or "")
    return el(
        "div",
        el("b", one_line(issue.code or issue.kind, 48)),
        f" · {one_line(issue.message, 300)}",
        el("div", where, style=f"{CODE}font-size:12px;") if where else None,
        style=LINE + FAILURE,
    )


def _after(state: TurnState) -> Html | None:
    if state != "cancelled":
        return None
    return el(
        "div",
        "What was said before is committed. Continue with ",
        el("code", "%%lash"),
        style=f"{LINE}{MUTED}font-size:12px;",
    )
