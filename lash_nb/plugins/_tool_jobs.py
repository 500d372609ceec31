"""A call of a plain function on its way through a thread, so that it ends whatever is thrown into that thread from outside, and whenever.

`PyThreadState_SetAsyncExc`, as debuggers and helpers that interrupt use it, lets an exception come out of any call and at the beginning of any
function. So what a thread has in hand stands in its `Seat`, each step on the way may be taken again, and what must not be torn apart calls nothing.
"""

import asyncio
from contextvars import Context, ContextVar, copy_context
from typing import Any, Final

from lash_nb.plugins._plain_call import PlainCall

__all__ = ["Job", "Seat"]

_INSIDE: "Final[ContextVar[object]]" = ContextVar("lash_nb_tool_thread", default=None)
"""The place of the function that asks."""


class Job:
    """A call and who waits for it.

    Attributes:
        loop: The event loop of whoever waits.
        asker: The place of the function that asks for it, until it is answered.
        place: What its context holds of it, which must not hold its arguments.
    """

    __slots__ = ("_context", "_outcome", "asker", "call", "ended", "loop", "place")

    def __init__(self, call: PlainCall) -> None:
        self.call = call
        self.loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[Any] = self.loop.create_future()
        self.asker = _INSIDE.get()
        self.place = object()
        self._context: Context = copy_context()
        self._outcome: tuple[Any, BaseException | None] | None = None

    def perform(self, thrown: BaseException | None) -> None:
        """Call the function, once; what was thrown into the thread meanwhile is the end of it."""
        if self._outcome is None and thrown is not None:
            self._outcome = (None, thrown)
        if self._outcome is not None:
            return
        try:
            self._context.run(_INSIDE.set, self.place)
            self._outcome = (self._context.run(self.call), None)
        except BaseException as error:  # noqa: BLE001 - it is the caller's
            self._outcome = (None, error)

    def tell_end(self) -> None:
        """Say how it ended, from its thread."""
        if self._outcome is not None:
            self.tell(*self._outcome)

    def tell(self, value: Any, error: BaseException | None) -> None:
        """Say how it ended, from any thread."""
        try:
            self.loop.call_soon_threadsafe(_settle, self.ended, value, error)
        except RuntimeError:
            if not self.loop.is_closed():  # else nobody waits
                raise


class Seat:
    """What a thread has in hand.

    Attributes:
        job: A call that it took and that has not ended.
        over: A call that has ended, of which who waits is not told yet.
        thrown: What was thrown into the thread since it last was idle.
        is_wanted: Whether there is a place for the thread.
    """

    __slots__ = ("is_wanted", "job", "over", "thrown")

    def __init__(self) -> None:
        self.job: Job | None = None
        self.over: Job | None = None
        self.thrown: BaseException | None = None
        self.is_wanted = True

    @property
    def is_taken(self) -> bool:
        """Whether a call is in hand."""
        return self.job is not None or self.over is not None


def _settle(ended: "asyncio.Future[Any]", value: Any, error: BaseException | None) -> None:
    if ended.done():
        return
    if error is None:
        ended.set_result(value)
    elif isinstance(error, StopIteration):  # a future cannot carry it
        ended.set_exception(RuntimeError("StopIteration was thrown into the thread of the function"))
    else:
        ended.set_exception(error)
