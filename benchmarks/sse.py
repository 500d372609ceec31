"""How fast event streams are taken apart: `python -m benchmarks.sse [--json]`.

A stream of Chat Completions chunks, as long as answers have them, in chunks of the network's size; beside it the decoder of OpenAI's own client, which
gets the same bytes. The best of a few rounds, in time of the processor: other programs only add to it.
"""

import time
from collections.abc import Callable, Iterator
from typing import Final

from openai._streaming import SSEDecoder  # what OpenAI's client reads streams with has no public name

from benchmarks.shown import asking, show
from lash_nb.providers._sse import SseParser  # bytes in, events out: what a call is measured by lies around it

EVENT: Final = (
    b'data: {"id":"chatcmpl-BfQ2tLhGJ6cHsH7uWn0","object":"chat.completion.chunk","created":1749660000,"model":"gpt-5.2-mini",'
    b'"service_tier":"default","system_fingerprint":"fp_34a54ae93c","choices":[{"index":0,"delta":{"content":" token"},"logprobs":null,"finish_reason":null}]}\n\n'
)
EVENTS: Final = 40_000
READ_BYTES: Final = 16_384
SMALL_BYTES: Final = 64
ROUNDS: Final = 5


def cut(stream: bytes, size: int) -> Iterator[bytes]:
    """The stream in pieces of `size` bytes."""
    return (stream[start : start + size] for start in range(0, len(stream), size))


def ours(pieces: Iterator[bytes]) -> int:
    """Count the events."""
    parser = SseParser()
    return sum(len(parser.feed(piece)) for piece in pieces) + len(parser.close())


def theirs(pieces: Iterator[bytes]) -> int:
    """Count the events of OpenAI's decoder."""
    return sum(1 for _ in SSEDecoder().iter_bytes(pieces))


def rate(count: Callable[[Iterator[bytes]], int], stream: bytes, size: int) -> float:
    """Return MB/s of the best round."""
    took = []
    for _ in range(ROUNDS):
        began = time.process_time()
        assert count(cut(stream, size)) == EVENTS
        took.append(time.process_time() - began)
    return round(len(stream) / 1e6 / min(took), 1)


def measure() -> dict[str, float]:
    """Return all figures."""
    stream = EVENT * EVENTS
    own, peer = rate(ours, stream, READ_BYTES), rate(theirs, stream, READ_BYTES)
    return {
        "MB/s": own,
        f"MB/s, {SMALL_BYTES} bytes a piece": rate(ours, stream, SMALL_BYTES),
        "openai MB/s": peer,
        "ratio": round(own / peer, 1),
    }


def main() -> None:
    """Print the figures."""
    as_json = asking(__doc__).parse_args().json
    show(measure(), as_json=as_json)


if __name__ == "__main__":
    main()
