"""Aligned text for terminals, logs and models: at most 100 columns and 40 rows, and what is cut is said."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Final

from lash_nb.plots import one_line, printable

__all__ = ["COLUMNS", "ROWS", "aligned", "clipped", "fitting", "wrapped"]

COLUMNS: Final = 100
ROWS: Final = 40
_GAP: Final = 2
_NARROWEST: Final = 8
"""Characters to which a column is cut so that all of them have a place on the line."""
_PARAGRAPH: Final = 4_000
"""Characters of a paragraph at most: it has more rows than are shown."""


def aligned(
    cells: Sequence[Sequence[str]], *, right: Sequence[int] = (), limits: Mapping[int, int] | None = None
) -> list[str]:
    """Return rows of cells as lines with columns two blanks apart.

    Args:
        cells: The rows, all of the same length.
        right: Columns that are set to the right.
        limits: Most characters of a column; longer cells end in `…`.
    """
    caps = limits or {}
    safe = [[one_line(cell, caps.get(place, COLUMNS)) for place, cell in enumerate(row)] for row in cells]
    widths = [max(len(row[place]) for row in safe) for place in range(len(safe[0]))] if safe else []
    set_to = [str.rjust if place in right else str.ljust for place in range(len(widths))]
    return [
        "  ".join(put(cell, width) for put, cell, width in zip(set_to, row, widths, strict=True) if width).rstrip()
        for row in safe
    ]


def fitting(cells: Sequence[Sequence[str]], *, fixed: Sequence[int] = (), most: int = COLUMNS) -> dict[int, int]:
    """Return how many characters of each column `aligned` is to show, so that a line holds all columns: the widest give way.

    Args:
        cells: The rows.
        fixed: Columns that are not cut, e.g. of numbers.
        most: No other column is wider.
    """
    if not cells:
        return {}
    longest = {place: max(len(row[place]) for row in cells) for place in range(len(cells[0]))}
    widths = {place: width if place in fixed else min(width, most) for place, width in longest.items()}
    while sum(widths.values()) + _GAP * (len(widths) - 1) > COLUMNS:
        widest = max((place for place in widths if place not in fixed), key=widths.__getitem__, default=None)
        if widest is None or widths[widest] <= _NARROWEST:
            break
        widths[widest] -= 1
    return widths


def wrapped(text: str, *, first: str = "", indent: str = "") -> list[str]:
    """Return a text as lines of at most 100 columns; of a paragraph that fits also the blanks before it, as of code.

    Args:
        text: The text.
        first: Stands before the first line.
        indent: Stands before each other line.
    """
    lines: list[str] = []
    for paragraph in text.strip().splitlines():
        head = indent if lines else first
        if len(head) + len(paragraph) <= COLUMNS:
            lines.append(f"{head}{paragraph}".rstrip())
            continue
        words = one_line(paragraph, _PARAGRAPH)
        lines += textwrap.wrap(words, COLUMNS, initial_indent=head, subsequent_indent=indent, break_on_hyphens=False)
    return lines


def clipped(lines: Sequence[str]) -> str:
    """Return the lines as text of at most 40 rows and 100 columns, printable; the last line, the next command, always stays."""
    if len(lines) > ROWS:
        missing = len(lines) - ROWS + 1
        lines = [*lines[: ROWS - 2], f"… {missing} more lines", lines[-1]]
    return "\n".join(printable(line if len(line) <= COLUMNS else line[: COLUMNS - 1] + "…") for line in lines)
