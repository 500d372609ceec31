"""Hooks of model calls are chained, and what plugins return is looked at before anybody uses it."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from lash_nb.errors import PluginError
from lash_nb.plugins import (
    AbortTurn,
    AssistantResponseTransform,
    AssistantStreamTransform,
    EmitRuntimeEvents,
    EmitTrace,
    EnqueueMessages,
    PluginHooks,
    ReplaceToolArgs,
    ShortCircuitTool,
    TurnHookContext,
    TurnHookPoint,
    collected,
    refusal,
    tool_ok,
)
from lash_nb.providers import reply
from lash_nb.wire import CustomRuntimeEvent

NOTE = CustomRuntimeEvent(name="note", payload=None)


def test_stream_hooks_are_chained() -> None:
    """Each gets the chunk of the one before; reasoning and events add up, one that aborts is enough."""
    hooks = PluginHooks()
    hooks.assistant_stream.append(
        ("a", lambda c: AssistantStreamTransform(chunk=c.chunk + "1", reasoning_deltas=("x",), abort_stream=True))
    )
    hooks.assistant_stream.append(
        ("b", lambda c: AssistantStreamTransform(chunk=c.chunk + "2", reasoning_deltas=("y",), events=(NOTE,)))
    )
    made = asyncio.run(hooks.streamed("demo", "0"))
    assert (made.chunk, made.reasoning_deltas, made.abort) == ("012", ("x", "y"), True)
    assert made.events == (("b", NOTE),)


def test_response_hooks_are_chained() -> None:
    """Each gets the response that the one before made."""

    def adding(text: str) -> Callable[[Any], AssistantResponseTransform]:
        return lambda context: AssistantResponseTransform(response=reply(context.response.full_text + text))

    hooks = PluginHooks()
    hooks.assistant_response.extend([("a", adding("B")), ("b", adding("C"))])
    response, events = asyncio.run(hooks.responded("demo", reply("A")))
    assert response.full_text == "ABC"
    assert events == ()


@pytest.mark.parametrize(
    "answer",
    [
        42,
        AbortTurn(code="a", message="b"),
        ["abort"],
        [EmitTrace(name="a", payload=object())],
        [AbortTurn(code=3, message="b")],  # type: ignore[arg-type]  # what a plugin must not do
        [EmitRuntimeEvents(events=("text",))],  # type: ignore[arg-type]  # as above
    ],
)
def test_what_is_no_directive_is_refused(answer: Any) -> None:
    """A hook that returns anything but directives that can be written fails, with the plugin's name."""
    context = TurnHookContext(session_id="demo", read_messages=list)
    with pytest.raises(PluginError, match="`helper`"):
        asyncio.run(collected([("helper", lambda _: answer)], context))


def test_all_hooks_are_asked_in_order() -> None:
    """Directives come in the order of the hooks; None is none."""

    async def waiting(_: Any) -> list[Any]:
        await asyncio.sleep(0)
        return [AbortTurn(code="1", message="")]

    hooks: list[Any] = [("a", waiting), ("b", lambda _: None), ("c", lambda _: (AbortTurn(code="2", message=""),))]
    context = TurnHookContext(session_id="demo", read_messages=list)
    wanted = asyncio.run(collected(hooks, context))
    assert [(plugin, getattr(directive, "code", "")) for plugin, directive in wanted] == [("a", "1"), ("c", "2")]


REPLACE = ReplaceToolArgs(args={})
SHORT = ShortCircuitTool(output=tool_ok(1))
ABORT = AbortTurn(code="a", message="b")
SAY = EnqueueMessages(messages=())


@pytest.mark.parametrize(
    ("point", "directive", "refused"),
    [
        ("before_turn", REPLACE, True),
        ("before_turn", ABORT, False),
        ("before_turn", SAY, False),
        ("checkpoint", SHORT, True),
        ("checkpoint", ABORT, False),
        ("after_turn", ABORT, True),
        ("after_turn", SHORT, True),
        ("after_turn", SAY, False),
    ],
)
def test_directives_have_their_places(point: TurnHookPoint, directive: Any, refused: bool) -> None:
    """A directive that is not valid at a hook is refused with what to do instead."""
    assert (refusal(point, directive) is not None) == refused
