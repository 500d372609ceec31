"""What a step is, and how its result is told."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeAlias

from lash_nb.errors import LashError
from tests.conformance.turns._errors import error_result
from tests.conformance.turns._run import NoHandleError, Run

__all__ = ["Op", "Perform", "Step", "Told", "result_of", "session_id"]

Step: TypeAlias = dict[str, Any]
Perform: TypeAlias = Callable[[Run, Step], Awaitable[Any]]


class Told(NamedTuple):
    """A value that is a whole result already."""

    result: dict[str, Any]
    """It."""


class Op(NamedTuple):
    """One kind of step."""

    run: Perform
    """Performs a step and returns its value."""
    keys: frozenset[str] = frozenset()
    """The keys that it understands beside `op` and `session`."""


async def result_of(work: Awaitable[Any]) -> dict[str, Any]:
    """Return the value as a result, or the error as one."""
    try:
        value = await work
        return value.result if isinstance(value, Told) else {"ok": value}
    except LashError as error:
        return error_result(error)
    except NoHandleError as error:
        return {"error": {"variant": None, "code": None, "text": str(error)}}


def session_id(step: Step) -> str:
    """Return the session that a step is about."""
    return str(step.get("session", "main"))
