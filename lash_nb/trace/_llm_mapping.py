"""Model requests and responses as traces tell them: hashes for bytes, flags for what only a provider can read (turns §16.2)."""

from collections.abc import Callable, Mapping
from typing import Any

from lash_nb.errors import WireError
from lash_nb.wire import (
    ImageBlock,
    Json,
    LlmAttachment,
    LlmCallError,
    LlmContentBlock,
    LlmMessage,
    LlmOutputPart,
    LlmOutputSpec,
    LlmRequest,
    LlmResponse,
    ReasoningBlock,
    ReasoningPart,
    SharedMap,
    TextBlock,
    TextPart,
    ToolCallBlock,
    ToolCallPart,
    ToolResultBlock,
    TraceAttachment,
    TraceContentBlock,
    TraceImageBlock,
    TraceLlmError,
    TraceLlmMessage,
    TraceLlmRequest,
    TraceLlmResponse,
    TraceReasoningBlock,
    TraceTextBlock,
    TraceToolCallBlock,
    TraceToolResultBlock,
    TraceToolSpec,
    content_id,
    from_json,
    to_builtins,
)

__all__ = ["LlmTraceMapper", "parsed_or_text"]


class LlmTraceMapper:
    """Maps what a model call sends and gets; what a session sends again and again is mapped once."""

    def __init__(self) -> None:
        self._conversation = SharedMap(_message)
        self._tools: tuple[Any, tuple[TraceToolSpec, ...]] = ((), ())

    def request(self, request: LlmRequest) -> TraceLlmRequest:
        """Return a live request as it is traced."""
        return TraceLlmRequest(
            model=request.model,
            model_variant=request.model_variant,
            messages=self._conversation(request.messages),
            attachments=tuple(
                TraceAttachment(mime=item.mime, bytes_sha256=_hash(item), bytes_len=_length(item))
                for item in request.attachments
            ),
            tools=self._tool_specs(request),
            tool_choice=request.tool_choice.lower(),
            output_spec=_output_spec(request.output_spec),
            stream=False,  # the record is made before a stream is attached
        )

    def response(self, response: LlmResponse, duration_ms: int) -> TraceLlmResponse:
        """Return a response as it is traced."""
        return TraceLlmResponse(
            text=response.full_text,
            duration_ms=duration_ms,
            terminal_reason=response.terminal_reason,
            parts=[_part(part) for part in response.parts] or None,
        )

    def error(self, error: LlmCallError) -> TraceLlmError:
        """Return a failure as it is traced."""
        return TraceLlmError(
            message=error.message,
            retryable=error.retryable,
            terminal_reason=error.terminal_reason,
            code=error.code,
            raw=error.raw,
        )

    def _tool_specs(self, request: LlmRequest) -> tuple[TraceToolSpec, ...]:
        if self._tools[0] is not request.tools:
            specs = tuple(
                TraceToolSpec(
                    name=spec.name,
                    description=spec.description,
                    input_schema=spec.input_schema,
                    output_schema=spec.output_schema,
                )
                for spec in request.tools
            )
            self._tools = (request.tools, specs)
        return self._tools[1]


def parsed_or_text(input_json: str) -> Json:
    """Return arguments as the value that they are the JSON of, or as they are when they are not JSON."""
    try:
        return from_json(input_json)
    except WireError:
        return input_json


def _message(message: LlmMessage) -> TraceLlmMessage:
    return TraceLlmMessage(role=message.role.lower(), blocks=tuple(map(_block, message.blocks)))


def _output_spec(spec: LlmOutputSpec | None) -> Json:
    """Traces tag the form of the answer by `type`, requests by its variant."""
    if spec is None:
        return None
    if isinstance(spec, str):
        return {"type": "json_object"}
    return {"type": "json_schema", **to_builtins(spec.variant)}


def _length(attachment: LlmAttachment) -> int:
    """How many bytes it has, also where they are not at hand."""
    return len(attachment.data) if attachment.reference is None else attachment.reference.byte_len


def _hash(attachment: Any) -> str:
    return str(attachment.reference.id) if attachment.reference else content_id(attachment.data)


def _tool_call_block(block: ToolCallBlock) -> TraceToolCallBlock:
    return TraceToolCallBlock(
        call_id=block.call_id,
        tool_name=block.tool_name,
        input_json=parsed_or_text(block.input_json),
        item_id=block.replay.item_id if block.replay else None,
        has_signature=bool(block.replay and block.replay.opaque),
    )


def _tool_result_block(block: ToolResultBlock) -> TraceToolResultBlock:
    return TraceToolResultBlock(call_id=block.call_id, tool_name=block.tool_name, content=block.content)


def _reasoning_block(block: ReasoningBlock) -> TraceReasoningBlock:
    replay = block.replay
    return TraceReasoningBlock(
        text=block.text,
        item_id=replay.item_id if replay else None,
        summary=replay.summary if replay else (),
        has_encrypted=bool(replay and (replay.encrypted_content or replay.signature)),
        redacted=bool(replay and replay.redacted),
    )


def _reasoning_part(part: ReasoningPart) -> Json:
    replay = part.replay
    return {
        "type": "reasoning",
        "id": replay.item_id if replay else None,
        "summary": list(replay.summary) if replay else None,
        "text": part.text,
        "has_encrypted": bool(replay and (replay.encrypted_content or replay.signature)),
        "redacted": bool(replay and replay.redacted),
    }


def _tool_call_part(part: ToolCallPart) -> Json:
    return {
        "type": "tool_call",
        "call_id": part.call_id,
        "tool_name": part.tool_name,
        "input_json": part.input_json,
        "id": part.replay.item_id if part.replay else None,
        "has_opaque": bool(part.replay and part.replay.opaque),
    }


_BLOCKS: Mapping[type, Callable[[Any], TraceContentBlock]] = {
    TextBlock: lambda block: TraceTextBlock(text=block.text, cache_breakpoint=block.cache_breakpoint),
    ImageBlock: lambda block: TraceImageBlock(attachment_idx=block.attachment_idx),
    ToolCallBlock: _tool_call_block,
    ToolResultBlock: _tool_result_block,
    ReasoningBlock: _reasoning_block,
}
_PARTS: Mapping[type, Callable[[Any], Json]] = {
    TextPart: lambda part: {"type": "text", "text": part.text},
    ReasoningPart: _reasoning_part,
    ToolCallPart: _tool_call_part,
}


def _block(block: LlmContentBlock) -> TraceContentBlock:
    variant = block.variant
    return _BLOCKS[type(variant)](variant)


def _part(part: LlmOutputPart) -> Json:
    variant = part.variant
    return _PARTS[type(variant)](variant)
