"""A server of the Responses API, as OpenAI documents it."""

import json
from base64 import b64decode
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any, Final

from pydantic import SecretStr

from lash_nb.providers import OpenAiProvider, ProviderOptions
from lash_nb.wire import LlmTerminalReason, LlmUsage
from tests.providers.servers._dialect import Called, Said
from tests.providers.servers._server import Asked

__all__ = ["ResponsesDialect", "responses_event"]

_INCOMPLETE: Final[Mapping[LlmTerminalReason, str]] = {
    "output_limit": "max_output_tokens",
    "content_filter": "content_filter",
}
_RESPONSE: Final = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1_700_000_000,
    "model": "gpt-test",
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
}


def responses_event(value: Mapping[str, Any]) -> bytes:
    """Return an event of a stream, with its name as a field of its own."""
    return f"event: {value['type']}\ndata: {json.dumps(value)}\n\n".encode()


class ResponsesDialect:
    """The Responses API."""

    kind = "openai"
    key_header = "authorization"
    path = "/v1/responses"
    counts_reasoning = True
    answers_whole = True

    def provider(self, url: str, *, key: str | None = None, options: ProviderOptions | None = None) -> OpenAiProvider:
        return OpenAiProvider(base_url=f"{url}/v1", api_key=None if key is None else SecretStr(key), options=options)

    def stream(self, said: Said) -> list[bytes]:
        numbers = count()
        return [responses_event({**event, "sequence_number": next(numbers)}) for event in self._events(said)]

    def whole(self, said: Said) -> Mapping[str, Any]:
        why = _INCOMPLETE.get(said.reason)
        return {
            **_RESPONSE,
            "status": "incomplete" if why else "completed",
            "incomplete_details": {"reason": why} if why else None,
            "output": [item for item, _ in _items(said)],
            "usage": _usage(said.usage),
        }

    def failure(self, message: str, code: str, status: int = 400) -> Mapping[str, Any]:  # noqa: ARG002 - other protocols need it
        return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}

    def failure_event(self, message: str, *, passes: bool) -> bytes:
        code = "server_error" if passes else "invalid_prompt"
        failed = {**_RESPONSE, "status": "failed", "error": {"code": code, "message": message}, "output": []}
        return responses_event({"type": "response.failed", "response": failed, "sequence_number": 9})

    def pictures(self, asked: Asked) -> list[tuple[str, bytes]]:
        parts = [part for item in asked.json["input"] for part in item.get("content", ())]
        urls = [part["image_url"] for part in parts if part["type"] == "input_image"]
        split = (url.removeprefix("data:").split(";base64,") for url in urls)
        return [(kind, b64decode(data)) for kind, data in split]

    def tool_names(self, asked: Asked) -> list[str]:
        return [tool["name"] for tool in asked.json["tools"]]

    def _events(self, said: Said) -> Iterator[dict[str, Any]]:
        begun = {**_RESPONSE, "status": "in_progress", "output": [], "usage": None}
        yield {"type": "response.created", "response": begun}
        yield {"type": "response.in_progress", "response": begun}
        for place, (item, events) in enumerate(_items(said)):
            for event in events:
                yield {**event, "output_index": place}
            yield {"type": "response.output_item.done", "output_index": place, "item": item}
        whole = self.whole(said)
        yield {"type": f"response.{whole['status']}", "response": whole}


def _items(said: Said) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Each item of an answer as it is when it is done, and the events that lead to it."""
    if said.thought:
        yield _reasoning(said.thought)
    if said.text:
        yield _message(said.text)
    yield from (_call(number, call) for number, call in enumerate(said.calls))


def _reasoning(pieces: tuple[str, ...]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    part = {"type": "summary_text", "text": "".join(pieces)}
    item = {"id": "rs_1", "type": "reasoning", "summary": [part], "encrypted_content": "for OpenAI's eyes only"}
    where = {"item_id": "rs_1", "summary_index": 0}
    kind = "response.reasoning_summary"
    return item, [
        _added({**item, "summary": [], "encrypted_content": None}),
        {"type": f"{kind}_part.added", **where, "part": {**part, "text": ""}},
        *({"type": f"{kind}_text.delta", **where, "delta": piece} for piece in pieces),
        {"type": f"{kind}_text.done", **where, "text": part["text"]},
        {"type": f"{kind}_part.done", **where, "part": part},
    ]


def _message(pieces: tuple[str, ...]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    part: dict[str, Any] = {"type": "output_text", "text": "".join(pieces), "annotations": [], "logprobs": []}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    where = {"item_id": "msg_1", "content_index": 0}
    return item, [
        _added({**item, "status": "in_progress", "content": []}),
        {"type": "response.content_part.added", **where, "part": {**part, "text": ""}},
        *({"type": "response.output_text.delta", **where, "delta": piece, "logprobs": []} for piece in pieces),
        {"type": "response.output_text.done", **where, "text": part["text"], "logprobs": []},
        {"type": "response.content_part.done", **where, "part": part},
    ]


def _call(number: int, call: Called) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    item = {
        "id": f"fc_{number}",
        "type": "function_call",
        "status": "completed",
        "call_id": call.id,
        "name": call.tool,
        "arguments": "".join(call.pieces),
    }
    kind, where = "response.function_call_arguments", {"item_id": item["id"]}
    return item, [
        _added({**item, "status": "in_progress", "arguments": ""}),
        *({"type": f"{kind}.delta", **where, "delta": piece} for piece in call.pieces),
        {"type": f"{kind}.done", **where, "name": call.tool, "arguments": item["arguments"]},
    ]


def _added(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.output_item.added", "item": item}


def _usage(usage: LlmUsage) -> Mapping[str, Any]:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_input_tokens},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
