"""What failed model calls mean."""

from typing import Final

import pytest

from lash_nb.errors import LlmTransportError
from lash_nb.providers import FailureClass, classify_failure, llm_call_error
from lash_nb.wire import LlmCallError, LlmTerminalReason

PLAIN: Final = "provider_error"


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [(401, "auth", False), (403, "auth", False), (422, "validation", False), (418, "http", False)]
    + [(status, "http", True) for status in (408, 409, 425, 429, 500, 502, 503, 504)],
)
def test_the_status_decides(status: int, kind: str, *, retryable: bool) -> None:
    """An HTTP status, also one given as a code, overrides what the provider says of its failure."""
    by_status = LlmTransportError("no", kind="http", status=status, retryable=not retryable)
    by_code = LlmTransportError("no", kind="http", code=str(status), retryable=not retryable)

    assert classify_failure(by_status) == FailureClass(kind, retryable, PLAIN)
    assert classify_failure(by_code) == FailureClass(kind, retryable, PLAIN)


@pytest.mark.parametrize(
    ("kind", "says", "retryable"),
    [("transport", False, True), ("timeout", False, True), ("stream", False, False), ("unknown", True, True)],
)
def test_without_a_status_the_kind_decides(kind: str, *, says: bool, retryable: bool) -> None:
    """Transport failures and timeouts are worth a retry; else the provider's own word counts."""
    assert classify_failure(LlmTransportError("no", kind=kind, retryable=says)).retryable is retryable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("This model's maximum context length is 8192", FailureClass("validation", False, "context_overflow")),
        ("input token count (9) exceeds the maximum", FailureClass("validation", False, "context_overflow")),
        ("too many tokens per minute", FailureClass("http", True, PLAIN)),
        ("monthly quota used up", FailureClass("quota", False, PLAIN)),
        ("blocked by safety", FailureClass("http", True, "content_filter")),
        ("the model `x` does not exist", FailureClass("unsupported", False, PLAIN)),
    ],
)
def test_words_refine_the_meaning(text: str, expected: FailureClass) -> None:
    """Words in message, code or raw text tell overflow, quota, filter and unknown models apart from a passing failure."""
    assert classify_failure(LlmTransportError(text, kind="http", status=503)) == expected
    assert classify_failure(LlmTransportError("no", kind="http", status=503, raw=text.upper())) == expected


def test_the_wire_carries_the_failure_as_it_was_given() -> None:
    """The status is not filled in as a code, and the texts stay as they are."""
    reason: LlmTerminalReason = "provider_error"
    error = LlmTransportError("busy", kind="http", status=503, raw="{}", request_body="b")

    assert llm_call_error(error) == LlmCallError(
        message="busy", retryable=True, raw="{}", code=None, terminal_reason=reason, request_body="b"
    )


def test_a_code_of_many_digits_is_no_status() -> None:
    """A number that Python itself refuses to read leaves the failure what it is."""
    assert classify_failure(LlmTransportError("no", kind="stream", code="9" * 5_000)) == FailureClass(
        "stream", False, PLAIN
    )
