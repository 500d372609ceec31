"""The one way the runtime calls a provider (lash 0.1.0-alpha.37, turns §15.1 and §15.2)."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from inspect import isawaitable
from typing import Any, Final

from lash_nb.clock import Clock, SystemClock
from lash_nb.errors import LlmTransportError, WireError, exception_text
from lash_nb.providers._failure import classify_failure
from lash_nb.providers._options import ProviderOptions, RetryOptions
from lash_nb.providers._own_function import function_words
from lash_nb.providers._pieces import Pieces, refuse_half_texts
from lash_nb.providers._provider import LlmProvider
from lash_nb.providers._rate_limit import RateGate
from lash_nb.providers._stream import RetryStatusStream, StreamSink
from lash_nb.tasks import is_being_cancelled
from lash_nb.wire import LlmRequest, LlmResponse

__all__ = ["PROVIDER_RAISED", "ProviderHandle", "hearing_providers_raise"]

PROVIDER_RAISED: Final = "provider_raised"
"""Code of the error that becomes of what a provider lets out."""
_CLOCK: Final = SystemClock()
_MOST_DOUBLINGS: Final = 64
_PASSING: Final[Mapping[type[BaseException], str]] = {TimeoutError: "timeout", ConnectionError: "transport"}
"""What a provider raises when the world was not there for a moment, as a sort of failure."""
_HEAR: Final[ContextVar[Callable[[BaseException], None] | None]] = ContextVar("hear_providers_raise", default=None)


@contextmanager
def hearing_providers_raise(hear: Callable[[BaseException], None]) -> Iterator[None]:
    """Call `hear` with each exception that a provider lets out, in this task and those that it starts.

    Whoever wrote the provider wants to know the line, which the error that becomes of it does not tell.
    """
    token = _HEAR.set(hear)
    try:
        yield
    finally:
        with suppress(ValueError):  # a turn that is closed ends in another context, where nobody listens
            _HEAR.reset(token)


class ProviderHandle:
    """Stands before a provider: keeps its rate limits, tries again what may pass, and ends in a response or in an `LlmTransportError`.

    Waits are no effects: they belong to the one `llm_call` that is performed.
    """

    def __init__(self, provider: LlmProvider) -> None:
        self._provider = provider
        self._gate = RateGate.of(provider.options.reliability.rate_limits)

    def __repr__(self) -> str:
        return f"ProviderHandle(kind={self.kind!r})"

    @property
    def kind(self) -> str:
        """The provider's kind."""
        return self._provider.kind

    @property
    def options(self) -> ProviderOptions:
        """The provider's options."""
        return self._provider.options

    @property
    def requires_streaming(self) -> bool:
        """Whether the provider can only answer piece by piece."""
        return self._provider.requires_streaming

    def supports_variant(self, model: str, variant: str) -> bool:
        """Tell whether the provider offers `model` in `variant`."""
        return self._provider.supports_variant(model, variant)

    async def complete(
        self, request: LlmRequest, stream: StreamSink | None = None, *, clock: Clock | None = None
    ) -> LlmResponse:
        """Answer `request`; a failure that may pass is tried again as the provider's options say, and `stream` is told before each wait.

        Raises:
            LlmTransportError: the call failed for good, or the provider raised or returned something else.
        """
        waits, retry = clock or _CLOCK, self._provider.options.reliability.retry
        most = retry.max_attempts if retry.enabled else 1
        attempt = 0
        while True:
            attempt += 1
            try:
                if self._gate is None:
                    return await self._once(request, stream)
                async with self._gate.passing(request, waits):
                    return await self._once(request, stream)
            except LlmTransportError as error:
                if attempt >= most or not classify_failure(error).retryable:
                    raise
                delay_ms = _delay_ms(retry, attempt, error)
                if stream is not None:
                    stream(_status(attempt, most, delay_ms, error))
            await waits.sleep(delay_ms / 1000)

    async def _once(self, request: LlmRequest, stream: StreamSink | None) -> LlmResponse:
        pieces = None if stream is None else Pieces(stream)
        try:
            response = await self._asked(request, pieces)
        except LlmTransportError:
            raise
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and is_being_cancelled():
                raise
            if (hear := _HEAR.get()) is not None:
                hear(error)
            raise LlmTransportError(
                f"provider {self.kind!r} raised {type(error).__name__}: {exception_text(error)}",
                kind=next((kind for sort, kind in _PASSING.items() if isinstance(error, sort)), "unknown"),
                code=PROVIDER_RAISED,
            ) from error
        finally:
            if pieces is not None:
                pieces.end()
        return self._checked(response)

    def _checked(self, response: object) -> LlmResponse:
        if not isinstance(response, LlmResponse):
            raise LlmTransportError(
                f"provider {self.kind!r} returned {type(response).__name__}; `complete` must return an LlmResponse",
                code="provider_response",
            )
        try:
            refuse_half_texts(response)
        except WireError as error:
            raise LlmTransportError(
                f"provider {self.kind!r} returned what is no text: {error.message}", code="provider_response"
            ) from error
        return response

    def _asked(self, request: LlmRequest, stream: StreamSink | None) -> Awaitable[Any]:
        answering: Any = self._provider.complete(request, stream)
        if isawaitable(answering):
            return answering
        told = function_words(self._provider.complete)
        raise LlmTransportError(
            f"{told} of provider {self.kind!r} is a plain function; write `async def complete(…)`",
            code="provider_response",
        )


def _delay_ms(retry: RetryOptions, attempt: int, error: LlmTransportError) -> int:
    """How long to wait after failed `attempt`, from 1: as long as the provider asks for, else the doubled base; both have a cap."""
    if error.retry_after_ms is not None:
        cap = retry.retry_after_cap_ms
        return error.retry_after_ms if cap is None else min(error.retry_after_ms, cap)
    doubled = retry.base_delay_ms << min(attempt - 1, _MOST_DOUBLINGS)
    jitter = random.randint(0, retry.jitter_ms) if retry.jitter_ms else 0  # noqa: S311 - no secret
    return min(doubled, retry.max_delay_ms) + jitter


def _status(attempt: int, most: int, delay_ms: int, error: LlmTransportError) -> RetryStatusStream:
    return RetryStatusStream(wait_seconds=delay_ms // 1000, attempt=attempt, max_attempts=most, reason=error.message)
