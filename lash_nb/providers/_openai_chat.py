"""Providers that speak Chat Completions (lash 0.1.0-alpha.37, turns §15.4)."""

from typing import ClassVar, Final

from lash_nb.providers._account import openai_account
from lash_nb.providers._http_provider import HttpApi, HttpProvider
from lash_nb.providers._openai_chat_request import chat_body, chat_variants
from lash_nb.providers._openai_chat_stream import ChatReader
from lash_nb.providers._stream import PartEvent, StreamSink
from lash_nb.wire import LlmRequest, LlmResponse

__all__ = ["OpenAiCompatibleProvider"]


class OpenAiCompatibleProvider(HttpProvider):
    """Answers by any server that speaks OpenAI's Chat Completions: OpenRouter, Ollama, vLLM, LM Studio and others.

    The key is held as a secret: no repr, error, trace or pickle has it.

        >>> OpenAiCompatibleProvider(base_url="http://127.0.0.1:11434/v1")
        OpenAiCompatibleProvider(http://127.0.0.1:11434/v1, without key)

    Args:
        api_key: The key. Absent means that of the environment: `OPENROUTER_API_KEY` for OpenRouter, `OPENAI_API_KEY` for OpenAI and for the
            server that `OPENAI_BASE_URL` names. Other servers get none, since the key is not theirs.
        base_url: Address of the API, up to where `/chat/completions` begins. Absent means `OPENAI_BASE_URL` of the environment, else OpenAI's.
            Ollama: `http://127.0.0.1:11434/v1`; vLLM: `http://127.0.0.1:8000/v1`; OpenRouter: `https://openrouter.ai/api/v1`.
        headers: Further headers.
        options: Timeouts, retries, limits.
    """

    kind: Final = "openai-compatible"
    requires_streaming: Final = False
    _api: ClassVar = HttpApi(who="OpenAI-compatible chat", account=openai_account, path="/chat/completions")

    def supports_variant(self, model: str, variant: str) -> bool:
        """Tell whether the server takes `variant` as a reasoning effort of `model`; only OpenRouter takes any."""
        return variant in chat_variants(self._account.base_url, model)

    async def complete(self, request: LlmRequest, stream: StreamSink | None = None) -> LlmResponse:
        """Ask once: in pieces when `stream` listens, else for the answer as a whole.

        Raises:
            LlmTransportError: the call failed.
        """
        body = chat_body(request, self.options, base_url=self._account.base_url, stream=stream is not None)
        reader = ChatReader(who=self._api.who, expose_thinking=self.options.thinking.expose)
        response = await self._endpoint.ask(body, reader, stream)
        if stream is not None:
            for part in response.parts:
                if part.ToolCall:
                    stream(PartEvent(part))
        return response
