"""State of hosts that drive turn machines by themselves (lash 0.1.0-alpha.37, sessions §16, turns §2.8)."""

from msgspec import field

from lash_nb.wire._base import U64, Json, Wire, no_items
from lash_nb.wire._message import Message
from lash_nb.wire._usage import PromptUsage, TokenUsage

__all__ = ["SansIoSessionState", "TurnTerminationPolicyState"]


class SansIoSessionState(Wire, frozen=True, kw_only=True):
    """What is left of a session between two turns, for a host that keeps no store."""

    session_id: str
    """The session."""
    messages: tuple[Message, ...] = field(default_factory=no_items)
    """The conversation."""
    protocol_iteration: U64 = field(default_factory=int)
    """Iteration of the model loop at which the next turn begins."""
    token_usage: TokenUsage = field(default_factory=TokenUsage.zero)
    """Tokens so far."""
    last_prompt_usage: PromptUsage | None = None
    """Size of the last prompt."""
    protocol_state: Json = None
    """The protocol's own."""


class TurnTerminationPolicyState(Wire, frozen=True, kw_only=True):
    """How far the limit of iterations of a turn has been dealt with."""

    turn_limit_final_scheduled: bool
    """Whether the grace iteration was given."""
