"""How a count is written, and a text of somebody else, wherever a person reads it: in a `repr`, an error, a table, a view, the terminal."""

import re
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["ABORTS", "MASKS", "NO_MODEL", "NO_TOOL", "counted", "legible", "printable", "told_repr", "unmasked"]

ABORTS: Final = "Ctrl-C again stops the turn at once; what it has not committed is lost"
"""What is left to do about a turn that is cancelled and does not end."""
NO_MODEL: Final = "model not recorded"
"""Stands for the name of a model that the trace does not tell."""
NO_TOOL: Final = "tool not recorded"
"""The same of a tool."""
MASKS: Final = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f"
)
"""Controls, directions, separators, invisible operators and tags, halves of characters: as a set within a regular expression."""
_QUOTED: Final = 120
"""Characters of a text or a value that a `repr` shows at most."""
_MASKS: Final = re.compile(f"[{MASKS}]")


def counted(count: int, noun: str, plural: str = "") -> str:
    """Write a number with its noun: `1 tool`, `3 tools`, `1,204 records`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def printable(text: str) -> str:
    """Keep letters, blanks, tabs and line feeds; all else becomes `�`, so that no text gives orders to a terminal.

    Directional overrides and other invisible controls are among that: they make a text read as something else.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)


def legible(text: str, limit: int = 2_000) -> str:
    """Return a text that quotes others as `printable` has it, at most `limit` characters of it: of a longer one both ends, and how much is left out."""
    if len(text) <= limit:
        return printable(text)
    head, tail = limit * 2 // 3, limit // 4
    return printable(f"{text[:head]} … [{counted(len(text) - head - tail, 'character')} left out] … {text[-tail:]}")


def told_repr(name: str, told: Mapping[str, Any]) -> str:
    """Return a short `repr` on one line, of what is told by the names that can be written behind the object; no value gives a terminal orders."""
    return f"{name}({', '.join(f'{key}={_brief(value)}' for key, value in told.items())})"


def _brief(value: Any) -> str:
    if isinstance(value, str):
        return repr(legible(value, _QUOTED))
    return " ".join(legible(repr(value), _QUOTED).split())


def unmasked(text: str) -> str:
    """Keep a text of many lines as its language writes it, with joiners and blanks of any width; what turns, hides or orders becomes `�`."""
    return _MASKS.sub("\ufffd", text)
