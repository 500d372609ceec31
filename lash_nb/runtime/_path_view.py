"""The active path of a session graph, as one agent frame reads it (lash 0.1.0-alpha.37, sessions §3.3 and §3.5)."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from lash_nb.wire import Message, ResumeSafety, SessionNodeRecord, SharedSequence, active_path, conversation_messages

__all__ = ["WHOLE_PATH", "FrameScope", "PathView"]


class FrameScope(NamedTuple):
    """Which nodes of a path are read."""

    frame_id: str
    """Those of this agent frame; all of them when it is blank."""
    include_unscoped: bool
    """Whether nodes without a frame are read too."""

    def holds(self, node: SessionNodeRecord) -> bool:
        """Tell whether the frame reads the node."""
        if not self.frame_id or node.agent_frame_id == self.frame_id:
            return True
        return self.include_unscoped and node.agent_frame_id is None


WHOLE_PATH = FrameScope("", include_unscoped=True)
"""Reads every node."""


class PathView:
    """A path and its messages; the path only grows, so a prefix of it stays what it was.

    Attributes:
        scope: Which nodes are read.
        path: The nodes from the root to the leaf, of all frames.
        messages: The messages of the frame: no transient ones, each id once.
    """

    def __init__(self, nodes: Mapping[str, SessionNodeRecord], leaf_node_id: str | None, scope: FrameScope) -> None:
        self.scope = scope
        self.path = active_path(nodes, leaf_node_id)
        everything = not scope.frame_id
        held = conversation_messages(self.path if everything else filter(scope.holds, self.path))
        self.messages = SharedSequence(held)
        self._message_ids = {message.id for message in self.messages}
        self._safety: ResumeSafety | None = None

    @property
    def safety(self) -> ResumeSafety:
        """Resume safety of the messages; fork it, do not feed it."""
        if self._safety is None:
            self._safety = ResumeSafety().feed(self.messages)
        return self._safety

    def reader(self) -> Callable[[], tuple[Sequence[SessionNodeRecord], Sequence[Message]]]:
        """Return a function that gives path and messages of this moment when it is called, however much is appended until then."""
        return _PathThen(self.path, len(self.path), self.messages)

    def append(self, node: SessionNodeRecord) -> None:
        """Go on to a node of the frame, below the leaf."""
        self.path.append(node)
        message = node.message
        if message is None or message.id in self._message_ids or message.is_transient:
            return
        fresh = (message,)
        if self._safety is not None:
            self._safety.feed(fresh)
        self.messages = self.messages.extended(fresh)
        self._message_ids.add(message.id)


class _PathThen(msgspec.Struct, frozen=True, gc=False):
    """Gives the path as it was with so many nodes, and its messages. Each turn leaves one, which holds no cycle."""

    path: Sequence[SessionNodeRecord]
    count: int
    messages: Sequence[Message]

    def __call__(self) -> tuple[Sequence[SessionNodeRecord], Sequence[Message]]:
        return self.path[: self.count], self.messages
