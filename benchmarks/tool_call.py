"""What a tool call costs when the tool does nothing, beside two peers: `python -m benchmarks.tool_call [--json] [--calls N] [--runs N]`.

The model makes all calls in its first reply. Measured is the time from that reply to the next request of the model, divided by the number of
calls: everything that is done for a call, and nothing of the session around. Async and sync tools apart, for a sync one runs in a thread.
lash_nb traces into memory. All run in this process, in alternation, so that what slows the machine slows all; figures are medians of
microseconds.
"""

import asyncio
import gc
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version
from typing import Annotated, Any, Final, TypedDict

from langchain_core.messages import AIMessage, AnyMessage, ToolMessage
from langchain_core.tools import StructuredTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.prebuilt import ToolNode, tools_condition
from pydantic_ai import Agent, Tool
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel

from benchmarks.shown import asking, show_rows
from lash_nb import LashCore, MemoryTraceSink, ScriptedProvider, reply, tool
from lash_nb.providers import calls

KINDS: Final = ("async", "sync")
PEERS: Final = ("langgraph", "pydantic_ai")

Turn = Callable[[], Awaitable[Any]]


async def nothing_async() -> str:
    """Do nothing."""
    return ""


def nothing_sync() -> str:
    """Do nothing."""
    return ""


FUNCTIONS: Final[Mapping[str, Callable[[], Any]]] = {"async": nothing_async, "sync": nothing_sync}


class Script:
    """The model of all three: it calls the tool many times, and then says that it is done."""

    def __init__(self, calls: int) -> None:
        self.calls = calls
        self._replied = 0.0
        self.took = 0.0
        """Microseconds of the last turn, for each call."""

    def wants_calls(self, *, is_first: bool) -> bool:
        """Tell whether this is the first request of a turn, and take the time."""
        now = time.perf_counter()
        if not is_first:
            self.took = (now - self._replied) / self.calls * 1e6
        return is_first

    def ids(self) -> list[str]:
        """Return the ids of the calls; the clock starts when they are made."""
        return [f"call-{number}" for number in range(self.calls)]

    def replies(self, reply_: Any) -> Any:
        """Return the reply, and start the clock."""
        self._replied = time.perf_counter()
        return reply_


async def lash_turn(kind: str, script: Script) -> Turn:
    """Return a turn of a fresh lash_nb session."""
    name = FUNCTIONS[kind].__name__

    def answer(request: Any) -> Any:
        if script.wants_calls(is_first=request.messages[-1].blocks[-1].ToolResult is None):
            return script.replies(calls(*((call_id, name, {}) for call_id in script.ids())))
        return reply("Done.")

    builder = LashCore.standard().in_memory().provider(ScriptedProvider(answer)).model("scripted")
    core = builder.tools(tool(FUNCTIONS[kind])).trace_sink(MemoryTraceSink()).build()

    async def turn() -> None:
        session = await core.session(f"bench-{time.perf_counter_ns()}").open()
        result = await session.turn("Go.").run()
        assert result.is_success
        assert len(result.tool_calls) == script.calls
        await session.close()

    return turn


async def pydantic_ai_turn(kind: str, script: Script) -> Turn:
    """Return a run of a pydantic-ai agent."""
    name = FUNCTIONS[kind].__name__

    def answer(messages: Any, _: Any) -> ModelResponse:
        if script.wants_calls(is_first=len(messages) == 1):
            made = [ToolCallPart(name, {}, tool_call_id=call_id) for call_id in script.ids()]
            return ModelResponse(parts=script.replies(made))
        return ModelResponse(parts=[TextPart("Done.")])

    agent = Agent(FunctionModel(answer), tools=[Tool(FUNCTIONS[kind], takes_ctx=False)])

    async def turn() -> None:
        assert (await agent.run("Go.")).output

    return turn


class State(TypedDict):
    """The state of the graph."""

    messages: Annotated[list[AnyMessage], add_messages]


async def langgraph_turn(kind: str, script: Script) -> Turn:
    """Return a run of the usual graph of a model node and a tool node, on a fresh thread."""
    function = FUNCTIONS[kind]
    offered = (
        StructuredTool.from_function(coroutine=function, name=function.__name__)
        if kind == "async"
        else StructuredTool.from_function(function)
    )

    async def model(state: State) -> dict[str, Any]:
        if script.wants_calls(is_first=not isinstance(state["messages"][-1], ToolMessage)):
            made = [{"name": function.__name__, "args": {}, "id": call_id} for call_id in script.ids()]
            return script.replies({"messages": [AIMessage("", tool_calls=made)]})  # type: ignore[no-any-return]
        return {"messages": [AIMessage("Done.")]}

    graph = StateGraph(State)
    graph.add_node("model", model)
    graph.add_node("tools", ToolNode([offered]))
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", tools_condition, ["tools", END])
    graph.add_edge("tools", "model")
    app: Any = graph.compile(checkpointer=InMemorySaver())

    async def turn() -> None:
        thread = {"configurable": {"thread_id": f"bench-{time.perf_counter_ns()}"}}
        assert (await app.ainvoke({"messages": [("user", "Go.")]}, thread))["messages"][-1].content

    return turn


TURNS: Final[Mapping[str, Callable[[str, Script], Awaitable[Turn]]]] = {
    "lash_nb": lash_turn,
    "langgraph": langgraph_turn,
    "pydantic_ai": pydantic_ai_turn,
}


async def measure(number: int, runs: int) -> dict[str, dict[str, float]]:
    """Run all, in alternation, and return the medians of microseconds for each call by name and kind of tool."""
    scripts = {(name, kind): Script(number) for name in TURNS for kind in KINDS}
    turns = {key: await TURNS[key[0]](key[1], script) for key, script in scripts.items()}
    took: dict[tuple[str, str], list[float]] = {key: [] for key in turns}
    gc.collect()
    gc.freeze()
    for _ in range(runs + 1):  # the first run warms up
        for key, turn in turns.items():
            await turn()
            took[key].append(scripts[key].took)
    return {name: {kind: round(statistics.median(took[name, kind][1:]), 1) for kind in KINDS} for name in TURNS}


def with_ratios(figures: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Add how many times as fast lash_nb is."""
    ours = figures["lash_nb"]
    ratios = {
        f"{peer} / lash_nb": {kind: round(figures[peer][kind] / ours[kind], 1) for kind in KINDS} for peer in PEERS
    }
    return {**{name: dict(row) for name, row in figures.items()}, **ratios}


def main() -> None:
    """Print the figures."""
    parser = asking(__doc__)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=9)
    asked = parser.parse_args()
    figures = with_ratios(asyncio.run(measure(asked.calls, asked.runs)))
    peers = ", ".join(f"{name} {version(name)}" for name in ("langgraph", "pydantic-ai-slim"))
    show_rows(figures, as_json=asked.json, heading=f"µs per call; {peers}")


if __name__ == "__main__":
    main()
