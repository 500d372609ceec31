"""`{{expression}}` in a prompt: its value, evaluated in the user's scope. Braces alone are text."""

from collections.abc import Iterator, Mapping
from types import CodeType
from typing import Any

from lash_nb.errors import CallerError

__all__ = ["expanded"]

_OPEN, _CLOSE = "{{", "}}"


def expanded(text: str, scope: Mapping[str, Any]) -> str:
    """Return `text` with every `{{expression}}` replaced by its value.

    Raises:
        CallerError: an expression is not Python, or fails; nothing else has happened then.
    """
    return "".join(_pieces(text, scope))


def _pieces(text: str, scope: Mapping[str, Any]) -> Iterator[str]:
    place = 0
    while (start := text.find(_OPEN, place)) >= 0 and text.find(_CLOSE, start) >= 0:
        yield text[place:start]
        code, place = _expression(text, start + len(_OPEN))
        yield _value(code, text[start:place], scope)
    yield text[place:]


def _expression(text: str, start: int) -> tuple[CodeType, int]:
    """The shortest text that is an expression up to closing braces, so that it may hold braces itself."""
    reason, end = "it is empty", start
    while (close := text.find(_CLOSE, end)) >= 0:
        source = text[start:close].strip()
        end = close + 1
        try:
            return compile(source, "<prompt>", "eval"), close + len(_CLOSE)
        except (SyntaxError, ValueError) as error:
            reason = str(error).partition(" (")[0] if source else reason
    shown = text[start : text.find(_CLOSE, start)].strip()
    message = (
        f"{{{{{shown}}}}} in the prompt is no Python expression: {reason}; for braces as text write {{{{'{{{{'}}}}"
    )
    raise CallerError(message, code="magics_expression")


def _value(code: CodeType, shown: str, scope: Mapping[str, Any]) -> str:
    try:
        return str(eval(code, {**scope}))  # noqa: S307 - the user's own expression in the user's own notebook
    except Exception as error:
        message = f"{shown} in the prompt failed: {type(error).__name__}: {error}; define it in a cell above"
        raise CallerError(message, code="magics_expression") from error
