"""The stand-in without a model: it calls the tool that fits, once, and says what came of it."""

import json
from typing import Any

import pytest
from pydantic import BaseModel

from lash_nb import LashCore, tool
from lash_nb.plugins import FunctionTool
from lash_nb.providers import DeltaEvent, LlmStreamEvent, OfflineProvider
from lash_nb.providers._offline_arguments import arguments_for
from lash_nb.wire import (
    LashSchema,
    LlmContentBlock,
    LlmMessage,
    LlmRequest,
    LlmToolSpec,
    TextBlock,
    ToolCallPart,
    ToolResultBlock,
)


@tool
def weather(city: str) -> str:
    """Look up the weather of a city."""
    return f"clear in {city}"


@tool
def add_numbers(first: int, second: int) -> int:
    """Add two numbers."""
    return first + second


@tool
def paint(color: str) -> str:
    """Draw a picture in one color."""
    return color


def spec(one: FunctionTool[..., Any]) -> LlmToolSpec:
    """The tool as a model sees it."""
    return LlmToolSpec(
        name=one.definition.name,
        description=one.definition.description,
        input_schema=one.definition.input_schema,
        output_schema=one.definition.output_schema,
        input_schema_projections=(),
        output_schema_projections=(),
    )


def said(text: str) -> LlmMessage:
    """Something that the user said."""
    return LlmMessage(role="User", blocks=(LlmContentBlock(Text=TextBlock(text=text, cache_breakpoint=False)),))


def got(content: str, name: str = "weather") -> LlmMessage:
    """What a tool gave."""
    result = ToolResultBlock(call_id="c", content=content, tool_name=name)
    return LlmMessage(role="User", blocks=(LlmContentBlock(ToolResult=result),))


def request(
    *messages: LlmMessage, tools: tuple[FunctionTool[..., Any], ...] = (weather, add_numbers, paint)
) -> LlmRequest:
    """A request with all tools."""
    return LlmRequest(model="m", messages=messages, attachments=(), tools=tuple(map(spec, tools)), tool_choice="Auto")


async def called(prompt: str) -> ToolCallPart | None:
    """The call that a prompt leads to."""
    response = await OfflineProvider().complete(request(said(prompt)))
    return response.parts[0].ToolCall


@pytest.mark.parametrize(
    ("prompt", "name", "args"),
    [
        ("What is the weather in Oslo?", "weather", {"city": "Oslo"}),
        ("Tell me the weathers of the city 'San José'", "weather", {"city": "San José"}),
        ("Please add 17 and 25", "add_numbers", {"first": 17, "second": 25}),
        ("Draw me something in blue", "paint", {"color": "blue"}),
    ],
)
async def test_the_tool_that_fits_is_called(prompt: str, name: str, args: dict[str, Any]) -> None:
    """By the words of its name, its description and its parameters; arguments come from the prompt."""
    call = await called(prompt)

    assert call is not None
    assert (call.tool_name, json.loads(call.input_json)) == (name, args)


async def test_without_a_fitting_tool_it_says_what_it_is() -> None:
    """No call is made up; the answer says how to get a real provider."""
    response = await OfflineProvider().complete(request(said("Sing me a song")))

    assert "offline stand-in" in response.full_text
    assert "%lash provider lists who else" in response.full_text


async def test_without_tools_it_says_so() -> None:
    """The answer names the reason."""
    assert "no tools yet" in (await OfflineProvider().complete(request(said("Hello"), tools=()))).full_text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"city": "Oslo", "celsius": 4}', "Weather says city Oslo, celsius 4."),
        ("[1, 2]", "Weather says 2 values: 1, 2."),
        ("clear", "Weather says clear."),
        ("", "Weather says nothing."),
    ],
)
async def test_a_result_becomes_a_sentence(content: str, words: str) -> None:
    """After a tool result it answers, and calls nothing more."""
    response = await OfflineProvider().complete(request(said("The weather?"), got(content)))

    assert response.full_text == words


async def test_results_of_earlier_turns_do_not_count() -> None:
    """A new prompt leads to a new call."""
    messages = (said("The weather in Oslo?"), got("clear"), said("And the weather in Rome?"))

    response = await OfflineProvider().complete(request(*messages))

    assert response.parts[0].ToolCall is not None


async def test_the_same_prompt_gets_the_same_answer() -> None:
    """Always, and word by word."""
    heard: list[LlmStreamEvent] = []
    asked = request(said("The weather in Oslo?"), got("clear and cold"))

    answers = [await OfflineProvider().complete(asked, heard.append) for _ in range(2)]

    assert answers[0] == answers[1]
    pieces = [event.text for event in heard if isinstance(event, DeltaEvent)]
    assert "".join(pieces) == answers[0].full_text * 2


@pytest.mark.parametrize(
    ("schema", "prompt", "args"),
    [
        (
            {"properties": {"unit": {"enum": ["celsius", "kelvin"]}}, "required": ["unit"]},
            "in Kelvin, please",
            {"unit": "kelvin"},
        ),
        ({"properties": {"unit": {"enum": ["celsius", "kelvin"]}}, "required": ["unit"]}, "warm?", {"unit": "celsius"}),
        ({"properties": {"n": {"type": "integer", "minimum": 3}}, "required": ["n"]}, "2 or 5", {"n": 5}),
        ({"properties": {"n": {"type": "integer", "minimum": 3}}, "required": ["n"]}, "some", {"n": 3}),
        ({"properties": {"x": {"type": "number", "default": 1.5}}, "required": ["x"]}, "some", {"x": 1.5}),
        ({"properties": {"x": {"anyOf": [{"type": "null"}, {"type": "number"}]}}}, "2.5", {"x": 2.5}),
        ({"properties": {"days": {"type": "integer"}}}, "no number", {}),
        ({"properties": {"loud": {"type": "boolean"}}}, "very loud", {"loud": True}),
        (
            {"properties": {"cities": {"type": "array", "items": {"type": "string"}}}},
            "from Oslo to New York",
            {"cities": ["Oslo", "New York"]},
        ),
        ({"properties": {"query": {"type": "string"}}, "required": ["query"]}, "who is it?", {"query": "who is it?"}),
        (
            {
                "properties": {"at": {"$ref": "#/$defs/P"}},
                "required": ["at"],
                "$defs": {"P": {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}},
            },
            "at 7",
            {"at": {"x": 7}},
        ),
    ],
)
def test_arguments_fit_their_schema(schema: dict[str, Any], prompt: str, args: dict[str, Any]) -> None:
    """Values of the prompt where they fit, else defaults and smallest values; what is optional and unsaid is left out."""
    found = arguments_for({"type": "object", **schema}, prompt)

    assert found == args
    if "$defs" not in schema:
        assert LashSchema(schema={"type": "object", **schema}).fault(found) is None


async def test_a_session_works_offline() -> None:
    """A whole turn: call, result, sentence."""
    core = LashCore.standard().in_memory().provider(OfflineProvider()).model("offline-model").tools(weather).build()
    session = await core.session("demo").open()

    result = await session.turn("What is the weather in Oslo?").run()

    assert [call.tool for call in result.tool_calls] == ["weather"]
    assert result.reply == "Weather says clear in Oslo."


class Reading(BaseModel):
    """What a thermometer says."""

    station: str
    celsius: float
    dry: bool = True


async def test_an_answer_of_a_schema() -> None:
    """It is filled with what the prompt says; without a schema it is an object all the same."""
    core = LashCore.standard().in_memory().provider(OfflineProvider()).model("offline-model").build()
    session = await core.session("demo").open()
    answer = await session.direct("It was 18.5 degrees in Lisbon.", output=Reading)
    assert answer.value == Reading(station="Lisbon", celsius=18.5)
    assert (await session.direct("Say it.", output="json")).value == {"prompt": "Say it."}
