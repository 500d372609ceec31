"""What the parts of a running turn share."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from lash_nb.clock import NS_PER_MS, CancellationToken, Clock, IdSource
from lash_nb.effects import ScopedEffectController, StepControl
from lash_nb.plugins import PluginSession
from lash_nb.providers import ProviderHandle
from lash_nb.runtime._direct_usage import PendingUsage
from lash_nb.runtime._queue_claims import TurnClaims
from lash_nb.runtime._surface import SurfaceBuilder
from lash_nb.runtime._trace_emitter import TraceEmitter
from lash_nb.runtime._turn_stream import TurnStreamHub
from lash_nb.runtime._writer import Writer
from lash_nb.stores import AttachmentStore
from lash_nb.trace import LlmTraceMapper
from lash_nb.wire import Message, ModelSpec, PluginMessage, RuntimeScope, SessionPolicy, TraceContext

__all__ = ["TurnContext"]


class TurnContext(Struct, kw_only=True):
    """One running turn: who it is, whom it tells, what it works with."""

    session_id: str
    """The session."""
    turn_id: str
    """The turn, as traces name it."""
    scope_id: str
    """The turn, as effects name it; another one where a turn runs under a queue claim."""
    turn_index: int
    """Number of the turn in its session."""
    agent_frame_id: str
    """The agent frame it runs in."""
    policy: SessionPolicy
    """The session's provider and limits."""
    model: ModelSpec
    """The model it asks, be it the session's or its own."""
    provider: ProviderHandle
    """Who answers."""
    plugins: PluginSession
    """Tools and protocol."""
    surface: SurfaceBuilder
    """Makes prompt and tools."""
    attachments: AttachmentStore
    """Where bytes are."""
    controller: ScopedEffectController
    """Who performs effects."""
    hub: TurnStreamHub
    """Who listens."""
    trace: TraceEmitter
    """Where records go."""
    mapper: LlmTraceMapper
    """How model calls are traced."""
    clock: Clock
    """Time."""
    ids: IdSource
    """Identities."""
    cancel: CancellationToken
    """Whether the turn is still wanted."""
    writer: Writer
    """Who keeps other turns of the session out."""
    claims: TurnClaims
    """What it holds of the session's queue."""
    pending_usage: PendingUsage
    """What its tools used beside it."""
    plugin_inputs: Mapping[str, Any]
    """What plugins get for this turn alone, by plugin id."""
    conversation: Callable[[], Sequence[Message]]
    """Makes what the model knows at this moment."""
    stops: StepControl
    """Where it is stopped, and how long decisions were waited for."""
    llm_calls: int = 0
    """Model calls so far."""
    unasked: int = 0
    """Model calls that were announced and never reached a provider, for the turn was cancelled before."""
    waiting_messages: tuple[PluginMessage, ...] = ()
    """What hooks around tools left for the next checkpoint."""
    _scope: RuntimeScope | None = None
    """That of the effects that came last: all of one iteration are in the same."""
    _told_in: dict[int | None, TraceContext] = field(default_factory=dict)
    """Contexts of records, by iteration."""

    def scope(self, protocol_iteration: int) -> RuntimeScope:
        """Return the scope of an effect in this turn."""
        scope = self._scope
        if scope is None or scope.protocol_iteration != protocol_iteration:
            scope = self._scope = RuntimeScope(
                session_id=self.session_id,
                turn_id=self.scope_id,
                turn_index=self.turn_index,
                protocol_iteration=protocol_iteration,
            )
        return scope

    def trace_context(self, protocol_iteration: int | None = None) -> TraceContext:
        """Return the context of a record: with an iteration that of the driver, without it that of the turn itself."""
        context = self._told_in.get(protocol_iteration)
        if context is None:
            context = self._told_in[protocol_iteration] = TraceContext(
                session_id=self.session_id,
                turn_id=self.turn_id if protocol_iteration is None else self.scope_id,
                turn_index=self.turn_index,
                protocol_iteration=protocol_iteration,
            )
        return context

    def end_context(self, waited_ns: int, protocol_iteration: int | None = None) -> TraceContext:
        """Return the context of a record that ends what began when `stops` had counted so much waiting: with how long decisions were waited for since."""
        context = self.trace_context(protocol_iteration)
        waited_ms = round((self.stops.waited_ns - waited_ns) / NS_PER_MS)
        return replace(context, metadata={"waited_ms": waited_ms}) if waited_ms else context
