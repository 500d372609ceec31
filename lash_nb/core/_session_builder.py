"""Opens a session (lash 0.1.0-alpha.37, facade §4)."""

import dataclasses
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self, TypeVar

from msgspec.structs import replace

from lash_nb.core._choices import chosen_model, chosen_provider
from lash_nb.core._handle import SessionHandle
from lash_nb.core._modes import RLM, STANDARD, ModeId, ModePreset
from lash_nb.core._plugin_binding import PluginBinding
from lash_nb.core._prompt_layer_sink import PromptLayerSink
from lash_nb.core._session import LashSession
from lash_nb.core._session_spec import SessionSpec
from lash_nb.errors import CallerError, EmbedError, SessionError, StoreError, WireError, wrong_type
from lash_nb.plugins import PluginFactory
from lash_nb.providers import LlmProvider, ProviderHandle
from lash_nb.runtime import (
    LashRuntime,
    ParkedSession,
    RuntimeEnvironment,
    RuntimeSessionState,
    load_persisted_session_state,
)
from lash_nb.stores import SessionStore, SessionStoreCreateRequest
from lash_nb.wire import (
    ChildRelation,
    MarkdownFinalAnswer,
    ModelSpec,
    PromptLayer,
    ProtocolTurnOptions,
    RawSubmitValue,
    RlmCreateExtras,
    RlmFinalAnswerFormat,
    RootRelation,
    SessionPolicy,
    SessionSnapshot,
    from_builtins,
    to_builtins,
)

if TYPE_CHECKING:
    from lash_nb.core._core import LashCore

__all__ = ["SessionBuilder"]

ConfigT = TypeVar("ConfigT")

_MADE_WITH_IT: Final = frozenset(("stepper", "control", "direct", "plugin_actions"))
"""What a session has from its beginning on, so that its class does not show it."""
_FORKED: Final = "await core.session('…').open(), or one that is open already"
"""What a fork is made of."""


class SessionBuilder(PromptLayerSink):
    """Collects what a session does differently from its core, then opens it."""

    def __init__(self, core: "LashCore", session_id: str) -> None:
        self._core = core
        self._session_id = session_id
        self._mode: ModeId | None = None
        self._provider: ProviderHandle | None = None
        self._spec = SessionSpec.inherit()
        self._parent: str | None = None
        self._store: SessionStore | None = None
        self._factories: list[PluginFactory] = []
        self._required_inputs: list[str] = []
        self._answer_format: RlmFinalAnswerFormat | None = None

    if not TYPE_CHECKING:  # who checks types is told by them

        def __getattr__(self, name: str) -> NoReturn:
            told = f"{type(self).__name__!r} object has no attribute {name!r}"
            if not name.startswith("_") and (name in _MADE_WITH_IT or hasattr(LashSession, name)):
                told = f"there is no {name} before the session is open; {self._how_to_open()}"
            raise AttributeError(told)

        def __await__(self) -> Generator[Any, None, NoReturn]:
            raise CallerError(f"a session is not awaited; {self._how_to_open()}")

    def standard(self) -> Self:
        """Speak the standard protocol."""
        return self.mode(STANDARD)

    def rlm(self) -> Self:
        """Speak the rlm protocol."""
        return self.mode(RLM)

    def mode(self, mode_id: ModeId) -> Self:
        """Speak the protocol of this mode."""
        self._mode = mode_id
        return self

    def provider(self, provider: LlmProvider | ProviderHandle) -> Self:
        """Let this provider answer the session's model calls."""
        self._provider = chosen_provider(provider)
        return self._say(provider_id=self._provider.kind)

    def model(self, model: ModelSpec | str) -> Self:
        """Ask this model; an id alone has the limits that the builder of a core gives it."""
        return self._say(model=chosen_model(model))

    def max_turns(self, count: int | None) -> Self:
        """End a turn after this many iterations of the model loop; None for no limit."""
        return self._say(max_turns=count)

    def prompt_layer(self, layer: PromptLayer) -> Self:
        """Lay this over the host's system prompt, in place of what the core's policy and all before said."""
        return self._say(prompt=layer)

    def session_spec(self, spec: SessionSpec) -> Self:
        """Use this spec; what was said before about provider, model, limit or prompt is forgotten."""
        self._spec = spec
        return self

    def parent(self, session_id: str) -> Self:
        """Open the session under another one."""
        self._parent = session_id
        return self

    def store(self, store: SessionStore) -> Self:
        """Keep this session there, whatever the core's factory says; its children are not kept there."""
        self._store = store
        return self

    def plugin(self, binding: type[PluginBinding[ConfigT]], config: ConfigT) -> Self:
        """Add a plugin with settings of this session, after those of the core."""
        self._factories.append(binding.factory(config))
        if binding.requires_turn_input(config):
            self._required_inputs.append(binding.id)
        return self

    def final_answer_format(self, answer_format: RlmFinalAnswerFormat) -> Self:
        """Say how final answers are told, in mode rlm; Markdown otherwise, and the raw value in a session under another one."""
        self._answer_format = answer_format
        return self

    async def open(self) -> LashSession:
        """Open the session as its store has it, or as a new one.

        Raises:
            EmbedError: `ModeNotInstalled`, `StoreFactory`, `StoreSessionMismatch`.
            SessionError: the stored session cannot be brought to life.
        """
        mode, policy = self._resolved()
        store = await self._session_store(policy)
        state = await self._loaded(store, policy)
        return await self._opened(mode, policy, store, state)

    async def open_fresh(self) -> LashSession:
        """Open a new session over whatever is stored; the first commit replaces it. Errors as in `open`."""
        mode, policy = self._resolved()
        store = await self._session_store(policy)
        state = self._fresh(policy)
        state.graph_replace_required = True
        return await self._opened(mode, policy, store, state)

    async def open_with_state(self, given: SessionSnapshot | RuntimeSessionState) -> LashSession:
        """Open the session as a snapshot says, or as a copy of a whole state, with its tools and plugins. Errors as in `open`."""
        mode, policy = self._resolved()
        store = await self._session_store(policy)
        self._check_id(given.session_id)
        clock = self._core.parts.clock
        state = RuntimeSessionState.from_snapshot(given, clock) if isinstance(given, SessionSnapshot) else given.copy()
        state.policy = policy.replace(provider_id=state.policy.provider_id)
        return await self._opened(mode, policy, store, state)

    async def open_fork(self, session: LashSession, node_id: str) -> LashSession:
        """Open a new session that begins with the way to a node of another one, and store it.

        Args:
            session: The other session.
            node_id: The node at which the new one stands.

        Raises:
            CallerError: the other session has no such node, or is none; or a session of this id is stored already.
            EmbedError, SessionError: as in `open`.
            LashRuntimeError: `store_commit_failed`.
        """
        if not isinstance(session, LashSession):
            raise wrong_type("a session", session, instead=_FORKED)
        snapshot = session.fork_snapshot(node_id, self._session_id)
        mode, policy = self._resolved()
        store = await self._session_store(policy)
        if store is not None and await store.load_head() is not None:
            raise CallerError(f"session {self._session_id} is stored already; choose another id", code="session_exists")
        state = RuntimeSessionState.from_snapshot(snapshot, self._core.parts.clock)
        opened = await self._opened(mode, policy, store, state)
        await opened.persist()
        return opened

    async def resume(self, parked: ParkedSession) -> LashSession:
        """Go on with a parked session.

        Raises:
            EmbedError: `ModeNotInstalled`.
            SessionError: the store cannot be read, or cannot serve the core's residency, or the session cannot be brought to life.
        """
        mode, _ = self._resolved()
        return self._handle(await LashRuntime.resume(parked, self._environment(mode)), mode)

    def _resolved(self) -> tuple[ModePreset, SessionPolicy]:
        parts = self._core.parts
        mode_id = self._mode or parts.default_mode
        mode = parts.modes.get(mode_id)
        if mode is None:
            known = ", ".join(self._core.installed_modes())
            raise EmbedError("ModeNotInstalled", f"mode {mode_id!r} is not installed; installed: {known}", mode=mode_id)
        return mode, self._spec.resolve_against(parts.policy).replace(session_id=self._session_id)

    async def _session_store(self, policy: SessionPolicy) -> SessionStore | None:
        factory = self._core.parts.store_factory
        if self._store is not None or factory is None:
            return self._store
        relation = ChildRelation(parent_session_id=self._parent) if self._parent else RootRelation()
        request = SessionStoreCreateRequest(session_id=self._session_id, relation=relation, policy=policy)
        try:
            return await factory.create_store(request)
        except StoreError as error:
            raise EmbedError(
                "StoreFactory",
                f"no store for session {self._session_id}: {error.message}",
                session_id=self._session_id,
                message=error.message,
            ) from error

    async def _loaded(self, store: SessionStore | None, policy: SessionPolicy) -> RuntimeSessionState:
        if store is None:
            return self._fresh(policy)
        try:
            parts = self._core.parts
            state = await load_persisted_session_state(store, parts.residency, parts.clock)
        except StoreError as error:
            raise SessionError("Protocol", f"session {self._session_id} cannot be read: {error.message}") from error
        if state is None:
            return self._fresh(policy)
        self._check_id(state.session_id)
        state.policy = policy.replace(provider_id=state.policy.provider_id)
        return state

    def _fresh(self, policy: SessionPolicy) -> RuntimeSessionState:
        return RuntimeSessionState.fresh(self._session_id, policy, self._core.parts.clock)

    def _check_id(self, loaded: str) -> None:
        if loaded != self._session_id:
            raise EmbedError(
                "StoreSessionMismatch",
                f"asked for session {self._session_id}, got {loaded}; open it under its own id",
                loaded=loaded,
                requested=self._session_id,
            )

    async def _opened(
        self, mode: ModePreset, policy: SessionPolicy, store: SessionStore | None, state: RuntimeSessionState
    ) -> LashSession:
        try:
            if mode.mode_id == RLM:
                self._set_answer_format(state)
            runtime = await LashRuntime.from_environment(self._environment(mode), policy, state, store)
        except BaseException:
            if store is not None:
                store.release()
            raise
        return self._handle(runtime, mode)

    def _environment(self, mode: ModePreset) -> RuntimeEnvironment:
        return self._core.environment(mode, self._provider, self._factories)

    def _handle(self, runtime: LashRuntime, mode: ModePreset) -> LashSession:
        parts = self._core.parts
        handle = SessionHandle(
            runtime, parts.live_replay_store, poke=parts.queued_work_poke, required_inputs=self._required_inputs
        )
        return LashSession(handle, mode.mode_id, parent_session_id=self._parent)

    def _how_to_open(self) -> str:
        return f"open it: session = await core.session({self._session_id!r}).open()"

    def _set_answer_format(self, state: RuntimeSessionState) -> None:
        """Write into the state, and into each of its frames, how answers are told.

        Raises:
            EmbedError: `ProtocolTurnOptions`, the stored options are not those of the protocol.
        """
        try:
            extras = from_builtins(state.protocol_turn_options.payload, RlmCreateExtras)
        except WireError as error:
            raise EmbedError(
                "ProtocolTurnOptions",
                f"session {self._session_id} has turn options that are not those of mode rlm: {error.message};"
                " open it in the mode in which it was stored",
            ) from error
        told = self._answer_format or (RawSubmitValue() if self._parent else MarkdownFinalAnswer())
        options = ProtocolTurnOptions(payload=to_builtins(replace(extras, final_answer_format=told)))
        state.protocol_turn_options = options
        state.agent_frames = tuple(replace(frame, protocol_turn_options=options) for frame in state.agent_frames)

    def _say(self, **changes: Any) -> Self:
        self._spec = dataclasses.replace(self._spec, **changes)
        return self

    def _held_prompt_layer(self) -> PromptLayer:
        return self._spec.prompt or PromptLayer()
