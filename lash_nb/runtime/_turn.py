"""One turn from input to result, phase by phase (lash 0.1.0-alpha.37, turns §5.2)."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Self

from lash_nb.effects import ScopedEffectController
from lash_nb.errors import CallerError, LashError
from lash_nb.machine import TurnMachine, TurnMachineConfig
from lash_nb.plugins import ToolDispatcher
from lash_nb.providers import ProviderHandle, UnconfiguredProvider
from lash_nb.runtime._assembler import TurnAssembler
from lash_nb.runtime._commits import TurnCommits
from lash_nb.runtime._context import TurnContext
from lash_nb.runtime._hook_desk import tool_hooks
from lash_nb.runtime._input import NormalizedItem, normalized, pictures_of
from lash_nb.runtime._open_runtime import OpenRuntime
from lash_nb.runtime._queue_claims import TurnClaims
from lash_nb.runtime._queue_delivery import (
    causes_of,
    claimed_record,
    started_activity,
)
from lash_nb.runtime._result import TurnResult
from lash_nb.runtime._surface import Surface, SurfaceBuilder
from lash_nb.runtime._turn_again import Run, stand_at_beginning
from lash_nb.runtime._turn_ending import TurnEnding
from lash_nb.runtime._turn_loop import TurnLoop
from lash_nb.runtime._turn_opening import asked_before, opening, take_in
from lash_nb.runtime._turn_options import TurnOptions
from lash_nb.runtime._turn_stream import TurnStreamHub
from lash_nb.wire import (
    DoneEvent,
    ErrorEnvelope,
    ErrorEvent,
    GenerationOptions,
    Message,
    PromptUsage,
    TraceContext,
    TurnInput,
    TurnStarted,
)

__all__ = ["TurnRunner"]

_UNBOUND: Final = ProviderHandle(UnconfiguredProvider())
"""Answers until the session's provider is looked up, which is after the user's message is stored."""


class TurnRunner:
    """Runs one turn on a runtime; made for it and thrown away."""

    def __init__(
        self,
        runtime: OpenRuntime,
        turn_input: TurnInput,
        options: TurnOptions,
        controller: ScopedEffectController,
        claims: TurnClaims,
    ) -> None:
        self._runtime = runtime
        self._state = runtime.state
        self._input = turn_input
        self._options = options
        self._env = runtime.environment
        self._phases = runtime.phases
        self._turn_id = turn_input.trace_turn_id or self._env.ids.uuid()
        self._controller = controller
        self._claims = claims
        begun_by = claims.begun_by if claims.any_held else None
        self._begun_by = begun_by
        self._causes = causes_of(begun_by) if begun_by else ()
        assembler = TurnAssembler()
        self._hub = TurnStreamHub(
            self._env.ids,
            assembler,
            runtime.writer,
            activities=runtime.activity_sinks + options.activities,
            events=options.events,
        )
        self._ending = TurnEnding(runtime, self._turn_id, options, controller, assembler=assembler, hub=self._hub)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, _kind: type[BaseException] | None, error: BaseException | None, _where: object) -> None:
        """Wait for the listeners; those of a turn that was given up are broken off, and for a closed one nothing can be awaited."""
        if error is not None and not isinstance(error, Exception):
            self._hub.break_off()
        if not isinstance(error, GeneratorExit):
            await self._hub.settled(self._options.cancel)

    async def run(self, undo: Callable[[], None]) -> TurnResult:
        """Run the turn, inside `async with`, which waits for its listeners; `undo` takes back what it did, except what is committed by then.

        Raises:
            LashRuntimeError: the turn ended without a result; what was committed stays.
        """
        self._tell_of_claim()
        try:
            items = normalized(self._input, self._runtime.attachments)
        except CallerError as error:
            return self._ending.refused(error)
        run: Run = "first" if self._runtime.store is None else await self._stand_at_beginning()
        usage = self._state.last_prompt_usage
        turn = self._begin(items)
        try:
            return await self._rest(turn, items, usage, run, undo)
        except asyncio.CancelledError:
            self._ending.cut_off(turn)
            raise

    async def _rest(
        self,
        turn: TurnContext,
        items: Sequence[NormalizedItem],
        usage: PromptUsage | None,
        run: Run,
        undo: Callable[[], None],
    ) -> TurnResult:
        """Run the turn that has begun."""
        if turn.plugins.transforms:
            await take_in(turn, self._runtime, self._opening(items), usage, partial(self._provider, turn))
        else:
            for message in self._opening(items):
                self._state.graph.append_message(message)
        if turn.plugins.hooks.before_turn:
            abort = await asked_before(turn, self._runtime)
            if abort is not None:
                return self._ending.given_back(abort, undo)
        commits = TurnCommits(self._state, self._runtime.store, self._runtime.plugins, turn, run)
        await commits.prepared()
        turn.provider = self._provider(turn)
        loop = await self._prepared(turn, commits)
        if loop is not None:
            with self._phases.within("effect_loop"):
                try:
                    done = await loop.run()
                finally:
                    self._runtime.machine = None
                commits.project_final(done.messages, done.event_delta)
        return await self._ending.finished(turn, commits, undo)

    async def _stand_at_beginning(self) -> Run:
        """Begin where the turn began, when it is run again; without a store it always begins where the session stands."""
        return await stand_at_beginning(self._state, self._controller, self._turn_id, self._begun_by)

    def _tell_of_claim(self) -> None:
        """Tell what queued work the turn begins with."""
        if self._begun_by is not None:
            self._hub.activity(started_activity(self._begun_by, "idle"))
            context = TraceContext(
                session_id=self._state.session_id, turn_id=self._turn_id, turn_index=self._state.turn_index + 1
            )
            self._runtime.trace.emit(claimed_record(self._begun_by, "idle"), context)

    def _loop(self, turn: TurnContext, surface: Surface, commits: TurnCommits) -> TurnLoop:
        """Let the session's machine be the turn's; return what drives it."""
        machine = TurnMachine(
            self._machine_config(turn, surface), messages=self._state.graph.messages, turn_causes=self._causes
        )
        plugins = self._runtime.plugins
        dispatcher = ToolDispatcher(
            surface.tools,
            plugins.surface_registry,
            clock=turn.clock,
            project=plugins.tool_result_projector,
            hooks=tool_hooks(turn),
        )
        self._runtime.machine = machine
        return TurnLoop(machine, turn, dispatcher, commits)

    def _begin(self, items: Sequence[NormalizedItem]) -> TurnContext:
        """Count the turn and tell that it starts."""
        state = self._state
        state.turn_index += 1
        state.last_prompt_usage = None
        turn = self._context()
        turn.trace.emit(TurnStarted(metadata={"input_item_count": len(items)}), turn.trace_context())
        return turn

    def _opening(self, items: Sequence[NormalizedItem]) -> list[Message]:
        opened = opening(items, self._begun_by, self._turn_id, self._env.ids)
        self._ending.pictures = pictures_of(opened)
        return opened

    def _context(self) -> TurnContext:
        state, env, runtime = self._state, self._env, self._runtime
        policy = state.effective_policy()
        return TurnContext(
            session_id=state.session_id,
            turn_id=self._turn_id,
            scope_id=self._claims.scope_id or self._turn_id,
            turn_index=state.turn_index,
            agent_frame_id=state.current_agent_frame_id,
            policy=policy,
            model=self._options.model or policy.model,
            provider=_UNBOUND,
            plugins=runtime.plugins,
            surface=SurfaceBuilder(
                runtime.plugins,
                runtime.prompts,
                (env.prompt, state.policy.prompt, self._options.prompt),
                self._options.plugin_inputs,
            ),
            plugin_inputs=self._options.plugin_inputs,
            attachments=runtime.attachments,
            controller=self._controller,
            hub=self._hub,
            trace=runtime.trace,
            mapper=runtime.mapper,
            clock=env.clock,
            ids=env.ids,
            cancel=self._options.cancel,
            writer=runtime.writer,
            claims=self._claims,
            conversation=runtime.conversation,
            stops=runtime.effect_host.control,
            pending_usage=runtime.pending_usage,
        )

    def _provider(self, turn: TurnContext) -> ProviderHandle:
        if self._options.provider is not None:
            return self._options.provider
        return self._env.provider(turn.policy.provider_id, self._state.session_id)

    async def _prepared(self, turn: TurnContext, commits: TurnCommits) -> TurnLoop | None:
        """Build prompt and tools, and what drives the turn with them; None when the turn ended over it."""
        variant = turn.model.variant
        if variant is not None and not turn.provider.supports_variant(turn.model.id, variant):
            message = f"model {turn.model.id} on {turn.provider.kind} does not offer variant {variant!r}; choose another or none"
            self._give_up("llm_provider", message, code="invalid_model_variant")
            return None
        with self._phases.within("prompt_build"):
            try:
                surface = await turn.surface.build()
            except LashError as error:
                self._give_up("plugin_prompt", str(error))
                return None
        if turn.trace.enabled:
            turn.trace.emit(surface.prompt.built, turn.trace_context(protocol_iteration=0))
        return self._loop(turn, surface, commits)

    def _give_up(self, kind: str, message: str, *, code: str | None = None) -> None:
        envelope = ErrorEnvelope(kind=kind, code=code, user_message=message, raw=message)
        self._hub.emit(ErrorEvent(message=message, envelope=envelope))
        self._hub.emit(DoneEvent())

    def _machine_config(self, turn: TurnContext, surface: Surface) -> TurnMachineConfig:
        policy, model, protocol = turn.policy, turn.model, surface.preamble
        cap = turn.provider.options.max_output_tokens
        return TurnMachineConfig(
            protocol_driver=protocol.driver,
            projector=protocol.projector,
            sync_execution_surface=protocol.sync_execution_surface,
            model=model.id,
            max_context_tokens=model.limits.context_window_tokens,
            max_turns=policy.max_turns,
            model_variant=model.variant,
            generation=GenerationOptions(output_token_cap=cap or None),
            run_session_id=policy.session_id,
            autonomous=policy.autonomous,
            tool_specs=surface.tool_specs,
            system_prompt=surface.system_prompt,
            session_id=turn.session_id,
            termination=self._state.protocol_turn_options.merged(self._options.protocol_turn_options),
            new_message_id=self._runtime.new_message_id,
        )
