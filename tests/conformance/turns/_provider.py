"""The provider of a scenario: answers come from one script, shared by all sessions."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias

from lash_nb.errors import LlmTransportError
from lash_nb.providers import (
    DeltaEvent,
    LlmStreamEvent,
    PartEvent,
    ProviderOptions,
    ReasoningDeltaStream,
    RetryStatusStream,
    StreamSink,
    UsageEvent,
)
from lash_nb.wire import LlmOutputPart, LlmRequest, LlmResponse, LlmUsage, from_builtins, to_json
from tests.conformance.turns._gates import Gates
from tests.conformance.turns._recorder import Recorder

__all__ = ["ENTRY_KEYS", "PROVIDER_KEYS", "STREAM_EVENTS", "ScriptProvider", "scripted_response"]

Entry: TypeAlias = dict[str, Any]

PROVIDER_KEYS: Final = frozenset({"kind", "streaming", "options", "script", "variants"})


class ScriptProvider:
    """Answers each call with the first entry whose conditions hold, and removes it."""

    def __init__(self, given: dict[str, Any], gates: Gates, recorder: Recorder) -> None:
        self.kind: str = given.get("kind", "scripted")
        self.options = provider_options(given.get("options", {}))
        self.requires_streaming: bool = given.get("streaming", False)
        self.gates = gates
        self._variants = frozenset(given.get("variants", ()))
        self._script: list[Entry] = list(given.get("script", ()))
        self._recorder = recorder

    def supports_variant(self, model: str, variant: str) -> bool:  # noqa: ARG002 - the script's variants hold for every model
        """Know the variants of the scenario."""
        return variant in self._variants

    async def complete(self, request: LlmRequest, stream: StreamSink | None = None) -> LlmResponse:
        """Record the call and act the next entry."""
        of = self._recorder.push("llm_request", request=request, streaming=stream is not None)
        entry = self._take(request)
        if entry is None:
            self._recorder.push("llm_script_exhausted", of=of)
            raise LlmTransportError("script exhausted")
        for key, act in ACTIONS.items():
            if key in entry and (response := await act(self, entry, stream)) is not None:
                return response
        message = f"the entry {entry} gives no answer"
        raise AssertionError(message)

    def _take(self, request: LlmRequest) -> Entry | None:
        fitting = (i for i, entry in enumerate(self._script) if all(c(entry, request) for c in CONDITIONS))
        index = next(fitting, None)
        return None if index is None else self._script.pop(index)


def provider_options(given: dict[str, Any]) -> ProviderOptions:
    """Read options; unknown keys inside `reliability` are ignored."""
    known = ProviderOptions().reliability.model_dump().keys()
    reliability = {key: value for key, value in given.get("reliability", {}).items() if key in known}
    return ProviderOptions.model_validate({**given, "reliability": reliability})


CONDITIONS: Final[tuple[Callable[[Entry, LlmRequest], bool], ...]] = (
    lambda entry, request: "session" not in entry or entry["session"] == request.session_id,
    lambda entry, request: "not_session" not in entry or entry["not_session"] != (request.session_id or ""),
    lambda entry, request: entry.get("when_contains", "") in to_json(request.messages).decode(),
)


async def _gate(provider: ScriptProvider, entry: Entry, _stream: StreamSink | None) -> None:
    await provider.gates.passing(entry["gate"])


async def _sleep(_provider: ScriptProvider, entry: Entry, _stream: StreamSink | None) -> None:
    await asyncio.sleep(entry["sleep_ms"] / 1000)


async def _stream(_provider: ScriptProvider, entry: Entry, stream: StreamSink | None) -> None:
    if stream is None:
        return
    for event in entry["stream"]:
        ((key, value),) = event.items()
        stream(STREAM_EVENTS[key](value))
        await asyncio.sleep(0)


async def _hang(provider: ScriptProvider, entry: Entry, _stream: StreamSink | None) -> None:
    if "hang_gate" in entry:
        provider.gates.enter(entry["hang_gate"])
    await asyncio.Event().wait()


async def _error(_provider: ScriptProvider, entry: Entry, _stream: StreamSink | None) -> None:
    error = dict(entry["error"])
    raise LlmTransportError(error.pop("message"), **error)


async def _text(_provider: ScriptProvider, entry: Entry, _stream: StreamSink | None) -> LlmResponse:
    return _answer(
        entry, entry["text"], [_text_part(entry["text"])], "stop", {"input_tokens": 100, "output_tokens": 10}
    )


async def _calls(_provider: ScriptProvider, entry: Entry, _stream: StreamSink | None) -> LlmResponse:
    said = [_text_part(entry["say"])] if "say" in entry else []
    parts = said + [_call_part(call) for call in entry["calls"]]
    return _answer(entry, entry.get("say", ""), parts, "tool_use", {"input_tokens": 120, "output_tokens": 20})


async def _response(_provider: ScriptProvider, entry: Entry, _stream: StreamSink | None) -> LlmResponse:
    return scripted_response(entry["response"])


def scripted_response(given: dict[str, Any]) -> LlmResponse:
    """Read a response; what it does not say is blank."""
    blank = {"full_text": "", "parts": [], "terminal_reason": "unknown"}
    return from_builtins({**blank, **given, "usage": _counters(given.get("usage", {}))}, LlmResponse)


def _answer(entry: Entry, text: str, parts: list[Any], reason: str, usage: dict[str, int]) -> LlmResponse:
    counted = _counters(entry.get("usage", usage))
    return from_builtins({"full_text": text, "parts": parts, "terminal_reason": reason, "usage": counted}, LlmResponse)


def _text_part(text: str) -> dict[str, Any]:
    return {"Text": {"text": text}}


def _call_part(call: dict[str, Any]) -> dict[str, Any]:
    arguments = call["raw"] if "raw" in call else to_json(call["args"]).decode()
    return {"ToolCall": {"call_id": call["id"], "tool_name": call["tool"], "input_json": arguments}}


def _counters(given: dict[str, int]) -> dict[str, int]:
    return {name: given.get(name, 0) for name in LlmUsage.__struct_fields__}


STREAM_EVENTS: Final[Mapping[str, Callable[[Any], LlmStreamEvent]]] = {
    "delta": DeltaEvent,
    "reasoning_delta": ReasoningDeltaStream,
    "part": lambda given: PartEvent(from_builtins(given, LlmOutputPart)),
    "usage": lambda given: UsageEvent(from_builtins(_counters(given), LlmUsage)),
    "retry_status": lambda given: RetryStatusStream(**given),
}
"""What a script may stream."""

Action: TypeAlias = Callable[[ScriptProvider, Entry, StreamSink | None], Awaitable[LlmResponse | None]]
ACTIONS: Final[Mapping[str, Action]] = {
    "gate": _gate,
    "sleep_ms": _sleep,
    "stream": _stream,
    "hang": _hang,
    "error": _error,
    "text": _text,
    "calls": _calls,
    "response": _response,
}
"""What an entry does, in the order in which its keys act; the first answer ends it."""
ENTRY_KEYS: Final = ACTIONS.keys() | {"hang_gate", "say", "usage", "session", "not_session", "when_contains"}
