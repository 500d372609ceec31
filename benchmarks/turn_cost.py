"""What a turn costs, beside langgraph and pydantic-ai on the same scripted turn: `python -m benchmarks.turn_cost [--json] [--cpu]`.

One turn is two model calls and one tool call, with commit on and a trace in memory (see `turn_contestants`). `ratios` are against the better
of langgraph and pydantic-ai at that turn, `ratios_untraced` against the two without their trace, `ratios_at_exit` against a langgraph that
traces nothing and stores nothing until a run ends; lash_nb stores and traces in all of them.
All run in this process, some turns of one and then of the next, so that what slows the machine slows each of them. Figures are medians of
milliseconds by number of the turn, of the wall clock or, with `--cpu`, of the processor's time of this process; a peer's turn 1,000 is measured on a session that was given its history in one piece. `together` is turns a second of
100 sessions of 20 turns each, at once on one loop; lash_nb runs them before and behind each peer, and the median counts.
"""

import asyncio
import gc
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar, Final

from benchmarks.shown import asking, show_rows
from benchmarks.turn_contestants import CONTESTANTS, PEERS, Contestant, LashNb, Turn

RANGES: Final[Mapping[str, range]] = {"10": range(5, 16), "1-50": range(50), "250-300": range(249, 300)}
AT_LENGTH: Final = 1000
"""The turn that is measured on long sessions, with a few around it."""
AROUND: Final = 10
PEERS_AROUND: Final = 3
SESSIONS, TURNS_EACH = 100, 20
BLOCK: Final = 10
"""As many turns of one follow each other: the first of them finds the processor's caches full of somebody else's work."""
SQLITE: Final = "sqlite 250-300"
RUST: Final = {"1-50": 3.2, "250-300": 38.0, SQLITE: 25.0}
"""What the Rust original took at turns 50 and 300, on another machine."""

Figures = dict[str, dict[str, float]]


class Clock:
    """Measures, by the wall or by the processor."""

    now: ClassVar[Callable[[], float]] = time.perf_counter
    """Seconds."""


async def milliseconds(work: Awaitable[None]) -> float:
    """Return how long it took."""
    started = Clock.now()
    await work
    return (Clock.now() - started) * 1000


async def in_alternation(turns: Mapping[str, Turn], numbers: range) -> dict[str, list[float]]:
    """Run all contestants' turns and return milliseconds by turn."""
    took: dict[str, list[float]] = {name: [] for name in turns}
    for begun in numbers[::BLOCK]:
        for name, turn in turns.items():
            took[name] += [await milliseconds(turn(number)) for number in numbers if begun <= number < begun + BLOCK]
    return took


async def by_turn(folder: Path) -> Figures:
    """Measure everybody from the first turn on."""
    turns = {name: await make().session("bench") for name, make in CONTESTANTS.items()}
    turns[SQLITE] = await LashNb(folder).session("bench")
    took = await in_alternation(turns, range(max(span.stop for span in RANGES.values())))
    figures = {
        name: {label: statistics.median(values[span.start : span.stop]) for label, span in RANGES.items()}
        for name, values in took.items()
    }
    figures["lash_nb"][SQLITE] = figures.pop(SQLITE)["250-300"]
    return figures


async def at_length() -> dict[str, float]:
    """Measure turn 1,000 of everybody."""
    found = {}
    for name, make in CONTESTANTS.items():
        around = AROUND if make is LashNb else PEERS_AROUND
        turn = await make().session("long", turns=AT_LENGTH - around)
        took = await in_alternation({name: turn}, range(AT_LENGTH - around, AT_LENGTH + around))
        found[name] = statistics.median(took[name])
    return found


async def together(contestant: Contestant) -> float:
    """Return turns a second of many sessions at once."""
    turns = [await contestant.session(f"session-{number}") for number in range(SESSIONS)]

    async def all_turns(turn: Turn) -> None:
        for number in range(TURNS_EACH):
            await turn(number)

    return 1000 * SESSIONS * TURNS_EACH / await milliseconds(finished(map(all_turns, turns)))


async def finished(works: Iterable[Awaitable[None]]) -> None:
    """Do all at once."""
    await asyncio.gather(*works)


async def measure() -> Figures:
    """Return all figures, by contestant."""
    gc.collect()
    gc.freeze()
    with tempfile.TemporaryDirectory() as folder:
        figures = await by_turn(Path(folder))
    for name, took in (await at_length()).items():
        figures[name][str(AT_LENGTH)] = took
    rates: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    for name in in_between(CONTESTANTS):
        gc.collect()  # nobody's turns pay for what others left behind
        rates[name].append(await together(CONTESTANTS[name]()))
    for name, rate in rates.items():
        figures[name]["together"] = statistics.median(rate)
    return figures


def in_between(names: Iterable[str]) -> list[str]:
    """Return the names with the first one, which takes seconds where the others take a minute, before and behind each of the others."""
    first, *others = names
    return [first, *(name for other in others for name in (other, first))]


def ratios(figures: Figures, names: Iterable[str]) -> dict[str, float]:
    """Return how many times as fast as the better of these peers lash_nb is, and as itself with another history."""
    own, *peers = (figures[name] for name in ("lash_nb", *names))
    found = {label: min(peer[label] for peer in peers) / own[label] for label in ("1-50", "250-300", str(AT_LENGTH))}
    found["together"] = own["together"] / max(peer["together"] for peer in peers)
    found["1000 / 10"] = own[str(AT_LENGTH)] / own["10"]
    return found | {f"rust {label}": took / own[label] for label, took in RUST.items()}


def rounded(row: Mapping[str, float]) -> dict[str, float]:
    """Return the row as it is shown."""
    return {label: round(value, 3) for label, value in row.items()}


def main() -> None:
    """Print the figures."""
    parser = asking(__doc__)
    parser.add_argument(
        "--cpu", action="store_true", help="measure the processor's time of this process, where others keep it busy"
    )
    asked = parser.parse_args()
    Clock.now = time.process_time if asked.cpu else time.perf_counter
    figures = asyncio.run(measure())
    compared = {label: ratios(figures, names) for label, names in PEERS.items()}
    peers = ", ".join(f"{name} {version(name)}" for name in ("langgraph", "pydantic-ai-slim"))
    show_rows(
        {name: rounded(row) for name, row in (figures | compared).items()},
        as_json=asked.json,
        heading=f"ms per turn, medians, and turns a second together; {peers}",
    )


if __name__ == "__main__":
    main()
