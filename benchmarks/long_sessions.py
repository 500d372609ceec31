"""Sessions of any length to measure with: they grow by commits of prepared turns, as quickly as a store takes them."""

from random import Random
from typing import Final, Self

from msgspec.structs import replace

from lash_nb import LashSession
from lash_nb.stores import FullGraph, SessionStore
from lash_nb.wire import (
    AppendGraph,
    GraphCommitDelta,
    PersistedSessionRead,
    PersistedTurnState,
    RuntimeCommit,
    RuntimeTurnCommitStamp,
    SessionEventRecord,
    SessionNodeRecord,
    TokenLedgerEntry,
    TokenUsage,
    turn_commit_hash,
)

__all__ = ["Length"]

SEED: Final = 37
USED: Final = TokenLedgerEntry(
    source="turn", model="scripted", usage=TokenUsage(input_tokens=9, output_tokens=1, cached_input_tokens=0)
)


class Length:
    """Makes a stored session longer, with turns like its first one.

    Attributes:
        leaf: Where the next node is appended.
        commit: The last commit, unstamped.
    """

    def __init__(self, store: SessionStore, read: PersistedSessionRead) -> None:
        assert read.checkpoint is not None
        self._store = store
        self._nodes = read.graph.nodes[-2:]
        self._count = 0
        self._random = Random(SEED)  # noqa: S311 - the same ids each time
        self.leaf = read.graph.leaf_node_id
        self.commit = RuntimeCommit(
            session_id=read.session_id,
            config=read.config,
            agent_frames=read.agent_frames,
            current_agent_frame_id=read.current_agent_frame_id,
            graph=GraphCommitDelta(Append=AppendGraph(nodes=())),
            checkpoint=replace(read.checkpoint, tool_state=None, plugin_snapshot=None, execution_state=None),
            usage_deltas=(USED,),
            completed_queue_claims=(),
            committed_attachment_ids=(),
        )

    @classmethod
    async def of(cls, session: LashSession) -> Self:
        """Go on from a session after its first turn; nobody else may write it meanwhile."""
        assert session.store is not None
        read = await session.store.load_session(FullGraph())
        assert read is not None
        return cls(session.store, read)

    async def turns(self, count: int) -> None:
        """Commit turns of two nodes."""
        for number in range(2, count + 1):
            await self.nodes(2, turn=number)

    async def nodes(self, count: int, *, turn: int) -> None:
        """Commit nodes, as one turn."""
        nodes = tuple(self._node() for _ in range(count))
        self.commit = replace(
            self.commit,
            graph=GraphCommitDelta(Append=AppendGraph(nodes=nodes, leaf_node_id=self.leaf)),
            checkpoint=replace(self.commit.checkpoint, turn_state=PersistedTurnState(turn_index=turn)),
        )
        stamp = RuntimeTurnCommitStamp(
            session_id=self.commit.session_id, turn_id=f"turn-{turn}", turn_commit_hash=turn_commit_hash(self.commit)
        )
        await self._store.commit_runtime_state(replace(self.commit, turn_commit=stamp))

    def _node(self) -> SessionNodeRecord:
        like = self._nodes[self._count % 2]
        self._count += 1
        assert like.message is not None
        node_id = f"m{self._random.getrandbits(128):032x}"
        message = replace(like.message, id=node_id)
        node = replace(like, node_id=node_id, parent_node_id=self.leaf, event=SessionEventRecord(Conversation=message))
        self.leaf = node_id
        return node
