"""One URL of a provider's API: a body goes there, a reader takes what comes back (lash 0.1.0-alpha.37, turns §15.3).

Readers know a protocol and no network; this knows the network and no protocol.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import msgspec

from lash_nb.errors import CallerError, LlmTransportError
from lash_nb.providers._masking import AnswerMask, without_keys
from lash_nb.providers._options import Timeouts
from lash_nb.providers._secret import Secrets
from lash_nb.providers._sse import SseParser
from lash_nb.providers._stream import LlmStreamEvent, StreamSink
from lash_nb.wire import LlmResponse

__all__ = ["AnswerReader", "Endpoint", "checked_base_url", "nobody"]

_EVENT_STREAM: Final = "text/event-stream"
_DONE: Final = b"[DONE]"
_BODY_LIMIT: Final = 64 * 1024 * 1024
"""Most bytes of a body that comes in one piece."""
_DETAIL_CHARACTERS: Final = 200
_DIGITS: Final = 10
"""Seconds of so many digits are no time that anybody waits."""
_TEXTS: Final = ("message", "raw", "provider_code", "request_body")
"""Fields of an error in which a server's words may stand."""
_HINTS: Final[Mapping[int, str]] = {
    401: "; the key was refused: check it",
    403: "; the key may not do this: check it, and the model's name",
    404: "; check base_url and the model's name",
}


class AnswerReader(Protocol):
    """Makes one response from what a provider sends; a new one for each call."""

    def feed(self, text: str) -> Iterable[LlmStreamEvent]:
        """Take the next event of a stream, a JSON object, and return what it tells.

        Raises:
            LlmTransportError: the event is a failure.
            msgspec.DecodeError: the text has not the form of an event.
        """
        ...

    def end(self) -> None:
        """Take the mark that a stream may end with (`[DONE]`)."""
        ...

    def feed_whole(self, text: str) -> Iterable[LlmStreamEvent]:
        """Take an answer that came in one piece and return what it tells; errors as in `feed`."""
        ...

    def finish(self) -> LlmResponse:
        """Return the response.

        Raises:
            LlmTransportError: there is nothing in it, e.g. `empty_response`.
        """
        ...


def checked_base_url(url: str, *, name: str = "base_url") -> str:
    """Return `url` without a slash at its end.

    Raises:
        CallerError: `base_url`: no http or https URL, or one with credentials, a query or a fragment. The message names none of them.
    """
    try:
        parts = urlsplit(str.strip(url))
        port = parts.port
    except (TypeError, ValueError):
        fault = "is no URL"
    else:
        if not url.strip().isprintable() or " " in url.strip():
            fault = "has a blank, a line break or another character that no URL has"
        elif "@" in parts.netloc:
            fault = "has credentials before the host; give them as api_key or in headers"
        elif parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
            fault = "is no http or https URL"
        elif parts.query or parts.fragment:
            fault = "has a query or a fragment; leave out what stands behind its path"
        else:
            return url.strip().rstrip("/")
    raise CallerError(f"{name} {fault}; it is the address of the API, e.g. http://127.0.0.1:11434/v1", code="base_url")


class Endpoint:
    """Where calls of one protocol go, and how."""

    def __init__(self, url: str, *, who: str, secrets: Secrets, timeouts: Timeouts) -> None:
        """Get ready; nothing is sent yet.

        Args:
            url: Where bodies are posted to.
            who: Name of the endpoint, for messages: `{who} request failed with 429: …`.
            secrets: Headers that nobody may see.
            timeouts: How long to wait.
        """
        from lash_nb.providers._http import HttpClient  # noqa: PLC0415 - who calls no real provider waits for no httpx

        self.url: Final = url
        """Where bodies are posted to."""
        self._who = who
        self._secrets = secrets
        self._http = HttpClient(who=who, secrets=secrets, timeouts=timeouts)

    def __repr__(self) -> str:
        return f"Endpoint({self.url})"

    async def ask(
        self,
        body: Mapping[str, Any],
        reader: AnswerReader,
        stream: StreamSink | None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> LlmResponse:
        """Post `body` once and return what `reader` makes of the answer, telling `stream` on the way.

        Args:
            body: The body, as plain data.
            reader: Who reads the answer.
            stream: Who listens; None when the answer is asked for in one piece.
            headers: What everybody may see, beside the endpoint's own headers.

        Raises:
            LlmTransportError: anything that went wrong; none of its texts has a secret.
        """
        keys = self._secrets.keys
        mask = AnswerMask(stream or nobody, keys) if keys else None
        tell = stream or nobody if mask is None else mask.hear
        try:
            response = await self._exchange(
                msgspec.json.encode(body), reader, tell, headers or {}, is_streamed=stream is not None
            )
        except LlmTransportError as error:
            failure = self._scrubbed(error)
        else:
            if mask is not None:  # of an answer that broke off, what may be half a key is not told
                mask.end()
            streamed = " (stream)" if stream is not None else ""
            whole = msgspec.structs.replace(response, http_summary=f"HTTP POST {self.url}{streamed}")
            return without_keys(whole, LlmResponse, keys)
        raise failure

    async def _exchange(
        self, body: bytes, reader: AnswerReader, tell: StreamSink, headers: Mapping[str, str], *, is_streamed: bool
    ) -> LlmResponse:
        async with self._http.post(self.url, body, headers=headers, streaming=is_streamed) as reply:
            kind = reply.headers.get("content-type", "").lower()
            if not 200 <= reply.status < 300:
                text = await self._text(reply.chunks)
                raise self._refused(reply.status, reply.headers, text, body)
            if _EVENT_STREAM in kind:
                await self._read_stream(reply.chunks, reader, tell)
            else:
                self._read_whole(await self._text(reply.chunks), kind, reader, tell)
        return reader.finish()

    async def _read_stream(self, chunks: Any, reader: AnswerReader, tell: StreamSink) -> None:
        parser = SseParser()
        try:
            async for chunk in chunks:
                self._take(parser.feed(chunk), reader, tell)
        except LlmTransportError as error:
            if error.kind in {"transport", "timeout"}:
                # The last event of a broken stream may have come without the blank line behind it.
                with suppress(LlmTransportError):
                    self._take(parser.close(), reader, tell)
            raise
        self._take(parser.close(), reader, tell)

    def _take(self, events: list[bytes], reader: AnswerReader, tell: StreamSink) -> None:
        for data in events:
            if data == _DONE:
                reader.end()
            else:
                self._tell(reader.feed, data, "event", tell)

    def _read_whole(self, text: bytes, kind: str, reader: AnswerReader, tell: StreamSink) -> None:
        """Read a body in one piece; some servers send a stream without saying so."""
        if text.lstrip().startswith(b"data:"):
            parser = SseParser()
            self._take([*parser.feed(text), *parser.close()], reader, tell)
            return
        if kind and "json" not in kind and not text.lstrip().startswith(b"{"):
            shown = text.decode(errors="replace")
            raise LlmTransportError(
                f"{self._who} answered with {kind.partition(';')[0]} instead of JSON or an event stream:"
                f" {self._brief(shown)}; check base_url",
                kind="stream",
                code="wrong_content_type",
                raw=shown,
            )
        self._tell(reader.feed_whole, text, "answer", tell)

    def _tell(self, take: Callable[[str], Iterable[LlmStreamEvent]], data: bytes, what: str, tell: StreamSink) -> None:
        try:
            told = take(data.decode())
        except (UnicodeDecodeError, msgspec.DecodeError, RecursionError) as error:
            failure = self._unreadable(what, error, data)
        else:
            for event in told:
                tell(event)
            return
        raise failure

    def _unreadable(self, what: str, error: Exception, data: bytes) -> LlmTransportError:
        code = "invalid_json"
        match error:
            case UnicodeDecodeError():
                fault, code = f"not UTF-8: {error.reason} at byte {error.start}", "invalid_utf8"
            case msgspec.ValidationError():
                fault = f"not as it should be: {error}"
            case _:
                fault = f"no JSON: {error}"
        shown = data.decode(errors="replace")
        return LlmTransportError(
            f"{self._who} sent an {what} that is {fault}: {self._brief(shown)}", kind="stream", code=code, raw=shown
        )

    async def _text(self, chunks: Any) -> bytes:
        pieces, size = [], 0
        try:
            async with self._http.whole_body():
                async for chunk in chunks:
                    pieces.append(chunk)
                    size += len(chunk)
                    if size > _BODY_LIMIT:
                        break
        except TimeoutError:
            raise LlmTransportError(
                f"{self._who} response body timed out", kind="timeout", retryable=True, code="timeout"
            ) from None
        if size > _BODY_LIMIT:
            raise LlmTransportError(
                f"{self._who} answered with more than {_BODY_LIMIT:,} bytes; ask the model for less at once",
                kind="stream",
                code="body_too_large",
            )
        return b"".join(pieces)

    def _refused(self, status: int, headers: Mapping[str, str], text: bytes, body: bytes) -> LlmTransportError:
        raw = text.decode(errors="replace")
        detail = self._brief(_error_message(text) or raw)
        moved = self._brief(headers.get("location", "")) if 300 <= status < 400 else ""
        hint = f"; it moved to {moved}: give that as base_url" if moved else _HINTS.get(status, "")
        wait = headers.get("retry-after", "").strip()
        return LlmTransportError(
            f"{self._who} request failed with {status}{': ' if detail else ''}{detail}{hint}",
            kind="http",
            status=status,
            code=str(status),
            raw=raw,
            retry_after_ms=int(wait) * 1000 if wait.isascii() and wait.isdigit() and len(wait) < _DIGITS else None,
            request_body=body.decode(),
        )

    def _brief(self, text: str) -> str:
        """The beginning of a text, scrubbed before it is cut: half a key is too much."""
        return self._secrets.scrub(text.strip())[:_DETAIL_CHARACTERS]

    def _scrubbed(self, error: LlmTransportError) -> LlmTransportError:
        """The same failure without secrets, and without the errors that it comes from, which may hold some."""
        facts = {name: self._secrets.scrub(text) for name in _TEXTS if (text := getattr(error, name)) is not None}
        clean = LlmTransportError(facts["message"])
        clean.__dict__.update({**error.__dict__, **facts})
        return clean


def _error_message(text: bytes) -> str | None:
    try:
        message = msgspec.json.decode(text)["error"]["message"]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, LookupError, TypeError):
        return None
    return message if isinstance(message, str) else None


def nobody(_: LlmStreamEvent) -> None:
    """Nobody listens."""
