"""The hash of a turn's final commit: random ids and times do not count (lash 0.1.0-alpha.37, sessions §8.6).

What is hashed is one JSON text. As its keys are sorted, it begins with what the commits of a session have in common, its frames, plugins and
tools, which are written and hashed once; what a turn brings stands behind that.
"""

import hashlib
import operator
from functools import partial
from typing import Any, Final

from msgspec import UNSET
from msgspec.structs import replace

from lash_nb.wire._commit import HydratedSessionCheckpoint, RuntimeCommit
from lash_nb.wire._graph import GraphCommitDelta, SessionNodeRecord
from lash_nb.wire._hashed import Hasher, hashed_entries, hashed_text, text_around
from lash_nb.wire._session import AgentFrameRecord, PluginSnapshot
from lash_nb.wire._written import HOLE

__all__ = ["turn_commit_hash"]

_COMMON: Final = ("execution_state", "execution_state_ref", "plugin_snapshot_ref", "plugin_snapshot_revision")
_common_values: Final = operator.attrgetter(*_COMMON)
_OPENED: Final = len(b'{"checkpoint":{')
"""Begins what a turn brings, and stands in what commits have in common already."""


def turn_commit_hash(commit: RuntimeCommit) -> str:
    """Return the hash that tells a repeated final commit from another one: random ids and times do not count (sessions §8.6)."""
    hasher = _common_hasher(commit.agent_frames, commit.checkpoint)
    hasher.update(_own_text(commit)[_OPENED:])
    return hasher.hexdigest()


def _common_hasher(frames: tuple[AgentFrameRecord, ...], checkpoint: HydratedSessionCheckpoint) -> Hasher:
    """Return a hasher that was given the beginning of the text; of the same objects the last frame knows it."""
    tools, snapshot = checkpoint.tool_state, checkpoint.plugin_snapshot
    plugins = {} if snapshot is None else snapshot.plugins
    objects = (tools, snapshot is None, *_common_values(checkpoint), *plugins, *plugins.values(), *frames[:-1])
    text = partial(_common_text, frames, checkpoint, plugins)
    return frames[-1].hasher_of(objects, text) if frames else hashlib.sha256(text())


def _common_text(
    frames: tuple[AgentFrameRecord, ...], checkpoint: HydratedSessionCheckpoint, plugins: dict[str, PluginSnapshot]
) -> bytes:
    """Return the frames and the first fields of the checkpoint; the next one goes on behind them."""
    names, tools = sorted(hashed_entries(plugins)), checkpoint.tool_state
    begun = dict(zip(_COMMON, _common_values(checkpoint), strict=True))
    begun["plugin_snapshot"] = checkpoint.plugin_snapshot and {"plugins": dict.fromkeys(names, HOLE)}
    begun["tool_state"] = tools and HOLE
    made = [*frames, *[plugins[name] for name in names], *([tools] if tools else [])]
    text = text_around(made, {"agent_frames": [HOLE] * len(frames), "checkpoint": begun})
    return text.removesuffix(b"}}") + b","


def _own_text(commit: RuntimeCommit) -> bytes:
    """Return the last fields of the checkpoint, and what else a commit says."""
    checkpoint, delta = commit.checkpoint, commit.graph
    own = replace(
        commit,
        expected_head_revision=None,
        agent_frames=UNSET,
        graph={delta.tag: _lasting(delta)},
        checkpoint={"tool_state_ref": checkpoint.tool_state_ref, "turn_state": checkpoint.turn_state},
        turn_commit=None,
    )
    return hashed_text(own, [node.message for node in delta.nodes if node.message is not None])


def _lasting(delta: GraphCommitDelta) -> dict[str, Any]:
    """Return what a delta brings, without random ids and times."""
    return {} if delta.Unchanged else {"nodes": [_lasting_node(node) for node in delta.nodes]}


def _lasting_node(node: SessionNodeRecord) -> SessionNodeRecord:
    changes: dict[str, Any] = {"node_id": UNSET, "parent_node_id": UNSET, "timestamp": UNSET}
    message = node.message
    if message is not None:
        parts = [replace(part, id=UNSET) for part in message.parts]
        changes["event"] = {"Conversation": replace(message, id=UNSET, parts=parts)}
    return replace(node, **changes)
