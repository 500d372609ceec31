"""A server of the Messages API, as Anthropic documents it."""

import json
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import SecretStr

from lash_nb.providers import AnthropicProvider, ProviderOptions
from lash_nb.wire import LlmTerminalReason, LlmUsage
from tests.providers.servers._dialect import Called, Said
from tests.providers.servers._server import Asked

__all__ = ["MessagesDialect", "messages_event"]

_STOPPED: Final[Mapping[LlmTerminalReason, str]] = {
    "stop": "end_turn",
    "tool_use": "tool_use",
    "output_limit": "max_tokens",
    "content_filter": "refusal",
}
_ERROR_TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_MESSAGE: Final = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-test", "stop_sequence": None}
_SIGNATURE: Final = ("c2ln", "bmVk")


def messages_event(value: Mapping[str, Any]) -> bytes:
    """Return an event of a stream, with its name as a field of its own."""
    return f"event: {value['type']}\ndata: {json.dumps(value)}\n\n".encode()


class MessagesDialect:
    """The Messages API."""

    kind = "anthropic"
    key_header = "x-api-key"
    path = "/v1/messages"
    counts_reasoning = False
    answers_whole = False

    def provider(
        self, url: str, *, key: str | None = None, options: ProviderOptions | None = None
    ) -> AnthropicProvider:
        return AnthropicProvider(base_url=url, api_key=None if key is None else SecretStr(key), options=options)

    def stream(self, said: Said) -> list[bytes]:
        return [messages_event(event) for event in _events(said)]

    def whole(self, said: Said) -> Mapping[str, Any]:
        return {
            **_MESSAGE,
            "content": [block for block, _, _ in _blocks(said)],
            "stop_reason": _STOPPED[said.reason],
            "usage": {**_input(said.usage), "output_tokens": said.usage.output_tokens},
        }

    def failure(self, message: str, code: str, status: int = 400) -> Mapping[str, Any]:
        kind = _ERROR_TYPES.get(status, "api_error") if status != 400 else code
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}

    def failure_event(self, message: str, *, passes: bool) -> bytes:
        kind = "overloaded_error" if passes else "invalid_request_error"
        return messages_event({"type": "error", "error": {"type": kind, "message": message}})

    def pictures(self, asked: Asked) -> list[tuple[str, bytes]]:
        blocks = [block for message in asked.json["messages"] for block in message["content"]]
        sources = [block["source"] for block in blocks if block["type"] == "image"]
        return [(source["media_type"], b64decode(source["data"])) for source in sources]

    def tool_names(self, asked: Asked) -> list[str]:
        return [tool["name"] for tool in asked.json.get("tools", ())]


def _events(said: Said) -> Iterator[dict[str, Any]]:
    begun: dict[str, Any] = {
        **_MESSAGE,
        "content": [],
        "stop_reason": None,
        "usage": {**_input(said.usage), "output_tokens": 1},
    }
    yield {"type": "message_start", "message": begun}
    yield {"type": "ping"}
    for index, (_, start, deltas) in enumerate(_blocks(said)):
        yield {"type": "content_block_start", "index": index, "content_block": start}
        yield from ({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas)
        yield {"type": "content_block_stop", "index": index}
    yield {
        "type": "message_delta",
        "delta": {"stop_reason": _STOPPED[said.reason], "stop_sequence": None},
        "usage": {"output_tokens": said.usage.output_tokens},
    }
    yield {"type": "message_stop"}


_Block = tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]
"""A block as it is when it is whole, as it starts, and what is added to it."""


def _blocks(said: Said) -> Iterator[_Block]:
    if said.thought:
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in said.thought]
        signed = [{"type": "signature_delta", "signature": piece} for piece in _SIGNATURE]
        whole = {"type": "thinking", "thinking": "".join(said.thought), "signature": "".join(_SIGNATURE)}
        yield whole, {"type": "thinking", "thinking": "", "signature": ""}, [*deltas, *signed]
    if said.text:
        pieces = [{"type": "text_delta", "text": piece} for piece in said.text]
        yield {"type": "text", "text": "".join(said.text)}, {"type": "text", "text": ""}, pieces
    yield from map(_call, said.calls)


def _call(call: Called) -> _Block:
    start = {"type": "tool_use", "id": call.id, "name": call.tool, "input": {}}
    pieces = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *call.pieces)]
    return {**start, "input": _arguments("".join(call.pieces))}, start, pieces


def _arguments(written: str) -> Any:
    """Arguments as a value: a call that was cut off has none."""
    try:
        return json.loads(written or "{}")
    except ValueError:
        return {}


def _input(usage: LlmUsage) -> dict[str, int]:
    """What was read from the cache is counted beside the rest."""
    return {
        "input_tokens": usage.input_tokens - usage.cached_input_tokens,
        "cache_read_input_tokens": usage.cached_input_tokens,
        "cache_creation_input_tokens": 0,
    }
