"""A session to be read: fixed at one moment, cheap to take (lash 0.1.0-alpha.37, sessions §4.2)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from lash_nb.runtime._state import RuntimeSessionState
from lash_nb.wire import (
    Message,
    PromptUsage,
    ProtocolTurnOptions,
    SessionGraph,
    SessionPolicy,
    SessionSnapshot,
    TokenUsage,
)

__all__ = ["SessionReadView"]


@dataclass(frozen=True)
class SessionReadView:
    """What a session is at one moment; what happens later does not show."""

    session_id: str
    """The session."""
    policy: SessionPolicy
    """Model, provider, limits."""
    turn_index: int
    """Number of the last turn."""
    token_usage: TokenUsage
    """Usage of the last turn."""
    last_prompt_usage: PromptUsage | None
    """How full the context was."""
    protocol_turn_options: ProtocolTurnOptions
    """Options of turns."""
    messages: Sequence[Message]
    """The messages on the active path."""
    graph_reader: Callable[[], SessionGraph]
    """Makes `session_graph`."""

    @classmethod
    def of(cls, state: RuntimeSessionState) -> "SessionReadView":
        """Return the view of a live state."""
        return cls(
            session_id=state.session_id,
            policy=state.effective_policy(),
            turn_index=state.turn_index,
            token_usage=state.token_usage,
            last_prompt_usage=state.last_prompt_usage,
            protocol_turn_options=state.protocol_turn_options,
            messages=tuple(state.graph.messages),
            graph_reader=state.graph.reader(),
        )

    @cached_property
    def session_graph(self) -> SessionGraph:
        """The graph."""
        return self.graph_reader()

    def to_snapshot(self) -> SessionSnapshot:
        """Return the view as a snapshot: frames, stored references and ledger are not part of it."""
        return SessionSnapshot(
            session_id=self.session_id,
            policy=self.policy,
            session_graph=self.session_graph,
            turn_index=self.turn_index,
            token_usage=self.token_usage,
            last_prompt_usage=self.last_prompt_usage,
            protocol_turn_options=self.protocol_turn_options,
        )
