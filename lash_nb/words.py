"""How a count is written wherever a person reads it: in a `repr`, a table, a plot, a view, the terminal."""

__all__ = ["counted"]


def counted(count: int, noun: str, plural: str = "") -> str:
    """Write a number with its noun: `1 tool`, `3 tools`, `1,204 records`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
