"""HTML and SVG as values: text is escaped unless it already is `Html`, so nothing hostile can become markup by accident.

Every text that a page shows passes here, so none turns its own direction, hides a part of it or holds control characters.

What is built here must read on GitHub and nbviewer, in a notebook that nobody trusts, on light and dark pages: inline attributes only, no
class that it needs, script or style block, and colors made from the page's own text color.
"""

import base64
import re
from collections.abc import Iterable, Sequence
from functools import cache
from html import escape
from typing import Final, LiteralString

from lash_nb.plots import one_line
from lash_nb.words import MASKS

__all__ = [
    "BORDER",
    "CELL",
    "CODE",
    "FAILURE",
    "MUTED",
    "PICTURE_STYLE",
    "RIGHT",
    "SUNK",
    "THEME_RULE",
    "VOID",
    "Html",
    "bar",
    "el",
    "filled",
    "heading",
    "image",
    "joined",
    "svg_text",
    "table",
    "untypeset",
]

BORDER: Final = "1px solid rgba(128,128,128,.35)"
"""A hair line on any page."""
SUNK: Final = "background:rgba(128,128,128,.09);"
"""Where code and details lie."""
MUTED: Final = "opacity:.74;"
"""Secondary text, on any page."""
CODE: Final = "font-family:var(--jp-code-font-family,Menlo,Consolas,'DejaVu Sans Mono',monospace);font-size:12px;"
"""Ids, code and JSON."""
FAILURE: Final = "color:#c2560c;color:color-mix(in srgb,#d55e00 72%,currentColor);"
"""Text that tells of a failure; the second declaration follows the page's brightness where the browser can."""
_EDGE: Final = "box-sizing:border-box;border:1px solid rgba(128,128,128,.5);"
"""Around a fill, which alone may be too light for its page."""
_FIGURES: Final = "font-variant-numeric:tabular-nums;"
RIGHT: Final = f"text-align:right;white-space:nowrap;{_FIGURES}"
"""Numbers with units."""
CELL: Final = "padding:3px 10px;vertical-align:top;"
"""A cell of a table."""
_MASKED: Final = f"{MASKS}\ufffe\uffff"
"""Characters that make a text read as something else, and those that no XML may hold: one of them, and a browser shows nothing of an SVG."""
_UNREADABLE: Final = re.compile(f"[{_MASKED}]")
VOID: Final = frozenset({"br", "hr", "img"})
"""Elements without an end."""


class Html(str):
    """Text that is markup already; made by `el`, `filled` and `joined` only."""

    __slots__ = ()


_HARMLESS: Final = frozenset({Html, int, float})
"""Types whose values are the same escaped. Exactly these: a text of another type is a text."""

_DARK: Final = {
    "#ffffff": "#111111",
    "#1f2328": "#e4e6e8",
    "#59616b": "#a2a8b0",
    "#000000": "#ffffff",
    "#a84300": "#ff9d57",
    "#b9bec5": "#5b6067",
    "#e0e2e5": "#34373b",
}
"""What pictures are drawn in, and what stands for it on a dark page: surface, ink, grey, edges, failures, lines."""
PICTURE_STYLE: Final = Html(
    "<style>@media (prefers-color-scheme:dark){"
    + "".join(f"[{what}='{light}']{{{what}:{dark}}}" for light, dark in _DARK.items() for what in ("fill", "stroke"))
    + "}</style>"
)
"""Goes into a picture: it is dark where its page is; where this is dropped it is light, with a ground of its own."""
_PAGES: Final = {
    "dark": ('[data-jp-theme-light="false"]', ".vscode-dark"),
    "light": ('[data-jp-theme-light="true"]', ".vscode-light"),
}
THEME_RULE: Final = Html(
    "<style>"
    + "".join(
        f"body{page} [data-lash-static] img{{color-scheme:{theme}}}"
        for theme, pages in _PAGES.items()
        for page in pages
    )
    + "</style>"
)
"""Goes beside a static twin: a notebook's theme is its own, and this tells it to the pictures of the twin."""


def el(tag: str, *children: str | None, **attributes: str | float | None) -> Html:
    """Return an element; children that are not `Html` are escaped, attributes always; `aria_label` is written `aria-label`."""
    opened = tag
    for name, value in attributes.items():
        if value is not None:
            opened += f' {_attribute(name)}="{_escaped(str(value))}"'
    return Html(f"<{opened}>" if tag in VOID else f"<{opened}>{_markup(children)}</{tag}>")


def joined(*children: str | None) -> Html:
    """Return the children one after the other, escaped where they are text."""
    return Html(_markup(children))


def filled(template: LiteralString, *texts: str | float) -> Html:
    """Return a piece of markup of ours, as it is written in the source, with texts and numbers at its `{}`: as `el` for what there are thousands of."""
    return Html(template.format(*[text if type(text) in _HARMLESS else _escaped(str(text)) for text in texts]))


def image(svg: Html, label: str) -> Html:
    """Return an SVG as `<img>`: pages that nobody trusts take SVG out and leave its texts, run together; here they leave the label."""
    source = base64.b64encode(svg.encode()).decode()
    return el(
        "img",
        src=f"data:image/svg+xml;base64,{source}",
        alt=label,
        style="max-width:100%;height:auto;",
    )


def heading(title: str, note: str = "") -> Html:
    """Return the line above a picture or a table: a title, however long, and muted words."""
    words = el("span", f" {note}", style=MUTED) if note else None
    return el("div", el("b", one_line(title)), words, style="margin:4px 0;overflow-wrap:anywhere;")


def table(heads: list[tuple[str, str]], rows: list[list[str]]) -> Html:
    """Return a plain table; a head is `(label, extra cell style)`, cells are text or `Html`.

    Cells carry only what a page's own rules for cells would override, because every one of them is stored with the notebook.
    """
    styles = [CELL + (style if "text-align" in style else f"text-align:left;{style}") for _, style in heads]
    plain = [style.replace(_FIGURES, "").replace("width:100%;", "") for style in styles]
    line = f"border-bottom:{BORDER};"
    head = el(
        "tr",
        *(
            el("th", label, style=style.replace(CODE, "") + MUTED)
            for (label, _), style in zip(heads, styles, strict=True)
        ),
        style=line,
    )
    body = [
        el("tr", *(el("td", cell, style=style) for cell, style in zip(row, plain, strict=True)), style=line)
        for row in rows
    ]
    return el(
        "table",
        el("thead", head),
        el("tbody", *body),
        style="border-collapse:collapse;table-layout:auto;margin:0;font-size:12px;width:100%;" + _FIGURES,
    )


def untypeset(html: str) -> Html:
    """Return markup of ours in a frame whose texts a page leaves as they are said: to MathJax, dollars in a reply are a formula.

    The first class is what MathJax 3 and later look for, the second what older ones do.
    """
    return el("div", Html(html), class_="mathjax_ignore tex2jax_ignore")


def bar(parts: Sequence[float], *, fills: Sequence[str], whole: float, width: str = "100%") -> Html:
    """Return parts side by side as one bar, 9 pixels high; the numbers stand beside it, so who cannot see it misses nothing.

    Args:
        parts: How long each is.
        fills: Its color.
        whole: What would fill the whole width.
        width: How wide that is.
    """
    shown = [
        el(
            "span",
            style=f"display:inline-block;height:9px;min-width:3px;width:{part / whole:.2%};background:{fill};{_EDGE}",
        )
        for part, fill in zip(parts, fills, strict=True)
        if part > 0
    ]
    return el(
        "span",
        *shown,
        style=f"display:inline-flex;width:{width};max-width:100%;vertical-align:middle;",
        aria_hidden="true",
    )


def svg_text(x: float, y: float, *children: str | None, **attributes: str | float | None) -> Html:
    """Return a line of text of an SVG picture."""
    return el("text", *children, x=x, y=y, **attributes)


def _markup(children: Iterable[str | None]) -> str:
    return "".join([child if type(child) is Html else _escaped(child) for child in children if child is not None])


@cache
def _attribute(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def _escaped(text: str) -> str:
    return escape(text if text.isprintable() else _UNREADABLE.sub("\ufffd", text))  # what is masked cannot be printed
