"""One turn at a time, first come, first served, bound to no event loop between turns."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import Context, ContextVar, copy_context
from typing import Final, TypeVar

from lash_nb.errors import CallerError

__all__ = ["Writer"]

T = TypeVar("T")
W = TypeVar("W")

_WORK: Final = "cannot wait for work on its session, which is done when the turn is over; do it after the turn, or on another session"
_TURN: Final = (
    "cannot wait for another turn of its session, which begins when this one is over; begin it with session.start(…) without waiting"
    " for it, or open another session"
)
_END: Final = (
    "cannot wait for a turn of its session: the one that runs waits for it in return, and the next one begins after that;"
    " wait where the turn was begun"
)


class Writer:
    """Lets one task in at a time, `async with` it; `asyncio.Lock` would stay bound to the loop on which somebody once had to wait."""

    def __init__(self) -> None:
        self._taken = False
        self._loop: asyncio.AbstractEventLoop | None = None
        """That of whoever was in last."""
        self._inside: asyncio.Task[object] | None = None
        """The task of whoever is in; once it is over nobody is, even if an interrupt kept it from leaving."""
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._alone = frozenset((self,))

    @property
    def is_free(self) -> bool:
        """Whether the current work could begin a turn at once: nobody is in, and it does not count as inside itself."""
        return not self._taken and self not in _INSIDE.get()

    async def __aenter__(self) -> None:
        """Wait until it is one's turn.

        Raises:
            CallerError: `turn_inside_turn`, the one who is in waits for this very work, so both would wait for ever; `loop_closed`, the one
                who is in never goes on.
        """
        self.refuse_inside()
        if self._inside is not None and self._inside.done():
            self.leave()
        if self._taken:
            self._refuse_abandoned()
            place = asyncio.get_running_loop().create_future()
            self._waiting.append(place)
            try:
                await place
            except BaseException:
                if place in self._waiting:
                    self._waiting.remove(place)
                else:  # it was let in and left in the same moment
                    self.leave()
                raise
        self._taken, self._loop, self._inside = True, asyncio.get_running_loop(), asyncio.current_task()

    async def __aexit__(self, *_: object) -> None:
        """Let the next one in."""
        self.leave()

    def inside(self, begin: Callable[[W], T], work: W) -> T:
        """Let `begin` make a task of work of the turn that is in: it knows that it is inside, as does whatever it starts."""
        around = _INSIDE.get()
        try:
            _INSIDE.set(self._with_this(around))  # in here: an interrupt right afterwards leaves nobody inside
            return begin(work)
        finally:
            _INSIDE.set(around)

    async def within(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do work of the turn that is in, in its own task."""
        around = _INSIDE.get()
        try:
            _INSIDE.set(self._with_this(around))
            return await work()
        finally:
            _INSIDE.set(around)

    def refuse_inside(self, told: str = _WORK) -> None:
        """Raise where waiting would never end; `told` says what cannot be done, and what can."""
        if self in _INSIDE.get():
            raise CallerError(f"a tool, provider, hook or listener of a running turn {told}", code="turn_inside_turn")

    def refuse_turn(self) -> None:
        """Raise where another turn would never begin. Errors as in `refuse_inside`."""
        self.refuse_inside(_TURN)

    def refuse_waiting(self) -> None:
        """Raise where waiting for a turn that was begun would never end. Errors as in `refuse_inside`."""
        self.refuse_inside(_END)

    @staticmethod
    def outside() -> Context:
        """Return the present context for work that no turn waits for."""
        context = copy_context()
        context.run(_INSIDE.set, frozenset())
        return context

    def _refuse_abandoned(self) -> None:
        if self._loop is not None and self._loop.is_closed():
            raise CallerError(
                "the event loop of the turn before was closed in the middle of it, so it never ends; close the session and open it again:"
                " what was committed is there",
                code="loop_closed",
            )

    def _with_this(self, around: "frozenset[Writer]") -> "frozenset[Writer]":
        return around | self._alone if around else self._alone

    def leave(self) -> None:
        """Let the next one in; the place stays taken while it goes from hand to hand, so nobody slips in between."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done() and not place.get_loop().is_closed():  # nobody waits on a loop that was closed
                self._loop, self._inside = place.get_loop(), None
                place.set_result(None)
                return
        self._taken, self._inside = False, None


_INSIDE: Final[ContextVar[frozenset[Writer]]] = ContextVar("lash_nb_inside_turns", default=frozenset())
"""The sessions whose turns wait for the current work."""
