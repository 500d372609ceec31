"""The one way the runtime calls a provider (lash 0.1.0-alpha.37, turns §15.1)."""

import asyncio

from lash_nb.clock import is_being_cancelled
from lash_nb.errors import LlmTransportError, exception_text
from lash_nb.providers._options import ProviderOptions
from lash_nb.providers._provider import LlmProvider
from lash_nb.providers._stream import StreamSink
from lash_nb.wire import LlmRequest, LlmResponse

__all__ = ["ProviderHandle"]


class ProviderHandle:
    """Stands before a provider and sees to it that a call ends in a response or in an `LlmTransportError`, in nothing else."""

    def __init__(self, provider: LlmProvider) -> None:
        self._provider = provider

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

    async def complete(self, request: LlmRequest, stream: StreamSink | None = None) -> LlmResponse:
        """Answer `request`.

        Raises:
            LlmTransportError: the call failed, or the provider raised or returned something else.
        """
        try:
            response = await self._provider.complete(request, stream)
        except LlmTransportError:
            raise
        except (Exception, SystemExit, KeyboardInterrupt, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and is_being_cancelled():
                raise
            raise LlmTransportError(
                f"provider {self.kind!r} raised {type(error).__name__}: {exception_text(error)}", code="provider_raised"
            ) from error
        if isinstance(response, LlmResponse):
            return response
        raise LlmTransportError(
            f"provider {self.kind!r} returned {type(response).__name__}; `complete` must return an LlmResponse",
            code="provider_response",
        )
