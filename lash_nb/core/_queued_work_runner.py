"""Sees to it that queued turns run, whoever queued them and whenever (lash 0.1.0-alpha.37, turns §8.4).

Rule: what a session is at work on is asked for again only when that is over, and all sessions together only while none is at work.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, Self

from lash_nb.errors import exception_text
from lash_nb.tasks import begun_beside, is_being_cancelled

__all__ = ["QUEUED_WORK_POLL_MS", "QueuedWorkRunHandle", "QueuedWorkRunRequest", "QueuedWorkRunner"]

_LOG = logging.getLogger(__name__)
QUEUED_WORK_POLL_MS: Final = 400
"""How often to look for work that nobody told of, in milliseconds: what was queued before the start, or by another process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedWorkRunRequest:
    """Queued work is to be run, if there is any."""

    session_id: str | None
    """Whose; None for whichever session has some."""
    reason: str
    """`startup`, `poll`, or what the one who poked said."""
    trace_idle: bool
    """Whether it is worth telling when there is none: somebody said that there is."""


class QueuedWorkRunHandle(Protocol):
    """Runs queued turns, as only the host can, who knows which sessions are open."""

    async def run_queued_work(self, request: QueuedWorkRunRequest) -> str | None:
        """Begin a turn of queued work beside, and return its session; None when there is nothing to run.

        When the turn is over, `QueuedWorkRunner.complete_session` is to be called, or the session is not asked for again.
        """
        ...


class _Command(NamedTuple):
    request: QueuedWorkRunRequest
    is_over: bool


class QueuedWorkRunner:
    """Asks a handle to run queued work: at the start, when it is poked, and every so often. Give it to a core with `.queued_work_poke(runner)`.

    Args:
        run_handle: Runs the turns. What it raises is logged, an interrupt too, and it is asked again.
        poll_ms: How often to ask when nobody pokes, in milliseconds.
    """

    def __init__(self, run_handle: QueuedWorkRunHandle, *, poll_ms: int = QUEUED_WORK_POLL_MS) -> None:
        self._handle = run_handle
        self._poll_s = poll_ms / 1000
        self._commands: asyncio.Queue[_Command] = asyncio.Queue()
        self._at_work: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    def spawn(self) -> Self:
        """Begin, on the running loop; a runner that runs goes on."""
        if self._task is None or self._task.done():
            self._task = begun_beside(self._run())
        return self

    def close(self) -> None:
        """End; the turns that run go on."""
        if self._task is not None:
            self._task.cancel()

    def poke(self, reason: str) -> None:
        """Say that some session has queued work."""
        self._tell(None, reason, trace_idle=True)

    def poke_session(self, session_id: str, reason: str) -> None:
        """Say that there is queued work for a session."""
        self._tell(session_id, reason, trace_idle=True)

    def complete_session(self, session_id: str, reason: str) -> None:
        """Say that the turn of a session is over, which may have more work."""
        self._tell(session_id, reason, is_over=True)

    def _tell(self, session_id: str | None, reason: str, *, trace_idle: bool = False, is_over: bool = False) -> None:
        request = QueuedWorkRunRequest(session_id=session_id, reason=reason, trace_idle=trace_idle)
        self._commands.put_nowait(_Command(request, is_over))

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        await self._drive(QueuedWorkRunRequest(session_id=None, reason="startup", trace_idle=False))
        poll_at = loop.time() + self._poll_s
        while True:
            try:
                async with asyncio.timeout_at(poll_at):
                    request, is_over = await self._commands.get()
            except TimeoutError:
                request, is_over = QueuedWorkRunRequest(session_id=None, reason="poll", trace_idle=False), False
                poll_at = loop.time() + self._poll_s
            if is_over and request.session_id is not None:
                self._at_work.discard(request.session_id)
            await self._drive(request)

    async def _drive(self, request: QueuedWorkRunRequest) -> None:
        if request.session_id in self._at_work or (request.session_id is None and self._at_work):
            return
        try:
            begun = await self._handle.run_queued_work(request)
        except BaseException as error:  # the host's own code; an interrupt out of this task would end the event loop
            if is_being_cancelled():
                raise
            _LOG.warning("queued work was not run (%s), and will be asked for again: %s", request.reason, _told(error))
            return
        if begun is not None:
            self._at_work.add(begun)


def _told(error: BaseException) -> str:
    """What an exception says; of one that says nothing, as an interrupt, its name."""
    return exception_text(error) or type(error).__name__
