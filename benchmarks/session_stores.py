"""What keeping sessions costs: `python -m benchmarks.session_stores [--json] [--parked N]`.

Sessions are brought to their length by commits of prepared turns; what is measured are real turns, openings and parkings through `LashCore`,
with a provider that answers a word. Milliseconds are medians, of the wall clock and, under `… cpu`, of the processor's time of this process;
where two lengths are compared they take turns, so that what slows the machine slows both.
"""

import asyncio
import gc
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, Final, cast

from benchmarks.long_sessions import Length
from benchmarks.shown import asking, show
from lash_nb import LashCore, LashSession, ScriptedProvider, open_store, reply
from lash_nb.core import LashCoreBuilder
from lash_nb.runtime import ParkedSession, Residency, RuntimeTurnPhase
from lash_nb.stores import SessionStore
from lash_nb.wire import RuntimeCommit, RuntimeCommitResult, turn_commit_hash

SHORT, LONG = 100, 10_000
"""The turns after which a turn is measured."""
TURNS: Final = 60
"""How many turns are measured at each length."""
NODES, PATH = 100_000, 100
"""Nodes of a long session, and on its active path when that is short."""
BATCH: Final = 10_000
"""Nodes that are stored in one commit, where turns do not matter."""
PARKED: Final = 10_000
FILES: Final = 1_000
"""Databases of a folder that is looked into."""
COMMIT, FINAL, HEAD, TURN = "store's commits", "final commit with delta and hash", "load_head", "whole turn"


class Stopwatch:
    """Collects milliseconds by name, of the wall clock and of the processor."""

    def __init__(self) -> None:
        self._took: dict[str, list[tuple[float, float]]] = {}
        self._open: list[tuple[float, float]] = []

    def begin(self) -> None:
        """Begin, within what began before."""
        self._open.append((time.perf_counter(), time.process_time()))

    def end(self, name: str) -> None:
        """End what began last."""
        wall, cpu = self._open.pop()
        self._took.setdefault(name, []).append(
            ((time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000)
        )

    async def timed(self, name: str, work: Awaitable[Any]) -> Any:
        """Await it and note how long it took."""
        self.begin()
        try:
            return await work
        finally:
            self.end(name)

    def forget(self) -> None:
        """Begin anew."""
        self._took.clear()

    def figures(self, rounds: int | None = None) -> dict[str, float]:
        """Return the medians; with `rounds`, of what each of so many rounds took in all."""
        found: dict[str, float] = {}
        for name, took in self._took.items():
            each = len(took) // (rounds or len(took))
            assert len(took) == each * (rounds or len(took))
            walls, cpus = (
                [sum(column[at : at + each]) for at in range(0, len(took), each)] for column in zip(*took, strict=True)
            )
            found[f"{name} ms"] = round(statistics.median(walls), 3)
            found[f"{name} cpu ms"] = round(statistics.median(cpus), 3)
        return found


class WatchedStore:
    """A store whose commits and heads are timed; everything else goes through."""

    def __init__(self, store: SessionStore, watch: Stopwatch) -> None:
        self._store = store
        self._watch = watch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def load_head(self) -> Any:
        """Return the head."""
        return await self._watch.timed(HEAD, self._store.load_head())

    async def commit_runtime_state(self, commit: RuntimeCommit, *, begins: bool = False) -> RuntimeCommitResult:
        """Commit."""
        committing = self._store.commit_runtime_state(commit, begins=begins)
        result: RuntimeCommitResult = await self._watch.timed(COMMIT, committing)
        return result


class Phases:
    """Times the last commit of a turn, with everything that leads to it."""

    def __init__(self, watch: Stopwatch) -> None:
        self._watch = watch

    def begin(self, phase: RuntimeTurnPhase) -> None:
        """Begin the watch."""
        if phase == "final_commit":
            self._watch.begin()

    def end(self, phase: RuntimeTurnPhase) -> None:
        """End the watch."""
        if phase == "final_commit":
            self._watch.end(FINAL)

    def begin_named(self, phase: str) -> None:
        """Plugins are not measured."""

    def end_named(self, phase: str) -> None:
        """Plugins are not measured."""


def builder() -> LashCoreBuilder:
    """Return what every core here shares."""
    return LashCore.standard().provider(ScriptedProvider(lambda _: reply("Yes."))).model("scripted")


def stored(folder: Path, residency: Residency = "keep_all") -> LashCore:
    """Return a core over SQLite."""
    return builder().stored_in(folder).residency(residency).build()


async def begun(core: LashCore, session_id: str) -> LashSession:
    """Return a session after its first turn."""
    session = await core.session(session_id).open()
    await turn(session)
    return session


async def turn(session: LashSession) -> None:
    """Run a turn."""
    result = await session.turn("Is it still raining?").run()
    assert result.is_success


async def of_length(core: LashCore, turns: int, watch: Stopwatch) -> LashSession:
    """Return a session of so many turns, watched from now on."""
    first = await begun(core, f"after-{turns}")
    await (await Length.of(first)).turns(turns)
    await first.close()
    store = cast("SessionStore", WatchedStore(cast("SessionStore", first.store), watch))
    session = await core.session(f"after-{turns}").store(store).open()
    assert session.turn_index == turns
    return session


async def turn_figures(core: LashCore) -> dict[str, float]:
    """Return what turns cost after few and after many, and how the two compare."""
    watches = {count: Stopwatch() for count in (SHORT, LONG)}
    sessions = {count: await of_length(core, count, watch) for count, watch in watches.items()}
    for session in sessions.values():
        await turn(session)  # the first one renders the whole conversation
    gc.collect()
    gc.freeze()
    for count, session in sessions.items():
        watches[count].forget()
        session.set_turn_phase_probe(Phases(watches[count]))
    for _ in range(TURNS):
        for count, session in sessions.items():
            await watches[count].timed(TURN, turn(session))
    gc.unfreeze()
    return compared({count: watch.figures(TURNS) for count, watch in watches.items()})


def compared(figures: dict[int, dict[str, float]]) -> dict[str, float]:
    """Return the figures of both lengths and their ratios."""
    found = {f"{name}, turn {count:,}": value for count, row in figures.items() for name, value in row.items()}
    for name, short in figures[SHORT].items():
        found[f"{name.removesuffix(' ms')}, turn {LONG:,} / {SHORT}"] = round(figures[LONG][name] / short, 2)
    return found


async def opening_figures(folder: Path) -> dict[str, float]:
    """Return what opening a session of many nodes costs, and one that reads only a short path of them."""
    session = await begun(stored(folder), "long")
    length = await Length.of(session)
    for number in range(NODES // BATCH):
        await length.nodes(BATCH, turn=number + 2)
    await session.close()
    whole = await opened(folder, "keep_all", rounds=5, nodes=NODES)
    length.leaf = None
    await length.nodes(PATH, turn=NODES)
    path = await opened(folder, "active_path_only", rounds=21, nodes=PATH)
    return {f"open {NODES:,} nodes {name}": value for name, value in whole.items()} | {
        f"open {PATH} of {NODES:,} nodes {name}": value for name, value in path.items()
    }


async def opened(folder: Path, residency: Residency, *, rounds: int, nodes: int) -> dict[str, float]:
    """Open the session again and again, each time from its file, and return the medians."""
    watch = Stopwatch()
    for _ in range(rounds):
        gc.collect()
        session = await watch.timed("open", stored(folder, residency).session("long").open())
        assert nodes <= len(session.graph.nodes) <= nodes + BATCH // 100
        session.store.release()
        await session.close()
        del session
    return {name.removeprefix("open "): value for name, value in watch.figures().items()}


async def parking_figures(core: LashCore, rounds: int = 200) -> dict[str, float]:
    """Return what parking a session of a few turns and resuming it costs."""
    watch = Stopwatch()
    session = await begun(core, "small")
    for _ in range(rounds):
        watch.begin()
        parked = await session.park()
        session = await core.resume(parked)
        watch.end("park and resume")
    await turn(session)
    assert session.turn_index > 1
    return watch.figures()


async def parked_figures(folder: Path, count: int) -> dict[str, float]:
    """Return what sessions weigh in memory while they are parked."""
    core = stored(folder)
    await (await begun(core, "first")).park()  # what is loaded and made once is not a session's
    gc.collect()
    files = open_files()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    parked: list[ParkedSession] = [await (await begun(core, f"parked-{number}")).park() for number in range(count)]
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len({one.session_id for one in parked}) == count
    return {
        f"bytes a parked session, of {count:,}": round((after - before) / count),
        "open files of all parked sessions": open_files() - files,
    }


def open_files() -> int:
    """Return how many files this process holds open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def folder_figures(folder: Path) -> dict[str, float]:
    """Return what it costs to look into a folder of databases."""
    core, watch = stored(folder), Stopwatch()
    for number in range(FILES):
        await (await begun(core, f"session-{number}")).park()
    for _ in range(3):
        watch.begin()
        found = open_store(folder)
        watch.end(f"open_store of {FILES:,} databases")
        assert len(found) == FILES
    return watch.figures()


async def hash_figures(core: LashCore) -> dict[str, float]:
    """Return what the hash of a turn's commit costs."""
    length, watch = await Length.of(await begun(core, "hashed")), Stopwatch()
    await length.nodes(2, turn=2)
    for _ in range(200):
        watch.begin()
        turn_commit_hash(length.commit)
        watch.end("turn_commit_hash of two nodes")
    return watch.figures()


async def measure(parked: int) -> dict[str, dict[str, float]]:
    """Return all figures."""
    in_memory = builder().in_memory
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        return {
            "turns in memory": await turn_figures(in_memory().build()),
            "turns in SQLite": await turn_figures(stored(folder / "turns")),
            "opening": await opening_figures(folder / "long"),
            "parking in memory": await parking_figures(in_memory().build()),
            "parking in SQLite": await parking_figures(stored(folder / "small")),
            "folder": await folder_figures(folder / "folder"),
            "hash": await hash_figures(in_memory().build()),
            "parked": await parked_figures(folder / "parked", parked),
        }


def main() -> None:
    """Print the figures."""
    parser = asking(__doc__)
    parser.add_argument("--parked", type=int, default=PARKED, help="how many sessions are parked at once")
    asked = parser.parse_args()
    show(asyncio.run(measure(asked.parked)), as_json=asked.json)


if __name__ == "__main__":
    main()
