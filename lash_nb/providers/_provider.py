"""The port that answers model calls (lash 0.1.0-alpha.37, turns §15.1)."""

from typing import Final, NoReturn, Protocol

from lash_nb.errors import LlmTransportError
from lash_nb.providers._options import ProviderOptions
from lash_nb.providers._stream import StreamSink
from lash_nb.wire import LlmRequest, LlmResponse

__all__ = ["LlmProvider", "UnconfiguredProvider"]


class LlmProvider(Protocol):
    """Answers a model request; the only place where a model is reached."""

    @property
    def kind(self) -> str:
        """Name of the sort of provider, e.g. `scripted`; sessions name their provider by it."""
        ...

    @property
    def options(self) -> ProviderOptions:
        """Timeouts, retries, limits."""
        ...

    @property
    def requires_streaming(self) -> bool:
        """Whether the provider can only answer piece by piece."""
        ...

    def supports_variant(self, model: str, variant: str) -> bool:
        """Tell whether `model` has the variant, e.g. a reasoning effort."""
        ...

    async def complete(self, request: LlmRequest, stream: StreamSink | None = None) -> LlmResponse:
        """Answer `request`, telling `stream` on the way what is there already.

        Raises:
            LlmTransportError: the call failed; anything else that is raised counts as one.
        """
        ...


class UnconfiguredProvider:
    """Stands where no provider was given: every call fails and says how to give one."""

    kind: Final = "unconfigured"
    options: Final = ProviderOptions()
    requires_streaming: Final = False

    def supports_variant(self, model: str, variant: str) -> bool:  # noqa: ARG002 - the port's signature
        """Know no variant."""
        return False

    async def complete(self, request: LlmRequest, stream: StreamSink | None = None) -> NoReturn:  # noqa: ARG002 - the port's signature
        """Fail.

        Raises:
            LlmTransportError: always.
        """
        raise LlmTransportError(
            f"no provider answers model {request.model!r}; give one, e.g. LashCore.standard().provider(ScriptedProvider(…))",
            kind="validation",
            code="provider_unconfigured",
        )
