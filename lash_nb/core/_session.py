"""A handle of one opened session (lash 0.1.0-alpha.37, facade §5)."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from lash_nb.core._background import ProcessControl, TriggersControl
from lash_nb.core._commands_control import CommandsControl
from lash_nb.core._config_control import SessionConfigPatch
from lash_nb.core._control import SessionControl
from lash_nb.core._handle import SessionHandle
from lash_nb.core._memory import memory_of
from lash_nb.core._modes import ModeId
from lash_nb.core._observable import ObservableSession
from lash_nb.core._plugin_actions import PluginActions
from lash_nb.core._queue_builders import QueuedTurnBuilder, QueueInputBuilder
from lash_nb.core._running import RunningTurn
from lash_nb.core._stepper import Stepper
from lash_nb.core._tools_control import ToolsControl
from lash_nb.core._turn_builder import TurnBuilder
from lash_nb.effects import EffectEntries, EffectHost
from lash_nb.plugins import DirectCompletions
from lash_nb.runtime import (
    ParkedSession,
    RuntimeTurnPhaseProbe,
    SessionReadView,
    TurnResult,
    fork_snapshot,
)
from lash_nb.stores import (
    AttachmentListing,
    AttachmentReference,
    SessionStore,
    attachment_references,
    session_attachments,
)
from lash_nb.trace import Trace
from lash_nb.wire import (
    AttachmentId,
    DirectCommand,
    EffectEntry,
    Json,
    LlmCallCommand,
    QueuedWorkBatch,
    RuntimeEffectOutcome,
    SessionGraph,
    SessionPolicy,
    SessionSnapshot,
    SessionUsageReport,
    TurnInput,
)
from lash_nb.words import counted

__all__ = ["LashSession"]

_CLOSING: Final = (
    "cannot close or park its own session, which ends the turn first; end the turn with session.cancel_running_turns() or let it end,"
    " and close the session from outside"
)


class LashSession:
    """Runs turns of one session, and shows what there is of it."""

    def __init__(self, handle: SessionHandle, mode: ModeId, *, parent_session_id: str | None = None) -> None:
        runtime = handle.runtime
        self._handle = handle
        self._runtime = runtime
        self._mode = mode
        self._parent = parent_session_id
        self._running: list[RunningTurn] = []
        self.stepper = Stepper(handle, self.start)
        self.control = SessionControl(handle)
        self.direct = DirectCompletions(
            ask=runtime.complete_directly,
            model=lambda: runtime.state.effective_policy().model,
            usage_source="direct",
        )
        """Asks a model beside the conversation: `await session.direct("…")`, with `output=` a pydantic model class for its instance."""
        self.plugin_actions = PluginActions(runtime)
        """What its plugins let be done: `await session.plugin_actions.call(name, args)`."""

    def __repr__(self) -> str:
        nodes = len(self._runtime.state.graph)
        return f"LashSession({self.session_id!r}, {counted(self.turn_index, 'turn')}, {counted(nodes, 'node')})"

    @property
    def session_id(self) -> str:
        """The session."""
        return self._runtime.state.session_id

    @property
    def mode(self) -> ModeId:
        """The protocol it speaks."""
        return self._mode

    @property
    def parent_session_id(self) -> str | None:
        """The session under which it was opened."""
        return self._parent

    @property
    def turn_index(self) -> int:
        """Number of the last turn."""
        return self._runtime.state.turn_index

    @property
    def last_result(self) -> TurnResult | None:
        """The result of the turn that was over last here, whoever ran it; None when there was none."""
        return self._handle.last_result

    def policy_snapshot(self) -> SessionPolicy:
        """Return model, provider and limits."""
        return self._runtime.state.effective_policy()

    def turn(self, turn_input: TurnInput | str) -> TurnBuilder:
        """Return what runs a turn; awaiting it runs it as it is."""
        return TurnBuilder(self._handle, turn_input)

    def start(self, turn_input: TurnInput | str | TurnBuilder | QueuedTurnBuilder) -> RunningTurn:
        """Start a turn as a task on the running loop, and return at once; `start(session.next_queued_turn())` takes what is queued."""
        running = RunningTurn(self.turn(turn_input) if isinstance(turn_input, TurnInput | str) else turn_input)
        self._running = [turn for turn in self._running if not turn.done]
        self._running.append(running)
        self._handle.beside = [turn.cancellation for turn in self._running]
        self.stepper.adopt(running)
        return running

    def queue(self, turn_input: TurnInput | str) -> QueueInputBuilder:
        """Return what puts input into the session's queue, also while a turn runs; awaiting it queues it as it is."""
        return QueueInputBuilder(self._handle, turn_input)

    def next_queued_turn(self, batch_ids: Iterable[str] = ()) -> QueuedTurnBuilder:
        """Return what runs a turn of the queued work that comes first, or of exactly these batches, if they are what comes first."""
        return QueuedTurnBuilder(self._handle, batch_ids)

    async def queued_work(self) -> Sequence[QueuedWorkBatch]:
        """Return the batches that wait, in order.

        Raises:
            LashRuntimeError: `store_commit_failed`, there is no store, or it cannot be read.
        """
        return await self._runtime.queued_work()

    async def cancel_queued_work_batch(self, batch_id: str) -> QueuedWorkBatch | None:
        """Take a batch out of the queue; None when there is none or a turn has taken it. Errors as in `queued_work`."""
        cancelled = await self._runtime.cancel_queued_work_batch(batch_id)
        if cancelled is not None:
            self._handle.live.record_queue("cancelled", batch_id)
        return cancelled

    async def await_queued_work_batch(self, batch_id: str) -> None:
        """Wait until a batch is completed or cancelled, by whomever; an unknown one is. Errors as in `queued_work`."""
        await self._runtime.await_queued_work_batch(batch_id)

    def cancel_running_turns(self) -> int:
        """Cancel the turns that run or wait through this handle; return how many. Other handles of the session are not reached."""
        started = [turn.cancellation for turn in self._running if not turn.done]
        return self._handle.cancel_turns(started)

    async def step(
        self, turn_input: TurnInput | str | TurnBuilder | QueuedTurnBuilder | None = None
    ) -> EffectEntry | TurnResult | None:
        """Start a turn that stops before its effects, or perform the effect that waits; return what waits now, or the result.

        Without an input and without a waiting effect, None: the session is in step mode, so that the next turn will stop. That one is begun
        with `step(…)` or `start(…)`; awaited as it is, it is refused (`step_mode`), until `stepper.disarm()`.

        Raises:
            CallerError: `turn_running`, an input is given while a turn is under way.
        """
        return await self.stepper.begin_or_step(turn_input)

    async def continue_(self, to: str | None = None) -> EffectEntry | TurnResult:
        """Perform what waits and go on, to the next effect of kind `to` or to the end of the turn.

        Raises:
            CallerError: no turn is under way, or there is no such kind.
        """
        return await self.stepper.continue_(to)

    async def inject(self, outcome: RuntimeEffectOutcome | Json) -> EffectEntry | TurnResult:
        """Answer the waiting effect with `outcome` instead of performing it; JSON forms are those of `outcome_from`.

        Raises:
            CallerError: nothing waits, or the JSON does not fit the effect.
            RuntimeEffectControllerError: the outcome is of another kind. In all cases the effect goes on waiting.
        """
        return await self.stepper.inject(outcome)

    @property
    def graph(self) -> SessionGraph:
        """The session graph of this moment."""
        return self._runtime.state.graph.snapshot()

    @property
    def effects(self) -> EffectEntries:
        """Every effect of the session since it was opened, in order."""
        return self._runtime.journal.entries

    @property
    def trace(self) -> Trace | None:
        """Its records, when the core traces into memory, alone or beside other sinks: always the same trace, grown since it was last asked for.

        None on a core without `.trace_sink(MemoryTraceSink())`, which `LashCore.notebook()` has; `LashCore.standard()` traces nowhere by itself,
        as the reference does. What `.trace_jsonl_path(path)` writes is read by `read_trace(path)`.

        Those of a fork begin with its own first turn, as what it has used does: what came before it is told under the session that it was forked
        from. `core.trace` has the records of all sessions.
        """
        memory = memory_of(self._runtime.environment.trace_sink)
        return memory.trace(self.session_id) if memory else None

    def tool_catalog(self) -> list[dict[str, Any]]:
        """Return an entry for every tool of the session that can be found, with what plugins add to it.

        Raises:
            PluginError: a plugin failed to say which tools there are.
            ToolRegistryError: two callable tools would be called the same way.
        """
        return self._runtime.plugins.tool_catalog()

    @property
    def attachments(self) -> AttachmentListing:
        """The session's attachments with who refers to them."""
        store = self._runtime.store
        entries = store.list_attachments() if store else ()
        return session_attachments(self._runtime.attachments, entries, self._references())

    def attachment_data(self, attachment_id: AttachmentId) -> bytes:
        """Return the bytes of an attachment, given by its whole id.

        Raises:
            AttachmentStoreError: the store does not have it.
        """
        return self._runtime.attachments.get(attachment_id).data

    def save_attachment(self, attachment_id: str, path: str | os.PathLike[str]) -> Path:
        """Write the bytes of an attachment, given by the beginning of its id, to a new file and return its path.

        Raises:
            CallerError: no such attachment, or the file is there already.
            AttachmentStoreError: the bytes are gone.
        """
        return self.attachments.save(attachment_id, path)

    def read_view(self) -> SessionReadView:
        """Return the session as it is now, fixed."""
        return self._runtime.read_view()

    def fork_snapshot(self, node_id: str, session_id: str) -> SessionSnapshot:
        """Return a session of its own, `session_id`, that stands at a node of this one: the way to it, and nothing used yet.

        Raises:
            CallerError: there is no such node.
        """
        return fork_snapshot(self._runtime.export_state(), node_id, session_id)

    async def persist(self) -> None:
        """Store what is not stored yet, after the turn that runs; without a store it is simply kept.

        Raises:
            LashRuntimeError: `store_commit_failed`, and it stays in memory.
        """
        await self._runtime.persist()

    def observe(self) -> ObservableSession:
        """Return what reads the session without waiting for its turn, and tells what happens to it."""
        return ObservableSession(self._runtime, self._handle.live)

    def effect_host(self) -> EffectHost:
        """Return who performs the effects of the core; a turn's own go through the journal and the stepper of this session first."""
        return self._runtime.environment.effect_host

    @property
    def tools(self) -> ToolsControl:
        """Its tools: `control.tools`."""
        return self.control.tools

    @property
    def commands(self) -> CommandsControl:
        """Commands to it as a whole: `control.commands`."""
        return self.control.commands

    @property
    def triggers(self) -> TriggersControl:
        """What starts its processes: `control.triggers`."""
        return self.control.triggers

    @property
    def process_control(self) -> ProcessControl:
        """Its background processes: `control.processes`."""
        return self.control.processes

    @property
    def store(self) -> SessionStore | None:
        """Where the session is kept: its nodes can be hidden and vacuumed there, its queue be looked at."""
        return self._runtime.store

    async def configure(self, patch: SessionConfigPatch) -> None:
        """Change provider, model or prompt, from the next turn on."""
        await self.control.config.update(patch)

    def set_turn_phase_probe(self, probe: RuntimeTurnPhaseProbe | None) -> None:
        """Tell this probe when the phases of turns begin and end; None tells nobody."""
        self._runtime.set_turn_phase_probe(probe)

    def usage_report(self) -> SessionUsageReport:
        """Return what the session has used over its life."""
        return self._runtime.usage_report()

    def refresh_tools(self, *, only_changed: bool = False) -> int:
        """Ask the tool providers again what they offer; return the generation of the tool registry.

        Each source counts as a change; with `only_changed` only one that offers something else than before.
        """
        self._runtime.plugins.registry.refresh_sources(only_changed=only_changed)
        return self._runtime.plugins.registry.generation

    async def park(self) -> ParkedSession:
        """Cancel what runs, store what is not stored, and give everything back; `LashCore.resume` goes on from what is returned.

        A database that was parked a moment ago is still open, its last pages in the journal beside it: copy both, or `parked.store.release()` first.

        Raises:
            SessionError: there is no store, or it refuses the commit; the session is closed all the same.
            CallerError: `turn_inside_turn`, a tool or provider of a running turn of this session asks.
        """
        await self._end_running_turns()
        return await self._runtime.park()

    async def close(self) -> None:
        """Cancel what runs, free the session's id, and give back what its store holds open.

        Raises:
            CallerError: `turn_inside_turn`, a tool or provider of a running turn of this session asks.
        """
        await self._end_running_turns()
        await self._runtime.keep_usage()
        self._runtime.close()

    async def _end_running_turns(self) -> None:
        self._runtime.writer.refuse_inside(_CLOSING)
        if self.cancel_running_turns():
            for turn in self._running:
                await turn.settled()

    def _references(self) -> Iterator[AttachmentReference]:
        yield from attachment_references(self.graph.nodes)
        for entry in self.effects:
            if isinstance(entry.envelope.command, LlmCallCommand | DirectCommand):
                for item in entry.envelope.command.request.attachments:
                    yield item.reference, f"{entry.envelope.kind} {entry.envelope.invocation.effect_id}"
