"""How long things took in a turn that was stepped through: every table, plot and view tells the time of the execution, not that of a decision."""

from typing import Any

import pytest

from lash_nb import frames
from lash_nb.clock import ManualClock
from lash_nb.core import LashSession
from lash_nb.plots import timeline
from lash_nb.plugins import ToolContext, tool
from lash_nb.providers import calls, reply
from lash_nb.runtime import TurnResult
from lash_nb.trace import MemoryTraceSink, Trace, read_trace
from lash_nb.views import SessionGraphView, TraceTimelineView
from lash_nb.wire import LlmRequest
from tests.runtime.desk import builder
from tests.trace.lines import record, tool_end, tool_start

MODEL_S, TOOL_S, PAUSE_S = 0.5, 0.25, 60.0
clock = ManualClock()


@tool
def weather(city: str) -> str:
    """Tell the weather of a city."""
    clock.advance(TOOL_S)
    return f"Rain in {city}."


@tool
async def oracle(what: str, context: ToolContext) -> str:
    """Ask a model."""
    clock.advance(TOOL_S)
    return (await context.direct(what, model="small")).value


def model(*asked: str, name: str = "weather") -> Any:
    """A model that takes its time: it calls a tool so often, each time with another argument, then answers."""

    def answer(request: LlmRequest) -> Any:
        clock.advance(MODEL_S)
        if request.model == "small" or any(block.ToolResult for block in request.messages[-1].blocks):
            return reply("It rains.")
        argument = "city" if name == "weather" else "what"
        return calls(*((f"c{number}", name, {argument: text}) for number, text in enumerate(asked)))

    return answer


async def opened(replies: Any, *tools: Any) -> LashSession:
    """An open session that is traced."""
    return await builder(replies, *tools, clock=clock).trace_sink(MemoryTraceSink()).build().session("demo").open()


async def stepped(session: LashSession) -> TurnResult:
    """Step through a turn, and think long before each step."""
    stop: Any = await session.step("Which weather?")
    while not isinstance(stop, TurnResult):
        clock.advance(PAUSE_S)
        stop = await session.step()
    return stop


def trace_of(session: LashSession) -> Trace:
    """Its trace."""
    assert session.trace is not None
    return session.trace


def took(session: LashSession, kind: str) -> list[float]:
    """What the journal and its table say of effects of one kind."""
    table = frames.effects_df(session.effects)
    told = [entry.duration_ms for entry in session.effects if entry.envelope.kind == kind]
    assert table[table["kind"] == kind]["duration_ms"].tolist() == told
    return [one or 0 for one in told]


async def test_every_face_tells_the_time_of_the_execution() -> None:
    """Tables, spans, the timeline, the graph and the cards alike."""
    session = await opened(model("Oslo", "Rome"), weather)
    result = await stepped(session)
    trace = trace_of(session)

    worked = 2 * MODEL_S + 2 * TOOL_S
    assert result.duration_ms - result.waited_ms == worked * 1000
    assert frames.turns_df(trace)[["duration_ms", "waited_ms"]].values.tolist() == [[worked * 1000, 4 * PAUSE_S * 1000]]
    assert took(session, "llm_call") == frames.llm_calls_df(trace)["duration_ms"].tolist() == [MODEL_S * 1000] * 2
    assert took(session, "tool_call") == frames.tool_calls_df(trace)["duration_ms"].tolist() == [TOOL_S * 1000] * 2
    spans = frames.spans_df(trace)
    assert spans[spans["kind"] == "turn"]["duration_ms"].tolist() == [worked * 1000]
    assert spans[spans["kind"] == "tool_call"]["duration_ms"].tolist() == [2 * TOOL_S * 1000] * 2  # recorded together
    view = TraceTimelineView(trace)
    assert "1.5 s" in view.text()
    assert {row["name"]: row["took"] for row in view.waterfall["rows"]} == {
        "turn 1": "1.5 s",
        "llm_call": "500 ms",
        "2 tools": "500 ms",
        "weather": "250 ms",
    }
    graph = SessionGraphView(session.graph, turns=trace)
    assert graph.columns["took"] == ["1.5 s"]
    texts = {text.get_text() for text in timeline(trace).texts}
    assert {"1.5 s", "500 ms", "250 ms"} <= texts
    assert not any("min" in text for text in texts)


async def test_a_turn_that_nobody_stepped_through_tells_of_no_waiting() -> None:
    """Its records are those of lash."""
    session = await opened(model("Oslo"), weather)
    await session.turn("Which weather?").run()

    assert frames.turns_df(trace_of(session))["waited_ms"].tolist() == [0]
    metadata = [body["context"].get("metadata", {}) for body in trace_of(session)]
    assert not any("waited_ms" in one for one in metadata)


async def test_a_call_that_is_cancelled_while_it_waits_took_no_time() -> None:
    """It never ran."""
    session = await opened(model("Oslo"), weather)
    await session.step("Which weather?")
    await session.continue_(to="tool_call")
    clock.advance(PAUSE_S)
    await session.stepper.cancel()

    calls_told = frames.tool_calls_df(trace_of(session))
    assert calls_told[["status", "duration_ms"]].values.tolist() == [["cancelled", 0.0]]
    assert frames.turns_df(trace_of(session))[["duration_ms", "waited_ms"]].values.tolist() == [[500.0, 60_000.0]]


async def test_what_waits_within_a_call_is_no_time_of_the_call() -> None:
    """A completion that a tool asks for: neither the tool nor the completion took as long as the decision."""
    session = await opened(model("rain", name="oracle"), oracle)
    await session.step("Which weather?")
    await session.continue_(to="direct")
    clock.advance(PAUSE_S)
    result = await session.continue_()
    assert isinstance(result, TurnResult)

    trace = trace_of(session)
    inside = (TOOL_S + MODEL_S) * 1000
    assert took(session, "tool_call") == frames.tool_calls_df(trace)["duration_ms"].tolist() == [inside]
    assert [one.duration_ms for one in result.tool_calls] == [inside]
    direct = [one.duration_ms for one in trace.llm_calls if one.is_direct]
    assert took(session, "direct") == direct == [MODEL_S * 1000]


@pytest.mark.parametrize("waited", [-5, 10_000, 2**62, "60000", None, [1], 1.5])
def test_a_time_that_cannot_have_been_waited_is_not_counted(waited: Any) -> None:
    """What a damaged or hostile trace says of it: more than there was, less than nothing, or no number."""
    told = {"metadata": {"waited_ms": waited}}
    trace = read_trace(
        [
            record(0, "turn_started"),
            tool_start(0, "c"),
            tool_end(2, "c", "cancelled", duration_ms=0, context=told),
            record(3, "turn_completed", status="completed", done_reason="x", context=told),
        ]
    )
    assert [(one.duration_ms, one.waited_ms) for one in (*trace.turns, *trace.tool_calls)] == [(3000.0, 0), (2000.0, 0)]
