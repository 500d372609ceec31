"""The card of a turn: live while it streams, the same card when it is over. No script: details open by themselves on any page."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from lash_nb.plots import byte_size, counted, duration, one_line, short_id
from lash_nb.views._json import call_text, json_html, summary
from lash_nb.views._markup import BORDER, CODE, FAILURE, MUTED, RIGHT, SUNK, Html, el, joined
from lash_nb.views._text import COLUMNS, clipped
from lash_nb.views._turn_rows import NoteRow, ProseRow, ToolRow, TurnRows, shown_rows
from lash_nb.views._turn_words import TurnLike, outcome_words, usage_words
from lash_nb.wire import (
    AttachmentRef,
    EffectEntry,
    ToolCallCommand,
    ToolCancelled,
    ToolFailed,
    ToolSuccess,
    ToolValue,
    TurnActivity,
)

__all__ = ["TurnDisplay", "TurnState", "turn_head", "turn_html", "turn_text"]

TurnState: TypeAlias = Literal["running", "pausing", "completed", "failed", "cancelled"]
"""`pausing`: the first Ctrl-C came, the effect in flight still runs."""

_SIGNS: Final[Mapping[str, str]] = {"success": "✓", "failure": "✖", "cancelled": "⊘", "running": "○"}
_ASCII: Final[Mapping[str, str]] = {"success": " ", "failure": "!", "cancelled": "x", "running": "~"}
_HEAD_SIGNS: Final[Mapping[str, str]] = {
    "running": "○",
    "pausing": "○",
    "completed": "✓",
    "failed": "✖",
    "cancelled": "⊘",
}
_LINE: Final = f"border-top:{BORDER};padding:4px 12px;"
_ROW: Final = "display:flex;gap:8px;align-items:baseline;"
_CUT: Final = "overflow:hidden;text-overflow:ellipsis;white-space:nowrap;min-width:0;flex:1;"
_PROSE: Final = 20_000
"""Characters of prose in a card; the whole reply is `result.reply`."""


class TurnDisplay:
    """A turn that runs, as a card that is drawn again after each change.

    Args:
        session_id: The session, for the header.
        turn_index: Number of the turn, if it is known already.
        elapsed_ms: Tells how long the turn has run, in milliseconds.
    """

    def __init__(
        self, *, session_id: str = "", turn_index: int | None = None, elapsed_ms: Callable[[], float] | None = None
    ) -> None:
        self.session_id = session_id
        self.turn_index = turn_index
        self.rows = TurnRows()
        self.state: TurnState = "running"
        self._elapsed = elapsed_ms
        self._result: TurnLike | None = None
        self._effects: Sequence[EffectEntry] = ()

    def apply(self, activity: TurnActivity) -> None:
        """Take in what happened."""
        self.rows.apply(activity)

    def pause(self) -> None:
        """Show that the turn stops after the effect in flight."""
        if self.state == "running":
            self.state = "pausing"

    def finish(self, result: TurnLike, *, effects: Sequence[EffectEntry] = ()) -> None:
        """Show the end of the turn; `effects` adds ids, replay keys and hashes to the tool rows."""
        self._result, self._effects = result, effects
        outcome = result.outcome
        self.state = "completed" if outcome.is_success else "cancelled" if outcome.reason == "cancelled" else "failed"

    def html(self) -> str:
        """Return the card as HTML without scripts."""
        if self._result is not None:
            return turn_html(self._result, effects=self._effects)
        told = turn_head(self)
        head = _head(self.state, told["title"], told["place"], el("span", told["hint"], style=MUTED))
        took = duration(self.elapsed_ms)
        return _card(head, _body(self.rows, {}, caret=self.rows.is_writing), _foot(told["counts"], el("span", took)))

    def text(self) -> str:
        """Return the card as text."""
        if self._result is not None:
            return turn_text(self._result)
        told = turn_head(self)
        return clipped([f"{told['title']}  {told['place']}", *_text_rows(self.rows), told["counts"]])

    @property
    def elapsed_ms(self) -> float | None:
        """How long the turn has run, in milliseconds; None where nobody counts."""
        return self._elapsed() if self._elapsed else None

    @property
    def place(self) -> str:
        """Which turn it is: of which session, and how often the model was asked."""
        turn = f"turn {self.turn_index}" if self.turn_index is not None else ""
        calls = f"model call {self.rows.model_calls}" if self.rows.model_calls and self.state == "running" else ""
        return " · ".join(filter(None, (turn, self.session_id, calls)))


def turn_head(card: TurnDisplay) -> dict[str, str]:
    """Return what stands above and below the rows of a running turn: state, title, place, hint, counts."""
    tool, pausing = card.rows.running_tool, card.state == "pausing"
    return {
        "state": card.state,
        "title": "Pausing after this effect" if pausing else "Running",
        "place": card.place,
        "hint": f"Ctrl-C again cancels {tool.name if tool else 'the model call'}"
        if pausing
        else "Ctrl-C pauses before the next effect",
        "counts": _counts(card.rows),
    }


def turn_html(result: TurnLike, *, effects: Sequence[EffectEntry] = ()) -> str:
    """Return a finished turn as a card.

    Args:
        result: The turn.
        effects: Its effects, if known: gives tool rows their effect id, replay key and hash.
    """
    rows = TurnRows.of(result)
    outcome = result.outcome
    state: TurnState = "completed" if outcome.is_success else "cancelled" if outcome.reason == "cancelled" else "failed"
    where = f"turn {result.turn_index} · {short_id(result.session_id)}"
    head = _head(state, outcome_words(result), where, el("span", duration(result.duration_ms)))
    entries = {
        entry.envelope.command.call.call_id: entry
        for entry in effects
        if isinstance(entry.envelope.command, ToolCallCommand)
    }
    body = _body(rows, entries) if rows.rows else _reply(result.reply)
    usage = usage_words(result.usage)
    counts = "   ".join(
        filter(None, (counted(result.model_calls, "model call"), _tool_count(len(result.tool_calls)), usage))
    )
    foot = _foot(counts, el("span", short_id(result.turn_id), title=result.turn_id, style=CODE))
    return _card(head, body, *map(_issue, result.errors), _after(state), foot)


def turn_text(result: TurnLike) -> str:
    """Return a finished turn as text: outcome, rows in order, counters, the next command."""
    head = f"{outcome_words(result)}  turn {result.turn_index} · {short_id(result.session_id)} · {duration(result.duration_ms)}"
    rows = TurnRows.of(result)
    body = _text_rows(rows) if rows.rows else _wrapped(result.reply)
    issues = [
        line
        for issue in result.errors
        for line in _wrapped(f"! {issue.code or issue.kind}: {one_line(issue.message, 400)}")
    ]
    counts = "  ".join(
        filter(
            None,
            (counted(result.model_calls, "model call"), _tool_count(len(result.tool_calls)), usage_words(result.usage)),
        )
    )
    return clipped([head, *body, *issues, f"{counts}  next: %lash effects"])


def _card(*parts: Html | None) -> str:
    style = f"border:{BORDER};border-radius:3px;font-size:13px;line-height:20px;font-family:var(--jp-ui-font-family,Helvetica,Arial,sans-serif);"
    return el("div", *parts, style=style)


def _head(state: TurnState, words: str, where: str, right: Html) -> Html:
    sign = el("span", _HEAD_SIGNS[state], style=FAILURE if state == "failed" else None)
    title = el("span", el("b", words), "  ", el("span", where, style=MUTED), style=_CUT)
    return el("div", sign, title, right, style=f"{_ROW}padding:7px 12px;", role="status")


def _foot(counts: str, right: Html) -> Html:
    return el(
        "div",
        el("span", counts, style="flex:1;white-space:pre-wrap;"),
        right,
        style=f"{_LINE}{_ROW}{MUTED}font-size:12px;",
    )


def _body(rows: TurnRows, entries: Mapping[str, EffectEntry], *, caret: bool = False) -> Html:
    shown = shown_rows(rows.rows)
    return joined(*(_row(row, entries, caret=caret and place == len(shown) - 1) for place, row in enumerate(shown)))


def _row(row: ProseRow | ToolRow | NoteRow | list[ToolRow], entries: Mapping[str, EffectEntry], *, caret: bool) -> Html:
    match row:
        case ProseRow(text=text):
            cut = (
                el("span", f" … {len(text) - _PROSE:,} characters more: result.reply", style=MUTED)
                if len(text) > _PROSE
                else None
            )
            return el(
                "div",
                text[:_PROSE],
                cut,
                el("span", "▌") if caret else None,
                style=_LINE + "padding-top:7px;padding-bottom:7px;white-space:pre-wrap;overflow-wrap:anywhere;",
            )
        case ToolRow():
            return _tool_row(row, entries.get(row.call_id))
        case NoteRow(kind=kind, text=text):
            style = FAILURE if kind == "error" else CODE if kind == "code" else MUTED
            return el("div", text[:2000], style=_LINE + "white-space:pre-wrap;overflow-wrap:anywhere;" + style)
        case _:
            head = el("summary", f"show {len(row)} more", style=f"{_LINE}{MUTED}cursor:pointer;")
            return el("details", head, *(_tool_row(one, entries.get(one.call_id)) for one in row))


def _tool_row(row: ToolRow, entry: EffectEntry | None) -> Html:
    sign = el(
        "span",
        _SIGNS[row.status],
        style=FAILURE if row.status == "failure" else MUTED,
        aria_label=row.status,
        role="img",
    )
    name = el("span", one_line(row.name, 48), style=f"{CODE}min-width:150px;")
    said = el("span", el("span", call_text(row.args), style=CODE + MUTED), _result_words(row), style=_CUT)
    origin = el("span", entry.origin, style=MUTED) if entry and entry.origin != "executed" else None
    took = el("span", duration(row.duration_ms), style=RIGHT)
    line = el("div", sign, name, said, origin, took, style=_ROW + "display:inline-flex;width:calc(100% - 15px);")
    return el("details", el("summary", line, style=_LINE + "cursor:pointer;"), _tool_detail(row, entry))


def _result_words(row: ToolRow) -> Html | None:
    if row.output is None:
        return None
    match row.output.outcome:
        case ToolFailed(payload=failure):
            words = el(
                "span", el("b", one_line(failure.code, 48)), f" · {one_line(failure.message, 120)}", style=FAILURE
            )
        case ToolCancelled(payload=cancellation):
            words = el("span", one_line(cancellation.message, 120), style=MUTED)
        case ToolSuccess(payload=payload):
            words = joined(_success_words(payload.value), *map(_chip, payload.attachments()))
    return joined(el("span", " → ", style=MUTED), words)


def _success_words(value: Any) -> str:
    """A result in one phrase; its attachments are chips beside it."""
    if isinstance(value, AttachmentRef):
        return ""
    if isinstance(value, dict):
        value = {name: item for name, item in value.items() if not isinstance(item, AttachmentRef)}
    return summary(ToolValue(value)) if value != {} else ""


def _chip(reference: AttachmentRef) -> Html:
    style = f"border:{BORDER};border-radius:3px;padding:0 5px;margin-left:6px;"
    size = el("span", f" {byte_size(reference.byte_len)}", style=MUTED)
    return el("span", el("span", reference.id[:8], style=CODE), size, style=style)


def _tool_detail(row: ToolRow, entry: EffectEntry | None) -> Html:
    def part(title: str, value: Any) -> Html:
        return el(
            "div",
            el("div", title, style=f"font-size:11px;{MUTED}"),
            json_html(value, whole="result.tool_calls"),
            style="flex:1;min-width:240px;",
        )

    halves = el(
        "div",
        part("Arguments", row.args),
        part("Result", _result_value(row)) if row.output else None,
        style="display:flex;flex-wrap:wrap;gap:16px;",
    )
    return el("div", halves, _identity(row, entry), style=f"{SUNK}padding:8px 12px 8px 38px;")


def _result_value(row: ToolRow) -> Any:
    return row.output.outcome.payload if row.output else None


def _identity(row: ToolRow, entry: EffectEntry | None) -> Html:
    if entry is None:
        facts = [("call", row.call_id)]
    else:
        facts = [
            ("effect", entry.envelope.invocation.effect_id or ""),
            ("replay key", entry.envelope.invocation.replay_key or ""),
            ("hash", entry.envelope.hash()[:8]),
        ]
        if entry.origin != "executed":
            facts.append(("outcome", entry.origin))
    return el(
        "div",
        *(
            el("span", el("span", f"{name} ", style=MUTED), el("span", value, style=CODE), style="margin-right:16px;")
            for name, value in facts
        ),
        style="margin-top:6px;font-size:12px;overflow-wrap:anywhere;",
    )


def _issue(issue: Any) -> Html:
    return el(
        "div",
        el("b", one_line(issue.code or issue.kind, 48)),
        f" · {one_line(issue.message, 300)}",
        style=_LINE + FAILURE,
    )


def _reply(text: str) -> Html | None:
    return el("div", text, style=_LINE + "white-space:pre-wrap;") if text else None


def _after(state: TurnState) -> Html | None:
    if state != "cancelled":
        return None
    return el(
        "div",
        "What was said before is committed. Continue with ",
        el("code", "%%lash"),
        style=f"{_LINE}{MUTED}font-size:12px;",
    )


def _counts(rows: TurnRows) -> str:
    return "   ".join(
        filter(None, (counted(rows.model_calls, "model call"), _tool_count(len(rows.tools)), usage_words(rows.usage)))
    )


def _tool_count(count: int) -> str:
    return counted(count, "tool call") if count else ""


def _text_rows(rows: TurnRows) -> list[str]:
    lines: list[str] = []
    for row in shown_rows(rows.rows):
        match row:
            case ProseRow(text=text):
                lines += _wrapped(text)
            case ToolRow():
                lines.append(_text_tool(row))
            case NoteRow(kind=kind, text=text):
                lines.append(f"{'!' if kind == 'error' else ' '} {one_line(text, 90)}")
            case _:
                lines.append(f"  : {counted(len(row), 'tool call')} more: result.tool_calls")
    return lines


def _text_tool(row: ToolRow) -> str:
    said = one_line(f"{row.name}({call_text(row.args, 40)}) → {_text_result(row)}", 84)
    return f"{_ASCII[row.status]} {said:<84}  {duration(row.duration_ms):>8}"


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


def _wrapped(text: str) -> list[str]:
    """Lines of at most 100 columns; words are not cut."""
    lines: list[str] = []
    for paragraph in text.strip().splitlines():
        line = ""
        for word in one_line(paragraph, 4000).split(" "):
            if line and len(line) + len(word) + 1 > COLUMNS:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}" if line else word
        lines.append(line)
    return lines
