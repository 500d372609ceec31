"""The way of a tool call."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from lash_nb.clock import ManualClock
from lash_nb.machine import PendingToolCall
from lash_nb.plugins import (
    PLUGINS_SOURCE,
    ToolCall,
    ToolContext,
    ToolDispatcher,
    ToolPrepareContext,
    ToolRegistry,
    ToolSurface,
    tool_err,
    tool_ok,
)
from lash_nb.wire import (
    CompletedToolCall,
    PreparedToolCall,
    ProviderReplayMeta,
    SessionToolAccess,
    TextReturnPart,
    ToolCallOutput,
    ToolFailed,
    ToolFailure,
)
from tests.plugins.offered import Offered, definition

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = definition("weather", input_schema=CITY)


def dispatcher(provider: Offered, clock: ManualClock | None = None, **access: Any) -> ToolDispatcher:
    """A dispatcher over one provider."""
    registry = ToolRegistry()
    registry.upsert_source(PLUGINS_SOURCE, [provider])
    surface = ToolSurface(registry, tool_access=SessionToolAccess(**access))
    return ToolDispatcher(surface, registry, clock=clock or ManualClock())


async def prepared(by: ToolDispatcher, args: Any, tool: str = "weather") -> PreparedToolCall | CompletedToolCall:
    """A call of the model after preparation."""
    pending = PendingToolCall(call_id="c1", tool_name=tool, args=args, replay=ProviderReplayMeta(item_id="i"))
    return await by.prepare(pending, ToolPrepareContext(session_id="s", call_id="c1"))


async def run(by: ToolDispatcher) -> CompletedToolCall:
    """A call of `weather` after execution."""
    ready = await prepared(by, {"city": "Oslo"})
    assert isinstance(ready, PreparedToolCall)
    return await by.execute(ready, ToolContext.of_call(ready, session_id="s", agent_frame_id="f"))


def failure(of: object) -> ToolFailure:
    """The failure with which a call completed."""
    assert isinstance(of, CompletedToolCall)
    assert isinstance(of.output.outcome, ToolFailed)
    return of.output.outcome.payload


async def test_a_good_call_is_ready_to_run() -> None:
    """A known tool with fitting arguments is prepared: ids, arguments and provider metadata stay."""
    assert await prepared(dispatcher(Offered(WEATHER)), {"city": "Oslo"}) == PreparedToolCall(
        call_id="c1", tool_name="weather", args={"city": "Oslo"}, replay=ProviderReplayMeta(item_id="i")
    )


class Unprepared(Offered):
    """A provider that is none: it cannot prepare calls."""

    @property
    def prepare_tool_call(self) -> Any:
        """Missing."""
        raise AttributeError("nothing prepares")


async def test_a_provider_that_cannot_prepare_fails_the_call_alone() -> None:
    """The turn asks first whether there is anything to prepare, and goes on."""
    by = dispatcher(Unprepared(WEATHER))

    assert by.ready(PendingToolCall(call_id="c1", tool_name="weather", args={"city": "Oslo"})) is None
    assert failure(await prepared(by, {"city": "Oslo"})).message == "AttributeError: nothing prepares"


async def test_wrong_arguments_complete_the_call() -> None:
    """The tool does not run; the model reads what is wrong, and no time was spent."""
    provider = Offered(WEATHER)
    done = await prepared(dispatcher(provider), {})

    assert (failure(done).class_, failure(done).code) == ("invalid_request", "invalid_tool_args")
    assert failure(done).message == "city: required property missing"
    assert isinstance(done, CompletedToolCall)
    assert done.duration_ms == 0
    assert provider.calls == []


@pytest.mark.parametrize("tool", ["nope", "off", "found", "hidden"])
async def test_a_tool_that_is_not_offered_is_unavailable(tool: str) -> None:
    """Unknown, switched off, only searchable, hidden: the call completes, and the model reads what it may call."""
    provider = Offered(
        WEATHER,
        definition("off", availability={"base": "off"}),
        definition("found", availability={"base": "searchable"}),
        unlisted=[definition("hidden")],
    )

    fault = failure(await prepared(dispatcher(provider, hidden_tools=("hidden",)), {}, tool))

    assert (fault.class_, fault.code) == ("unavailable", "tool_unavailable")
    assert fault.message == f"Tool is unavailable here: `{tool}`. Tools to call: weather."


async def test_an_unlisted_tool_runs_when_its_source_knows_it() -> None:
    """A tool that the surface does not show is looked up in the sources."""
    ready = await prepared(dispatcher(Offered(WEATHER, unlisted=[definition("extra")])), {}, "extra")

    assert isinstance(ready, PreparedToolCall)


async def test_a_tool_without_schemas_cannot_be_called() -> None:
    """A provider that lost the contract of its tool completes the call."""
    provider = Offered(WEATHER)
    by = dispatcher(provider)
    provider.known.clear()

    assert failure(await prepared(by, {"city": "Oslo"})).code == "tool_contract_unavailable"


async def test_a_result_comes_back_with_what_the_model_sees() -> None:
    """The output, its projection for the model and the measured time make the completed call."""
    clock = ManualClock()

    def slow(call: ToolCall) -> ToolCallOutput:
        clock.advance(0.25)
        return tool_ok({"of": call.args["city"]})

    done = await run(dispatcher(Offered(WEATHER, answer=slow), clock))

    assert done.duration_ms == 250
    assert done.model_return.parts == (TextReturnPart(text='{"of":"Oslo"}'),)


async def test_a_tool_knows_its_call() -> None:
    """The context carries ids, the first attempt, and the key under which a repetition is recognized."""
    provider = Offered(WEATHER)
    await run(dispatcher(provider))
    context = provider.calls[0].context

    assert (context.session_id, context.agent_frame_id, context.tool_call_id) == ("s", "f", "c1")
    assert (context.attempt_number, context.max_attempts) == (1, 1)
    assert context.replay_key == "lash-tool:s:c1:weather"


class Mute(Exception):  # noqa: N818 - as somebody may name it
    """An exception that cannot be written."""

    def __str__(self) -> str:
        raise RuntimeError


def raising(error: BaseException) -> Callable[[ToolCall], ToolCallOutput]:
    """A tool that raises."""

    def answer(_call: ToolCall) -> ToolCallOutput:
        raise error

    return answer


@pytest.mark.parametrize(
    ("error", "message", "raw"),
    [
        (KeyError("Oslo"), "KeyError: 'Oslo'", "'Oslo'"),
        (ValueError(), "ValueError", ""),
        (SystemExit(3), "SystemExit: 3", "3"),
        (GeneratorExit(), "GeneratorExit", ""),
        (asyncio.CancelledError("inside"), "CancelledError: inside", "inside"),
        (Mute(), "Mute: its text could not be made: RuntimeError", "its text could not be made: RuntimeError"),
    ],
)
async def test_what_a_tool_raises_is_its_result(error: BaseException, message: str, raw: str) -> None:
    """An exception, even an exit or one without a text, is a failure of the tool that names type and text; the turn goes on."""
    fault = failure(await run(dispatcher(Offered(WEATHER, answer=raising(error)))))

    assert (fault.class_, fault.code, fault.source, fault.message) == ("execution", "tool_error", "tool", message)
    assert fault.raw is not None
    assert fault.raw.value == raw


async def test_a_cancellation_goes_through() -> None:
    """A cancelled task is no failed tool."""

    def cancelled(_call: ToolCall) -> ToolCallOutput:
        task = asyncio.current_task()
        assert task
        task.cancel()
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(run(dispatcher(Offered(WEATHER, answer=cancelled))))


async def test_an_interrupt_ends_the_tool_alone() -> None:
    """Ctrl-C in the middle of a tool's code, or one that the tool raises, does not end the event loop."""
    done = await run(dispatcher(Offered(WEATHER, answer=raising(KeyboardInterrupt()))))

    assert done.output.status == "cancelled"


@pytest.mark.parametrize("value", [object(), b"x", "\ud800", 10**40, float("nan"), {(1,): 2}])
async def test_a_result_that_cannot_be_written_is_a_failure(value: Any) -> None:
    """Whatever a provider returns, what goes on is JSON; the message names the tool."""
    fault = failure(await run(dispatcher(Offered(WEATHER, answer=lambda _call: tool_ok(value)))))

    assert fault.code == "tool_result_not_json"
    assert fault.message.startswith("tool weather: ")


async def test_a_provider_must_return_an_output() -> None:
    """A bare value is no output, and the message says what to return."""
    answer: Any = lambda _call: 21  # noqa: E731 - of a wrong type on purpose

    fault = failure(await run(dispatcher(Offered(WEATHER, answer=answer))))

    assert fault.message == "tool weather: its provider returned int and must return a ToolCallOutput"


async def test_an_error_value_keeps_its_form() -> None:
    """A tool's own error is shown as text, and kept as it was."""
    fault = failure(await run(dispatcher(Offered(WEATHER, answer=lambda _call: tool_err({"code": 7})))))

    assert (fault.message, fault.raw and fault.raw.value) == ('{"code":7}', {"code": 7})


async def test_a_tool_that_was_switched_off_does_not_run() -> None:
    """Between preparation and execution the tools may change; what counts is what is offered now."""
    provider = Offered(WEATHER)
    by = dispatcher(provider)
    ready = await prepared(by, {"city": "Oslo"})
    assert isinstance(ready, PreparedToolCall)
    registry = ToolRegistry()
    registry.upsert_source(PLUGINS_SOURCE, [Offered(definition("weather", availability={"base": "off"}))])
    by.surface = ToolSurface(registry)

    done = await by.execute(ready, ToolContext.of_call(ready, session_id="s", agent_frame_id="f"))

    assert failure(done).code == "tool_unavailable"
    assert provider.calls == []
