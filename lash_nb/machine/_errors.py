"""Error events and how model calls end badly (lash 0.1.0-alpha.37, turns §1.3, §2.6)."""

from typing import Final

import msgspec

from lash_nb.wire import ErrorEnvelope, ErrorEvent, LlmCallError, LlmResponse, LlmTerminalReason, StopReason

__all__ = ["error_event", "llm_call_failed", "llm_ended_badly", "refined", "stop_of"]

_RAW_LIMIT: Final = 4000
_STOPS: Final[dict[LlmTerminalReason, StopReason]] = {
    "output_limit": "incomplete",
    "context_overflow": "provider_error",
    "content_filter": "provider_error",
    "provider_error": "provider_error",
    "cancelled": "cancelled",
}
_SENTENCES: Final[dict[LlmTerminalReason, str]] = {
    "output_limit": "The model stopped at its output limit (terminal reason OutputLimit).",
    "context_overflow": "The prompt filled the context window (terminal reason ContextOverflow).",
    "content_filter": "The provider's content filter stopped the model (terminal reason ContentFilter).",
    "provider_error": "The provider reported an error (terminal reason ProviderError).",
    "cancelled": "The model call was cancelled (terminal reason Cancelled).",
}


def error_event(
    kind: str,
    message: str,
    *,
    code: str | None = None,
    terminal_reason: LlmTerminalReason | None = None,
    raw: str | None = None,
) -> ErrorEvent:
    """Return an error event; `raw` is trimmed and a long one cut in the middle."""
    envelope = ErrorEnvelope(
        kind=kind,
        code=code,
        terminal_reason=terminal_reason,
        user_message=message,
        raw=_clipped((raw or "").strip()) or None,
    )
    return ErrorEvent(message=message, envelope=envelope)


def llm_call_failed(error: LlmCallError) -> ErrorEvent:
    """Return the event of a model call that gave no response."""
    return error_event(
        "llm_provider",
        f"LLM error: {error.message}",
        code=error.code,
        terminal_reason=error.terminal_reason,
        raw=error.raw,
    )


def stop_of(reason: LlmTerminalReason) -> StopReason | None:
    """Return why a turn stops whose model call ended for `reason`, or None when it ended well."""
    return _STOPS.get(reason)


def llm_ended_badly(response: LlmResponse) -> ErrorEvent:
    """Return the event of a response that stops the turn: the provider's own diagnostic, or a sentence naming the reason."""
    reason = response.terminal_reason
    message = response.terminal_diagnostic or _SENTENCES[reason]
    return error_event("llm_provider", message, code=reason, terminal_reason=reason)


def refined(response: LlmResponse, *, window: int | None) -> LlmResponse:
    """Return the response with `context_overflow` for an output limit that is really a full context window.

    Providers report the two alike; a response without a single token whose prompt takes 95 % of the window is the latter.
    """
    usage = response.usage
    if response.terminal_reason != "output_limit" or usage.output_tokens or not window:
        return response
    prompt = usage.input_tokens + usage.cached_input_tokens
    if prompt < window * 95 // 100:
        return response
    diagnostic = (
        f"The prompt took {prompt} of the {window} tokens of the context window and left no room for an answer."
    )
    return msgspec.structs.replace(response, terminal_reason="context_overflow", terminal_diagnostic=diagnostic)


def _clipped(text: str) -> str:
    if len(text) <= _RAW_LIMIT:
        return text
    half = _RAW_LIMIT // 2
    return f"{text[:half]}\n\n... ({len(text) - _RAW_LIMIT} chars omitted) ...\n\n{text[-half:]}"
