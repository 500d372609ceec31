"""How soon a notebook shows a model's first words: `python -m benchmarks.first_token [--json]`.

Milliseconds of the clock from the moment at which a server on loopback writes the first piece of text until the kernel's message that shows it has come
to a client of its output channel, as a page is one: the median of the turns and the worst of them. Beside it, what the same bytes take from the
server to a listener of plain httpx.
"""

import asyncio
import statistics
import threading
import time
from collections.abc import Iterator
from typing import Final, Self

import httpx

from benchmarks.shown import asking, show
from tests.magics.kernel import Kernel
from tests.providers.servers import Answer, ChatDialect, ModelServer, Piece, Said, pause

TURNS: Final = 40
FIRST: Final = "token0"
STREAM: Final = ChatDialect().stream(Said(text=tuple(f"token{number} " for number in range(20))))
SETTLED: Final = pause(0.12)
"""By then the cell shows that the turn runs, and waits; and so long a model takes for the next words."""
CELL: Final = """
import lash_nb
%load_ext lash_nb
provider = lash_nb.OpenAiCompatibleProvider(base_url={url!r})
%lash new demo --provider provider --model any --window 100000
"""


class Server:
    """A model on a thread of its own; a context manager."""

    def __init__(self) -> None:
        self.wrote = 0.0
        """When it wrote the first piece of text last."""
        self.url = ""
        self._is_up, self._loop, self._over = threading.Event(), asyncio.new_event_loop(), asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)

    def __enter__(self) -> Self:
        """Start it."""
        self._thread.start()
        self._is_up.wait()
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    async def _serve(self) -> None:
        async with ModelServer(lambda _: Answer(self._pieces())) as server:
            self.url = server.url
            self._is_up.set()
            await self._over.wait()

    def _pieces(self) -> Iterator[Piece]:
        for event in STREAM:
            if FIRST.encode() in event:
                yield SETTLED
                self.wrote = time.perf_counter()
            yield event
            if FIRST.encode() in event:
                yield SETTLED


def shown(server: Server) -> list[float]:
    """Return the seconds of each turn from the server's write to the page."""
    took = []
    with Kernel() as kernel:
        begun = kernel.run(CELL.format(url=server.url))
        assert not begun.error, begun.error
        for _ in range(TURNS):
            cell = kernel.start("%%lash\nSay something.")
            kernel.wait_for(cell, FIRST)
            took.append(time.perf_counter() - server.wrote)
            kernel.finish(cell)
            assert "Completed" in cell.text, cell.text
    return took


def heard(server: Server) -> list[float]:
    """Return the same for a listener of plain httpx."""
    took = []
    with httpx.Client() as client:
        for _ in range(TURNS):
            with client.stream("POST", f"{server.url}{ChatDialect().path}", json={}) as response:
                next(chunk for chunk in response.iter_bytes() if FIRST.encode() in chunk)
                took.append(time.perf_counter() - server.wrote)
    return took


def main() -> None:
    """Print the figures."""
    asked = asking(__doc__).parse_args()
    with Server() as server:
        page, plain = shown(server), heard(server)
    figures = {
        "first words ms": statistics.median(page) * 1e3,
        "first words ms, worst": max(page) * 1e3,
        "httpx ms": statistics.median(plain) * 1e3,
    }
    show({name: round(value, 2) for name, value in figures.items()}, as_json=asked.json)


if __name__ == "__main__":
    main()
