"""Who hears that a tool raised: the model reads what happened, whoever wrote the tool wants to know the line."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Final, TypeAlias

__all__ = ["HearToolRaise", "hearing_tools_raise", "tell_raised"]

HearToolRaise: TypeAlias = Callable[[str | None, BaseException], None]
"""Is called with the id of the call and the exception."""

_HEAR: Final[ContextVar[HearToolRaise | None]] = ContextVar("hear_tools_raise", default=None)


@contextmanager
def hearing_tools_raise(hear: HearToolRaise) -> Iterator[None]:
    """Call `hear` with each exception that a tool lets out, in this task and those that it starts."""
    token = _HEAR.set(hear)
    try:
        yield
    finally:
        with suppress(ValueError):  # a turn that is closed ends in another context, where nobody listens
            _HEAR.reset(token)


def tell_raised(call_id: str | None, error: BaseException) -> None:
    """Tell it to whoever listens."""
    hear = _HEAR.get()
    if hear is not None:
        hear(call_id, error)
