"""Providers that speak Chat Completions (lash 0.1.0-alpha.37, turns §15.4)."""

import os
from collections.abc import Mapping
from typing import Final

from pydantic import SecretStr

from lash_nb.providers._endpoint import Endpoint, checked_base_url
from lash_nb.providers._openai_chat_request import OPENROUTER_URL, chat_body, chat_variants
from lash_nb.providers._openai_chat_stream import ChatReader
from lash_nb.providers._options import ProviderOptions
from lash_nb.providers._secret import Secrets, key_from
from lash_nb.providers._stream import PartEvent, StreamSink
from lash_nb.wire import LlmRequest, LlmResponse

__all__ = ["OpenAiCompatibleProvider"]

_WHO: Final = "OpenAI-compatible chat"
_OPENAI_URL: Final = "https://api.openai.com/v1"
_KEY_VARIABLES: Final[Mapping[str, str]] = {_OPENAI_URL: "OPENAI_API_KEY", OPENROUTER_URL: "OPENROUTER_API_KEY"}
"""Whose key is looked for in the environment: nobody gets the key of somebody else."""


class OpenAiCompatibleProvider:
    """Answers by any server that speaks OpenAI's Chat Completions: OpenRouter, Ollama, vLLM, LM Studio and others.

    The key is held as a secret: no repr, error, trace or pickle has it.

        >>> OpenAiCompatibleProvider(base_url="http://127.0.0.1:11434/v1")
        OpenAiCompatibleProvider(http://127.0.0.1:11434/v1, without key)
    """

    kind: Final = "openai-compatible"
    requires_streaming: Final = False

    def __init__(
        self,
        *,
        base_url: str | None = None,
        api_key: SecretStr | None = None,
        headers: Mapping[str, str | SecretStr] | None = None,
        options: ProviderOptions | None = None,
    ) -> None:
        """Get ready; nothing is sent yet.

        Args:
            base_url: Address of the API, up to where `/chat/completions` begins. Absent means `OPENAI_BASE_URL` of the environment, else OpenAI's.
                Ollama: `http://127.0.0.1:11434/v1`; vLLM: `http://127.0.0.1:8000/v1`; OpenRouter: `https://openrouter.ai/api/v1`.
            api_key: The key. Absent means that of the environment: `OPENROUTER_API_KEY` for OpenRouter, `OPENAI_API_KEY` for OpenAI and for the
                server that `OPENAI_BASE_URL` names. Other servers get none, since the key is not theirs.
            headers: Further headers; their values are held as secrets, too.
            options: Timeouts, retries, limits.

        Raises:
            CallerError: `base_url`, no address of an API; `api_key`, a key or header that cannot be sent, or a key that is no `SecretStr`.
        """
        named = os.environ.get("OPENAI_BASE_URL", "").strip()
        if base_url is None and named:
            self._base_url, variable = checked_base_url(named, name="OPENAI_BASE_URL"), "OPENAI_API_KEY"
        else:
            self._base_url = checked_base_url(base_url or _OPENAI_URL)
            variable = _KEY_VARIABLES.get(self._base_url, "")
        self.options: Final = options or ProviderOptions()
        key = key_from(api_key, variable=variable or None)
        bearer = {} if key is None else {"Authorization": f"Bearer {key.get_secret_value()}"}
        secrets = Secrets({**(headers or {}), **bearer}, keys=() if key is None else (key,))
        self._keyed = key is not None
        self._endpoint = Endpoint(
            f"{self._base_url}/chat/completions",
            who=_WHO,
            secrets=secrets,
            timeouts=self.options.reliability.timeouts,
        )

    def __repr__(self) -> str:
        return f"OpenAiCompatibleProvider({self._base_url}, {'with' if self._keyed else 'without'} key)"

    def supports_variant(self, model: str, variant: str) -> bool:
        """Tell whether the server takes `variant` as a reasoning effort of `model`; only OpenRouter takes any."""
        return variant in chat_variants(self._base_url, model)

    async def complete(self, request: LlmRequest, stream: StreamSink | None = None) -> LlmResponse:
        """Ask once: in pieces when `stream` listens, else for the answer as a whole.

        Raises:
            LlmTransportError: the call failed.
        """
        body = chat_body(request, self.options, base_url=self._base_url, stream=stream is not None)
        reader = ChatReader(who=_WHO, expose_thinking=self.options.thinking.expose)
        response = await self._endpoint.ask(body, reader, stream)
        if stream is not None:
            for part in response.parts:
                if part.ToolCall:
                    stream(PartEvent(part))
        return response
