"""Kill processes at random moments of durable turns and go on with what they leave: `python -m tests.effects.crash FOLDER TURNS SEED [queued|beside]`.

Each process runs the last turn that there is again, under its id, then the next ones, until it is killed with SIGKILL; `queued` turns are all
in the queue from the beginning, and each process runs what it finds there; `beside`, two do so at a time. In the end the
history has each turn once, whole and in order, and the tool was called again only where the call that was cut off was not recorded.
Prints how many processes were killed, how many turns there are and how often the tool was called.
"""

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from lash_nb import LashCore, LashSession, ScriptedProvider, calls, open_store, reply, tool
from lash_nb.effects import SqliteEffectHost
from lash_nb.wire import LlmRequest, LlmResponse
from tests.effects.processes import ended, forked

__all__ = ["main"]

LONGEST_LIFE: Final = 2
"""A process lives at most as long as so many turns take here and now, once it has opened the session."""
LEASE_MS: Final = 20
POLL_S: Final = 0.002
"""How long to wait before looking again whether the lease of a dead process has ended."""


def answer(request: LlmRequest) -> LlmResponse:
    """Look something up under the number of the question, then tell it."""
    block = request.messages[-1].blocks[-1]
    if block.ToolResult is not None:
        return reply(f"Found {block.ToolResult.content}.")
    number = block.Text.text.removeprefix("Question ") if block.Text else ""
    return calls((f"c{number}", "look_up", {"number": number}))


async def ask(session: LashSession, turns: int) -> None:
    """Run so many turns, from the last one on that was begun: whether it is finished nobody knows."""
    for number in range(max(session.turn_index - 1, 0), turns):
        await session.turn(f"Question {number}").turn_id(f"t{number}")


async def fill(session: LashSession, turns: int) -> None:
    """Queue what was not queued yet of so many turns."""
    assert session.store is not None
    for number in range(session.turn_index + len(await session.store.list_queued_work("crash")), turns):
        await session.queue(f"Question {number}")


async def drain(session: LashSession, _: int) -> None:
    """Run what is queued, whoever else does."""
    store = session.store
    assert store is not None
    while await store.list_queued_work("crash"):
        await session.next_queued_turn()
        await asyncio.sleep(POLL_S)


async def fill_and_drain(session: LashSession, turns: int) -> None:
    """Do the one, then the other."""
    await fill(session, turns)
    await drain(session, turns)


Work = Callable[[LashSession, int], Awaitable[None]]
WAYS: Final[dict[str, tuple[Work, int]]] = {"alone": (ask, 1), "queued": (fill_and_drain, 1), "beside": (drain, 2)}
"""What a process does, and how many do at a time."""


async def run_turns(folder: Path, turns: int, work: Work) -> None:
    """Do this work of so many turns."""

    @tool
    def look_up(number: str) -> str:
        """Look something up."""
        with (folder / "looked_up.txt").open("a") as lines:
            lines.write(f"{number}\n")
        return f"answer {number}"

    host = SqliteEffectHost(folder / "effects.db", lease_ttl_ms=LEASE_MS)
    core = LashCore.standard().stored_in(folder).effect_host(host).provider(ScriptedProvider(answer)).model("m")
    session = await core.tools(look_up).build().session("crash").open()
    (folder / "open").touch()
    await work(session, turns)
    (folder / "over").touch()
    await session.close()
    host.release()


def seconds_of(turns: int, work: Work) -> float:
    """Tell how long it takes to open a session and run so many turns, once all is loaded that they need."""
    with TemporaryDirectory() as first, TemporaryDirectory() as second:
        asyncio.run(run_turns(Path(first), 1, work))
        began = time.perf_counter()
        asyncio.run(run_turns(Path(second), turns, work))
        return time.perf_counter() - began


def check(folder: Path, turns: int) -> None:
    """Assert that the history has each turn once, whole and in order."""
    stored = open_store(folder)["crash"]
    told = ["".join(part.content for part in message.parts if part.kind != "ToolCall") for message in stored.messages]
    assert [text for text in told if text] == [
        text
        for number in range(turns)
        for text in (f"Question {number}", f"answer {number}", f"Found answer {number}.")
    ]


def await_file(file: Path) -> None:
    """Wait until a process made a file, half a minute at most."""
    for _ in range(15_000):
        if file.exists():
            return
        time.sleep(0.002)


def main(arguments: list[str]) -> int:
    """Kill until all turns are there, then check."""
    folder, turns, chance = Path(arguments[0]), int(arguments[1]), random.Random(int(arguments[2]))  # noqa: S311 - moments, no secrets
    work, count = WAYS[[*arguments[3:], "alone"][0]]
    longest_s, kills = seconds_of(LONGEST_LIFE, ask if work is ask else fill_and_drain), 0
    if work is drain:
        asyncio.run(run_turns(folder, turns, fill))
        (folder / "over").unlink()
    while not (folder / "over").exists():
        (folder / "open").unlink(missing_ok=True)
        children = [forked(lambda: run_turns(folder, turns, work)) for _ in range(count)]
        await_file(folder / "open")
        for child in children:
            time.sleep(chance.uniform(0, longest_s))
            os.kill(child, signal.SIGKILL)
            how = ended(child)
            assert how in {0, -signal.SIGKILL}, f"the process ended by itself with {how}"
            kills += how != 0
    check(folder, turns)
    looked_up = (folder / "looked_up.txt").read_text().split()
    assert len(looked_up) <= turns + kills
    sys.stdout.write(f"{kills} processes killed, {turns} turns, the tool was called {len(looked_up)} times\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
