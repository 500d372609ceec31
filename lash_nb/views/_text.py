"""Aligned text for terminals, logs and models: at most 100 columns and 40 rows, and what is cut is said."""

from collections.abc import Mapping, Sequence
from typing import Final

from lash_nb.plots import one_line, printable

__all__ = ["COLUMNS", "ROWS", "aligned", "clipped"]

COLUMNS: Final = 100
ROWS: Final = 40


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


def clipped(lines: Sequence[str]) -> str:
    """Return the lines as text of at most 40 rows and 100 columns, printable; the last line, the next command, always stays."""
    if len(lines) > ROWS:
        missing = len(lines) - ROWS + 1
        lines = [*lines[: ROWS - 2], f"… {missing} more lines", lines[-1]]
    return "\n".join(printable(line if len(line) <= COLUMNS else line[: COLUMNS - 1] + "…") for line in lines)
