"""Whoever steps through turns may do anything, in any order: the graph stays legal, and the session takes the next turn."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from lash_nb.core import LashSession
from lash_nb.errors import RuntimeEffectControllerError
from lash_nb.plugins import tool_cancelled, tool_err, tool_ok
from lash_nb.providers import calls as several
from lash_nb.providers import reply
from lash_nb.runtime import TurnResult
from lash_nb.wire import (
    CheckpointDelivery,
    CheckpointOutcome,
    CheckpointResult,
    EffectEntry,
    LlmCallError,
    LlmOutcome,
    LlmRequest,
    LlmResponse,
    LlmResult,
    PluginMessage,
    RuntimeEffectOutcome,
    SleepOutcome,
    SurfaceOutcome,
    SurfaceResult,
    ToolCallCommand,
    ToolOutcome,
    completed_call,
    messages_are_prompt_resume_safe,
)
from tests.runtime.desk import legal, messages_of, open_session, weather

Stop: TypeAlias = EffectEntry | TurnResult | None
"""Where a turn stands: before an effect, or at its end."""


def _message(text: str) -> PluginMessage:
    return PluginMessage(role="User", content=text)


def _delivery(*texts: str) -> CheckpointOutcome:
    delivery = CheckpointDelivery(messages=tuple(map(_message, texts)), transient_messages=(), turn_causes=())
    return CheckpointOutcome(result=CheckpointResult(Ok=delivery))


def _model_says(*, good: bool) -> LlmOutcome:
    error = LlmCallError(message="busy", retryable=False, terminal_reason="provider_error")
    result = LlmResult(Ok=reply("made up")) if good else LlmResult(Err=error)
    return LlmOutcome(result=result, text_streamed=False)


def _model_calls(number: int) -> LlmOutcome:
    made = several((f"x{number}", "weather", {"city": "Bergen"}), (f"y{number}", "oracle", {}))
    return LlmOutcome(result=LlmResult(Ok=made), text_streamed=False)


def _tool_gives(stop: EffectEntry, whim: int) -> ToolOutcome:
    assert isinstance(stop.envelope.command, ToolCallCommand)
    outputs = (tool_ok({"sky": "made up"}), tool_err("no"), tool_cancelled("enough"))
    return ToolOutcome(result=completed_call(stop.envelope.command.call, outputs[whim % 3]))


MADE_UP: Final[Mapping[str, Callable[[EffectEntry, int], RuntimeEffectOutcome]]] = {
    "llm_call": lambda stop, whim: (
        _model_says(good=True),
        _model_says(good=False),
        _model_calls(stop.order),
    )[whim % 3],
    "tool_call": _tool_gives,
    "checkpoint": lambda _, whim: _delivery(*["by the way", "and this"][: whim % 3]),
    "sync_execution_surface": lambda _, whim: SurfaceOutcome(
        result=SurfaceResult(Err="no surface") if whim % 3 else SurfaceResult(Ok=None)
    ),
}
"""Outcomes that a person may give to an effect of each kind."""


async def _make_up(session: LashSession, stop: EffectEntry, whim: int) -> Stop:
    return await session.inject(MADE_UP[stop.envelope.kind](stop, whim))


async def _mistake(session: LashSession, stop: EffectEntry, _: int) -> Stop:
    try:
        return await session.inject(SleepOutcome())
    except RuntimeEffectControllerError:
        return stop


async def _fail(session: LashSession, _stop: EffectEntry, whim: int) -> Stop:
    return await session.stepper.fail("refused", f"no {whim}")


async def _let_go(session: LashSession, _stop: EffectEntry, _whim: int) -> Stop:
    return await session.step()


async def _cancel(session: LashSession, _stop: EffectEntry, _whim: int) -> Stop:
    return await session.stepper.cancel()


async def _say(session: LashSession, stop: EffectEntry, whim: int) -> Stop:
    await session.control.injection.inject_turn_input(f"said {whim}")
    return stop


async def _queue(session: LashSession, stop: EffectEntry, whim: int) -> Stop:
    await session.queue(f"queued {whim}").delivery_policy("earliest_safe_boundary").send()
    return stop


DECISIONS: Final[Mapping[str, Callable[[LashSession, EffectEntry, int], Awaitable[Stop]]]] = {
    "let_go": _let_go,
    "make_up": _make_up,
    "mistake": _mistake,
    "fail": _fail,
    "cancel": _cancel,
    "say": _say,
    "queue": _queue,
}
decisions = st.tuples(st.sampled_from(["let_go"] * 4 + ["make_up"] * 4 + sorted(DECISIONS)), st.integers(0, 8))


async def _stepped(session: LashSession, prompt: str, plan: list[tuple[str, int]]) -> None:
    """One turn, whose every effect meets the next decision of the plan; when that is used up, the turn runs to its end."""
    session.stepper.stop_at = frozenset(MADE_UP)
    stop: Stop = await session.step(prompt)
    while isinstance(stop, EffectEntry) and stop.status == "pending":
        name, whim = plan.pop() if plan else ("let_go", 0)
        stop = await DECISIONS[name](session, stop, whim)


def _model() -> Callable[[LlmRequest], LlmResponse]:
    """A model that calls two tools, each call under an id of its own, and answers results."""
    numbers = itertools.count(1)

    def answer(request: LlmRequest) -> LlmResponse:
        if any(block.ToolResult for block in request.messages[-1].blocks):
            return reply("Clear in both.")
        number = next(numbers)
        return several((f"a{number}", "weather", {"city": "Oslo"}), (f"b{number}", "weather", {"city": "Rome"}))

    return answer


async def _play(plan: list[tuple[str, int]], *, stored: bool) -> None:
    session = await open_session(_model(), weather, stored=stored)
    plan = [wish for wish in plan if stored or wish[0] not in {"say", "queue"}]  # nobody else keeps what waits
    for number in range(3):
        await _stepped(session, f"prompt {number}", plan)
        await session.stepper.cancel()
        legal(session.graph)
        assert messages_are_prompt_resume_safe(messages_of(session.graph))
    result: Any = await session.turn("the last one").run()
    assert result.is_success
    assert messages_of(session.graph)[-1].role == "Assistant"
    legal(session.graph)


@settings(max_examples=20)
@given(st.lists(decisions, max_size=30), st.booleans())
def test_a_stepped_session_takes_the_next_turn(plan: list[tuple[str, int]], stored: bool) -> None:
    """Made-up outcomes, mistakes, failures, cancels and words for the running turn, at every effect, in every order."""
    asyncio.run(_play(plan, stored=stored))
