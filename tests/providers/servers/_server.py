"""An HTTP/1.1 server on loopback that answers as a test says: whole, in pieces, late, broken, or not at all."""

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

__all__ = ["DROP", "HANG", "Answer", "Answers", "Asked", "ModelServer", "Piece", "pause"]

_REASONS: Final = {200: "OK", 307: "Temporary Redirect", 401: "Unauthorized", 429: "Too Many Requests"}


@dataclass(frozen=True, slots=True)
class _Act:
    """Something other than bytes."""

    name: str
    seconds: float = 0


HANG: Final = _Act("hang")
"""Sends nothing more until the client goes."""
DROP: Final = _Act("drop")
"""Breaks the connection."""
Piece: TypeAlias = bytes | _Act
"""One step of a body: bytes, sent as a chunk of their own, or an act."""


def pause(seconds: float) -> _Act:
    """Return the step that waits."""
    return _Act("pause", seconds)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in small letters."""
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back."""

    pieces: Iterable[Piece] = ()
    status: int = 200
    content_type: str | None = "text/event-stream"
    headers: Mapping[str, str] = field(default_factory=dict)
    before: float = 0
    """Seconds until the head is sent."""

    @classmethod
    def of_json(cls, value: Any, status: int = 200, **headers: str) -> "Answer":
        """Return an answer that comes in one piece; `retry_after` is the header `retry-after`."""
        named = {name.replace("_", "-"): one for name, one in headers.items()}
        return cls([json.dumps(value).encode()], status, "application/json", named)


Answers: TypeAlias = Answer | Iterable[Answer] | Callable[[Asked], Answer | Awaitable[Answer]]
"""One answer for all requests, one after another, or a function of the request."""


class ModelServer:
    """Answers on a port of its own choice while its block lasts, and keeps what it was asked in `asked`."""

    def __init__(self, answers: Answers, *, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self._function = answers if callable(answers) else None
        self._next = iter(()) if callable(answers) or isinstance(answers, Answer) else iter(answers)
        self._last = answers if isinstance(answers, Answer) else None
        self._tls = tls
        self.port = port
        """The port; 0 until the block begins, unless one is given that another server left."""
        self._open: set[asyncio.Task[None]] = set()
        self.asked: Final[list[Asked]] = []
        self.connections = 0
        """How many were opened."""
        self.left = asyncio.Event()
        """Set when a client went while an answer was on its way."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _where: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        """The address, without a slash at its end."""
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.connections += 1
        try:
            while asked := await _request(reader):
                self.asked.append(asked)
                await self._answer(await self._chosen(asked), reader, writer)
            writer.write(b"HTTP/1.1 400 No HTTP\r\n\r\n")
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            self.left.set()
        except asyncio.CancelledError:
            pass  # the block ended; nobody waits for this task
        finally:
            self._open.discard(task)
            writer.transport.abort()

    async def _chosen(self, asked: Asked) -> Answer:
        if self._function is not None:
            given = self._function(asked)
            return given if isinstance(given, Answer) else await given
        self._last = next(self._next, self._last)
        assert self._last is not None, "the server was given no answers"
        return self._last

    async def _answer(self, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(answer.before)
        writer.write(_head(answer))
        for piece in answer.pieces:
            if isinstance(piece, bytes):
                writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b"")
                await writer.drain()
            elif piece == HANG:
                await reader.read(1)  # ends when the client goes
                raise ConnectionResetError
            elif piece == DROP:
                raise ConnectionAbortedError
            else:
                await asyncio.sleep(piece.seconds)
        writer.write(b"0\r\n\r\n")
        await writer.drain()


async def _request(reader: asyncio.StreamReader) -> Asked | None:
    start = await reader.read(1)
    if not start.isalpha():  # nothing more, or something that is no HTTP
        return None
    head = start + await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    return Asked(method, path, headers, await reader.readexactly(int(headers.get("content-length", "0"))))


def _head(answer: Answer) -> bytes:
    headers = {"transfer-encoding": "chunked", **answer.headers}
    if answer.content_type is not None:
        headers["content-type"] = answer.content_type
    status = f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'As Told')}"
    return "\r\n".join((status, *(f"{name}: {value}" for name, value in headers.items()), "", "")).encode()
