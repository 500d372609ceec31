"""What a model wrote in a turn, as a row of its card: plain while it comes, its Markdown when it is there."""

from typing import Final

from lash_nb.plots import counted
from lash_nb.views._markdown import markdown
from lash_nb.views._markup import CODE, MUTED, SUNK, Html, el, joined
from lash_nb.views._turn_tool_row import LINE
from lash_nb.words import unmasked

__all__ = ["PROSE", "drawn_prose", "prose_row", "running_prose_row"]

PROSE: Final = 20_000
"""Characters of prose in a card; the whole reply is `result.reply`."""
_ROW: Final = LINE + "padding-top:7px;padding-bottom:7px;overflow-wrap:anywhere;"
_PLAIN: Final = f"{_ROW}white-space:pre-wrap;"
_WHOLE: Final = (
    f"margin:4px 0 0;padding:6px 10px;white-space:pre-wrap;overflow-wrap:anywhere;user-select:all;{SUNK}{CODE}"
)
"""A click selects all of it, so that it can be copied without a script."""


def prose_row(text: str) -> Html:
    """Return a text that is whole: as Markdown, with the text as it was said below it, folded; as it is where it has none."""
    said = unmasked(text[:PROSE])
    drawn = drawn_prose(said, _left_out(text))
    return el("div", said, _left_out(text), style=_PLAIN) if drawn is None else el("div", drawn, style=_ROW)


def drawn_prose(said: str, left_out: Html | None = None) -> Html | None:
    """Return the Markdown of a text, what is left out of it, and the text as it was said, folded; None of a text without any."""
    shown = markdown(said)
    if shown is None:
        return None
    fold = el(
        "details",
        el("summary", "as said", style=f"{MUTED}font-size:11px;line-height:14px;cursor:pointer;"),
        el("pre", said, style=_WHOLE),
    )
    return joined(shown, left_out, fold)


def running_prose_row(text: str, *, caret: bool) -> Html:
    """Return a text that may grow, plain: it is drawn again with each piece, and half of a table is none."""
    return el("div", unmasked(text[:PROSE]), _left_out(text), el("span", "▌") if caret else None, style=_PLAIN)


def _left_out(text: str) -> Html | None:
    more = counted(len(text) - PROSE, "character")
    return el("span", f" … {more} more: result.reply", style=MUTED) if len(text) > PROSE else None
