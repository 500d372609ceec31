"""The provider of OpenAI's own models, by the Responses API (lash 0.1.0-alpha.37, turns §15.5)."""

from typing import ClassVar, Final

from lash_nb.providers._account import openai_account
from lash_nb.providers._http_provider import HttpApi, HttpProvider
from lash_nb.providers._model_families import openai_variants
from lash_nb.providers._openai_responses_request import responses_body
from lash_nb.providers._openai_responses_stream import ResponsesReader
from lash_nb.providers._stream import StreamSink
from lash_nb.wire import LlmRequest, LlmResponse

__all__ = ["OpenAiProvider"]


class OpenAiProvider(HttpProvider):
    """Answers by OpenAI's Responses API, which keeps reasoning between calls; other servers that speak it are reached by `base_url`.

    The key is held as a secret: no repr, error, trace or pickle has it.

        >>> OpenAiProvider(base_url="http://127.0.0.1:8000/v1")
        OpenAiProvider(http://127.0.0.1:8000/v1, without key)

    Args:
        api_key: The key. Absent means `OPENAI_API_KEY` of the environment, for OpenAI and for the server that `OPENAI_BASE_URL` names.
        base_url: Address of the API, up to where `/responses` begins. Absent means `OPENAI_BASE_URL` of the environment, else OpenAI's.
        headers: Further headers.
        options: Timeouts, retries, limits.
    """

    kind: Final = "openai"
    requires_streaming: Final = False
    _api: ClassVar = HttpApi(who="OpenAI", account=openai_account, path="/responses")

    def supports_variant(self, model: str, variant: str) -> bool:
        """Tell whether `variant` is a reasoning effort of `model`; the models `gpt-5…` and `o…` have some."""
        return variant in openai_variants(model)

    async def complete(self, request: LlmRequest, stream: StreamSink | None = None) -> LlmResponse:
        """Ask once: in pieces when `stream` listens, else for the answer as a whole.

        Raises:
            LlmTransportError: the call failed.
        """
        body = responses_body(
            request, options=self.options, base_url=self._account.base_url, is_streamed=stream is not None
        )
        reader = ResponsesReader(expose_thinking=self.options.thinking.expose)
        return await self._endpoint.ask(body, reader, stream)
