"""The one file that knows httpx: a POST whose answer is read piece by piece, every fault as an `LlmTransportError` (lash 0.1.0-alpha.37, turns §15.3).

It is imported when a provider is made, not before: httpx takes a quarter of a second.

Rule: errors are raised outside the handler that caught httpx's own, which holds the request with its headers.
"""

import asyncio
import os
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import ip_address
from typing import Final

import httpx

from lash_nb import __version__
from lash_nb.errors import LlmTransportError
from lash_nb.providers._failure import NO_LOCAL_SERVER
from lash_nb.providers._options import Timeouts
from lash_nb.providers._secret import Secrets

__all__ = ["HttpClient", "HttpReply"]

_REQUEST_MS: Final = 300_000
_CHUNK_MS: Final = 120_000
_UNASKED: Final = frozenset({"br", "zstd"})
"""Ways to compress that httpx knows where a package for them is there: a few bytes become any number of them."""
_LOCAL_SERVERS: Final[Mapping[int, str]] = {
    11434: "Ollama's port: `ollama serve`, or open its app",
    8000: "vLLM's usual port: `vllm serve MODEL`",
    1234: "LM Studio's usual port: `lms server start`, or its Developer tab",
    8080: "llama.cpp's usual port: `llama-server -m MODEL.gguf`",
}
"""Who usually listens at a port of one's own machine, and what starts it."""
_OWN_HEADERS: Final = {
    "Content-Type": "application/json",
    "Accept": "text/event-stream",
    "Accept-Encoding": "gzip, deflate",
    "User-Agent": f"lash_nb/{__version__}",
}


@dataclass(frozen=True, slots=True)
class HttpReply:
    """An answer whose body is still on its way."""

    status: int
    """The status."""
    headers: Mapping[str, str]
    """Its headers; names in any case."""
    chunks: AsyncIterator[bytes]
    """The body, decompressed, as it arrives.

    Raises `LlmTransportError` when nothing comes for too long or the connection breaks.
    """


class HttpClient:
    """Sends bodies to one endpoint; connections are kept while the event loop lives, and closed with it."""

    def __init__(self, *, who: str, secrets: Secrets, timeouts: Timeouts) -> None:
        """Keep what every request needs.

        Args:
            who: Name of the endpoint, for messages.
            secrets: The headers that nobody may see.
            timeouts: How long to wait.
        """
        self._who = who
        self._auth = _SecretHeaders(secrets)
        self._request_seconds = _seconds(timeouts.request_timeout, _REQUEST_MS)
        self._chunk_seconds = _seconds(timeouts.chunk_timeout, _CHUNK_MS)

    @asynccontextmanager
    async def post(
        self, url: str, body: bytes, *, headers: Mapping[str, str], streaming: bool
    ) -> AsyncGenerator[HttpReply]:
        """Send `body` and give the answer as soon as it starts; leaving the block, also by cancellation, closes it.

        Args:
            url: Where to.
            body: JSON.
            headers: What everybody may see, beside those that every request has.
            streaming: Whether the answer comes piece by piece, so that its start may not take longer than a piece.

        Raises:
            LlmTransportError: of kind `timeout` or `transport`, or `auth` for a certificate that is not trusted; `request_body` is set.
                Of kind `stream`: the answer is compressed as nobody asked for.
        """
        response = await self._send(url, body, headers, streaming=streaming)
        chunks = self._chunks(response)
        try:
            self._check_encoding(response.headers.get("content-encoding", ""))
            yield HttpReply(response.status_code, response.headers, chunks)
        finally:
            await chunks.aclose()
            await response.aclose()

    def whole_body(self) -> asyncio.Timeout:
        """Return the block within which a body that comes in one piece has to be read; it ends in a `TimeoutError`."""
        return asyncio.timeout(self._request_seconds)

    async def _send(self, url: str, body: bytes, headers: Mapping[str, str], *, streaming: bool) -> httpx.Response:
        client = await _client()
        waits = httpx.Timeout(None, read=self._chunk_seconds if streaming else None)
        request = client.build_request("POST", url, content=body, headers={**_OWN_HEADERS, **headers}, timeout=waits)
        start = _shorter(self._request_seconds, self._chunk_seconds) if streaming else self._request_seconds
        try:
            async with asyncio.timeout(start):
                return await client.send(request, auth=self._auth, stream=True)
        except (TimeoutError, httpx.TimeoutException):
            failure = self._late("response start", start)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            failure = self._unsent(error, url)
        failure.request_body = body.decode()
        raise failure

    async def _chunks(self, response: httpx.Response) -> AsyncGenerator[bytes]:
        try:
            async for chunk in response.aiter_bytes():
                yield chunk
            return
        except httpx.TimeoutException:
            failure = self._late("stream chunk", self._chunk_seconds)
        except httpx.HTTPError as error:
            failure = LlmTransportError(
                f"{self._who} stream broke off: {_said(error)}",
                kind="transport",
                retryable=True,
                code="stream_broken",
            )
        raise failure

    def _check_encoding(self, said: str) -> None:
        """Refuse an answer that is compressed twice: it would fill the memory before its bytes can be counted."""
        if "," in said or said.strip().lower() in _UNASKED:
            raise LlmTransportError(
                f"{self._who} answered with Content-Encoding {said[:40]!r}; it may be gzip or deflate, once",
                kind="stream",
                code="content_encoding",
            )

    def _late(self, what: str, seconds: float | None) -> LlmTransportError:
        after = "" if seconds is None else f" after {seconds:g} s"
        return LlmTransportError(f"{self._who} {what} timed out{after}", kind="timeout", retryable=True, code="timeout")

    def _unsent(self, error: Exception, url: str) -> LlmTransportError:
        untrusted = _certificate_fault(error)
        if untrusted is not None:
            return LlmTransportError(
                f"{self._who} request to {url} failed: the server's certificate is not trusted ({untrusted});"
                " check base_url, or name the file of your own authority in SSL_CERT_FILE",
                kind="auth",
                code="tls",
            )
        if _is_refused(error) and _is_loopback(url):
            return LlmTransportError(
                f"{self._who} request to {url} failed: nothing listens at that address of this machine;"
                f" start the server ({_how_to_start(url)}), or check base_url",
                kind="transport",
                code=NO_LOCAL_SERVER,
            )
        return LlmTransportError(
            f"{self._who} request to {url} failed: {_said(error)}; check base_url, and that the server runs",
            kind="transport",
            retryable=True,
            code="unreachable",
        )


_CLIENTS: Final[dict[asyncio.AbstractEventLoop, tuple[httpx.AsyncClient, AsyncGenerator[httpx.AsyncClient]]]] = {}
"""The client of each loop, and what holds it open. Sockets belong to a loop, so providers, which outlive loops, have none of their own."""


async def _client() -> httpx.AsyncClient:
    """The client of the running loop; those of loops that are closed are let go."""
    loop = asyncio.get_running_loop()
    if loop not in _CLIENTS:
        for closed in [one for one in _CLIENTS if one.is_closed()]:
            del _CLIENTS[closed]
        held = _held()
        _CLIENTS[loop] = (await anext(held), held)
    return _CLIENTS[loop][0]


async def _held() -> AsyncGenerator[httpx.AsyncClient]:
    """Hold a client open. A loop closes its asynchronous generators before it closes itself, and with this one all connections."""
    tls = _tls(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=()))
    async with httpx.AsyncClient(verify=tls, cookies=no_cookies, timeout=None) as client:  # noqa: S113 - each request has its own
        yield client


@lru_cache(maxsize=2)
def _tls(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """What is trusted; reading it takes longer than many an answer. httpx takes the two names from the environment itself."""
    return httpx.create_ssl_context()


class _SecretHeaders(httpx.Auth):
    """Puts the secret headers on a request in the moment in which it is sent."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers.update(self._secrets.headers())
        yield request


def _is_loopback(url: str) -> bool:
    """Tell whether a URL's host is this machine itself."""
    host = httpx.URL(url).host
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def _seconds(milliseconds: int | bool | None, default: int) -> float | None:
    """As a timeout says it: `False` is for ever."""
    return None if milliseconds is False else (milliseconds or default) / 1000


def _shorter(one: float | None, other: float | None) -> float | None:
    return min((seconds for seconds in (one, other) if seconds is not None), default=None)


def _said(error: BaseException) -> str:
    """What a fault of httpx says; of one that says nothing, what it comes from."""
    told: BaseException | None = error
    while told is not None and not str(told):
        told = told.__cause__ or told.__context__
    return type(error).__name__ if told is None else f"{type(error).__name__}: {told}"


def _is_refused(error: BaseException | None) -> bool:
    """Whether a connection was refused, at each of the addresses that a name may have."""
    while error is not None:
        if isinstance(error, BaseExceptionGroup):
            return all(map(_is_refused, error.exceptions))
        if isinstance(error, ConnectionRefusedError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _how_to_start(url: str) -> str:
    return _LOCAL_SERVERS.get(httpx.URL(url).port or 0, "Ollama: `ollama serve`; vLLM: `vllm serve MODEL`")


def _certificate_fault(error: BaseException | None) -> str | None:
    """What is wrong with the server's certificate, if that is what `error` comes from."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message
        error = error.__cause__ or error.__context__
    return None
