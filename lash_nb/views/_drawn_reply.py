"""What a model said, for a page that makes its elements itself: the Markdown as plain values, of which no string is ever parsed as markup."""

from functools import lru_cache
from html.parser import HTMLParser
from typing import Any, Final

from lash_nb.plots import counted
from lash_nb.views._markdown import markdown
from lash_nb.views._markup import VOID
from lash_nb.wire import Message, Part
from lash_nb.words import unmasked

__all__ = ["drawn_part", "is_reply", "left_out"]

_KINDS: Final = frozenset({"Text", "Prose"})
_LARGEST: Final = 40_000
"""Characters of markup: the page gets all replies with each change, and a table may be far longer than its text."""


def drawn_part(message: Message, part: Part, *, limit: int) -> dict[str, Any] | None:
    """Return a part that a model said to its user as a card draws it; None where it is best shown as it was said.

    Args:
        message: The message.
        part: The part of it.
        limit: Characters that are drawn.

    Returns:
        `drawn`, an element as `[tag, attributes, *children]`, and `text`, what is to be told below it.
    """
    if not is_reply(message, part):
        return None
    said = part.rendered()
    drawn = _tree(said[:limit])
    return None if drawn is None else {"drawn": drawn, "text": left_out(said, limit)}


def is_reply(message: Message, part: Part) -> bool:
    """Whether a part is what a model said to its user, which is Markdown."""
    return message.role == "Assistant" and part.kind in _KINDS


def left_out(text: str, limit: int) -> str:
    """Return the words for what is not shown of a text; empty when all of it is."""
    return f" … {counted(len(text) - limit, 'character')} more" if len(text) > limit else ""


@lru_cache(maxsize=64)
def _tree(text: str) -> list[Any] | None:
    html = markdown(unmasked(text))
    return None if html is None or len(html) > _LARGEST else _Tree(html).root


class _Tree(HTMLParser):
    """The elements of markup of ours, which always closes what it opens."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.root: list[Any] = ["div", {}]
        self._open = [self.root]
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Put an element where the text stands, and what follows into it."""
        element: list[Any] = [tag, dict(attrs)]
        self._open[-1].append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, _tag: str) -> None:
        """Go on behind the element."""
        self._open.pop()

    def handle_data(self, data: str) -> None:
        """Put text into the element."""
        self._open[-1].append(data)
