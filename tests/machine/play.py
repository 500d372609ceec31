"""Turns played without a host: short words for messages and answers, a host that answers from scripts, and a driver from a script."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from lash_nb.machine import (
    ChatProjector,
    Checkpoint,
    CheckpointDelivered,
    Done,
    DriverAction,
    DriverContext,
    Emit,
    ExecCode,
    ExecCompleted,
    ExecutionSurfaceSynced,
    LlmCall,
    LlmComplete,
    MachineEffect,
    MachineResponse,
    PendingToolCall,
    StandardDriver,
    SyncExecutionSurface,
    ToolCalls,
    ToolResults,
    TurnCheckpoint,
    TurnMachine,
    TurnMachineConfig,
    WaitingExec,
    WaitingLlm,
)
from lash_nb.wire import (
    CheckpointDelivery,
    CompletedToolCall,
    ExecResponse,
    ExecResult,
    LlmCallError,
    LlmOutputPart,
    LlmResponse,
    LlmResult,
    LlmTerminalReason,
    LlmToolSpec,
    LlmUsage,
    Message,
    MessageRole,
    Part,
    PluginMessage,
    ReasoningPart,
    SessionEvent,
    SurfaceResult,
    TextPart,
    ToolCallOutput,
    ToolCallPart,
    ToolSuccess,
    ToolValue,
    TurnOutcome,
    TurnOutcomeEvent,
    from_json,
    model_tool_return,
    to_json,
)

NOTHING = CheckpointDelivery(messages=(), transient_messages=(), turn_causes=())
NO_SURFACE = SurfaceResult(Ok=None)
LONGEST = 200
"""More effects than any turn here has."""
WEATHER = LlmToolSpec(
    name="weather",
    description="The weather.",
    input_schema={"type": "object"},
    output_schema=None,
    input_schema_projections=(),
    output_schema_projections=(),
)


def message(message_id: str, text: str, role: MessageRole = "User") -> Message:
    """Return a message of one text."""
    part = Part(id=f"{message_id}.p0", kind="Text", content=text, prune_state="Intact")
    return Message(id=message_id, role=role, parts=(part,))


def config(**changes: Any) -> TurnMachineConfig:
    """Return a setup of the standard protocol whose message ids count from m1."""
    numbers = itertools.count(1)
    settings: dict[str, Any] = {
        "protocol_driver": StandardDriver(),
        "projector": ChatProjector(),
        "sync_execution_surface": True,
        "model": "scripted-model",
        "max_context_tokens": 1000,
        "run_session_id": "demo",
        "tool_specs": (WEATHER,),
        "system_prompt": "Be brief.",
        "session_id": "demo",
        "new_message_id": lambda: f"m{next(numbers)}",
    }
    return TurnMachineConfig(**(settings | changes))


def machine(**changes: Any) -> TurnMachine:
    """Return a machine of one turn whose input is `Hi.`."""
    return TurnMachine(config(**changes), messages=[message("u1", "Hi.")])


def respond(
    *parts: TextPart | ReasoningPart | ToolCallPart,
    full_text: str = "",
    reason: LlmTerminalReason = "stop",
    tokens: tuple[int, int] = (100, 10),
    diagnostic: str | None = None,
) -> LlmResult:
    """Return a model response of these parts; `tokens` are input and output."""
    names = {TextPart: "Text", ReasoningPart: "Reasoning", ToolCallPart: "ToolCall"}
    variants: list[dict[str, Any]] = [{names[type(part)]: part} for part in parts]
    response = LlmResponse(
        full_text=full_text,
        parts=tuple(LlmOutputPart(**variant) for variant in variants),
        usage=LlmUsage(input_tokens=tokens[0], output_tokens=tokens[1], cached_input_tokens=0, reasoning_tokens=0),
        terminal_reason=reason,
        terminal_diagnostic=diagnostic,
    )
    return LlmResult(Ok=response)


def say(text: str) -> LlmResult:
    """Return a response of one text."""
    return respond(TextPart(text=text), full_text=text)


def call(call_id: str, tool: str = "weather", input_json: str = '{"city":"Oslo"}') -> ToolCallPart:
    """Return a tool call of a response."""
    return ToolCallPart(call_id=call_id, tool_name=tool, input_json=input_json)


def broken(text: str) -> LlmResult:
    """Return a model call that failed."""
    return LlmResult(
        Err=LlmCallError(message=text, retryable=False, raw=" raw ", code="503", terminal_reason="provider_error")
    )


def deliver(*texts: str) -> CheckpointDelivery:
    """Return a delivery of injected inputs, which are transient."""
    messages = tuple(PluginMessage(role="User", content=text) for text in texts)
    return CheckpointDelivery(messages=(), transient_messages=messages, turn_causes=())


def success(value: Any) -> ToolCallOutput:
    """Return the output of a tool that returned `value`."""
    return ToolCallOutput(outcome=ToolSuccess(payload=ToolValue(value)))


def complete(pending: PendingToolCall, output: ToolCallOutput) -> CompletedToolCall:
    """Return `pending` with its output."""
    return CompletedToolCall(
        call_id=pending.call_id,
        tool_name=pending.tool_name,
        args=pending.args,
        output=output,
        model_return=model_tool_return(pending.call_id, pending.tool_name, output),
        duration_ms=1,
        replay=pending.replay,
    )


@dataclass
class ScriptedHost:
    """Answers a machine from scripts; what has no script left gets the plainest answer there is."""

    replies: Sequence[LlmResult] = ()
    deliveries: Sequence[CheckpointDelivery] = ()
    surfaces: Sequence[SurfaceResult] = ()
    execs: Sequence[ExecResult] = ()
    run: Callable[[PendingToolCall], ToolCallOutput] = lambda _pending: success({"temp_c": 21})
    streamed: bool = False
    _taken: dict[str, int] = field(default_factory=dict)

    def answer(self, effect: MachineEffect) -> MachineResponse | None:
        """Return the answer that `effect` wants, None for a note."""
        match effect:
            case SyncExecutionSurface(id=effect_id):
                return ExecutionSurfaceSynced(id=effect_id, result=self._next("surfaces", NO_SURFACE))
            case LlmCall(id=effect_id):
                result = self._next("replies", say("Done."))
                return LlmComplete(id=effect_id, result=result, text_streamed=self.streamed)
            case ToolCalls(id=effect_id, calls=calls):
                return ToolResults(id=effect_id, results=tuple(complete(one, self.run(one)) for one in calls))
            case ExecCode(id=effect_id):
                return ExecCompleted(id=effect_id, result=self._next("execs", ExecResult(Ok=printed("1"))))
            case Checkpoint(id=effect_id):
                return CheckpointDelivered(id=effect_id, delivery=self._next("deliveries", NOTHING))
        return None

    def _next(self, name: str, default: Any) -> Any:
        index = self._taken.get(name, 0)
        self._taken[name] = index + 1
        script = getattr(self, name)
        return script[index] if index < len(script) else default


def printed(*texts: str) -> ExecResponse:
    """Return what a code block gave that printed these texts."""
    return ExecResponse(
        observations=texts, observation_truncation=(), tool_calls=(), images=(), printed_images=(), duration_ms=1
    )


def revived(live: TurnMachine) -> TurnMachine:
    """Return a machine restored from the JSON of a checkpoint of `live`."""
    return TurnMachine.restore(live.config, from_json(to_json(live.checkpoint()), TurnCheckpoint))


def play(live: TurnMachine, host: ScriptedHost, *, reviving: bool = False) -> list[MachineEffect]:
    """Return every effect until `Done`; with `reviving` the machine is replaced by a restored one after each step."""
    effects: list[MachineEffect] = []
    while not (effects and isinstance(effects[-1], Done)):
        effect = live.poll_effect()
        assert effect is not None, f"the turn stands still in {live.checkpoint().state}"
        assert len(effects) < LONGEST, f"the turn goes round in circles: {names(effects[-9:])}"
        effects.append(effect)
        live = revived(live) if reviving else live
        response = host.answer(effect)
        if response is not None:
            live.handle_response(response)
            live = revived(live) if reviving else live
    assert live.poll_effect() is None
    return effects


def play_in_batches(live: TurnMachine, host: ScriptedHost) -> list[MachineEffect]:
    """Return every effect until `Done`, polled as many at once as there are."""
    effects: list[MachineEffect] = []
    while batch := live.poll_effects():
        for effect in batch:
            effects.append(effect)
            response = host.answer(effect)
            if response is not None:
                live.handle_response(response)
    return effects


def names(effects: Sequence[MachineEffect]) -> list[str]:
    """Return a transcript in words: event types of emitted events, class names of all other effects."""
    return [word(effect) for effect in effects]


def word(effect: MachineEffect) -> str:
    """Return what an effect is, in one word."""
    return event_type(effect.event) if isinstance(effect, Emit) else type(effect).__name__


def event_type(event: SessionEvent) -> str:
    """Return the type of an event, as on the wire."""
    return str(event.__struct_config__.tag)


def events(effects: Sequence[MachineEffect]) -> Iterator[SessionEvent]:
    """Yield the emitted session events."""
    return (effect.event for effect in effects if isinstance(effect, Emit))


def rest(live: TurnMachine) -> list[MachineEffect]:
    """Return what can still be polled without another answer."""
    effects: list[MachineEffect] = []
    while (effect := live.poll_effect()) is not None:
        effects.append(effect)
    return effects


def end(effects: Sequence[MachineEffect]) -> Done:
    """Return the last note of a turn."""
    assert isinstance(effects[-1], Done)
    return effects[-1]


def outcome(effects: Sequence[MachineEffect]) -> TurnOutcome:
    """Return how the turn ended."""
    return next(event.outcome for event in events(effects) if isinstance(event, TurnOutcomeEvent))


def requests(effects: Sequence[MachineEffect]) -> list[list[str]]:
    """Return, for each model call, the texts and tool blocks that it sent, in short."""
    return [
        [_short(block) for sent in effect.request.messages for block in sent.blocks]
        for effect in effects
        if isinstance(effect, LlmCall)
    ]


def _short(block: Any) -> str:
    match block.tag:
        case "Text" | "Reasoning":
            return str(block.variant.text)
        case "ToolCall":
            return f"call {block.variant.call_id}"
        case "ToolResult":
            return f"result {block.variant.call_id}: {block.variant.content}"
    return f"image {block.variant.attachment_idx}"


@dataclass
class ScriptedDriver:
    """A protocol from a script: the actions of each iteration, and what follows model, tools and code."""

    iterations: Sequence[Sequence[DriverAction]] = ()
    after_llm: Sequence[DriverAction] = ()
    after_tools: Sequence[DriverAction] = ()
    after_exec: Sequence[DriverAction] = ()
    seen: list[Any] = field(default_factory=list)
    """What came back: driver states and results."""

    def prepare_protocol_iteration(self, context: DriverContext) -> Sequence[DriverAction]:
        """Return the actions of this iteration."""
        return self.iterations[context.protocol_iteration]

    def handle_llm_success(
        self, _context: DriverContext, waiting: WaitingLlm, response: LlmResponse, *, text_streamed: bool
    ) -> Sequence[DriverAction]:
        """Note what came back and go on."""
        self.seen.append((waiting.driver_state, response.full_text, text_streamed))
        return self.after_llm

    def handle_tool_results(
        self, _context: DriverContext, completed: tuple[CompletedToolCall, ...]
    ) -> Sequence[DriverAction]:
        """Note what came back and go on."""
        self.seen.append([one.call_id for one in completed])
        return self.after_tools

    def handle_exec_result(
        self, _context: DriverContext, waiting: WaitingExec, result: ExecResult
    ) -> Sequence[DriverAction]:
        """Note what came back and go on."""
        self.seen.append((waiting.code, waiting.driver_state, result.tag))
        return self.after_exec
