"""The `batch` tool as the standard protocol offers it."""

from lash_nb.plugins import BATCH_DEFINITION, BatchToolProvider, ToolCall, ToolContext, validate_tool_input
from lash_nb.wire import ToolFailed

CALL = {"tool": "weather", "parameters": {"city": "Oslo"}}


def test_its_schema_takes_one_to_twenty_five_calls() -> None:
    """None, too many, and keys that do not belong there are refused before the tool runs."""
    schema = BATCH_DEFINITION.input_schema

    assert validate_tool_input(schema, {"tool_calls": [CALL] * 25}) is None
    assert validate_tool_input(schema, {"tool_calls": []}) == (
        "tool_calls: expected array items >= 1 items <= 25, got 0 items"
    )
    assert validate_tool_input(schema, {"tool_calls": [CALL] * 26}) == (
        "tool_calls: expected array items >= 1 items <= 25, got 26 items"
    )
    assert validate_tool_input(schema, {"tool_calls": [{**CALL, "x": 1}]}) == "tool_calls[0].x: unexpected property"


async def test_it_refuses_honestly() -> None:
    """A call is a failure that tells the model to make the calls one by one."""
    context = ToolContext(session_id="s", agent_frame_id="f", replay_key="k")
    output = await BatchToolProvider().execute(ToolCall(name="batch", args={"tool_calls": [CALL]}, context=context))

    assert isinstance(output.outcome, ToolFailed)
    assert output.outcome.payload.class_ == "unavailable"
    assert "one by one" in output.outcome.payload.message
