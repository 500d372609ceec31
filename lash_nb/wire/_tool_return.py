"""The default projection of a tool result to what the model sees (lash 0.1.0-alpha.37, effect wire format §8.6)."""

from collections.abc import Iterator
from typing import Any

from lash_nb.wire._json import to_json
from lash_nb.wire._media import AttachmentRef
from lash_nb.wire._tool import (
    AttachmentReturnPart,
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

__all__ = ["model_tool_return"]


def model_tool_return(call_id: str, tool_name: str, output: ToolCallOutput) -> ModelToolReturn:
    """Return what the model sees of `output`: text around attachments, or the failure in words."""
    return ModelToolReturn(call_id=call_id, tool_name=tool_name, parts=tuple(_parts(output)))


def _parts(output: ToolCallOutput) -> Iterator[ModelToolReturnPart]:
    match output.outcome:
        case ToolSuccess(payload=payload):
            yield from _merged(_value_pieces(payload.value))
        case ToolFailed(payload=failure):
            yield from _unhappy("[Tool execution failed]", failure)
        case ToolCancelled(payload=cancellation):
            yield from _unhappy("[Tool execution cancelled]", cancellation)


def _unhappy(marker: str, end: ToolFailure | ToolCancellation) -> Iterator[ModelToolReturnPart]:
    yield TextReturnPart(text=f"{marker}\n{end.message}" if end.message else marker)
    if end.raw is not None:
        yield from map(AttachmentReturnPart.of, end.raw.attachments())


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


def _value_pieces(value: Any) -> Iterator[str | AttachmentRef]:
    """A string stands for itself; anything else is compact JSON, interrupted by attachments."""
    if isinstance(value, str):
        yield value
    else:
        yield from _json_pieces(value)


def _json_pieces(value: Any) -> Iterator[str | AttachmentRef]:
    if isinstance(value, AttachmentRef):
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
