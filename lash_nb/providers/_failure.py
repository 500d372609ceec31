"""What a failed model call means: may it be repeated, and how did it end (lash 0.1.0-alpha.37, turns §15.2).

First the HTTP status decides, then words in the texts; the order of the rules is part of the rule.
"""

import re
from dataclasses import dataclass
from typing import Final, cast

from lash_nb.errors import LlmTransportError
from lash_nb.wire import LlmCallError, LlmTerminalReason

__all__ = ["NO_LOCAL_SERVER", "FailureClass", "classify_failure", "llm_call_error"]

NO_LOCAL_SERVER: Final = "no_local_server"
"""Code of a refused connection to one's own machine: nobody starts a server there while the call waits, so it is not made again (the reference
makes it again for 14 seconds, as where the network may come back)."""
_RETRYABLE_STATUS: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
_KIND_OF_STATUS: Final = {401: "auth", 403: "auth", 400: "validation", 413: "validation", 422: "validation"}
_DIGITS: Final = 10
"""A code of so many digits is no status."""
_ALWAYS_RETRYABLE: Final = frozenset({"transport", "timeout"})

_QUOTING: Final = frozenset({"replay_mismatch", "replay_request", "replay_unreadable"})
"""Codes of failures that quote requests and paths: their words say nothing of the failure."""

_THROTTLED: Final = re.compile(
    r"rate limit|rate_limit|ratelimit|throttl(?:e|ing)|too many requests|tokens per minute|tpm|quota"
)
_OVERFLOW: Final = re.compile(
    r"context_length|context length|maximum context|max context|context window|prompt is too long|prompt too long"
    r"|request_too_large|request too large|maximum prompt length is|reduce the length of (?:the messages|your prompt)"
    r"|model'?s context length|exceeds the available context size|greater than the context length"
    r"|exceeded model token limit|too large for model with|model_context_window_exceeded|too many tokens"
    r"|exceeds (?:the )?maximum number of tokens|input is too long|token limit exceeded"
    r"|input token count.*exceeds the maximum|exceeds the maximum.*input token count",
    re.DOTALL,
)
_QUOTA: Final = re.compile(r"insufficient_quota|usage_limit_reached|usage_not_included|quota")
_FILTERED: Final = re.compile(r"content_filter|prohibited_content|safety|sensitive")
_UNSUPPORTED: Final = re.compile(r"model_not_found|unsupported model|does not exist")


@dataclass(frozen=True, slots=True)
class FailureClass:
    """What a failure means."""

    kind: str
    """Sort of failure, as in `LlmTransportError`."""
    retryable: bool
    """Whether the same call may succeed later."""
    terminal_reason: LlmTerminalReason
    """How the call ended."""


def classify_failure(error: LlmTransportError) -> FailureClass:
    """Return what `error` means for retries and for the turn."""
    kind, retryable = _by_status(error)
    if error.provider_code in _QUOTING:
        return FailureClass(kind, retryable=retryable, terminal_reason="provider_error")
    text = " ".join(filter(None, (error.provider_code, error.message, error.raw))).lower()
    if _OVERFLOW.search(text) and not _THROTTLED.search(text):
        return FailureClass("validation", retryable=False, terminal_reason="context_overflow")
    reason = cast("LlmTerminalReason", error.terminal_reason)
    if _QUOTA.search(text):
        return FailureClass("quota", retryable=False, terminal_reason=reason)
    if _FILTERED.search(text):
        return FailureClass(kind, retryable=retryable, terminal_reason="content_filter")
    if _UNSUPPORTED.search(text):
        return FailureClass("unsupported", retryable=False, terminal_reason=reason)
    return FailureClass(kind, retryable=retryable, terminal_reason=reason)


def llm_call_error(error: LlmTransportError) -> LlmCallError:
    """Return the failure as the wire carries it."""
    meaning = classify_failure(error)
    return LlmCallError(
        message=error.message,
        retryable=meaning.retryable,
        raw=error.raw,
        code=error.provider_code,
        terminal_reason=meaning.terminal_reason,
        request_body=error.request_body,
    )


def _by_status(error: LlmTransportError) -> tuple[str, bool]:
    status = error.status if error.status is not None else _numeric(error.provider_code)
    if status is not None:
        return _KIND_OF_STATUS.get(status, "http"), status in _RETRYABLE_STATUS
    passes = error.kind in _ALWAYS_RETRYABLE and error.provider_code != NO_LOCAL_SERVER
    return error.kind, passes or error.retryable


def _numeric(code: str | None) -> int | None:
    return int(code) if code and code.isascii() and code.isdigit() and len(code) < _DIGITS else None
