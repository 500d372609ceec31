"""The hash of a final commit (lash 0.1.0-alpha.37, sessions §8.6)."""

from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lash_nb.wire import (
    AgentFrameAssignment,
    AgentFrameRecord,
    Json,
    Octets,
    Part,
    PluginMeta,
    PluginSessionSnapshot,
    PluginSnapshot,
    ProtocolEvent,
    RuntimeCommit,
    SessionEventRecord,
    SessionNodeRecord,
    SessionPolicy,
    ToolState,
    from_builtins,
    stable_hash,
    to_builtins,
    turn_commit_hash,
)
from tests.stores.material import append, commit, node, rewrite, stamped
from tests.wire.documents import documents

VOLATILE: Final = ("node_id", "parent_node_id", "leaf_node_id", "timestamp")
NAMES: Final = (*VOLATILE, "id", "role", "parts", "kind", "content", "prune_state", 'x"node_id', "tool", "é", "\3")
KEYS: Final = st.sampled_from(NAMES)
TEXTS: Final = st.sampled_from(["", '"node_id":', "\1\2\3", "1e16"])
FREE: Final = st.recursive(
    st.none() | st.integers(-(2**63), 2**64 - 1) | st.sampled_from([1e16, -0.5]) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=8,
)
ASSIGNMENT: Final = AgentFrameAssignment(policy=SessionPolicy())
ONE_FRAME, OTHER_FRAME = (
    AgentFrameRecord(frame_id=name, session_id="root", created_at="2027-01-15T08:00:00Z", assignment=ASSIGNMENT)
    for name in ("one", "other")
)
ONE, OTHER = (PluginSnapshot(meta=PluginMeta(plugin_id=name, plugin_version="1")) for name in ("one", "other"))
STATES: Final[tuple[dict[str, PluginSnapshot], ...]] = (
    *({}, {"p": ONE}, {"q": ONE}, {"q": OTHER}),
    *({"q": OTHER, "node_id": ONE}, dict.fromkeys(NAMES, ONE)),
)
FRAMES: Final = ((ONE_FRAME,), (OTHER_FRAME, ONE_FRAME), (ONE_FRAME, ONE_FRAME), (OTHER_FRAME,))
COMMON: Final[dict[str, tuple[Any, ...]]] = {
    "execution_state": (Octets(b"1"), Octets(b"2"), None),
    "execution_state_ref": ("a", "b", None),
    "plugin_snapshot": (*[PluginSessionSnapshot(plugins=state) for state in STATES], None),
    "plugin_snapshot_ref": ("a", "b", None),
    "plugin_snapshot_revision": (0, 1, None),
    "tool_state": (ToolState(generation=1, tools={}), ToolState(generation=2, tools={}), None),
}
"""What commits have in common as a rule: one value differs from the next."""


def told(value: Any) -> Any:
    """What is hashed of plain JSON, as the rules say it."""
    if isinstance(value, list | tuple):
        return [told(item) for item in value]
    if not isinstance(value, dict):
        return value
    named = {"role", "parts"} <= value.keys() or {"kind", "content", "prune_state"} <= value.keys()
    left_out = {*VOLATILE, "id"} if named else {*VOLATILE}
    return {key: told(item) for key, item in value.items() if key not in left_out}


def expected(made: RuntimeCommit) -> str:
    """The hash that the rules give."""
    plain = to_builtins(made) | {"expected_head_revision": None, "turn_commit": None}
    return stable_hash(told(plain))


def protocol_node(payload: Json) -> SessionNodeRecord:
    """A node with a protocol's own object."""
    event = SessionEventRecord(Protocol=ProtocolEvent(plugin_id="p", payload=payload))
    return SessionNodeRecord(node_id="protocol:1", timestamp="2027-01-15T08:00:00Z", kind="event", event=event)


def plugin_node(body: Json) -> SessionNodeRecord:
    """A node with a plugin's own object."""
    return SessionNodeRecord(node_id="n", timestamp="2027-01-15T08:00:00Z", kind="plugin", plugin_type="x", body=body)


def with_plugin_state(made: RuntimeCommit, state: Json) -> RuntimeCommit:
    """The commit with a plugin's own state."""
    one = PluginSnapshot(meta=PluginMeta(plugin_id="p", plugin_version="1", state=state))
    checkpoint = replace(made.checkpoint, plugin_snapshot=PluginSessionSnapshot(plugins={"p": one}))
    return replace(made, checkpoint=checkpoint)


@settings(max_examples=5, deadline=None)
@given(documents(RuntimeCommit))
def test_any_commit(document: Any) -> None:
    """Every commit is hashed as the rules say."""
    made = from_builtins(document, RuntimeCommit)
    assert turn_commit_hash(made) == expected(made)


@given(FREE, FREE, FREE)
def test_free_values(payload: Json, body: Json, state: Json) -> None:
    """Ids and times do not count in free values, either, whatever stands beside them; and what is hashed again has the same hash."""
    made = with_plugin_state(commit(append(node("m1"), protocol_node(payload), plugin_node(body))), state)
    assert [turn_commit_hash(made), turn_commit_hash(stamped(made))] == [expected(made)] * 2


def test_random_fields_do_not_count() -> None:
    """Two commits of the same words have one hash, under whatever ids; what is done to the graph counts."""
    here, other = node("m1"), node("m2", part=Part(id="p", kind="Text", content="text of m1", prune_state="Intact"))
    hashes = [turn_commit_hash(commit(graph)) for graph in (append(here), append(other), append(here, other))]
    assert hashes[0] == hashes[1] != hashes[2]
    assert turn_commit_hash(commit(rewrite(here))) not in hashes


def test_commits_that_share_their_tools() -> None:
    """Tools are part of commit after commit: what stands before and behind them counts each time."""
    tools, one = ToolState(generation=1, tools={}), commit(append(node("m1")))
    made = [with_plugin_state(replace(one, current_agent_frame_id=frame), state) for state in "aab" for frame in "xyx"]
    shared = [replace(each, checkpoint=replace(each.checkpoint, tool_state=tools)) for each in made]
    assert list(map(turn_commit_hash, shared)) == list(map(expected, shared))


def test_commits_that_share_a_frame() -> None:
    """Frames, plugins and tools are the same objects in commit after commit: whichever of them is another one counts."""
    one = commit(append(node("m1")))
    checkpoints = [replace(one.checkpoint, **{name: value}) for name, values in COMMON.items() for value in values]
    made = [replace(one, agent_frames=frames, checkpoint=each) for each in checkpoints for frames in FRAMES]
    made += [replace(one, agent_frames=frames, checkpoint=each) for frames in FRAMES for each in checkpoints]
    assert list(map(turn_commit_hash, made)) == list(map(expected, made))
