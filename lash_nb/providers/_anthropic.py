"""The provider of Anthropic's models, by the Messages API (lash 0.1.0-alpha.37, turns §15.7)."""

from typing import ClassVar, Final

from lash_nb.providers._account import anthropic_account
from lash_nb.providers._anthropic_request import messages_body
from lash_nb.providers._anthropic_stream import MessagesReader
from lash_nb.providers._endpoint import nobody
from lash_nb.providers._http_provider import HttpApi, HttpProvider
from lash_nb.providers._model_families import anthropic_variants, has_adaptive_thinking
from lash_nb.providers._stream import StreamSink
from lash_nb.wire import LlmRequest, LlmResponse

__all__ = ["AnthropicProvider"]

_VERSION: Final = "2023-06-01"
_PIECES_OF_ARGUMENTS: Final = "fine-grained-tool-streaming-2025-05-14"
_THINKING_BETWEEN_CALLS: Final = "interleaved-thinking-2025-05-14"
"""Models that decide themselves how long to think have it built in."""


class AnthropicProvider(HttpProvider):
    """Answers by Anthropic's Messages API; other servers that speak it are reached by `base_url`.

    The key is held as a secret: no repr, error, trace or pickle has it.

        >>> AnthropicProvider(base_url="http://127.0.0.1:8000")
        AnthropicProvider(http://127.0.0.1:8000, without key)

    Args:
        api_key: The key. Absent means `ANTHROPIC_API_KEY` of the environment, for Anthropic's own address alone.
        base_url: Address of the API, up to where `/v1/messages` begins. Absent means Anthropic's.
        headers: Further headers.
        options: Timeouts, retries, limits.
    """

    kind: Final = "anthropic"
    requires_streaming: Final = True
    _api: ClassVar = HttpApi(
        who="Anthropic", account=anthropic_account, path="/v1/messages", key_header="x-api-key", before_key=""
    )

    def supports_variant(self, model: str, variant: str) -> bool:
        """Tell whether `variant` says how hard `model` can be asked to think."""
        return variant in anthropic_variants(model)

    async def complete(self, request: LlmRequest, stream: StreamSink | None = None) -> LlmResponse:
        """Ask once; the answer comes in pieces, also when nobody listens.

        Raises:
            LlmTransportError: the call failed.
        """
        return await self._endpoint.ask(
            messages_body(request, options=self.options),
            MessagesReader(expose_thinking=self.options.thinking.expose),
            stream or nobody,
            headers={"anthropic-version": _VERSION, "anthropic-beta": ",".join(_betas(request.model))},
        )


def _betas(model: str) -> tuple[str, ...]:
    return (_PIECES_OF_ARGUMENTS,) if has_adaptive_thinking(model) else (_PIECES_OF_ARGUMENTS, _THINKING_BETWEEN_CALLS)
