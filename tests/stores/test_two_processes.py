"""Two processes on one database: one wins, the other is told, nobody's commit is lost."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from lash_nb import LashCore, LashSession, ScriptedProvider, open_store, reply

TURNS: Final = 15
WRITER: Final = f"""
import asyncio, sys
from lash_nb import LashCore, ScriptedProvider, reply
from lash_nb.errors import LashRuntimeError

async def main():
    core = LashCore.standard().stored_in(sys.argv[1]).provider(ScriptedProvider(lambda _: reply("Yes."), delay=0.002)).model("m").build()
    session = await core.session("shared").open()
    won = 0
    while won < {TURNS}:
        try:
            await session.turn(f"{{sys.argv[2]}} {{won}}").run()
        except LashRuntimeError as error:
            assert error.code == "store_commit_failed", error
            print("conflict", flush=True)
        else:
            won += 1
            print(session.graph.leaf_node_id, flush=True)

asyncio.run(main())
"""


@pytest.mark.slow
def test_no_commit_is_lost_between_two_writers(tmp_path: Path) -> None:
    """Every turn that a writer was told to be committed is in the database, and the way to the head is whole."""
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), name], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
        )
        for name in ("left", "right")
    ]
    told = [writer.communicate()[0].split() for writer in writers]

    assert [writer.returncode for writer in writers] == [0, 0]
    stored = open_store(tmp_path)["shared"]
    nodes = {node.node_id for node in stored.graph.nodes}
    for lines in told:
        leaves = [line for line in lines if line != "conflict"]
        assert len(leaves) == TURNS
        assert set(leaves) <= nodes


async def test_a_writer_goes_on_from_what_the_other_committed(tmp_path: Path) -> None:
    """Between turns a session takes over what others wrote."""

    async def opened() -> LashSession:
        provider = ScriptedProvider(lambda request: reply(f"Seen {len(request.messages)}."))
        core = LashCore.standard().stored_in(tmp_path).provider(provider).model("m").build()
        return await core.session("shared").open()

    left, right = await asyncio.gather(opened(), opened())
    for turn in range(3):
        await left.turn(f"left {turn}").run()
        result = await right.turn(f"right {turn}").run()

    assert result.reply == "Seen 12."
    assert len(open_store(tmp_path)["shared"].messages) == 12
