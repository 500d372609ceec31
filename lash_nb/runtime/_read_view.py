"""A session to be read: fixed at one moment, cheap to take (lash 0.1.0-alpha.37, sessions §4.2)."""

from collections.abc import Callable, Sequence
from functools import cached_property

from msgspec import Struct

from lash_nb.runtime._path_view import FrameScope
from lash_nb.runtime._state import RuntimeSessionState
from lash_nb.wire import (
    ChronologicalProjection,
    Message,
    PromptUsage,
    ProtocolTurnOptions,
    SessionEventRecord,
    SessionGraph,
    SessionMessageTreeNode,
    SessionNodeRecord,
    SessionPolicy,
    SessionSnapshot,
    TokenUsage,
    chronological_projection,
    first_user_message,
    message_tree,
    user_message_count,
)
from lash_nb.words import counted

__all__ = ["SessionReadView"]


class SessionReadView(Struct, frozen=True, dict=True):
    """What a session is at one moment; what happens later does not show.

    Taking it costs nothing; its lists are made when they are first read.
    """

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
    frame_scope: FrameScope
    """Which nodes of the path the current agent frame reads."""
    read_graph: Callable[[], SessionGraph]
    """Makes `session_graph`."""
    read_path: Callable[[], tuple[Sequence[SessionNodeRecord], Sequence[Message]]]
    """Makes the active path and its messages."""

    @classmethod
    def of(cls, state: RuntimeSessionState) -> "SessionReadView":
        """Return the view of a live state."""
        return cls(
            session_id=state.session_id,
            policy=state.effective_policy(),
            turn_index=state.turn_index,
            token_usage=state.token_usage,
            last_prompt_usage=state.last_prompt_usage,
            protocol_turn_options=state.effective_protocol_turn_options(),
            frame_scope=state.graph.scope,
            read_graph=state.graph.reader(),
            read_path=state.graph.path_reader(),
        )

    def __repr__(self) -> str:
        return f"SessionReadView({self.session_id!r}, {counted(self.turn_index, 'turn')})"

    @cached_property
    def _path(self) -> tuple[Sequence[SessionNodeRecord], Sequence[Message]]:
        return self.read_path()

    @cached_property
    def session_graph(self) -> SessionGraph:
        """The graph: all resident nodes, and the leaf."""
        return self.read_graph()

    @property
    def messages(self) -> Sequence[Message]:
        """The messages on the active path, in the current agent frame: no transient ones, each id once."""
        return self._path[1]

    @cached_property
    def active_events(self) -> Sequence[SessionEventRecord]:
        """Everything on the active path, in the current agent frame, transient and repeated messages too."""
        return tuple(node.event for node in self._path[0] if node.event is not None and self.frame_scope.holds(node))

    def chronological_projection(self) -> ChronologicalProjection:
        """Return messages and notes of protocols in the order in which they happened."""
        return chronological_projection(self.active_events, self.messages)

    def message_tree(self) -> tuple[SessionMessageTreeNode, ...]:
        """Return the messages of all branches, each below the one that it followed."""
        return message_tree(self.session_graph)

    @property
    def user_message_count(self) -> int:
        """How many messages of users there are, in all branches."""
        return user_message_count(self.session_graph.nodes)

    @property
    def first_user_message(self) -> str:
        """The text of the user's first message; empty when there is none."""
        return first_user_message(self.session_graph.nodes)

    @property
    def leaf_node_id(self) -> str | None:
        """Where the next node is appended."""
        return self.session_graph.leaf_node_id

    @property
    def node_count(self) -> int:
        """How many nodes are resident."""
        return len(self.session_graph.nodes)

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
