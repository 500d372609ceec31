"""What a turn costs, beside langgraph on the same scripted turn: `python -m benchmarks.turn_cost [--json] [--turns N]`.

One turn is two model calls and one tool call, with commit on. lash_nb traces into memory; langgraph keeps its checkpoints in an `InMemorySaver`.
Both run in this process, turn by turn in alternation, so that what slows the machine slows both. Figures are medians of milliseconds.
"""

import argparse
import asyncio
import gc
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages

from lash_nb import LashCore, MemoryTraceSink, ScriptedProvider, call, reply, tool
from lash_nb.wire import LlmRequest

RANGES: Mapping[str, range] = {"1-50": range(50), "250-300": range(249, 300)}

Turn = Callable[[int], Awaitable[None]]


@tool
async def weather(city: str) -> dict[str, Any]:
    """Tell the weather of a city."""
    return {"city": city, "temp_c": 21}


async def lash_turn() -> Turn:
    """Return a lash_nb session's turn."""

    def answer(request: LlmRequest) -> Any:
        asked = request.messages[-1].blocks[-1].ToolResult is None
        return call("weather", {"city": "Oslo"}) if asked else reply("21 degrees in Oslo.")

    builder = LashCore.standard().in_memory().provider(ScriptedProvider(answer)).model("scripted").tools(weather)
    session = await builder.trace_sink(MemoryTraceSink()).build().session("bench").open()

    async def turn(number: int) -> None:
        result = await session.turn(f"How warm is it in Oslo? ({number})").run()
        assert result.is_success

    return turn


class State(TypedDict):
    """The state of the peer's graph."""

    messages: Annotated[list[AnyMessage], add_messages]


def langgraph_turn() -> Turn:
    """Return a langgraph thread's turn: the usual agent loop of a model node and a tool node."""

    async def model(state: State) -> dict[str, Any]:
        if isinstance(state["messages"][-1], ToolMessage):
            return {"messages": [AIMessage("21 degrees in Oslo.")]}
        wanted = [{"name": "weather", "args": {"city": "Oslo"}, "id": f"call-{len(state['messages'])}"}]
        return {"messages": [AIMessage("", tool_calls=wanted)]}

    async def tools(state: State) -> dict[str, Any]:
        last = state["messages"][-1]
        assert isinstance(last, AIMessage)
        found = await weather(**last.tool_calls[0]["args"])
        return {"messages": [ToolMessage(json.dumps(found), tool_call_id=last.tool_calls[0]["id"])]}

    def onward(state: State) -> str:
        last = state["messages"][-1]
        return "tools" if isinstance(last, AIMessage) and last.tool_calls else END

    graph = StateGraph(State)
    graph.add_node("model", model)
    graph.add_node("tools", tools)
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", onward, ["tools", END])
    graph.add_edge("tools", "model")
    app: Any = graph.compile(checkpointer=InMemorySaver())

    async def turn(number: int) -> None:
        thread = {"configurable": {"thread_id": "bench"}}
        asked = HumanMessage(f"How warm is it in Oslo? ({number})")
        result = await app.ainvoke({"messages": [asked]}, thread)
        assert result["messages"][-1].content

    return turn


async def measure(turns: int) -> dict[str, list[float]]:
    """Run both, in alternation, and return milliseconds by turn."""
    runs = {"lash_nb": await lash_turn(), "langgraph": langgraph_turn()}
    took: dict[str, list[float]] = {name: [] for name in runs}
    gc.collect()
    gc.freeze()
    for number in range(turns):
        for name, turn in runs.items():
            started = time.perf_counter()
            await turn(number)
            took[name].append((time.perf_counter() - started) * 1000)
    return took


def summary(took: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    """Return the medians by range of turns, and how many times faster lash_nb is."""
    ranges = {label: span for label, span in RANGES.items() if span.stop <= len(took["lash_nb"])}
    medians = {
        name: {label: round(statistics.median(values[i] for i in span), 3) for label, span in ranges.items()}
        for name, values in took.items()
    }
    medians["langgraph / lash_nb"] = {
        label: round(medians["langgraph"][label] / medians["lash_nb"][label], 1) for label in ranges
    }
    return medians


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=300)
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    figures = summary(asyncio.run(measure(asked.turns)))
    if asked.json:
        print(json.dumps(figures))
        return
    print(f"ms per turn, medians; langgraph {version('langgraph')}")
    for name, row in figures.items():
        print(f"{name:22}", "   ".join(f"{label}: {value:8}" for label, value in row.items()))


if __name__ == "__main__":
    main()
