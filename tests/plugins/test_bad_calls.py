"""Calls that a model should not have made, cancels at any moment, plugins that fail everywhere: the turn ends in order, the next one runs."""

import asyncio
from typing import Any

import pytest

from lash_nb.clock import CancellationToken
from lash_nb.core import LashSession
from lash_nb.errors import LashRuntimeError
from lash_nb.plugins import PluginRegistrar, StaticPlugin, tool
from lash_nb.providers import call, calls, reply
from lash_nb.wire import LlmRequest, LlmResponse, RuntimeEffectEnvelope, RuntimeEffectOutcome, TurnOutcome
from tests.runtime.desk import (
    ActingHost,
    Perform,
    builder,
    legal,
    messages_of,
    open_session,
    settle,
    tool_then_answer,
    weather,
)


def result_texts(request: LlmRequest) -> list[str]:
    """What the last message tells the model of its calls."""
    results = [block.ToolResult for block in request.messages[-1].blocks]
    return [found.content for found in results if found is not None]


async def test_a_model_that_gives_wrong_arguments_is_told_and_may_try_again() -> None:
    """The message names the argument; the second try of the same turn succeeds."""
    seen: list[list[str]] = []

    def model(request: LlmRequest) -> LlmResponse:
        seen.append(result_texts(request))
        tries = (call("weather", {"city": 7}), call("weather", {"town": "Oslo"}), call("weather", {"city": "Oslo"}))
        return tries[len(seen) - 1] if len(seen) <= len(tries) else reply("It is clear.")

    session = await open_session(model, weather)
    result = await session.turn("hi").run()

    assert result.reply == "It is clear."
    assert [record.output.status for record in result.tool_calls] == ["failure", "failure", "success"]
    assert seen[1] == ["[Tool execution failed]\ncity: expected string, got 7"]
    assert seen[2] == ["[Tool execution failed]\ncity: required property missing"]


async def test_two_calls_of_one_id_have_a_result_each() -> None:
    """Both run, the model goes on, and so does the session."""
    twice = calls(("c", "weather", {"city": "Oslo"}), ("c", "weather", {"city": "Rome"}))
    session = await open_session([twice, "done", "again"], weather)
    result = await session.turn("hi").run()

    assert result.reply == "done"
    assert [record.output.status for record in result.tool_calls] == ["success", "success"]
    legal(session.graph)
    [results] = [m for m in messages_of(session.graph) if any(part.kind == "ToolResult" for part in m.parts)]
    assert [("Oslo" in part.content, "Rome" in part.content) for part in results.parts] == [
        (True, False),
        (False, True),
    ]
    assert (await session.turn("more").run()).reply == "again"


@pytest.mark.parametrize("number", range(1, 8))
async def test_a_turn_cancelled_during_any_effect_is_committed(number: int) -> None:
    """Whatever effect is under way, the turn is over soon and the next one runs."""
    token, count = CancellationToken(), 0

    async def act(_: RuntimeEffectEnvelope, perform: Perform) -> RuntimeEffectOutcome:
        nonlocal count
        count += 1
        if count != number:
            return await perform()
        work = asyncio.ensure_future(perform())
        await settle()
        token.cancel()
        return await work

    @tool(name="weather")
    async def slow(city: str) -> str:
        """Wait for a while."""
        await asyncio.sleep(60 if count == number else 0)
        return city

    session = await open_session(tool_then_answer, slow, host=ActingHost(act))
    result = await session.turn("hi").cancel(token).run()

    assert result.outcome == TurnOutcome.stop("cancelled")
    legal(session.graph)
    assert (await session.turn("again").run()).is_success


def _raise(*_: Any) -> Any:
    message = "nothing works"
    raise RuntimeError(message)


def _everywhere(plugins: PluginRegistrar) -> None:
    """A plugin all of whose hooks raise, always."""
    plugins.before_turn(_raise)
    plugins.after_turn(_raise)
    plugins.checkpoint(_raise)
    plugins.before_tool_call(_raise)
    plugins.after_tool_call(_raise)
    plugins.assistant_stream(_raise)
    plugins.assistant_response(_raise)
    plugins.lifecycle(_raise)
    plugins.session_config_mutator(_raise)
    plugins.add_prompt_contributor(_raise)
    plugins.add_tool_surface_contributor(_raise)
    plugins.add_tool_discovery_contributor(_raise)


async def test_a_plugin_that_raises_in_every_hook_ends_turns_and_nothing_else() -> None:
    """Each turn says what failed; without the plugin the stored session goes on."""
    made = builder([*["never"] * 9], weather).plugin(StaticPlugin("everywhere", _everywhere))
    session: LashSession = await made.build().session("demo").open()
    for prompt in ("one", "two"):
        try:
            result = await session.turn(prompt).run()
            assert not result.is_success
            assert result.errors
        except LashRuntimeError as error:
            assert error.code.startswith("plugin")  # noqa: PT017 - a turn may end either way, and must say why
        legal(session.graph)
    parked = await session.park()
    calm = await builder(["fine"], weather).build().resume(parked)

    assert (await calm.turn("three").run()).reply == "fine"
