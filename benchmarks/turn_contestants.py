"""Who runs the same scripted turn: two model calls and one tool call, with what was said kept for the next turn, and a trace in memory.

The peers keep their histories in memory: langgraph in an `InMemorySaver`, with each step of a run, which is its default and what lash_nb does
too; pydantic-ai in the list of messages that its caller hands on. Both are traced into memory by their own means, which record what goes into
each step and comes out of it: langgraph by the `RunCollectorCallbackHandler` of langchain-core, pydantic-ai by its instrumentation and the
`InMemorySpanExporter` of OpenTelemetry. Once more they run without a trace, and langgraph at its cheapest: untraced, and stored only when a
run ends (`durability="exit"`).
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Protocol, TypedDict

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.models.instrumented import InstrumentationSettings

from lash_nb import LashCore, MemoryTraceSink, ScriptedProvider, call, reply, tool
from lash_nb.core import LashCoreBuilder
from lash_nb.wire import LlmRequest

__all__ = ["CONTESTANTS", "PEERS", "Contestant", "LashNb", "Turn", "question", "scripted_core"]

Turn = Callable[[int], Awaitable[None]]
"""Runs the next turn of one session; its argument makes what the user says differ."""
ANSWER: Final = "21 degrees in Oslo."


def question(number: int) -> str:
    """Return what the user says."""
    return f"How warm is it in Oslo? ({number})"


async def weather(city: str) -> dict[str, Any]:
    """Tell the weather of a city."""
    return {"city": city, "temp_c": 21}


class Contestant(Protocol):
    """Runs sessions."""

    async def session(self, name: str, *, turns: int = 0) -> Turn:
        """Return a session's turn; the session has as many `turns` already."""
        ...


def scripted_core() -> LashCoreBuilder:
    """Return a core's builder whose model calls the tool and then answers."""

    def answer(request: LlmRequest) -> Any:
        asked = request.messages[-1].blocks[-1].ToolResult is None
        return call("weather", {"city": "Oslo"}) if asked else reply(ANSWER)

    return LashCore.standard().in_memory().provider(ScriptedProvider(answer)).model("scripted").tools(tool(weather))


class LashNb:
    """lash_nb, which commits several times a turn and traces into memory.

    Args:
        folder: Where the sessions are stored, in SQLite; in memory when there is none.
    """

    def __init__(self, folder: Path | None = None) -> None:
        builder = scripted_core().trace_sink(MemoryTraceSink())
        self._core = (builder if folder is None else builder.stored_in(folder)).build()

    async def session(self, name: str, *, turns: int = 0) -> Turn:
        """Return a session's turn, after as many real ones."""
        session = await self._core.session(name).open()

        async def turn(number: int) -> None:
            result = await session.turn(question(number)).run()
            assert result.is_success

        for number in range(turns):
            await turn(number)
        return turn


class State(TypedDict):
    """The state of the langgraph graph."""

    messages: Annotated[list[AnyMessage], add_messages]


def runs_in_memory() -> RunCollectorCallbackHandler:
    """Return what collects what each step of a run was given and what it returned."""
    collector = RunCollectorCallbackHandler()
    collector.run_inline = True  # as the tracer of LangSmith has it: in threads it costs langgraph a third more
    return collector


class LangGraph:
    """langgraph: the usual agent loop of a model node and a tool node.

    Args:
        durability: When a run's steps are stored; langgraph's default stores each.
        traced: Whether each session's runs are collected.
    """

    def __init__(self, durability: Literal["exit"] | None = None, *, traced: bool = True) -> None:
        self._durability = durability
        self._traced = traced
        graph = StateGraph(State)
        graph.add_node("model", self._model)
        graph.add_node("tools", self._tools)
        graph.add_edge(START, "model")
        graph.add_conditional_edges("model", self._onward, ["tools", END])
        graph.add_edge("tools", "model")
        self._app: Any = graph.compile(checkpointer=InMemorySaver())

    async def _model(self, state: State) -> dict[str, Any]:
        if isinstance(state["messages"][-1], ToolMessage):
            return {"messages": [AIMessage(ANSWER)]}
        wanted = [{"name": "weather", "args": {"city": "Oslo"}, "id": f"call-{len(state['messages'])}"}]
        return {"messages": [AIMessage("", tool_calls=wanted)]}

    async def _tools(self, state: State) -> dict[str, Any]:
        last = state["messages"][-1]
        assert isinstance(last, AIMessage)
        found = await weather(**last.tool_calls[0]["args"])
        return {"messages": [ToolMessage(json.dumps(found), tool_call_id=last.tool_calls[0]["id"])]}

    def _onward(self, state: State) -> str:
        last = state["messages"][-1]
        return "tools" if isinstance(last, AIMessage) and last.tool_calls else END

    async def session(self, name: str, *, turns: int = 0) -> Turn:
        """Return a thread's turn; earlier turns are put into it in one update, which leaves it no slower than real ones."""
        thread = {"configurable": {"thread_id": name}}
        if turns:
            await self._app.aupdate_state(thread, {"messages": list(map(_said, range(4 * turns)))}, as_node="model")
        config = {**thread, "callbacks": [runs_in_memory()] if self._traced else []}

        async def turn(number: int) -> None:
            asked = {"messages": [HumanMessage(question(number))]}
            result = await self._app.ainvoke(asked, config, durability=self._durability)
            assert result["messages"][-1].content == ANSWER

        return turn


def _said(place: int) -> AnyMessage:
    """One message of a langgraph thread of turns."""
    match place % 4:
        case 0:
            return HumanMessage(question(place // 4))
        case 1:
            wanted = {"name": "weather", "args": {"city": "Oslo"}, "id": f"call-{place}"}
            return AIMessage("", tool_calls=[wanted])
        case 2:
            return ToolMessage(json.dumps({"city": "Oslo", "temp_c": 21}), tool_call_id=f"call-{place - 1}")
    return AIMessage(ANSWER)


class PydanticAi:
    """pydantic-ai, with a function for its model.

    Args:
        traced: Whether spans are kept.
    """

    def __init__(self, *, traced: bool = True) -> None:
        self._agent = Agent(FunctionModel(self._model), tools=[weather])
        if traced:
            spans = TracerProvider()
            spans.add_span_processor(SimpleSpanProcessor(InMemorySpanExporter()))
            self._agent.instrument = InstrumentationSettings(tracer_provider=spans)

    def _model(self, messages: list[ModelMessage], _info: AgentInfo) -> ModelResponse:
        if isinstance(messages[-1].parts[-1], ToolReturnPart):
            return ModelResponse(parts=[TextPart(ANSWER)])
        return ModelResponse(parts=[ToolCallPart("weather", {"city": "Oslo"})])

    async def session(self, name: str, *, turns: int = 0) -> Turn:  # noqa: ARG002 - it has no sessions to name
        """Return the turn of one history; earlier turns are copies of a real one."""
        history: list[ModelMessage] = []

        async def turn(number: int) -> None:
            result = await self._agent.run(question(number), message_history=history)
            assert result.output == ANSWER
            history[:] = result.all_messages()

        if turns:
            await turn(0)
            history *= turns
        return turn


CONTESTANTS: Final[Mapping[str, Callable[[], Contestant]]] = {
    "lash_nb": LashNb,
    "langgraph": LangGraph,
    "langgraph_untraced": partial(LangGraph, traced=False),
    "langgraph_at_exit": partial(LangGraph, "exit", traced=False),
    "pydantic_ai": PydanticAi,
    "pydantic_ai_untraced": partial(PydanticAi, traced=False),
}
"""Who takes part, as the figures name them."""
PEERS: Final[Mapping[str, tuple[str, str]]] = {
    "ratios": ("langgraph", "pydantic_ai"),
    "ratios_untraced": ("langgraph_untraced", "pydantic_ai_untraced"),
    "ratios_at_exit": ("langgraph_at_exit", "pydantic_ai_untraced"),
}
"""Whom lash_nb is measured against, by the name of the ratios."""
