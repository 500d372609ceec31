"""A tool that a person calls, beside the conversation."""

import copy
from typing import Any

import pytest

import lash_nb
from lash_nb import LashCore, ScriptedProvider
from lash_nb.core import LashSession
from lash_nb.errors import CallerError
from lash_nb.plugins import ToolContext
from lash_nb.wire import AttachmentCreateMeta, MediaType, ToolCallCommand, ToolFailed, ToolSuccess


@lash_nb.tool
def weather(city: str) -> dict[str, object]:
    """Look up the weather of a city."""
    if city == "Atlantis":
        raise ValueError("no such city")
    return {"city": city, "celsius": 4}


@lash_nb.tool
def chart(title: str, context: ToolContext) -> dict[str, object]:
    """Draw a chart."""
    assert context.attachments is not None
    picture = b"\x89PNG\r\n\x1a\n" + title.encode()
    return {"chart": context.attachments.put(picture, AttachmentCreateMeta(media_type=MediaType(type="png")))}


@lash_nb.tool
def shorten(days: Any) -> int:
    """Take away the last day."""
    return int(days.pop())


@pytest.fixture(name="session")
async def _session() -> LashSession:
    builder = LashCore.standard().in_memory().provider(ScriptedProvider([])).model("scripted-model")
    return await builder.tools(weather, chart, shorten).build().session("demo").open()


async def test_a_trial_gives_what_the_model_would_get(session: LashSession) -> None:
    """The value, and nothing of it in the history; it is an effect like any other."""
    done = await session.control.tools.try_call("weather", {"city": "Oslo"})

    assert isinstance(done.output.outcome, ToolSuccess)
    assert done.output.outcome.payload.value == {"city": "Oslo", "celsius": 4}
    assert [entry.envelope.kind for entry in session.effects] == ["tool_call"]
    assert (len(session.graph.nodes), session.turn_index) == (0, 0)


async def test_a_trial_keeps_what_the_tool_keeps(session: LashSession) -> None:
    """Attachments go where those of turns go."""
    done = await session.control.tools.try_call("chart", {"title": "Rain"})

    assert isinstance(done.output.outcome, ToolSuccess)
    assert [ref.id for ref in done.output.outcome.payload.attachments()] == [row.ref.id for row in session.attachments]


async def test_a_trial_may_be_given_what_an_effect_shows(session: LashSession) -> None:
    """A tool may change what it is given; whoever gave it, and what is shown of an earlier call, keep theirs."""
    mine = {"days": [1, 2]}
    await session.control.tools.try_call("shorten", mine)
    envelope = session.effects[-1].envelope
    assert isinstance(envelope.command, ToolCallCommand)
    shown = envelope.command.call.args

    for given in (mine, shown):
        before = copy.deepcopy(given)
        done = await session.control.tools.try_call("shorten", given)
        assert isinstance(done.output.outcome, ToolSuccess), done
        assert given == before


@pytest.mark.parametrize(
    ("arguments", "code"), [({"city": "Atlantis"}, "tool_error"), ({}, "invalid_tool_args"), (7, "invalid_tool_args")]
)
async def test_a_trial_that_fails_is_a_result(session: LashSession, arguments: object, code: str) -> None:
    """As the model would read it."""
    done = await session.control.tools.try_call("weather", arguments)

    assert isinstance(done.output.outcome, ToolFailed)
    assert done.output.outcome.payload.code == code


async def test_what_is_no_tool_is_named(session: LashSession) -> None:
    """With the tools that there are."""
    tools = session.control.tools

    described = tools.describe("weather")
    assert (described.source, described.contract.input_schema["required"]) == ("plugins", ["city"])
    assert [one.manifest.name for one in tools.listing()] == ["batch", "chart", "shorten", "weather"]
    with pytest.raises(CallerError, match="no tool wether; the session's tools: batch, chart, shorten, weather"):
        await tools.try_call("wether")
