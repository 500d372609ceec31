"""The controls of an open session."""

from tests.runtime.desk import answers, open_session, texts


async def test_a_branch_grows_beside_what_followed() -> None:
    """The next turn sees the path to the branch only; both branches stay in the graph."""
    session = await open_session(answers("a", "b", "c"))
    await session.turn("one").run()
    first_end = session.graph.leaf_node_id
    await session.turn("two").run()

    snapshot = await session.control.state.branch_to_node(first_end)
    await session.turn("instead").run()

    assert snapshot.session_graph.leaf_node_id == first_end
    assert texts(session.read_view().messages) == ["one", "a", "instead", "c"]
    stored = [node.message for node in session.graph.nodes if node.message]
    assert texts(stored) == ["one", "a", "two", "b", "instead", "c"]


async def test_an_unknown_node_means_the_last_message() -> None:
    """Nothing is lost by a wrong id."""
    session = await open_session(answers("a"))
    await session.turn("one").run()
    leaf = session.graph.leaf_node_id
    assert (await session.control.state.branch_to_node("nowhere")).session_graph.leaf_node_id == leaf
