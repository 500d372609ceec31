"""Envelopes, outcomes and executors for tests of effect hosts."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from lash_nb.errors import RuntimeEffectControllerError
from lash_nb.wire import (
    CompletedToolCall,
    EffectOrigin,
    LlmCallCommand,
    LlmOutcome,
    LlmRequestSpec,
    LlmResponse,
    LlmResult,
    LlmUsage,
    ModelToolReturn,
    PreparedToolCall,
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
    RuntimeScope,
    SleepCommand,
    SleepOutcome,
    ToolCallCommand,
    ToolCallOutput,
    ToolOutcome,
    ToolSuccess,
    ToolValue,
    TurnScope,
    child_tool_effect_invocation,
    turn_effect_invocation,
)

SCOPE: Final = TurnScope(session_id="demo", turn_id="t1")
_WHERE: Final = RuntimeScope(session_id="demo", turn_id="t1", turn_index=1, protocol_iteration=0)


def model_call(number: int = 1, model: str = "scripted-model") -> RuntimeEffectEnvelope:
    """The envelope of a model call."""
    request = LlmRequestSpec(model=model, messages=(), attachments=(), tools=(), tool_choice="None")
    invocation = turn_effect_invocation(_WHERE, number, "llm_call")
    return RuntimeEffectEnvelope(invocation=invocation, command=LlmCallCommand(request=request))


def tool_call(call_id: str = "c1", number: int = 2, **args: Any) -> RuntimeEffectEnvelope:
    """The envelope of one call of the tool `weather`."""
    call = PreparedToolCall(call_id=call_id, tool_name="weather", args=args)
    invocation = child_tool_effect_invocation(turn_effect_invocation(_WHERE, number, "tool_call"), number, call_id)
    return RuntimeEffectEnvelope(invocation=invocation, command=ToolCallCommand(call=call))


def sleep(number: int = 9) -> RuntimeEffectEnvelope:
    """The envelope of a wait, a kind that is not stopped at."""
    return RuntimeEffectEnvelope(
        invocation=turn_effect_invocation(_WHERE, number, "sleep"), command=SleepCommand(duration_ms=5)
    )


def said(text: str) -> LlmOutcome:
    """A model call that gave `text`."""
    usage = LlmUsage(input_tokens=1, output_tokens=1, cached_input_tokens=0, reasoning_tokens=0)
    response = LlmResponse(full_text=text, parts=(), usage=usage, terminal_reason="stop")
    return LlmOutcome(result=LlmResult(Ok=response), text_streamed=False)


def called(call_id: str = "c1", value: Any = "rain", output: ToolCallOutput | None = None) -> ToolOutcome:
    """A tool call that gave `value`."""
    output = output or ToolCallOutput(outcome=ToolSuccess(payload=ToolValue(value)))
    result = CompletedToolCall(
        call_id=call_id,
        tool_name="weather",
        args={},
        output=output,
        model_return=ModelToolReturn(call_id=call_id, tool_name="weather", parts=()),
        duration_ms=0,
    )
    return ToolOutcome(result=result)


def answer_of(envelope: RuntimeEffectEnvelope) -> RuntimeEffectOutcome:
    """What the world of these tests answers to an envelope."""
    match envelope.command:
        case LlmCallCommand(request=request):
            return said(f"from {request.model}")
        case ToolCallCommand(call=call):
            return called(call.call_id, call.args)
        case SleepCommand():
            return SleepOutcome()
    raise RuntimeEffectControllerError("runtime_effect_local_executor_mismatch", f"no answer to {envelope.kind}")


class World:
    """An executor that answers everything, remembers what it was asked, and may be told to do something else.

    Attributes:
        asked: The envelopes in the order in which they came.
    """

    origin: EffectOrigin = "executed"

    def __init__(self, act: Callable[[RuntimeEffectEnvelope], Awaitable[RuntimeEffectOutcome]] | None = None) -> None:
        self.asked: list[RuntimeEffectEnvelope] = []
        self._act = act

    async def execute(self, envelope: RuntimeEffectEnvelope) -> RuntimeEffectOutcome:
        """Answer."""
        self.asked.append(envelope)
        return answer_of(envelope) if self._act is None else await self._act(envelope)


class Gate(World):
    """An executor whose effects stay in flight until the test opens the gate of their effect id."""

    def __init__(self) -> None:
        super().__init__(self._wait)
        self._gates: dict[str | None, asyncio.Event] = {}

    def open(self, envelope: RuntimeEffectEnvelope) -> None:
        """Let the effect end."""
        self._gate(envelope).set()

    async def _wait(self, envelope: RuntimeEffectEnvelope) -> RuntimeEffectOutcome:
        await self._gate(envelope).wait()
        return answer_of(envelope)

    def _gate(self, envelope: RuntimeEffectEnvelope) -> asyncio.Event:
        return self._gates.setdefault(envelope.invocation.effect_id, asyncio.Event())


async def settle() -> None:
    """Let every task of the loop go as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)
