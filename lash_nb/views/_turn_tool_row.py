"""One tool call of a turn's card: a line that says it, and below it, opened without a script, all there is to know of it."""

from collections.abc import Mapping
from typing import Any, Final

from lash_nb.plots import one_line, recorded_duration
from lash_nb.views._json import call_text, json_html, summary
from lash_nb.views._markup import BORDER, CODE, FAILURE, MUTED, RIGHT, SUNK, Html, el, joined
from lash_nb.views._small_pictures import SmallPictures
from lash_nb.views._turn_rows import ToolRow
from lash_nb.wire import AttachmentRef, EffectEntry, ToolCancelled, ToolFailed, ToolSuccess, ToolValue
from lash_nb.words import unmasked

__all__ = ["CUT", "LINE", "ROW", "tool_row"]

LINE: Final = f"border-top:{BORDER};padding:4px 12px;"
"""A row of a card."""
ROW: Final = "display:flex;gap:8px;align-items:baseline;"
"""What lies side by side in it."""
CUT: Final = "overflow:hidden;text-overflow:ellipsis;white-space:nowrap;min-width:0;flex:1;"
"""What gives way in it when there is no room."""
_JSON: Final = 4_000
"""Characters of arguments and of a result: a notebook keeps them, and four times as many of markup; all of them are in `result.tool_calls`."""
_SIGNS: Final[Mapping[str, str]] = {"success": "✓", "failure": "✖", "cancelled": "⊘", "running": "○"}


def tool_row(row: ToolRow, entry: EffectEntry | None, pictures: SmallPictures) -> Html:
    """Return the row, below it what pictures the tool gave; the effect, where it is known, adds its id, replay key and hash."""
    sign = el(
        "span",
        _SIGNS[row.status],
        style=FAILURE if row.status == "failure" else MUTED,
        aria_label=row.status,
        role="img",
    )
    name = el("span", one_line(row.name, 48), style=f"{CODE}min-width:150px;")
    said = el("span", el("span", call_text(row.args), style=CODE + MUTED), _result_words(row), style=CUT)
    origin = el("span", entry.origin, style=MUTED) if entry and entry.origin != "executed" else None
    took = el("span", recorded_duration(row.duration_ms), style=RIGHT)
    line = el("div", sign, name, said, origin, took, style=ROW + "display:inline-flex;width:calc(100% - 15px);")
    head = el("summary", line, _raised(row), style=LINE + "cursor:pointer;")
    drawn = pictures.drawn(row.output.attachments()) if row.output else None
    shown = el("div", drawn, style="padding:0 12px 0 38px;") if drawn else None
    return joined(el("details", head, _tool_detail(row, entry)), shown)


def _raised(row: ToolRow) -> Html | None:
    """Where the tool raised: the model does not read it, whoever wrote the tool does."""
    style = f"{MUTED}{CODE}font-size:12px;padding-left:38px;overflow-wrap:anywhere;"
    return el("div", unmasked(row.raised), style=style) if row.raised else None


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
            words = joined(_success_words(payload.value))
    return joined(el("span", " → ", style=MUTED), words)


def _success_words(value: Any) -> str:
    """A result in one phrase; its attachments stand below it."""
    if isinstance(value, AttachmentRef):
        return ""
    if isinstance(value, dict):
        value = {name: item for name, item in value.items() if not isinstance(item, AttachmentRef)}
    return summary(ToolValue(value)) if value != {} else ""


def _tool_detail(row: ToolRow, entry: EffectEntry | None) -> Html:
    def part(title: str, value: Any) -> Html:
        return el(
            "div",
            el("div", title, style=f"font-size:11px;{MUTED}"),
            json_html(value, whole="result.tool_calls", limit=_JSON),
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
