"""Task lists in Markdown: an item that begins with `[ ]` or `[x]` begins with a box, open or ticked."""

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from markdown_it.rules_core import StateCore
    from markdown_it.token import Token

__all__ = ["TASK", "mark_tasks"]

TASK: Final = "task"
"""The type of the token that is a box; its content is `done` or `open`."""
_BOX: Final = re.compile(r"\[([ xX])\]\s+")
_BEFORE: Final = ["list_item_open", "paragraph_open"]


def mark_tasks(state: "StateCore") -> None:
    """Put a box in place of the brackets with which an item begins; the item of a plain list has no bullet beside it."""
    from markdown_it.token import Token  # noqa: PLC0415 - loaded with its parser

    for place in range(2, len(state.tokens)):
        item, paragraph, said = state.tokens[place - 2 : place + 1]
        found = _box(said) if [item.type, paragraph.type] == _BEFORE else None
        if found is None or not said.children:
            continue
        said.children[0].content = said.children[0].content[found.end() :]
        said.children.insert(0, Token(TASK, "", 0, content="open" if found[1] == " " else "done"))
        item.meta["is_task"] = not item.info  # the number of a numbered one stays


def _box(said: "Token") -> re.Match[str] | None:
    first = said.children[0] if said.children else None
    return _BOX.match(first.content) if first is not None and first.type == "text" else None
