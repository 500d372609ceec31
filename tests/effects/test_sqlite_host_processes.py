"""Several processes on one database of effects: each effect is performed once, whoever comes first, and whoever dies on the way."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from lash_nb.effects import SqliteEffectHost
from lash_nb.wire import RuntimeEffectEnvelope, RuntimeEffectOutcome, ToolOutcome
from tests.effects.material import SCOPE, World, called, tool_call
from tests.effects.processes import FORKING, ended, forked

pytestmark = pytest.mark.filterwarnings(FORKING)

EFFECTS = [tool_call(f"c{number}", number) for number in range(12)]


def noting(file: Path, *, seconds: float = 0) -> World:
    """An executor that leaves a line in a file for each call, and answers with the number of its process."""

    async def act(envelope: RuntimeEffectEnvelope) -> RuntimeEffectOutcome:
        call_id = (envelope.invocation.effect_id or "").rpartition(":")[2]
        with file.open("a") as lines:
            lines.write(f"{call_id}\n")
        await asyncio.sleep(seconds)
        return called(call_id, os.getpid())

    return World(act)


def performed(file: Path) -> list[str]:
    """The calls that were performed, in alphabetical order."""
    return sorted(file.read_text().split())


async def perform(folder: Path, envelopes: list[RuntimeEffectEnvelope], world: World, lease_ms: int) -> list[str]:
    """Perform envelopes one after the other, as one process; who performed them."""
    host = SqliteEffectHost(folder / "effects.db", lease_ttl_ms=lease_ms)
    outcomes = [await host.scoped(SCOPE).execute_effect(envelope, world) for envelope in envelopes]
    host.release()
    return [str(outcome.result.output) for outcome in outcomes if isinstance(outcome, ToolOutcome)]


def test_each_effect_is_performed_once_for_all_processes(tmp_path: Path) -> None:
    """Three processes ask for the same effects in three orders; a fourth gets every outcome without performing anything."""
    file = tmp_path / "performed.txt"

    def work(seed: int) -> Callable[[], Awaitable[object]]:
        order = random.Random(seed).sample(EFFECTS, len(EFFECTS))  # noqa: S311 - an order, no secret
        return lambda: perform(tmp_path, order, noting(file, seconds=0.001), 5_000)

    children = [forked(work(seed)) for seed in range(3)]

    assert [ended(child) for child in children] == [0, 0, 0]
    assert performed(file) == sorted(f"c{number}" for number in range(len(EFFECTS)))
    asyncio.run(perform(tmp_path, EFFECTS, World(), 5_000))
    assert len(performed(file)) == len(EFFECTS)


def test_a_living_process_keeps_its_lease_and_a_dead_one_loses_it(tmp_path: Path) -> None:
    """While the first process works, far beyond one lease, the second waits; once that is killed it goes on."""
    file, lease_ms = tmp_path / "performed.txt", 400
    first = forked(lambda: perform(tmp_path, EFFECTS[:1], noting(file, seconds=30), lease_ms))
    while not file.exists():
        time.sleep(0.005)
    second = forked(lambda: perform(tmp_path, EFFECTS[:1], noting(file), lease_ms))
    time.sleep(1.5 * lease_ms / 1000)
    before = performed(file)
    os.kill(first, signal.SIGKILL)

    assert (ended(first), ended(second)) == (-signal.SIGKILL, 0)
    assert before == ["c0"]
    assert performed(file) == ["c0", "c0"]
