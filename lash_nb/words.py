"""How a count is written, and a text of somebody else, wherever a person reads it: in a `repr`, an error, a table, a view, the terminal."""

from typing import Final

__all__ = ["NO_MODEL", "NO_TOOL", "counted", "legible", "printable"]

NO_MODEL: Final = "model not recorded"
"""Stands for the name of a model that the trace does not tell."""
NO_TOOL: Final = "tool not recorded"
"""The same of a tool."""


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
