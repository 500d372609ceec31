"""How a count is written wherever a person reads it: in a `repr`, a table, a plot, a view, the terminal."""

from typing import Final

__all__ = ["NO_MODEL", "NO_TOOL", "counted"]

NO_MODEL: Final = "model not recorded"
"""Stands for the name of a model that the trace does not tell."""
NO_TOOL: Final = "tool not recorded"
"""The same of a tool."""


def counted(count: int, noun: str, plural: str = "") -> str:
    """Write a number with its noun: `1 tool`, `3 tools`, `1,204 records`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
