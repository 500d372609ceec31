"""Nobody goes on between a tool call and its result: the line says where the nearest good place is, and the session stays where it was."""

import pytest

from lash_nb.core import LashSession
from lash_nb.errors import CallerError
from tests.runtime.desk import legal, open_session, tool_then_answer, two_tools_then_answer, weather


async def with_calls(*, two: bool = False, stored: bool = True) -> LashSession:
    """A session of two turns, each: question, call, result, answer."""
    session = await open_session(two_tools_then_answer if two else tool_then_answer, weather, stored=stored)
    for text in ("one", "two"):
        await session.turn(text).run()
    return session


@pytest.mark.parametrize("two", [False, True])
@pytest.mark.parametrize("stored", [False, True])
async def test_standing_between_a_call_and_its_result_is_refused(two: bool, stored: bool) -> None:
    """The message names the node of the result and the node before the call, and standing there works."""
    session = await with_calls(two=two, stored=stored)
    question, call, result, *_ = session.graph.nodes[4:]
    before = session.graph
    with pytest.raises(CallerError) as refused:
        await session.control.state.branch_to_node(call.node_id)

    assert refused.value.code == "open_tool_call"
    assert f"{result.node_id} (after the result) or {question.node_id} (before the call)" in refused.value.message
    assert session.graph == before
    for place in (result, question):
        await session.control.state.branch_to_node(place.node_id)
        assert (await session.turn("three").run()).outcome.is_success
        legal(session.graph)


async def test_a_fork_between_a_call_and_its_result_is_refused() -> None:
    """A new session could not take a turn either."""
    session = await with_calls()
    question, call, result, *_ = session.graph.nodes[4:]
    with pytest.raises(CallerError, match=rf"{result.node_id} \(after the result\) or {question.node_id}") as refused:
        session.fork_snapshot(call.node_id, "fork")

    assert refused.value.code == "open_tool_call"
    assert session.fork_snapshot(result.node_id, "fork").session_graph.leaf_node_id == result.node_id


async def test_every_other_node_can_be_stood_at() -> None:
    """Only the nodes of calls are refused, and a turn after any other is legal."""
    session = await with_calls()
    nodes = session.graph.nodes
    refused = []
    for node in nodes:
        try:
            await session.control.state.branch_to_node(node.node_id)
        except CallerError:
            refused.append(node)
        else:
            await session.turn("on").run()
            legal(session.graph)

    assert refused == [nodes[1], nodes[5]]
