"""Markdown of a model as HTML in which every tag and attribute is one of ours.

A parser says only what is meant; what it found is built with `el`, by a table. So raw HTML is text, no picture is asked for, and a link leads nowhere but
to the host that stands beside it. Nothing that was said is hidden: definitions of references stay where they stand, and so does TeX, which no page typesets here.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from itertools import chain
from typing import TYPE_CHECKING, Final

from lash_nb.plots import one_line
from lash_nb.views._markup import BORDER, CELL, CODE, MUTED, SUNK, Html, el, joined
from lash_nb.views._task_lists import TASK, mark_tasks
from lash_nb.words import unmasked

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

__all__ = ["markdown"]

_DEEPEST: Final = 20
"""Boxes in boxes, as in the parser's own preset; below that it drops what it reads."""
_MOST_TOKENS: Final = 10_000
"""A table may have far more cells than its text has characters."""
_MOST: Final[Mapping[str, int]] = {"\n": 2_000, "[": 2_000}
"""More of these, and a text that means no good keeps the parser busy for seconds: it looks for an end from each of them."""
_MOST_CELLS: Final = 20_000
"""A table's parser fills every line up to the widest, before anybody can count what it made."""
_TOO_MUCH: Final = "Too many lines, brackets, cells or levels to be read as Markdown, so as it was said:"
_GAP: Final = "margin:0 0 8px;"
_ADDRESS: Final = re.compile(
    r"https?://(?P<host>[\w.-]+)(?::\d{1,5})?(?:[/?#]\S*)?|mailto:(?P<mail>[\w.+-]+@[\w.-]+)", re.ASCII | re.IGNORECASE
)
"""Addresses that are opened: those that name their host, or one mailbox, and nothing in front of it that could be taken for it."""
_TEX: Final = re.compile(r"\\\(.{1,1000}?\\\)|\\\[.{1,1000}?\\\]|\$\$.{1,1000}?\$\$", re.DOTALL)
_SCHEME: Final = re.compile(r"(?<!\w)https?$", re.IGNORECASE)
_BARE: Final = re.compile(r"://[^\s<>\"'`*|\[\]{}\\^]{1,2000}+(?![^\s<>\"'`*|\[\]{}\\^])")
"""The rest of an address that stands in a text by itself, of a length that browsers follow."""
_HEADINGS: Final = {1: f"padding-bottom:2px;border-bottom:{BORDER};", 2: ""}
"""All are as large as the card's own title; deeper ones are muted."""
_ALIGNED: Final = frozenset({"text-align:left", "text-align:center", "text-align:right"})
_SAID: Final = frozenset({"paragraph_open", "paragraph_close", "inline"})
"""What a text without Markdown is made of."""


def markdown(text: str) -> Html | None:
    """Return a text as HTML without scripts; None where its Markdown says nothing that the text itself does not.

    What would take too long, or nests too deeply, is shown as it is, and that is said.

    Args:
        text: What a model wrote; the time and the size that it takes are bounded for up to some 20,000 characters.
    """
    if any(text.count(mark) > most for mark, most in _MOST.items()) or _cells(text) > _MOST_CELLS:
        return _as_it_is(text)
    tokens = _parser().parse(text)
    if _is_too_much(tokens):
        return _as_it_is(text)
    if all(token.type in _SAID for token in tokens) and all(map(_is_said, tokens)):
        return None
    return Html(unmasked(joined(*_drawn(tokens))))


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt  # noqa: PLC0415 - who sees no reply does not wait for it to load

    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": _DEEPEST})
    parser.inline.ruler.before("escape", "tex", _tex)
    parser.inline.ruler.after("text", "bare_address", _bare_address)
    parser.core.ruler.after("inline", TASK, mark_tasks)
    return parser.enable(["table", "strikethrough"]).disable("reference")


def _tex(state: "StateInline", silent: bool) -> bool:
    """Read a formula, in which nothing is Markdown; single dollars are amounts of money."""
    found = _TEX.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent:
        state.push("tex", "", 0).content = found[0]
    state.pos = found.end()
    return True


def _bare_address(state: "StateInline", silent: bool) -> bool:
    """Read an address of a page that nothing marks as a link, from its colon on, as models write their sources."""
    if silent or state.linkLevel or state.src[state.pos] != ":":
        return False
    scheme = _SCHEME.search(state.pending, max(0, len(state.pending) - len("https")))
    rest = _BARE.match(state.src, state.pos, state.posMax) if scheme else None
    if scheme is None or rest is None:
        return False
    said = _without_ending(rest[0])
    address = state.md.normalizeLink(scheme[0] + said)
    if not _ADDRESS.fullmatch(address):
        return False
    state.pending = state.pending[: scheme.start()]
    state.push("link_open", "a", 1).attrs = {"href": address}
    state.push("text", "", 0).content = scheme[0] + said
    state.push("link_close", "a", -1)
    state.pos += len(said)
    return True


def _without_ending(address: str) -> str:
    """Cut off what belongs to the sentence: its point, and a bracket that was opened before the address."""
    while (bare := address.rstrip("?!.,:;_~")).endswith(")") and bare.count(")") > bare.count("("):
        address = bare[:-1]
    return bare


def _cells(text: str) -> int:
    """Return how many cells the text has if all of it is one table."""
    lines = text.split("\n")
    return len(lines) * max(line.count("|") for line in lines)


def _as_it_is(text: str) -> Html:
    return joined(el("div", _TOO_MUCH, style=MUTED), el("div", text, style="white-space:pre-wrap;"))


def _is_too_much(tokens: Sequence["Token"]) -> bool:
    every = [*tokens, *_within(tokens)]
    return len(every) > _MOST_TOKENS or any(token.level >= _DEEPEST - 1 for token in every)


def _within(tokens: Sequence["Token"]) -> Iterator["Token"]:
    return chain.from_iterable(token.children or () for token in tokens)


def _is_said(token: "Token") -> bool:
    """Whether a line of text reads as its source does."""
    lines = token.children or ()
    read = "".join(child.content or "\n" for child in lines)
    return all(child.type in ("text", "softbreak") for child in lines) and read.split() == token.content.split()


def _drawn(tokens: Sequence["Token"]) -> list[Html]:
    """Draw tokens in order; what was opened last is closed first."""
    opened: list[tuple[Token, list[Html]]] = []
    here: list[Html] = []
    for token in tokens:
        if token.nesting > 0:
            opened.append((token, here))
            here = []
        elif token.nesting < 0:
            box, around = opened.pop()
            around.append(joined(*here) if box.hidden else _BOXES[box.type](box, here))
            here = around
        elif token.type == "image" and any(box.type == "link_open" for box, _ in opened):
            here.append(_alternative(token))  # a link in a link would end the outer one
        else:
            here.append(_LEAVES[token.type](token))
    return here


def _box(tag: str, style: str | None, _token: "Token", inner: Sequence[Html]) -> Html:
    return el(tag, *inner, style=style)


def _heading(token: "Token", inner: Sequence[Html]) -> Html:
    """No `h1`: a notebook's table of contents lists those of its author, and a page would set them larger than the card's title."""
    level = int(token.tag[1:])
    style = _HEADINGS.get(level, MUTED)
    return el("div", el("b", *inner), role="heading", aria_level=level, style=f"margin:10px 0 6px;{style}")


def _list(token: "Token", inner: Sequence[Html]) -> Html:
    style = "margin:0;" if token.level else _GAP
    return el(token.tag, *inner, start=token.attrs.get("start"), style=f"{style}padding-left:26px;")


def _item(token: "Token", inner: Sequence[Html]) -> Html:
    return el("li", *inner, style=f"margin:2px 0;{'list-style:none;' if token.meta.get('is_task') else ''}")


def _task(token: "Token") -> Html:
    """Where the bullet would be; a box that can be clicked would promise that somebody hears of it."""
    sign = "☑" if token.content == "done" else "☐"
    return el("span", sign, role="img", aria_label=token.content, style="margin-right:7px;")


def _table(_token: "Token", inner: Sequence[Html]) -> Html:
    style = "border-collapse:collapse;margin:0;font-size:12px;overflow-wrap:normal;"
    return el("div", el("table", *inner, style=style), style=f"{_GAP}overflow-x:auto;")


def _cell(tag: str, style: str, token: "Token", inner: Sequence[Html]) -> Html:
    asked = str(token.attrs.get("style"))
    return el(tag, *inner, style=f"{CELL}{asked if asked in _ALIGNED else 'text-align:left'};{style}")


def _link(token: "Token", inner: Sequence[Html]) -> Html:
    return _led(str(token.attrs["href"]), joined(*inner))


def _led(address: str, label: Html) -> Html:
    """Let a label lead to an address, of which the host is always read; one that nobody should follow is only told."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        return joined(label, el("span", f" ({one_line(address, 200)})", style=MUTED))
    place = found["host"] or found["mail"]
    seen = label or joined(place)
    link = el("a", seen, href=address, title=address, target="_blank", rel="noopener noreferrer nofollow")
    is_read = seen.lower() in (joined(address).lower(), place.lower())
    return joined(link, None if is_read else el("span", f" ({place})", style=MUTED))


def _alternative(token: "Token") -> Html:
    return joined("image: ", one_line(token.content, 200)) if token.content else joined("image")


def _image(token: "Token") -> Html:
    return _led(str(token.attrs["src"]), _alternative(token))


def _code(token: "Token") -> Html:
    style = f"{_GAP}padding:6px 10px;border-radius:3px;line-height:18px;white-space:pre;overflow-x:auto;{SUNK}{CODE}"
    told = el("div", one_line(token.info, 200), style=f"{MUTED}font-size:11px;") if token.info.strip() else None
    return joined(told, el("pre", token.content.removesuffix("\n"), style=style))


def _span(tag: str, style: str, token: "Token") -> Html:
    return el(tag, token.content, style=style)


_BOXES: Final[Mapping[str, Callable[["Token", Sequence[Html]], Html]]] = {
    "paragraph_open": partial(_box, "p", _GAP),
    "heading_open": _heading,
    "bullet_list_open": _list,
    "ordered_list_open": _list,
    "list_item_open": _item,
    "blockquote_open": partial(
        _box, "blockquote", f"{_GAP}padding:0 0 0 12px;border-left:3px solid rgba(128,128,128,.35);"
    ),
    "table_open": _table,
    "thead_open": partial(_box, "thead", None),
    "tbody_open": partial(_box, "tbody", None),
    "tr_open": partial(_box, "tr", f"border-bottom:{BORDER};"),
    "th_open": partial(_cell, "th", MUTED),
    "td_open": partial(_cell, "td", ""),
    "link_open": _link,
    "em_open": partial(_box, "em", None),
    "strong_open": partial(_box, "strong", None),
    "s_open": partial(_box, "s", None),
}
"""What is drawn around what."""
_LEAVES: Final[Mapping[str, Callable[["Token"], Html]]] = {
    "inline": lambda token: joined(*_drawn(token.children or ())),
    "text": lambda token: joined(token.content),
    "softbreak": lambda _: el("br"),
    "hardbreak": lambda _: el("br"),
    "code_inline": partial(_span, "code", f"{CODE}{SUNK}padding:1px 4px;border-radius:3px;"),
    "tex": partial(_span, "span", f"{CODE}white-space:pre-wrap;"),
    TASK: _task,
    "image": _image,
    "fence": _code,
    "code_block": _code,
    "hr": lambda _: el("hr", style=f"border:0;border-top:{BORDER};margin:12px 0;background:none;"),
}
"""What is drawn alone. A line that ends in a reply ends on the page: models end them where they mean it."""
