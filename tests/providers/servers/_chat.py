"""A Chat Completions server, as OpenAI documents it."""

import json
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import SecretStr

from lash_nb.providers import OpenAiCompatibleProvider, ProviderOptions
from lash_nb.wire import LlmTerminalReason, LlmUsage
from tests.providers.servers._dialect import Called, Said
from tests.providers.servers._server import Asked

__all__ = ["ChatDialect", "chunk", "event"]

_FINISHED: Final[Mapping[LlmTerminalReason, str]] = {
    "stop": "stop",
    "tool_use": "tool_calls",
    "output_limit": "length",
    "content_filter": "content_filter",
}
_HEAD: Final = {"id": "chatcmpl-1", "created": 1_700_000_000, "model": "gpt-test"}


def event(value: Any) -> bytes:
    """Return a value as an event of a stream."""
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def chunk(delta: Mapping[str, Any], finish_reason: str | None = None, **more: Any) -> bytes:
    """Return one chunk of an answer."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return event({**_HEAD, "object": "chat.completion.chunk", "choices": [choice], **more})


class ChatDialect:
    """Chat Completions."""

    kind = "openai-compatible"
    key_header = "authorization"
    path = "/v1/chat/completions"
    counts_reasoning = True
    answers_whole = True

    def provider(
        self, url: str, *, key: str | None = None, options: ProviderOptions | None = None
    ) -> OpenAiCompatibleProvider:
        return OpenAiCompatibleProvider(
            base_url=f"{url}/v1", api_key=None if key is None else SecretStr(key), options=options
        )

    def stream(self, said: Said) -> list[bytes]:
        return [*self._chunks(said), b"data: [DONE]\n\n"]

    def _chunks(self, said: Said) -> Iterator[bytes]:
        yield chunk({"role": "assistant", "content": ""})
        yield from (chunk({"reasoning_content": piece}) for piece in said.thought)
        yield from (chunk({"content": piece}) for piece in said.text)
        for index, call in enumerate(said.calls):
            yield from _call_chunks(index, call)
        yield chunk({}, _FINISHED[said.reason])
        yield event({**_HEAD, "object": "chat.completion.chunk", "choices": [], "usage": _usage(said.usage)})

    def whole(self, said: Said) -> Mapping[str, Any]:
        calls = [
            {"id": call.id, "type": "function", "function": {"name": call.tool, "arguments": "".join(call.pieces)}}
            for call in said.calls
        ]
        message = {
            "role": "assistant",
            "content": "".join(said.text) or None,
            **({"reasoning_content": "".join(said.thought)} if said.thought else {}),
            **({"tool_calls": calls} if calls else {}),
        }
        choice = {"index": 0, "message": message, "finish_reason": _FINISHED[said.reason]}
        return {**_HEAD, "object": "chat.completion", "choices": [choice], "usage": _usage(said.usage)}

    def failure(self, message: str, code: str, status: int = 400) -> Mapping[str, Any]:  # noqa: ARG002 - other protocols need it
        return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}

    def failure_event(self, message: str, *, passes: bool) -> bytes:
        return event({"error": {"message": message, "code": 502 if passes else "invalid_prompt"}})

    def pictures(self, asked: Asked) -> list[tuple[str, bytes]]:
        parts = [part for one in asked.json["messages"] if isinstance(one["content"], list) for part in one["content"]]
        urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
        split = (url.removeprefix("data:").split(";base64,") for url in urls)
        return [(kind, b64decode(data)) for kind, data in split]

    def tool_names(self, asked: Asked) -> list[str]:
        return [tool["function"]["name"] for tool in asked.json.get("tools", ())]


def _call_chunks(index: int, call: Called) -> Iterator[bytes]:
    head = {"index": index, "id": call.id, "type": "function", "function": {"name": call.tool, "arguments": ""}}
    yield chunk({"tool_calls": [head]})
    for piece in call.pieces:
        yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})


def _usage(usage: LlmUsage) -> Mapping[str, Any]:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_input_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }
