"""Going on in another agent frame."""

import asyncio
from typing import Any

import pytest

from lash_nb.errors import LashRuntimeError, LlmTransportError
from lash_nb.plugins import tool
from lash_nb.providers import call
from lash_nb.wire import SwitchAgentFrameControl, ToolCallOutput, ToolSuccess, ToolValue
from tests.runtime.desk import legal, open_session, texts


def switching(frame_id: str, task: str | None, *nodes: Any) -> Any:
    """A tool that goes on in another frame."""

    @tool(name="hand_over")
    def hand_over() -> ToolCallOutput:
        """Go on elsewhere."""
        control = SwitchAgentFrameControl(frame_id=frame_id, task=task, initial_nodes=nodes)
        return ToolCallOutput(outcome=ToolSuccess(payload=ToolValue("ok")), control=control)

    return hand_over


@pytest.mark.parametrize("stored", [True, False])
async def test_the_task_is_the_next_turns_input_in_the_new_frame(stored: bool) -> None:
    """The result is that of the last turn; the new frame reads its own nodes only."""
    session = await open_session([call("hand_over"), "done"], switching("f2", "go on"), stored=stored)
    result = await session.turn("hi").turn_id("t").run()
    assert (result.reply, result.turn_id, result.turn_index) == ("done", "t:agent-frame:1", 2)
    assert texts(session.read_view().messages) == ["go on", "done"]
    assert session.graph.nodes[-1].agent_frame_id == "f2"
    legal(session.graph)


async def test_nodes_of_the_tool_open_the_frame(caplog: pytest.LogCaptureFixture) -> None:
    """What the tool puts into the frame stands before the task; what cannot be read is left out, aloud."""
    note = {"kind": "message", "message": {"role": "User", "content": "what is known"}}
    session = await open_session([call("hand_over"), "done"], switching("f2", "go on", note, {"kind": "riddle"}))
    await session.turn("hi").run()
    assert "left out" in caplog.text
    assert texts(session.read_view().messages) == ["what is known", "go on", "done"]


@pytest.mark.parametrize("stored", [True, False])
async def test_a_frame_without_a_task_waits_for_the_next_turn(stored: bool) -> None:
    """The caller is told; the turn that switched stays counted and committed."""
    session = await open_session([call("hand_over"), "done"], switching("f2", None), stored=stored)
    with pytest.raises(LashRuntimeError) as error:
        await session.turn("hi").run()
    assert error.value.code == "agent_frame_missing_task"
    assert session.turn_index == 1
    result = await session.turn("go on").run()
    assert (result.turn_index, result.reply) == (2, "done")
    assert texts(session.read_view().messages) == ["go on", "done"]


@pytest.mark.parametrize("stored", [True, False])
async def test_an_abort_in_the_new_frame_keeps_the_turn_before(stored: bool) -> None:
    """The turn that switched is committed; only what followed is taken back."""
    asked = 0

    async def model(_: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked == 1:
            return call("hand_over")
        if asked == 2:
            task.abort()
            await asyncio.Event().wait()
        return "done"

    session = await open_session(model, switching("f2", "go on"), stored=stored)
    task = session.start("hi")
    await task.settled()
    result = await session.turn("again").run()
    assert result.reply == "done"
    assert result.turn_index == (3 if stored else 2)
    assert texts(session.read_view().messages)[-2:] == ["again", "done"]
    assert session.graph.nodes[-1].agent_frame_id == "f2"
    legal(session.graph)


async def test_a_failure_in_the_new_frame_is_that_turns_failure() -> None:
    """The session stays in the new frame."""
    session = await open_session([call("hand_over"), LlmTransportError("gone"), "ok"], switching("f2", "go on"))
    assert (await session.turn("hi").run()).outcome.stopped == "provider_error"
    assert (await session.turn("again").run()).reply == "ok"
    assert texts(session.read_view().messages) == ["go on", "again", "ok"]


async def test_a_view_of_a_session_does_not_print_all_of_it() -> None:
    """As the value of a cell it says which session it is; graph and messages are asked for by name."""
    session = await open_session(["x" * 5_000])
    await session.turn("go on").run()

    assert len(repr(session.read_view())) < 1_000
    assert texts(session.read_view().messages) == ["go on", "x" * 5_000]


async def test_queued_work_goes_on_in_the_new_frame() -> None:
    """As any other turn does; the work is done with it."""
    session = await open_session([call("hand_over"), "done"], switching("f2", "go on"))
    await session.queue("hi")
    result = await session.next_queued_turn()
    assert result is not None
    assert (result.reply, await session.queued_work()) == ("done", ())
