"""What a provider adds to a call over plain httpx: `python -m benchmarks.provider_call [--json]`.

Both post the same body to the same server on loopback and read the same stream to its end; httpx alone looks at nothing in it. They take turns. The
request has a conversation of twenty messages and ten tools, the answer fifty pieces of text and two calls; what a further piece adds is told by an
answer of a thousand. Figures are the best of the rounds, in time of the processor, the server's included, as other programs only add to them. Beside
them stands the first piece of text: the median time of the clock from the server's write until the stream's listener has it.
"""

import asyncio
import statistics
import time
from collections.abc import Iterator
from typing import Final

import httpx

from benchmarks.shown import asking, show
from lash_nb.providers import DeltaEvent, LlmProvider, LlmStreamEvent
from lash_nb.wire import LlmRequest
from tests.providers.requests import assistant, call, request, result, system, tool, user
from tests.providers.servers import DIALECTS, Answer, Called, Dialect, ModelServer, Said

ROUNDS: Final = 100
WORDS: Final = "The quick brown fox jumps over the lazy dog. "
PIECES: Final = 50
MANY_PIECES: Final = 1_000
SCHEMA: Final = {
    "type": "object",
    "properties": {name: {"type": "string", "description": WORDS} for name in ("q", "place", "when", "how")},
    "required": ["q"],
}


def said(pieces: int) -> Said:
    """Return an answer with so many pieces of text."""
    calls = (Called(f"call-{number}", "tool0", ('{"q": ', '"x"', "}")) for number in range(2))
    return Said(text=tuple(f"token{number} " for number in range(pieces)), calls=tuple(calls), reason="tool_use")


def conversation() -> LlmRequest:
    """Return the request that is sent."""
    turns = [
        message
        for number in range(5)
        for message in (
            user(WORDS * 4),
            assistant(WORDS, call(f"c{number}", "tool0", '{"q": "x"}')),
            user(result(f"c{number}", WORDS * 10, "tool0")),
            assistant(WORDS * 8),
        )
    ]
    tools = [tool(f"tool{number}", SCHEMA) for number in range(10)]
    return request(system(WORDS * 20), *turns, user(WORDS), tools=tools)


async def plain(client: httpx.AsyncClient, url: str, body: bytes) -> float:
    """Return the seconds of a call over httpx."""
    began = time.process_time()
    async with client.stream("POST", url, content=body) as response:
        async for _ in response.aiter_bytes():
            pass
    return time.process_time() - began


async def provided(provider: LlmProvider, asked: LlmRequest, pieces: int) -> float:
    """Return the seconds of a call by the provider."""
    heard: list[LlmStreamEvent] = []
    began = time.process_time()
    await provider.complete(asked, heard.append)
    took = time.process_time() - began
    assert sum(isinstance(event, DeltaEvent) for event in heard) == pieces
    return took


async def added(dialect: Dialect, asked: LlmRequest, pieces: int) -> tuple[float, float]:
    """Return the seconds of a call over httpx, and what the provider's takes longer."""
    stream = b"".join(dialect.stream(said(pieces)))
    async with ModelServer(Answer([stream])) as server, httpx.AsyncClient() as client:
        provider = dialect.provider(server.url)
        await provided(provider, asked, pieces)
        body, alone, by_provider = server.asked[0].body, [], []
        for _ in range(ROUNDS):
            alone.append(await plain(client, f"{server.url}{dialect.path}", body))
            by_provider.append(await provided(provider, asked, pieces))
    return min(alone), min(by_provider) - min(alone)


class _Stamped(list[bytes]):
    """Events of a stream that note when the server took the first piece of text."""

    wrote = 0.0

    def __iter__(self) -> Iterator[bytes]:
        for event in super().__iter__():
            if b"token0" in event:
                self.wrote = time.perf_counter()
            yield event


async def first_piece(dialect: Dialect, asked: LlmRequest) -> float:
    """Return the seconds from the server's write to the listener."""
    took: list[float] = []
    stream = _Stamped(dialect.stream(said(PIECES)))

    def heard(event: LlmStreamEvent) -> None:
        if isinstance(event, DeltaEvent) and event.text == "token0 ":
            took.append(time.perf_counter() - stream.wrote)

    async with ModelServer(Answer(stream)) as server:
        provider = dialect.provider(server.url)
        for _ in range(ROUNDS // 4):
            await provider.complete(asked, heard)
    return statistics.median(took)


def measure() -> dict[str, float]:
    """Return all figures."""
    asked, figures = conversation(), dict[str, float]()
    for dialect in DIALECTS:
        alone, more = asyncio.run(added(dialect, asked, PIECES))
        _, much = asyncio.run(added(dialect, asked, MANY_PIECES))
        figures |= {
            f"{dialect.kind}: httpx ms": alone * 1e3,
            f"{dialect.kind}: added ms": more * 1e3,
            f"{dialect.kind}: added µs a piece": (much - more) * 1e6 / (MANY_PIECES - PIECES),
            f"{dialect.kind}: first piece ms": asyncio.run(first_piece(dialect, asked)) * 1e3,
        }
    return {name: round(value, 3) for name, value in figures.items()}


def main() -> None:
    """Print the figures."""
    as_json = asking(__doc__).parse_args().json
    show(measure(), as_json=as_json)


if __name__ == "__main__":
    main()
