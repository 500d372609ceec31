"""The standard protocol: ask the model, run its tool calls, until it answers in prose (lash 0.1.0-alpha.37, turns §9)."""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct, field

from lash_nb.machine._driver import (
    AdvanceProtocolIteration,
    AppendEvents,
    DriverAction,
    DriverContext,
    Finish,
    StartCheckpoint,
    StartLlm,
    StartTools,
)
from lash_nb.machine._effects import Emit, PendingToolCall
from lash_nb.machine._errors import error_event
from lash_nb.machine._response import append_assistant_text_part, normalized_response_parts
from lash_nb.machine._state import FinishOnEmpty, WaitingExec, WaitingLlm
from lash_nb.machine._turn_limit import turn_limit_reached
from lash_nb.wire import (
    AgentFrameSwitch,
    CompletedToolCall,
    ExecResult,
    FailControl,
    FinishControl,
    Json,
    LlmResponse,
    LlmResponseEvent,
    Message,
    MessageRole,
    ModelToolReturnPart,
    Part,
    PartAttachment,
    PartKind,
    ReasoningPart,
    SessionEventRecord,
    SwitchAgentFrameControl,
    TextDeltaEvent,
    TextPart,
    TextReturnPart,
    ToolCallPart,
    ToolErrorStop,
    ToolValueFinish,
    TurnFinish,
    TurnOutcome,
    TurnStopDetail,
    from_json_rows,
    reassign_part_ids,
    to_builtins,
)

__all__ = ["STANDARD_EXECUTION_SECTION", "StandardDriver"]

_PICTURE: Final = "[Image attached]"
_NO_OUTPUT: Final = "[No output]"
_JSON_SPACE: Final = " \t\n\r"
_NOTHING_RETURNED: Final = (TextReturnPart(text=_NO_OUTPUT),)

STANDARD_EXECUTION_SECTION: Final = """\
Use tools by calling them directly.

- Two or more calls that do not need each other's results belong in one `batch` call, up to 25 at a time.
- A call that needs the result of another one waits for it: make it in a later step.
- What needs no tool, such as conversation, is answered in plain prose.

Arguments of a `batch` call:

```json
{"tool_calls": [{"tool": "read_file", "parameters": {"path": "a.txt"}}, {"tool": "read_file", "parameters": {"path": "b.txt"}}]}
```"""
"""What the prompt says about execution under this protocol."""


class StandardDriver:
    """Drives a turn by the model's native tool calls."""

    def prepare_protocol_iteration(self, context: DriverContext) -> Sequence[DriverAction]:
        """Call the model with all tools."""
        return (StartLlm(request=context.project_llm_request(use_tools=True)),)

    def handle_llm_success(
        self, context: DriverContext, _waiting: WaitingLlm, response: LlmResponse, *, text_streamed: bool
    ) -> Sequence[DriverAction]:
        """Run the tool calls of the response, or end the turn with its text unless more work comes in."""
        said = _Said.of(response)
        shown = () if text_streamed else tuple(Emit(event=TextDeltaEvent(content=part.text)) for part in said.prose)
        told = LlmResponseEvent(protocol_iteration=context.protocol_iteration, content=said.text, duration_ms=0)
        step = _run_tools if said.calls else _answer
        return (*shown, Emit(event=told), *step(context, said))

    def handle_tool_results(
        self, context: DriverContext, completed: tuple[CompletedToolCall, ...]
    ) -> Sequence[DriverAction]:
        """Give the results to the model, unless one of them or the turn limit ends the turn."""
        results = _append(_message(context, "User", [part for call in completed for part in _result_parts(call)]))
        outcome = next(filter(None, map(_outcome_of_control, completed)), None)
        if outcome is not None:
            return (results, Finish(outcome=outcome))
        limit = turn_limit_reached(
            context.config.max_turns, iteration=context.protocol_iteration + 1, offset=context.protocol_run_offset
        )
        if limit is None:
            after_work = StartCheckpoint(checkpoint="after_work", on_empty="PrepareIteration")
            return (results, AdvanceProtocolIteration(), after_work)
        notice = context.config.turn_limit_final_message(context.config.new_message_id(), limit)
        return (results, AdvanceProtocolIteration(), _append(notice), Finish(outcome=TurnOutcome.stop("max_turns")))

    def handle_exec_result(
        self, _context: DriverContext, _waiting: WaitingExec, _result: ExecResult
    ) -> Sequence[DriverAction]:
        """Stop: this protocol starts no code, so a result of some is a fault of whoever restored the turn."""
        return (Finish(outcome=TurnOutcome.stop("runtime_error")),)


class _Said(Struct):
    """A response, sorted."""

    text: str = ""
    prose: list[TextPart] = field(default_factory=list)
    reasoning: list[tuple[int, ReasoningPart]] = field(default_factory=list)
    """Each with the number of tool calls before it."""
    calls: list[ToolCallPart] = field(default_factory=list)

    @classmethod
    def of(cls, response: LlmResponse) -> "_Said":
        said = cls()
        for part in normalized_response_parts(response):
            if part.Text is not None:
                said._take_text(part.Text)
            elif part.ToolCall is not None:
                said.calls.append(part.ToolCall)
            elif part.Reasoning is not None:
                said._take_reasoning(part.Reasoning)
        return said

    def _take_text(self, part: TextPart) -> None:
        if part.text:
            said = len(self.text)
            self.text = append_assistant_text_part(self.text, part.text)
            self.prose.append(TextPart(text=self.text[said:], response_meta=part.response_meta))

    def _take_reasoning(self, part: ReasoningPart) -> None:
        text = part.text.strip()
        if text or (part.replay is not None and not part.replay.is_empty):
            self.reasoning.append((len(self.calls), ReasoningPart(text=text, replay=part.replay)))

    def parts(self) -> list[Part]:
        """Prose, then each call behind the reasoning that led to it; ids are given later."""
        parts = [_part("Prose", text.text, response_meta=text.response_meta) for text in self.prose]
        for index, call in enumerate(self.calls):
            parts += self._reasoning_before(index)
            parts.append(
                _part(
                    "ToolCall",
                    call.input_json,
                    tool_call_id=call.call_id,
                    tool_name=call.tool_name,
                    tool_replay=call.replay,
                )
            )
        return parts + self._reasoning_before(len(self.calls))

    def _reasoning_before(self, index: int) -> list[Part]:
        return [
            _part("Reasoning", thought.text, reasoning_meta=thought.replay)
            for position, thought in self.reasoning
            if position == index
        ]


def _answer(context: DriverContext, said: _Said) -> tuple[DriverAction, ...]:
    """The text becomes a message only with the final commit: work that comes in now takes its place."""
    if said.text.strip() or said.reasoning:
        return (_complete(said.text),)
    if _model_has_just_got_results(context.messages):
        return (_complete(""),)
    event = error_event("llm_provider", "Model returned no assistant text or tool calls.", code="empty_response")
    return (Emit(event=event), Finish(outcome=TurnOutcome.stop("provider_error")))


def _run_tools(context: DriverContext, said: _Said) -> tuple[DriverAction, ...]:
    args = _arguments([call.input_json for call in said.calls])
    calls = tuple(
        PendingToolCall(call_id=call.call_id, tool_name=call.tool_name, args=given, replay=call.replay)
        for call, given in zip(said.calls, args, strict=True)
    )
    return (_append(_message(context, "Assistant", said.parts())), StartTools(calls=calls))


def _complete(text: str) -> StartCheckpoint:
    return StartCheckpoint(checkpoint="before_completion", on_empty=FinishOnEmpty(Finish=TurnOutcome.answered(text)))


def _model_has_just_got_results(messages: Sequence[Message]) -> bool:
    """An empty answer to tool results means that there is nothing to add; anywhere else it is a fault."""
    return (
        bool(messages) and messages[-1].role == "User" and any(part.kind == "ToolResult" for part in messages[-1].parts)
    )


def _arguments(written: Sequence[str]) -> Sequence[Json]:
    """Text that is no JSON counts as an empty object; the check of the arguments then tells the model what is missing."""
    read = from_json_rows([text.encode(errors="surrogatepass") for text in written], Any)
    return [
        {} if args is None and text.strip(_JSON_SPACE) != "null" else args
        for args, text in zip(read, written, strict=True)
    ]


def _result_parts(call: CompletedToolCall) -> list[Part]:
    """A call gets exactly one ToolResult part: without one, or with two, no turn could go on from here."""
    names = {"tool_call_id": call.call_id, "tool_name": call.tool_name}
    return [
        _part("ToolResult", part.text, **names)
        if isinstance(part, TextReturnPart)
        else _part("Image", "", attachment=PartAttachment(reference=part.ref), **names)
        for part in _with_one_text(call.model_return.parts)
    ]


def _with_one_text(parts: Sequence[ModelToolReturnPart]) -> Sequence[ModelToolReturnPart]:
    """Return the parts with one text: several are joined, a mark in the place of each picture; none becomes a mark."""
    if not parts:
        return _NOTHING_RETURNED
    said = [part for part in parts if not isinstance(part, TextReturnPart) or part.text]
    pictures = [part for part in said if not isinstance(part, TextReturnPart)]
    if len(said) - len(pictures) == 1:
        return said
    text = "".join(part.text if isinstance(part, TextReturnPart) else _PICTURE for part in said) or _NO_OUTPUT
    return [TextReturnPart(text=text), *pictures]


def _outcome_of_control(call: CompletedToolCall) -> TurnOutcome | None:
    """Return how a successful call ends the turn, if it asks for that."""
    control = call.output.control
    if control is None or call.output.status != "success":
        return None
    match control:
        case SwitchAgentFrameControl(frame_id=frame_id) if frame_id.strip():
            return TurnOutcome(agent_frame_switch=AgentFrameSwitch(frame_id=frame_id))
        case FinishControl(value=value):
            end = ToolValueFinish(tool_name=call.tool_name, value=value.to_json_value())
            return TurnOutcome(finished=TurnFinish(tool_value=end))
        case FailControl(failure=failure):
            stop = ToolErrorStop(tool_name=call.tool_name, value=to_builtins(failure))
            return TurnOutcome(stopped=TurnStopDetail(tool_error=stop))
    return None


def _part(kind: PartKind, content: str, **fields: Json) -> Part:
    return Part(id="", kind=kind, content=content, prune_state="Intact", **fields)


def _message(context: DriverContext, role: MessageRole, parts: list[Part]) -> Message:
    message_id = context.config.new_message_id()
    return Message(id=message_id, role=role, parts=reassign_part_ids(message_id, parts))


def _append(message: Message) -> AppendEvents:
    return AppendEvents(records=(SessionEventRecord(Conversation=message),))
