"""Messages of all branches as a tree, and what else can be read off a whole graph."""

from hypothesis import given
from hypothesis import strategies as st

from lash_nb.wire import (
    ChronologicalMessage,
    ChronologicalProtocolEvent,
    Message,
    Part,
    PartKind,
    PluginOrigin,
    ProtocolEvent,
    SessionEventRecord,
    SessionGraph,
    SessionMessageTreeNode,
    SessionNodeRecord,
    chronological_projection,
    first_user_message,
    message_tree,
    orphaned_node_ids,
    to_builtins,
    user_message_count,
)


def message(name: str, *parts: tuple[PartKind, str], role: str = "User", transient: bool = False) -> Message:
    """A message; without parts it says its name."""
    given = parts or (("Text", name),)
    return Message(
        id=name,
        role="User" if role == "User" else "Assistant",
        parts=tuple(
            Part(id=f"{name}.p{at}", kind=kind, content=text, prune_state="Intact")
            for at, (kind, text) in enumerate(given)
        ),
        origin=PluginOrigin(plugin_id="p", transient=True) if transient else None,
    )


def said(name: str, parent: str | None = None, *, at: int = 0, says: Message | None = None) -> SessionNodeRecord:
    """A node that carries a message, its own name unless told otherwise."""
    return SessionNodeRecord(
        node_id=name,
        parent_node_id=parent,
        timestamp=f"2026-01-01T00:00:{at:02}+00:00",
        kind="event",
        event=SessionEventRecord(Conversation=says or message(name)),
    )


def noted(name: str, parent: str | None = None) -> SessionNodeRecord:
    """A node without a message."""
    return SessionNodeRecord(
        node_id=name, parent_node_id=parent, timestamp="", kind="plugin", plugin_type="p", body=None
    )


def outline(nodes: tuple[SessionMessageTreeNode, ...]) -> list[object]:
    """Names and what is below them; an active one has a star."""
    return [(f"{node.node_id}{'*' if node.active else ''}", outline(node.children)) for node in nodes]


def test_branches_are_siblings_by_time() -> None:
    """Messages hang below the nearest message above them, whatever lies between; the active ones are marked."""
    nodes = (said("a"), noted("n", "a"), said("late", "n", at=5), said("early", "a", at=3), said("z", "late", at=6))
    tree = message_tree(SessionGraph(nodes=nodes, leaf_node_id="z"))
    assert outline(tree) == [("a*", [("early", []), ("late*", [("z*", [])])])]
    assert tree[0].children[1].parent_message_node_id == "a"
    assert tree[0].parent_message_node_id is None


def test_a_renamed_node_shows_as_inactive() -> None:
    """As in the reference: the old node has the active message's id, the renamed one has not."""
    nodes = (said("a"), said("b", "a"), said("message:b", None, at=1, says=message("b")))
    tree = message_tree(SessionGraph(nodes=nodes, leaf_node_id="message:b"))
    assert outline(tree) == [("a", [("b*", [])]), ("message:b", [])]


def test_a_cycle_is_cut_and_nothing_is_lost() -> None:
    """Parents in a circle hang below one of them, and a parent that is missing makes a root."""
    nodes = (said("a", "c"), said("b", "a"), said("c", "b"), said("lost", "gone"), noted("n", "n"), said("m", "n"))
    tree = message_tree(SessionGraph(nodes=nodes, leaf_node_id="c"))
    assert outline(tree) == [("b*", [("c*", [("a*", [])])]), ("lost", []), ("m", [])]


def test_a_very_deep_session_has_a_tree() -> None:
    """However many messages follow each other, nothing recurses."""
    nodes = tuple(said(f"m{at}", f"m{at - 1}" if at else None) for at in range(10_000))
    (node,) = message_tree(SessionGraph(nodes=nodes, leaf_node_id="m9999"))
    depth = 1
    while node.children:
        (node,) = node.children
        depth += 1
    assert depth == len(nodes)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), max_size=10))
def test_every_message_is_in_the_tree_once(shape: list[tuple[bool, int]]) -> None:
    """Whatever the parents are, cycles and missing ones included."""
    nodes = tuple(
        said(str(at), str(parent)) if says else noted(str(at), str(parent)) for at, (says, parent) in enumerate(shape)
    )
    waiting, seen = list(message_tree(SessionGraph(nodes=nodes))), list[str]()
    while waiting:
        node = waiting.pop()
        seen.append(node.node_id)
        waiting += node.children
        assert all(child.parent_message_node_id == node.node_id for child in node.children)
    assert sorted(seen) == sorted(node.node_id for node in nodes if node.message)


def test_orphans_are_off_the_way_to_the_leaf() -> None:
    """In storage order; without a leaf everything is one."""
    nodes = (said("a"), said("b", "a"), noted("n", "a"), said("c", "n"))
    assert orphaned_node_ids(SessionGraph(nodes=nodes, leaf_node_id="b")) == ("n", "c")
    assert orphaned_node_ids(SessionGraph(nodes=nodes)) == ("a", "b", "n", "c")


def test_the_first_user_message_tells_what_a_session_is_about() -> None:
    """Tool traffic is left out, a picture is named, paragraphs are apart."""
    first = message(
        "u", ("Text", " One. "), ("Image", ""), ("ToolResult", "secret"), ("Text", "  "), ("Text", "Two.\n")
    )
    nodes = (said("x", says=message("x", role="Assistant")), said("u", says=first), said("v"))
    assert first_user_message(nodes) == "One. \n\n[Image attached]\n\nTwo."
    assert user_message_count(nodes) == 2
    assert (first_user_message(nodes[:1]), user_message_count(nodes[:1])) == ("", 0)


NOTE = SessionEventRecord(Protocol=ProtocolEvent(plugin_id="rlm", payload={"step": "x"}))


def test_what_happened_is_told_in_order() -> None:
    """Each message once, no transient one, notes always; what only the turn knows comes last."""
    events = [SessionEventRecord(Conversation=message("a")), NOTE, SessionEventRecord(Conversation=message("a")), NOTE]
    events.append(SessionEventRecord(Conversation=message("t", transient=True)))
    told = chronological_projection(events, [message("a"), message("late"), message("t2", transient=True)])
    kinds = [entry.payload.id if isinstance(entry.payload, ChronologicalMessage) else "note" for entry in told.entries]
    assert kinds == ["a", "note", "note", "late"]
    assert [entry.index for entry in told.entries] == [0, 1, 2, 3]
    assert isinstance(told.entries[1].payload, ChronologicalProtocolEvent)


def test_without_events_the_messages_are_told_as_they_are() -> None:
    """Nothing is left out but what is transient."""
    told = chronological_projection([], [message("a"), message("t", transient=True), message("a")])
    assert [entry.index for entry in told.entries] == [0, 1]


def test_a_projection_is_written_flat() -> None:
    """The payload's fields stand beside its kind."""
    told = to_builtins(chronological_projection([NOTE], [message("m")]))
    assert told["entries"][0] == {
        "index": 0,
        "payload": {"kind": "protocol_event", "plugin_id": "rlm", "payload": {"step": "x"}},
    }
    assert told["entries"][1]["payload"] == {"kind": "message", **to_builtins(message("m"))}
