"""Where the provider of Chat Completions sends what, and with whose key."""

import json
import subprocess
import sys
from typing import Any

import pytest
from pydantic import SecretStr

from lash_nb import OpenAiCompatibleProvider
from lash_nb.errors import CallerError
from tests.providers.requests import request, user
from tests.providers.servers import ChatDialect, ModelServer, Said, answered

ANSWER = answered(ChatDialect(), Said(text=("a",)))


async def headers_sent(provider: OpenAiCompatibleProvider, server: ModelServer) -> dict[str, str]:
    """Ask, and return the headers that arrived."""
    await provider.complete(request(user("hi")))
    return dict(server.asked[-1].headers)


async def test_the_environment_names_server_and_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both belong together."""
    async with ModelServer(ANSWER) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1/")
        monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment")
        sent = await headers_sent(OpenAiCompatibleProvider(), server)

    assert sent["authorization"] == "Bearer sk-of-the-environment"
    assert server.asked[0].path == "/v1/chat/completions"


async def test_nobody_gets_the_key_of_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that the code names gets no key that was not given for it."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai")
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-of-openrouter")
    async with ModelServer(ANSWER) as server:
        provider = OpenAiCompatibleProvider(base_url=server.url)
        sent = await headers_sent(provider, server)

    assert "authorization" not in sent
    assert repr(provider) == f"OpenAiCompatibleProvider({server.url}, without key)"


@pytest.mark.parametrize(
    ("base_url", "variable"),
    [(None, "OPENAI_API_KEY"), ("https://openrouter.ai/api/v1/", "OPENROUTER_API_KEY")],
)
def test_known_servers_have_their_own_variables(
    base_url: str | None, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenAI's, which is the server when none is named, and OpenRouter's."""
    assert repr(OpenAiCompatibleProvider(base_url=base_url)).endswith("without key)")

    monkeypatch.setenv(variable, "sk-planted")
    assert repr(OpenAiCompatibleProvider(base_url=base_url)).endswith("with key)")


async def test_headers_of_ones_own() -> None:
    """They are sent beside the key."""
    async with ModelServer(ANSWER) as server:
        provider = OpenAiCompatibleProvider(
            base_url=server.url,
            api_key=SecretStr(" sk-1 \n"),
            headers={"X-Title": "tour", "X-Gateway-Key": SecretStr("gk-1")},
        )
        sent = await headers_sent(provider, server)

    assert (sent["x-title"], sent["x-gateway-key"], sent["authorization"]) == ("tour", "gk-1", "Bearer sk-1")


@pytest.mark.parametrize(
    ("base_url", "fault"),
    [
        ("", "is no http or https URL"),
        ("127.0.0.1:8000/v1", "is no http or https URL"),
        ("ftp://127.0.0.1/v1", "is no http or https URL"),
        ("http:///v1", "is no http or https URL"),
        ("http://127.0.0.1:99999999/v1", "is no URL"),
        ("http://[::1/v1", "is no URL"),
        ("http://user:sk-planted@127.0.0.1/v1", "has credentials before the host"),
        ("http://127.0.0.1/v1?api_key=sk-planted", "has a query or a fragment"),
        ("http://127.0.0.1/v1#sk-planted", "has a query or a fragment"),
        ("http://127.0.0.1/v1\r\nX-Key: sk-planted", "has a blank, a line break"),
        ("http://127.0.0 .1/v1", "has a blank"),
        ("http://127.0.0.1/\u202ev1", "another character"),
    ],
)
def test_addresses_that_are_none(base_url: str, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused where they are given, and not repeated: they may hold a key."""
    with pytest.raises(CallerError, match=fault) as raised:
        OpenAiCompatibleProvider(base_url=base_url)

    assert raised.value.code == "base_url"
    assert "sk-planted" not in str(raised.value)
    if base_url:
        monkeypatch.setenv("OPENAI_BASE_URL", base_url)
        with pytest.raises(CallerError, match="OPENAI_BASE_URL"):
            OpenAiCompatibleProvider()


@pytest.mark.parametrize(
    "headers", [{"X\r\nHost": "a"}, {"": "a"}, {"X Y": "a"}, {"é": "a"}, {"X": 7}, {7: "a"}, {"X": None}]
)
def test_headers_that_are_none(headers: Any) -> None:
    """Refused where they are given, not when the first turn asks."""
    with pytest.raises(CallerError, match="a header cannot be sent") as raised:
        OpenAiCompatibleProvider(base_url="http://127.0.0.1/v1", headers=headers)

    assert raised.value.code == "api_key"


@pytest.mark.parametrize("base_url", [7, b"http://127.0.0.1/v1", ["http://127.0.0.1/v1"]])
def test_an_address_that_is_no_text(base_url: Any) -> None:
    """The error is the same."""
    with pytest.raises(CallerError, match="is no URL"):
        OpenAiCompatibleProvider(base_url=base_url)


@pytest.mark.parametrize(
    "arguments",
    [
        {"api_key": "sk-planted"},
        {"api_key": SecretStr("sk-planted\nX-Other: 1")},
        {"api_key": SecretStr("sk-plänted")},
        {"headers": {"X-Key": "sk-planted\r\n"}},
    ],
)
def test_keys_that_cannot_be(arguments: dict[str, Any]) -> None:
    """A plain text, which the cell would show; characters that no header has. The message has none of it."""
    with pytest.raises(CallerError) as raised:
        OpenAiCompatibleProvider(base_url="http://127.0.0.1/v1", **arguments)

    assert raised.value.code == "api_key"
    assert "sk-pl" not in str(raised.value)


def test_variants_are_openrouters() -> None:
    """Nobody else takes them in this protocol."""
    openrouter = OpenAiCompatibleProvider(base_url="https://openrouter.ai/api/v1")

    assert openrouter.supports_variant("openai/gpt-5.4", "xhigh")
    assert not openrouter.supports_variant("openai/gpt-5.4", "huge")
    assert not OpenAiCompatibleProvider(base_url="http://127.0.0.1/v1").supports_variant("gpt-5.4", "high")


def test_httpx_is_loaded_with_the_first_real_provider() -> None:
    """Neither the library nor its facade wait for it."""
    program = (
        "import json, sys, lash_nb, lash_nb.core, lash_nb.providers;"
        " before = 'httpx' in sys.modules;"
        " lash_nb.OpenAiCompatibleProvider(base_url='http://127.0.0.1/v1');"
        " print(json.dumps([before, 'httpx' in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert json.loads(done.stdout) == [False, True]
