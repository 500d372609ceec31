"""The default projection of a tool result to what the model sees (lash 0.1.0-alpha.37, effect wire format §8.6)."""

from collections.abc import Iterator
from typing import Any, Protocol

from lash_nb.wire._base import Json
from lash_nb.wire._json import to_json
from lash_nb.wire._llm import ProviderReplayMeta
from lash_nb.wire._media import AttachmentRef
from lash_nb.wire._tool import (
    AttachmentReturnPart,
    CompletedToolCall,
    ModelToolReturn,
    ModelToolReturnPart,
    TextReturnPart,
    ToolCallOutput,
    ToolCancellation,
    ToolCancelled,
    ToolFailed,
    ToolFailure,
    ToolSuccess,
)
from lash_nb.wire._tool_value import ToolValue, is_free_json

__all__ = ["completed_call", "format_tool_output_content", "model_tool_return"]


class AnyToolCall(Protocol):
    """A tool call before or after its preparation."""

    @property
    def call_id(self) -> str:
        """Id of the call."""
        ...

    @property
    def tool_name(self) -> str:
        """The tool."""
        ...

    @property
    def args(self) -> Json:
        """The arguments."""
        ...

    @property
    def replay(self) -> ProviderReplayMeta | None:
        """Provider metadata."""
        ...


def model_tool_return(call_id: str, tool_name: str, output: ToolCallOutput) -> ModelToolReturn:
    """Return what the model sees of `output`: text around attachments, or the failure in words."""
    return ModelToolReturn(call_id=call_id, tool_name=tool_name, parts=_parts(output))


def completed_call(call: AnyToolCall, output: ToolCallOutput, *, duration_ms: int = 0) -> CompletedToolCall:
    """Return a call with its result and what the model sees of it."""
    return CompletedToolCall(
        call_id=call.call_id,
        tool_name=call.tool_name,
        args=call.args,
        output=output,
        model_return=model_tool_return(call.call_id, call.tool_name, output),
        duration_ms=duration_ms,
        replay=call.replay,
    )


def format_tool_output_content(output: ToolCallOutput) -> str:
    """Return the output as one text: a text is itself, another value compact JSON, a failure its words."""
    match output.outcome:
        case ToolSuccess(payload=payload):
            plain = payload.to_json_value()
            return plain if isinstance(plain, str) else to_json(plain).decode()
        case ToolFailed(payload=end) | ToolCancelled(payload=end):
            return _words(end)


def _parts(output: ToolCallOutput) -> tuple[ModelToolReturnPart, ...]:
    end = output.outcome.payload
    if isinstance(end, ToolValue):
        return _value_parts(end.value)
    return TextReturnPart(text=_words(end)), *map(AttachmentReturnPart.of, output.attachments())


def _value_parts(value: Any) -> tuple[ModelToolReturnPart, ...]:
    """A text stands for itself; anything else is compact JSON, interrupted by attachments."""
    if isinstance(value, str):
        return (TextReturnPart(text=value),) if value else ()
    if is_free_json(value):
        return (TextReturnPart(text=to_json(value).decode()),)
    return tuple(_merged(_json_pieces(value)))


def _words(end: ToolFailure | ToolCancellation) -> str:
    marker = "[Tool execution failed]" if isinstance(end, ToolFailure) else "[Tool execution cancelled]"
    return f"{marker}\n{end.message}" if end.message else marker


def _merged(pieces: Iterator[str | AttachmentRef]) -> Iterator[ModelToolReturnPart]:
    text = ""
    for piece in pieces:
        if isinstance(piece, str):
            text += piece
            continue
        if text:
            yield TextReturnPart(text=text)
            text = ""
        yield AttachmentReturnPart.of(piece)
    if text:
        yield TextReturnPart(text=text)


def _json_pieces(value: Any) -> Iterator[str | AttachmentRef]:
    """What holds no attachment is one piece, however large."""
    if is_free_json(value):
        yield to_json(value).decode()
    elif isinstance(value, AttachmentRef):
        yield value
    elif isinstance(value, dict):
        for index, key in enumerate(sorted(value)):
            yield f"{',' if index else '{'}{to_json(key).decode()}:"
            yield from _json_pieces(value[key])
        yield "}" if value else "{}"
    elif isinstance(value, list | tuple):
        yield "["
        for index, item in enumerate(value):
            if index:
                yield ","
            yield from _json_pieces(item)
        yield "]"
    else:
        yield to_json(value).decode()
