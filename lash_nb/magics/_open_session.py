"""One session on the bench: what a cell does with it, and how it waits for it."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from functools import cached_property, partial
from itertools import takewhile
from typing import Any, Final

from IPython.display import display

from lash_nb.clock import parse_rfc3339
from lash_nb.core import LashCore, LashSession, RunningTurn, SessionConfigPatch
from lash_nb.errors import CallerError, LashError
from lash_nb.magics._interrupts import attend
from lash_nb.magics._live import NEXT, LiveDisplay, NoDisplay
from lash_nb.magics._opening import Opening
from lash_nb.magics._raised import RaisedInTurns
from lash_nb.plugins import left_words
from lash_nb.providers import ProviderHandle
from lash_nb.runtime import TurnResult
from lash_nb.tasks import begun_beside, carried, let_out
from lash_nb.trace import Trace, Turn, read_trace
from lash_nb.views import StepperView
from lash_nb.wire import (
    DirectCommand,
    EffectEntry,
    LlmCallCommand,
    ModelSpec,
    QueuedWorkBatch,
    RuntimeEffectEnvelope,
    ToolCallCommand,
    TurnInput,
)

__all__ = ["Interrupted", "OpenSession", "Stop", "effect_words", "paused_words"]

Stop = StepperView | TurnResult
"""Where a cell ends: before an effect, or with the turn."""

_UNDER_WAY: Final = frozenset({"running", "paused"})


class Interrupted(KeyboardInterrupt):
    """Ctrl-C ended the cell: it stops loops and the cells that wait behind, and says in one line what became of the turn."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class OpenSession:
    """A session with its trace and its stepper."""

    def __init__(self, session: LashSession, core: LashCore, opening: Opening, raised: RaisedInTurns) -> None:
        self.session: Final = session
        self.core: Final = core
        self.opening: Final = opening
        self._raised: Final = raised
        self.provider = core.parts.provider
        """Who answers."""
        self.answerer = opening.provider or (self.provider.kind if self.provider else "")
        """The name by which it was chosen."""
        self.forked_from = ""
        """The session that it was forked from in this notebook."""
        self.batches: list[str] = []
        """Ids of the batches that were last seen to wait in its queue."""
        self._views: list[StepperView] = []
        self._cancelled = ""
        self._attending = 0

    async def answer_by(self, name: str, provider: ProviderHandle, model: ModelSpec) -> None:
        """Let another provider answer from the next turn on."""
        await self.session.configure(SessionConfigPatch(provider=provider, model=model))
        self.answerer, self.provider = name, provider

    @property
    def trace(self) -> Trace:
        """The session's trace until now."""
        trace = self.session.trace
        return read_trace([]) if trace is None else trace

    @property
    def turns_before(self) -> Sequence[Turn]:
        """Turns of other sessions of its core before its own first one: those of the sessions that it was forked from are among them.

        The records of all sessions are read for it, so nothing is looked for where its own first turn made its first node.
        """
        name, first = self.session.session_id, min((turn.began_ns for turn in self.trace.turns), default=None)
        if first is not None and not self._is_older_than(first):
            return []
        of_all = self.core.trace
        others = [turn for turn in of_all.turns if turn.session_id != name] if of_all else []
        return [turn for turn in others if first is None or turn.began_ns < first]

    def _is_older_than(self, time_ns: int) -> bool:
        """Whether its graph begins before; the node that was stored first is the oldest."""
        nodes = self.session.graph.nodes
        return bool(nodes) and parse_rfc3339(nodes[0].timestamp) < time_ns

    @cached_property
    def earlier_turns(self) -> Sequence[Turn]:
        """Its turns that earlier kernels wrote into its trace file; read when it is first asked for."""
        if not self.opening.trace:
            return ()
        try:
            found = read_trace(self.opening.trace)
        except LashError:  # gone or no trace: then nothing is known of them
            return ()
        own = {turn.turn_id for turn in self.trace.turns}
        return [turn for turn in found.turns if turn.session_id == self.session.session_id and turn.turn_id not in own]

    @property
    def state(self) -> str:
        """What it does now: `idle`, `running` or `paused before …`."""
        pending = self.session.stepper.pending
        if pending is not None:
            return f"paused before {effect_words(pending.envelope)}"
        return "running" if self.session.stepper.state == "running" else "idle"

    @property
    def is_under_way(self) -> bool:
        """Whether a turn runs or is paused."""
        return self.session.stepper.state in _UNDER_WAY

    @property
    def view(self) -> StepperView:
        """The stepper of the turn; all cells of that turn show the same one, so all of them are up to date, and it stays with its turn."""
        turn = self.session.stepper.turn
        if not self._views or self._views[-1].comm is None or self._views[-1].steppable is not turn:
            self._views.append(StepperView(turn))
        return self._views[-1]

    def close(self) -> None:
        """Cancel what runs and take the steppers off the page; closing takes effect as soon as the loop runs."""
        for view in self._views:
            view.close()
        running = self.session.stepper.running
        self.session.cancel_running_turns()
        if running is not None and not running.done:
            running.abort()

    @property
    def is_attended(self) -> bool:
        """Whether a cell waits for its turn now."""
        return self._attending > 0

    def cancel(self) -> None:
        """Cancel the turn that runs; the cell that waits for it shows how it ends."""
        self.session.cancel_running_turns()

    async def queued(self) -> Sequence[QueuedWorkBatch]:
        """Return what waits in the session's queue; completion offers it from now on."""
        waiting = await self.session.queued_work()
        self.batches = [batch.batch_id for batch in waiting]
        return waiting

    def start(self, turn_input: TurnInput | None, *, step: bool, then: Callable[[TurnResult], None]) -> RunningTurn:
        """Start a turn, with the tools as they are defined now.

        Args:
            turn_input: What the user gives; None for what comes first in the queue.
            step: Stop before its first model or tool call.
            then: Called with the result, whoever drives the turn to its end.
        """
        self.refresh_tools()
        if step:
            self.session.stepper.arm()
        running = self.session.start(self.session.next_queued_turn() if turn_input is None else turn_input)
        self.session.stepper.adopt(running)
        running.subscribe(partial(_tell_end, running, then))
        return running

    def refresh_tools(self) -> None:
        """Take over the tools as they are defined now; while a turn is under way it keeps those that it has."""
        if not self.is_under_way:
            self.session.refresh_tools(only_changed=True)

    async def until_stop(self, doing: Coroutine[Any, Any, Any], live: LiveDisplay | None = None) -> Stop:
        """Do something with the turn and wait until it stops or ends.

        Raises:
            Interrupted: Ctrl-C was pressed meanwhile; the message says what became of the turn.
            LashError: the turn ended without a result.
        """
        shown = live or NoDisplay()
        self._cancelled = ""
        work = begun_beside(carried(doing))
        presses = await self._attended(work, shown)
        ended = self.session.stepper.result if self.session.stepper.pending is None else None
        shown.finish(ended, self._effects_of(ended), raised=self._raised.of(ended), words=self._standing())
        if presses or work.cancelled():
            raise self._interrupted(work, shown)
        await let_out(work)
        return self.view if ended is None else ended

    async def _attended(self, work: asyncio.Future[Any], shown: LiveDisplay) -> int:
        """Wait and show what happens as it happens; return how often Ctrl-C was pressed."""
        news, running = asyncio.Event(), self.session.stepper.running
        with contextlib.ExitStack() as until_then:
            if running is not None:
                until_then.callback(running.subscribe(news.set))
            self._attending += 1
            until_then.callback(self._leave)
            return await attend(
                work,
                interrupted=partial(self._press, shown, work),
                beat=shown.beat,
                news=news,
                before_effects=self.session.stepper.before_effects,
            )

    def _leave(self) -> None:
        self._attending -= 1

    def _press(self, live: LiveDisplay, work: asyncio.Future[Any], number: int) -> None:
        """Ctrl-C: once pauses before the next effect, twice cancels the one in flight, three times waits for nothing any more."""
        if not self.is_under_way:
            return
        if number == 1:
            self.session.stepper.pause()
            live.pausing()
        elif number == 2:
            self._cancelled = self._in_flight()
            self.session.cancel_running_turns()
            live.cancelling()
        elif running := self.session.stepper.running:
            running.abort()
        else:  # somebody else awaits the turn, whose task it is
            work.cancel()

    def _standing(self) -> str:
        return self.state if self.session.stepper.pending is not None else "over without a result"

    def _interrupted(self, work: asyncio.Future[Any], shown: LiveDisplay) -> Interrupted:
        """Show where the turn stands, if it still does, and say it."""
        if not work.cancelled():
            work.exception()  # what the turn itself ended with is in its result, or lost with it
        if self.session.stepper.pending is not None:
            display(self.view)  # type: ignore[no-untyped-call]  # IPython types half of its functions
        return Interrupted(self._what_happened(shown))

    def _in_flight(self) -> str:
        running = [entry for entry in self.session.effects[-8:] if entry.status == "running"]
        return effect_words(running[-1].envelope) if running else "the turn"

    def _what_happened(self, shown: LiveDisplay) -> str:
        """Say it in the line that stays: what is true of a turn only as long as it waits is left to the display that changes."""
        stepper = self.session.stepper
        if stepper.pending is not None:
            return f"{paused_words(stepper.pending.envelope)}{'' if shown.shows_pause else NEXT}."
        if self.is_under_way:
            return "This cell waits no longer; the turn goes on, for another one awaits it. To end it: %lash cancel"
        if stepper.result is None:
            return (
                "Stopped at once; what this turn had not committed is lost. The session takes the next prompt: %%lash"
            )
        if self._cancelled:
            return f"Cancelled {self._cancelled}; what was said before is kept.{left_words()} The session takes the next prompt: %%lash"
        return "Interrupted, and the turn was over before it could pause. Its result: %lash result"

    def _effects_of(self, result: TurnResult | None) -> list[EffectEntry]:
        """The effects of the turn that has just ended, without what was done beside it; found from the end: the session may be long."""
        if result is None:
            return []
        latest = takewhile(
            lambda entry: entry.envelope.invocation.scope.turn_id in (result.turn_id, None),
            reversed(self.session.effects),
        )
        return [entry for entry in latest if entry.envelope.invocation.scope.turn_id][::-1]

    async def refuse_during_turn(self) -> None:
        """Raise while a turn is under way; one that is being cancelled is waited for, as after a `break` in the cell above.

        Raises:
            CallerError: the message says how to end it.
        """
        await self.session.stepper.cancelled()
        if self.is_under_way:
            message = (
                f"turn {self.session.turn_index} of {self.session.session_id} is {self.state}; first end it:"
                " %lash continue, %lash step or %lash cancel"
            )
            raise CallerError(message, code="turn_running")


def _tell_end(running: RunningTurn, then: Callable[[TurnResult], None]) -> None:
    if running.done and running.result is not None:
        then(running.result)


def paused_words(envelope: RuntimeEffectEnvelope) -> str:
    """Return which turn was paused where, for a line that stays when the turn has gone on."""
    return f"Paused turn {envelope.invocation.scope.turn_index} before {effect_words(envelope)}"


def effect_words(envelope: RuntimeEffectEnvelope) -> str:
    """Return what an effect is in a few words: `tool_call weather`, `llm_call scripted-model`."""
    match envelope.command:
        case ToolCallCommand(call=call):
            return f"tool_call {call.tool_name}"
        case LlmCallCommand(request=request) | DirectCommand(request=request):
            return f"{envelope.kind} {request.model}"
    return str(envelope.kind)
