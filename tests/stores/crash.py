"""Kill writers at random moments and look at what they leave: `python -m tests.stores.crash FOLDER KILLS SEED`.

Each writer goes on with one session, turn after turn; each turn stores a picture. It is killed with SIGKILL somewhere in between. Then the
database has to open, the head has to be a committed one, everything that a writer was told to be committed has to be there, and so do the
bytes of every attachment that a node names. Prints how many writers were killed and how many turns they left.
"""

import asyncio
import os
import random
import select
import signal
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from lash_nb import LashCore, LashSession, ScriptedProvider, calls, reply, tool
from lash_nb.stores import FullGraph, SqliteSessionStore, StoreFolder, attachment_references
from lash_nb.wire import LlmRequest, LlmResponse, active_path, content_id

__all__ = ["main"]

LONGEST_LIFE_S: Final = 0.06
"""A writer lives at most as long after its first commit; a turn takes some milliseconds."""


@tool
def draw(number: int) -> bytes:
    """Draw something that nobody drew before."""
    return b"\x89PNG\r\n\x1a\n" + number.to_bytes(8, "big") + os.urandom(2000)


def answer(request: LlmRequest) -> LlmResponse:
    """Draw first, then say so."""
    if any(block.ToolResult for block in request.messages[-1].blocks):
        return reply("Drawn.")
    return calls((f"c{len(request.messages)}", "draw", {"number": len(request.messages)}))


async def warm_up(folder: Path) -> None:
    """Load what a turn loads, so that no writer has to."""
    session = await opened(folder)
    await session.turn("Draw.").run()
    await session.park()


async def opened(folder: Path) -> LashSession:
    """The session of a folder."""
    core = LashCore.standard().stored_in(folder).provider(ScriptedProvider(answer)).model("m").tools(draw).build()
    return await core.session("crash").open()


async def write(folder: Path, told: int) -> None:
    """Run turns until killed; tell the leaf after each."""
    session = await opened(folder)
    os.write(told, b"open\n")
    while True:
        await session.turn("Draw.").run()
        os.write(told, f"{session.graph.leaf_node_id}\n".encode())


def killed_writer(folder: Path, life_s: float) -> list[str]:
    """Start a writer, kill it, and return the leaves that it was told to be committed."""
    reading, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            asyncio.run(write(folder, told))
        finally:
            os._exit(1)
    os.close(told)
    select.select([reading], [], [], 30)
    time.sleep(life_s)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as pipe:
        lines = pipe.read().decode().splitlines()
    assert os.WIFSIGNALED(status), f"the writer ended by itself with {status}"
    return [line for line in lines if line != "open"]


async def check(folder: Path, committed: list[str]) -> int:
    """Assert that nothing is lost or torn; return the number of the last turn."""
    stores = StoreFolder(folder)
    store = SqliteSessionStore(stores.sessions.path_of("crash"))
    read = await store.load_session(FullGraph())
    store.release()
    if read is None:
        assert not committed
        return 0
    nodes = {node.node_id: node for node in read.graph.nodes}
    path = active_path(nodes, read.graph.leaf_node_id)
    assert store.unread == 0
    assert len(path) == len(nodes), "a node is on no way to the head"
    assert path[0].parent_node_id is None
    assert nodes.keys() >= set(committed), "a committed node is missing"
    assert read.checkpoint is not None
    assert read.checkpoint.tool_state is not None
    for ref, who in attachment_references(path):
        assert content_id(stores.attachments.get(ref.id).data) == ref.id, who
    return read.checkpoint.turn_state.turn_index


def main(arguments: list[str]) -> int:
    """Kill as many writers as asked, and check after each."""
    folder, kills, chance = Path(arguments[0]), int(arguments[1]), random.Random(int(arguments[2]))  # noqa: S311 - moments, no secrets
    with TemporaryDirectory() as other:
        asyncio.run(warm_up(Path(other)))
    committed: list[str] = []
    turns = 0
    for _ in range(kills):
        committed += killed_writer(folder, chance.uniform(0, LONGEST_LIFE_S))
        turns = asyncio.run(check(folder, committed))
    sys.stdout.write(f"{kills} writers killed, {turns} turns begun, {len(committed)} told to be committed\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
