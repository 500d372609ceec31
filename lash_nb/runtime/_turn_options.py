"""What one turn does differently from the others of its session (lash 0.1.0-alpha.37, facade §6.2)."""

from collections.abc import Mapping
from typing import Any, ClassVar

from msgspec import field

from lash_nb.clock import CancellationToken
from lash_nb.effects import ScopedEffectController
from lash_nb.providers import ProviderHandle
from lash_nb.runtime._brief import Brief
from lash_nb.runtime._turn_stream import ActivitySink, EventSink
from lash_nb.wire import ModelSpec, PromptLayer, ProtocolTurnOptions

__all__ = ["TurnOptions"]


class TurnOptions(Brief, frozen=True, kw_only=True):
    """What a caller may set for one turn."""

    unshown: ClassVar[frozenset[str]] = frozenset({"plugin_inputs"})

    cancel: CancellationToken = field(default_factory=CancellationToken)
    """Stops the turn."""
    activities: tuple[ActivitySink, ...] = ()
    """Who watches."""
    events: tuple[EventSink, ...] = ()
    """Who watches the raw events."""
    provider: ProviderHandle | None = None
    """Who answers, instead of the session's provider."""
    model: ModelSpec | None = None
    """Which model, instead of the session's."""
    prompt: PromptLayer = field(default_factory=PromptLayer)
    """The turn's own prompt layer."""
    protocol_turn_options: ProtocolTurnOptions | None = None
    """Options of the protocol, laid over the session's."""
    plugin_inputs: Mapping[str, Any] = field(default_factory=dict)
    """What plugins get for this turn alone, by plugin id: any object, so only for sessions without a store."""
    controller: ScopedEffectController | None = None
    """The scope of which the turn's effects are part; one of its own otherwise."""
    drain_id: str | None = None
    """Names the scope of a turn of queued work, and for a durable host the turn; otherwise its claim does, or for a durable host its first batch."""
