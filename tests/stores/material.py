"""Commits, nodes, work and pictures for tests of stores."""

import struct
import zlib
from typing import Any, Final

from msgspec.structs import replace

from lash_nb.wire import (
    AppendGraph,
    AttachmentCreateMeta,
    GraphCommitDelta,
    HydratedSessionCheckpoint,
    MediaType,
    Message,
    ModelLimits,
    ModelSpec,
    Octets,
    Part,
    PersistedSessionConfig,
    PersistedTurnState,
    QueuedWorkBatchDraft,
    QueuedWorkClaim,
    QueuedWorkCompletion,
    RuntimeCommit,
    RuntimeTurnCommitStamp,
    SessionEventRecord,
    SessionGraph,
    SessionNodeRecord,
    TextItem,
    TokenLedgerEntry,
    TokenUsage,
    TurnInput,
    TurnInputPayload,
    UnchangedGraph,
    turn_commit_hash,
)

SESSION: Final = "root"
CONFIG: Final = PersistedSessionConfig(
    provider_id="scripted", model=ModelSpec(id="m", limits=ModelLimits(context_window_tokens=1000))
)
NO_GRAPH: Final = GraphCommitDelta(Unchanged=UnchangedGraph())
STATE: Final = PersistedTurnState(turn_index=1)


def node(node_id: str, parent: str | None = None, *, part: Part | None = None) -> SessionNodeRecord:
    """A node with one message."""
    part = part or Part(id=f"{node_id}.p0", kind="Text", content=f"text of {node_id}", prune_state="Intact")
    message = Message(id=node_id, role="User", parts=(part,))
    return SessionNodeRecord(
        node_id=node_id,
        parent_node_id=parent,
        timestamp="2027-01-15T08:00:00+00:00",
        kind="event",
        event=SessionEventRecord(Conversation=message),
    )


def append(*nodes: SessionNodeRecord, leaf: str | None = None) -> GraphCommitDelta:
    """A delta that adds nodes; the leaf is the last one unless given."""
    return GraphCommitDelta(
        Append=AppendGraph(nodes=nodes, leaf_node_id=leaf or (nodes[-1].node_id if nodes else None))
    )


def rewrite(*nodes: SessionNodeRecord) -> GraphCommitDelta:
    """A delta that writes the whole graph anew."""
    leaf = nodes[-1].node_id if nodes else None
    return GraphCommitDelta(ReplaceFull=SessionGraph(nodes=nodes, leaf_node_id=leaf))


def commit(graph: GraphCommitDelta = NO_GRAPH, **fields: Any) -> RuntimeCommit:
    """A commit of the session `root`."""
    plain = RuntimeCommit(
        session_id=SESSION,
        config=CONFIG,
        agent_frames=(),
        current_agent_frame_id="",
        graph=graph,
        checkpoint=HydratedSessionCheckpoint(turn_state=STATE),
        usage_deltas=(),
        completed_queue_claims=(),
        committed_attachment_ids=(),
    )
    return replace(plain, **fields)


def stamped(made: RuntimeCommit, turn_id: str = "t1") -> RuntimeCommit:
    """The commit as the final one of a turn."""
    stamp = RuntimeTurnCommitStamp(session_id=made.session_id, turn_id=turn_id, turn_commit_hash=turn_commit_hash(made))
    return replace(made, turn_commit=stamp)


def used(tokens: int, source: str = "turn", *, cached: int = 0) -> TokenLedgerEntry:
    """A ledger row of model `m`."""
    usage = TokenUsage(input_tokens=tokens, output_tokens=0, cached_input_tokens=cached)
    return TokenLedgerEntry(source=source, model="m", usage=usage)


def draft(text: str = "hi", **fields: Any) -> QueuedWorkBatchDraft:
    """Work for the session `root`: one turn input that may share a turn."""
    payload = TurnInputPayload(input=TurnInput(items=(TextItem(text=text),)))
    plain = QueuedWorkBatchDraft(
        session_id=SESSION, delivery_policy="earliest_safe_boundary", slot_policy="join", payloads=(payload,)
    )
    return replace(plain, **fields)


def completion(claim: QueuedWorkClaim, **fields: Any) -> QueuedWorkCompletion:
    """That the work of a claim is done."""
    plain = QueuedWorkCompletion(
        session_id=claim.session_id,
        claim_id=claim.claim_id,
        lease_token=claim.lease_token,
        batch_ids=tuple(batch.batch_id for batch in claim.batches),
    )
    return replace(plain, **fields)


PIXEL: Final = AttachmentCreateMeta(media_type=MediaType(type="png"), width=1, height=1, label="pixel")
"""What the caller says of a picture of one pixel."""


def png(width: int, height: int) -> bytes:
    """A PNG of that size, in one grey."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress((b"\0" + bytes(width)) * height)
    chunks = ((b"IHDR", head), (b"IDAT", pixels), (b"IEND", b""))
    packed = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def blob(*values: int) -> Octets:
    """Bytes as checkpoints hold them."""
    return Octets(bytes(values))
