"""The `batch` tool of the standard protocol."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from lash_nb.clock import CancellationToken, ManualClock
from lash_nb.plugins import (
    BATCH_DEFINITION,
    PLUGINS_SOURCE,
    BatchToolProvider,
    ToolCall,
    ToolContext,
    ToolDispatcher,
    ToolRegistry,
    ToolSurface,
    tool_ok,
)
from lash_nb.stores import InMemoryAttachmentStore
from lash_nb.wire import (
    AttachmentCreateMeta,
    AttachmentReturnPart,
    CompletedToolCall,
    FinishControl,
    LashSchema,
    MediaType,
    PreparedToolCall,
    TextReturnPart,
    ToolCallOutput,
    ToolFailed,
    ToolSuccess,
    ToolValue,
)
from tests.plugins.offered import Offered, definition

CALL = {"tool": "weather", "parameters": {"city": "Oslo"}}


def test_its_schema_takes_one_to_twenty_five_calls() -> None:
    """None, too many, and keys that do not belong there are refused before the tool runs."""
    schema = LashSchema(schema=BATCH_DEFINITION.input_schema)

    assert schema.fault({"tool_calls": [CALL] * 25}) is None
    assert schema.fault({"tool_calls": []}) == ("tool_calls: expected array items >= 1 items <= 25, got 0 items")
    assert schema.fault({"tool_calls": [CALL] * 26}) == (
        "tool_calls: expected array items >= 1 items <= 25, got 26 items"
    )
    assert schema.fault({"tool_calls": [{**CALL, "x": 1}]}) == "tool_calls[0].x: unexpected property"


class Kitchen(Offered):
    """Tools that note when they begin and end, and need the loop in between."""

    def __init__(self, *names: str, serial: Sequence[str] = (), answer: Any = None) -> None:
        made = [definition(name, scheduling="serial" if name in serial else "parallel") for name in names]
        super().__init__(*made, **({} if answer is None else {"answer": answer}))
        self.noted: list[str] = []

    async def execute(self, call: ToolCall) -> ToolCallOutput:
        """Note, let others run, note again."""
        self.noted.append(f"+{call.name}")
        await asyncio.sleep(0)
        self.noted.append(f"-{call.name}")
        return await super().execute(call)


async def results(provider: Offered, *asked: dict[str, Any], cancel: CancellationToken | None = None) -> Any:
    """What a batch of calls gives."""
    done = await batch(provider, {"tool_calls": list(asked)}, cancel)
    assert isinstance(done.output.outcome, ToolSuccess)
    return done.output.outcome.payload.value["results"]


async def batch(provider: Offered, args: Any, cancel: CancellationToken | None = None) -> CompletedToolCall:
    """A batch, executed as the protocol does."""
    registry = ToolRegistry()
    registry.upsert_source(PLUGINS_SOURCE, [BatchToolProvider(), provider])
    by = ToolDispatcher(ToolSurface(registry), registry, clock=ManualClock())
    call = PreparedToolCall(call_id="b1", tool_name="batch", args=args)
    context = ToolContext.of_call(call, session_id="s", agent_frame_id="f", cancellation=cancel)
    return await by.execute(call, context)


def asking(tool: str, **parameters: Any) -> dict[str, Any]:
    """One call of a batch."""
    return {"tool": tool, "parameters": parameters}


async def test_results_come_in_the_order_of_the_calls() -> None:
    """Each result names its place, its tool and its duration; the children have ids of their own."""
    provider = Kitchen("weather", "clock")

    assert await results(provider, asking("clock", zone=1), asking("weather")) == [
        {"index": 0, "tool": "clock", "success": True, "duration_ms": 0, "result": {"zone": 1}},
        {"index": 1, "tool": "weather", "success": True, "duration_ms": 0, "result": {}},
    ]
    assert [call.context.tool_call_id for call in provider.calls] == ["b1:00", "b1:01"]
    assert provider.calls[0].context.replay_key == "lash-tool:s:b1:00:clock"


async def test_parallel_tools_run_side_by_side_and_serial_ones_alone() -> None:
    """Tools that want to run alone wait for all others and for each other."""
    provider = Kitchen("a", "b", "c", "d", serial="ac")

    told = await results(provider, asking("a"), asking("b"), asking("c"), asking("d"))

    assert provider.noted == ["+b", "+d", "-b", "-d", "+a", "-a", "+c", "-c"]
    assert [one["tool"] for one in told] == ["a", "b", "c", "d"]


async def test_a_call_that_fails_does_not_stop_the_others() -> None:
    """Unknown tools, wrong arguments, a batch in a batch and an exception stand as errors in their places."""

    def broken(_call: ToolCall) -> ToolCallOutput:
        raise ValueError("no")

    told = await results(
        Kitchen("weather", answer=broken), asking("nope"), asking("batch", tool_calls=[CALL]), asking("weather")
    )

    assert [one["success"] for one in told] == [False, False, False]
    assert told[0]["error"]["message"] == "Tool is unavailable here: `nope`. Tools to call: batch, weather."
    assert told[1]["error"] == "Tool 'batch' is not allowed inside batch"
    assert told[2]["error"]["message"] == "ValueError: no"


async def test_more_calls_than_allowed_are_not_made() -> None:
    """Where the schema did not stop it, the calls beyond the twenty-fifth are refused one by one."""
    provider = Kitchen("weather")

    told = await results(provider, *[asking("weather")] * 27)

    assert [one["success"] for one in told] == [True] * 25 + [False] * 2
    assert told[26]["error"] == "Maximum of 25 tool calls allowed in batch"
    assert len(provider.calls) == 25


@pytest.mark.parametrize("args", [None, {}, {"tool_calls": 3}, {"tool_calls": []}, {"tool_calls": [3]}])
async def test_what_is_no_batch_fails_as_a_whole(args: Any) -> None:
    """A call without calls in it is an error of the tool, and the model reads what to give."""
    output = (await batch(Kitchen("weather"), args)).output

    assert isinstance(output.outcome, ToolFailed)
    assert output.outcome.payload.code == "tool_error"
    assert "tool_calls" in output.outcome.payload.message


async def test_a_call_without_a_tool_fails_the_batch() -> None:
    """A blank name names nothing."""
    output = (await batch(Kitchen("weather"), {"tool_calls": [asking(" ")]})).output

    assert isinstance(output.outcome, ToolFailed)
    assert output.outcome.payload.message == "tool_calls[0].tool must name a tool"


async def test_attachments_of_children_stay_attachments() -> None:
    """A picture that a child gives is shown as a picture, in its place of the results."""
    ref = InMemoryAttachmentStore().put(b"x", AttachmentCreateMeta(media_type=MediaType(type="png")))

    done = await batch(Kitchen("draw", answer=lambda _: tool_ok({"seen": ref})), {"tool_calls": [asking("draw")]})

    assert [type(part) for part in done.model_return.parts] == [TextReturnPart, AttachmentReturnPart, TextReturnPart]


async def test_a_control_of_a_child_is_ignored() -> None:
    """A tool in a batch cannot end the turn."""
    value = ToolValue("over")
    answer = lambda _: ToolCallOutput(outcome=ToolSuccess(payload=value), control=FinishControl(value=value))  # noqa: E731

    done = await batch(Kitchen("finish", answer=answer), {"tool_calls": [asking("finish")]})

    assert done.output.control is None


async def test_nothing_begins_after_a_cancel() -> None:
    """What waited for its turn is answered as cancelled and does not run."""
    token = CancellationToken()

    def cancelling(call: ToolCall) -> ToolCallOutput:
        token.cancel()
        return tool_ok(call.name)

    provider = Kitchen("a", "b", serial="ab", answer=cancelling)
    told = await results(provider, asking("a"), asking("b"), cancel=token)

    assert [one["success"] for one in told] == [True, False]
    assert told[1]["error"]["message"] == "tool call cancelled"
    assert provider.noted == ["+a", "-a"]


async def test_outside_a_dispatcher_it_cannot_run() -> None:
    """A provider that is called by hand has nobody to call tools with."""
    context = ToolContext(session_id="s", agent_frame_id="f", replay_key="k")
    output = await BatchToolProvider().execute(ToolCall(name="batch", args={"tool_calls": [CALL]}, context=context))

    assert isinstance(output.outcome, ToolFailed)
    assert output.outcome.payload.class_ == "unavailable"
