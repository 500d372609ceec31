"""A session outlives its kernel: one that was killed in the middle of a turn, and one that was restarted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.magics.kernel import Kernel

pytestmark = pytest.mark.slow

SETUP: Final = '''
%load_ext lash_nb
import asyncio, lash_nb
from lash_nb import ScriptedProvider, call, reply

@lash_nb.tool
async def look(seconds: float) -> str:
    """Look for some seconds."""
    print("looking", flush=True)
    await asyncio.sleep(seconds)
    return "fine"

def answer(request):
    asked = [block.Text.text for message in request.messages for block in message.blocks if block.Text]
    if asked[-1].startswith("Slow") and not any(block.ToolResult for block in request.messages[-1].blocks):
        return call("look", {"seconds": 60.0})
    return reply(f"You said {len(request.messages)} messages.")

provider = ScriptedProvider(answer)
'''


@pytest.fixture
def notebook() -> Iterator[Kernel]:
    """A kernel of this test alone, which ends it."""
    with Kernel() as started:
        assert started.run(SETUP).error == ""
        yield started


def value(kernel: Kernel, expression: str) -> str:
    """What an expression is, as text."""
    cell = kernel.run(expression)
    assert cell.outputs, (cell.printed, cell.error)
    return str(cell.outputs[-1]["data"]["text/plain"])


SAID: Final = "[message.parts[0].content for message in session.read_view().messages if message.role == 'User' and message.parts[0].kind == 'Text']"


def begin(kernel: Kernel, folder: Path) -> None:
    """A session of one turn in a folder."""
    assert "Session demo" in kernel.run(f"%lash new demo --store '{folder}'").text
    assert "Completed" in kernel.run("%%lash\nFirst.").text


def test_a_killed_kernel_loses_nothing_that_was_committed(notebook: Kernel, tmp_path: Path) -> None:
    """SIGKILL while a tool runs: the turns before and the prompt of that turn are there, and the session goes on."""
    begin(notebook, tmp_path)
    cell = notebook.start("%%lash\nSlow.")
    notebook.wait_for(cell, "looking")

    notebook.kill()
    notebook.restart()
    notebook.run(SETUP)

    opened = notebook.run(f"session = %lash open demo --store '{tmp_path}'\nsession")
    assert "2 turns" in opened.text  # the one that was begun has its number
    assert value(notebook, SAID) == "['First.', 'Slow.']"
    assert "Completed" in notebook.run("%%lash\nThird.").text
    assert value(notebook, SAID) == "['First.', 'Slow.', 'Third.']"
    assert "Not listed" not in notebook.run("%lash sessions").printed


def test_a_restarted_kernel_goes_on(notebook: Kernel, tmp_path: Path) -> None:
    """As after a click on Restart."""
    begin(notebook, tmp_path)

    notebook.restart()
    notebook.run(SETUP)
    notebook.run(f"%config Lash.store = '{tmp_path}'")

    assert "1 turn" in notebook.run("session = %lash open demo\nsession").text
    assert "Completed" in notebook.run("%%lash\nSecond.").text
    assert value(notebook, SAID) == "['First.', 'Second.']"
