"""What a live session costs as it grows, in this process: `python -m benchmarks.session_growth [--json]`.

Turns are the scripted ones of `turn_contestants`. `memory` is what the process holds more than before the first turn, in MB, after 300 and
3,000 turns with journal, memory trace and the provider's requests kept; a session that holds its conversation once grows ten times.
`jsonl` is how fast a JSONL sink takes the records of a long session, in MB a second of the processor's time, all of its work counted.
`turn` is a turn's milliseconds of the processor, median around turns 100 and 10,000, and their ratio.
"""

import asyncio
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

from benchmarks.shown import asking, show_rows
from benchmarks.turn_contestants import LashNb, Turn, question, scripted_core
from lash_nb import JsonlTraceSink
from lash_nb.wire import TraceRecord

LENGTHS: Final = (300, 3_000)
SHORT, LONG, AROUND = 100, 10_000, 30
JSONL_TURNS, JSONL_MEASURED = 700, 100
"""The records of that many turns are measured, after as many; each call's record holds the whole conversation."""


class TimedSink(JsonlTraceSink):
    """Counts seconds of the processor."""

    seconds = 0.0

    def record(self, record: TraceRecord) -> None:
        """Take the record."""
        started = time.process_time()
        super().record(record)
        self.seconds += time.process_time() - started


async def memory() -> dict[str, float]:
    """Return MB after so many turns."""
    turn, grown = await LashNb().session("long"), {}
    gc.collect()
    before = resident_megabytes()
    for number in range(1, max(LENGTHS) + 1):
        await turn(number)
        if number in LENGTHS:
            gc.collect()
            grown[f"{number} turns"] = resident_megabytes() - before
    return grown


def resident_megabytes() -> float:
    """Return what the process holds (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def jsonl() -> dict[str, float]:
    """Return MB a second."""
    with tempfile.TemporaryDirectory() as folder:
        sink = TimedSink(Path(folder) / "trace.jsonl")
        session = await scripted_core().trace_sink(sink).build().session("long").open()
        for number in range(JSONL_TURNS + JSONL_MEASURED):
            if number == JSONL_TURNS:
                size, sink.seconds = sink.path.stat().st_size, 0.0
            await session.turn(question(number)).run()
        return {"MB/s": (sink.path.stat().st_size - size) / 1e6 / sink.seconds}


async def turn() -> dict[str, float]:
    """Return milliseconds around two turns, and how many times the later one takes."""
    run = await LashNb().session("long")
    short = await median_around(run, 0, SHORT)
    long = await median_around(run, SHORT + AROUND, LONG)
    return {str(SHORT): short, f"{LONG:_}": long, "ratio": long / short}


async def median_around(turn: Turn, begun: int, place: int) -> float:
    """Run turns up to some behind `place` and return the median of those around it."""
    took = []
    for number in range(begun, place + AROUND):
        started = time.process_time()
        await turn(number)
        took.append((time.process_time() - started) * 1000)
    return statistics.median(took[-2 * AROUND :])


PARTS: Final[Mapping[str, Callable[[], Awaitable[dict[str, float]]]]] = {
    "memory": memory,
    "jsonl": jsonl,
    "turn": turn,
}
"""What is measured, each in a process of its own."""


def measured(part: str) -> dict[str, float]:
    """Return a part's figures, from a fresh interpreter."""
    command = [sys.executable, "-m", "benchmarks.session_growth", "--part", part]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


async def one(part: str) -> dict[str, float]:
    """Measure one part here."""
    return {label: round(value, 2) for label, value in (await PARTS[part]()).items()}


def main() -> None:
    """Print the figures."""
    parser = asking(__doc__)
    parser.add_argument("--part", choices=PARTS, help="measure this in the present process, and print JSON")
    asked = parser.parse_args()
    if asked.part:
        print(json.dumps(asyncio.run(one(asked.part))))
        return
    show_rows({part: measured(part) for part in PARTS}, as_json=asked.json)


if __name__ == "__main__":
    main()
