"""How a function of a user's own is named to whoever has to mend it."""

from typing import Any

__all__ = ["function_words"]


def function_words(function: Any) -> str:
    """Return its name and, where that is known, the line in which it begins."""
    name = getattr(function, "__name__", type(function).__name__)
    code = getattr(function, "__code__", None)
    return f"{name} (line {code.co_firstlineno} of its cell or file)" if code else name
