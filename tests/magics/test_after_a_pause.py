"""What a notebook says and does after Ctrl-C in cells that await turns and tools themselves, in a real kernel."""

from collections.abc import Iterator

import pytest

from tests.magics.kernel import Cell, Kernel
from tests.magics.test_awaited_turns import AWAITED, SETUP, interrupted, value

pytestmark = pytest.mark.slow

SLOW = """
@lash_nb.tool
def dig(seconds: float) -> str:
    "Dig."
    print("digs for", seconds); time.sleep(seconds)
    return "dug"

@lash_nb.tool
async def doze(seconds: float) -> str:
    "Doze."
    print("digs for", seconds); await asyncio.sleep(seconds)
    return "dozed"
"""


@pytest.fixture
def notebook(kernel: Kernel) -> Iterator[Kernel]:
    """The kernel with a session that no magic opened, whose model calls a slow tool twice."""
    assert kernel.run(SETUP).error == ""
    yield kernel
    kernel.run("%unload_ext lash_nb\nawait session.close()")


def pressed(notebook: Kernel, source: str, words: str) -> Cell:
    """A cell that is over because Ctrl-C was pressed once, when it had shown the words."""
    cell = notebook.start(source)
    notebook.wait_for(cell, words)
    notebook.interrupt()
    return notebook.finish(cell)


def test_a_turn_is_refused_while_another_one_is_paused(notebook: Kernel) -> None:
    """Nobody could let the first one go on from below; what to do is said, and the prompt that was refused never runs."""
    notebook.finish(interrupted(notebook))
    refused = notebook.run("await session.turn('And then?').run()")

    assert "a turn of own is paused before llm_call scripted; first end it: await session.continue_()" in refused.error
    assert value(notebook, "(await session.continue_()).reply") == "'Both are fine.'"
    assert value(notebook, "session.turn_index, session.stepper.state") == "(1, 'finished')"
    assert notebook.run("SECONDS = 0.01\n" + AWAITED).error == ""


@pytest.mark.parametrize(("name", "said"), [("dig", " Still running in its thread: dig; nobody hears"), ("doze", "")])
def test_the_first_interrupt_stops_a_tool_that_is_tried(notebook: Kernel, name: str, said: str) -> None:
    """A function that runs on in its thread is named."""
    assert notebook.run(SLOW + "%lash new tried").error == ""
    cell = pressed(notebook, f'%lash tools {name} {{"seconds": 3}}', "digs for")

    assert cell.error.startswith(f"Stopped waiting for {name}; what it did until now is done.{said}")
    assert cell.seconds < 2


@pytest.mark.parametrize(("name", "said"), [("dig", "Still running in its thread: dig"), ("doze", "")])
def test_a_tool_that_a_cell_tries_itself_is_stopped_in_one_sentence(notebook: Kernel, name: str, said: str) -> None:
    """No traceback through the library."""
    notebook.run(SLOW + "own = lash_nb.LashCore.standard().in_memory().provider(provider).model('scripted')")
    notebook.run("tried = await own.tools(dig, doze).build().session('tried').open()")
    cell = pressed(notebook, f"await tried.control.tools.try_call('{name}', {{'seconds': 3}})", "digs for")

    assert cell.error.startswith(f"Interrupted: nobody waits for {name} any more; what it did until now is done.")
    assert said in cell.error
    assert len(cell.error.splitlines()) == 1


def test_the_last_result_is_the_last_turns_whoever_ran_it(notebook: Kernel) -> None:
    """Also of a turn that the cell awaited itself, and of one that was paused and continued."""
    assert notebook.run("SECONDS = 0.01\ndemo = %lash new demo").error == ""
    assert notebook.run("%%lash\nHow are they?").error == ""
    notebook.run("later = await demo.turn('And now?').run()")

    assert value(notebook, "last = %lash result\nlast.turn_id == later.turn_id") == "True"


@pytest.mark.parametrize(("name", "runs_on"), [("dig", True), ("doze", False)])
def test_the_row_of_a_cancelled_tool_says_that_it_still_runs(notebook: Kernel, name: str, *, runs_on: bool) -> None:
    """As the cell did in which it was cancelled; a coroutine ended there."""
    assert notebook.run(SLOW + "%lash new tried").error == ""
    pressed(notebook, f'%lash tools {name} {{"seconds": 3}}', "digs for")
    faces = notebook.run("%lash effects").outputs[-1]["data"]

    row = next(line for line in faces["text/plain"].splitlines() if name in line)
    assert "cancelled" in row
    for shown in (row, faces["text/html"]):
        assert ("still running in its thread" in shown) == runs_on


LIMIT = f"async with asyncio.timeout(0.3):\n    {AWAITED}"


def test_a_turn_that_ran_out_of_time_is_over_in_the_trace(notebook: Kernel) -> None:
    """It is cancelled there, and the traceback is short: of how the cell waits it tells nothing."""
    notebook.run("SECONDS = 20.0\ndemo = %lash new demo")
    cell = notebook.run(LIMIT.replace("session", "demo"))

    assert "TimeoutError" in cell.error
    assert "heartbeat" not in cell.error.lower()
    assert len(cell.error.splitlines()) < 50
    assert value(notebook, "[turn.status for turn in demo.trace.turns]") == "['cancelled']"


def test_sessions_are_named_as_the_notebook_names_them(notebook: Kernel) -> None:
    """What to do next is said of each."""
    notebook.run("first, session = session, None\nother = await core.session('other').open()")
    cell = pressed(notebook, "await asyncio.gather(first.turn('a').run(), other.turn('b').run())", "looks at Oslo")

    told = dict(line.split(": ", 1) for line in cell.error.splitlines())
    assert "Next: await first.step(), await first.continue_(), or await first.stepper.cancel()" in told["own"]
    assert "Next: await other.step()" in told["other"]
    notebook.run("await first.stepper.cancel(); await other.stepper.cancel(); await other.close(); session = first")


BEGUN = f"task = asyncio.create_task({AWAITED.removeprefix('await ')})\nawait asyncio.sleep(0.1)"


def test_a_turn_of_an_earlier_cell_goes_on(notebook: Kernel) -> None:
    """Ctrl-C ends the cell that waits for it by now, at once, and says so; what cancels the task itself ends the turn."""
    notebook.run("SECONDS = 3.0\n" + BEGUN)
    cell = pressed(notebook, "print('wa' + 'its'); await task", "waits")

    assert cell.error.startswith("Interrupted: this cell waits no longer, and the turn goes on; nothing is lost.")
    assert cell.seconds < 2
    assert value(notebook, "session.stepper.state") == "'running'"
    notebook.run("await session.stepper.cancel()\n" + BEGUN)
    assert value(notebook, "task.cancel(), await asyncio.wait({task}), session.stepper.state").endswith("'finished')")


BLOCKING = """
import os, signal
PRESSES = 1
deleted = []

def block():
    for _ in range(PRESSES):
        os.kill(os.getpid(), signal.SIGINT)

@lash_nb.tool
async def blocks() -> str:
    "Keep the loop for itself, as requests.get does, while somebody presses Ctrl-C."
    block()
    return "done"

@lash_nb.tool
def delete(name: str) -> None:
    "Delete a file."
    deleted.append(name)

provider = ScriptedProvider([lash_nb.calls(("", "blocks", {}), ("", "delete", {"name": "a.txt"})), reply("Done.")])
core = LashCore.standard().in_memory().provider(provider).model("scripted").tools(blocks, delete).build()
await session.close()
session = await core.session("own").open()
%lash new blocked --provider provider --tools blocks,delete
"""
BY_A_MAGIC = "%%lash\nClean up"
BY_PYTHON = "await session.turn('Clean up').run()"


@pytest.mark.parametrize("source", [BY_PYTHON, BY_A_MAGIC])
def test_an_interrupt_while_a_tool_blocks_the_loop_holds_back_what_follows(notebook: Kernel, source: str) -> None:
    """The next effect comes before any heartbeat, and asks itself."""
    assert notebook.run(BLOCKING).error == ""
    assert notebook.run(source).error.startswith("Paused turn 1 before tool_call delete")
    assert value(notebook, "deleted") == "[]"


@pytest.mark.parametrize("source", [BY_PYTHON, BY_A_MAGIC])
def test_a_second_interrupt_while_a_tool_blocks_the_loop_cancels_the_turn(notebook: Kernel, source: str) -> None:
    """Nothing of it is lost, and nothing of what follows is done."""
    assert notebook.run(BLOCKING + "PRESSES = 2").error == ""
    assert notebook.run(source).error.startswith("Cancelled ")
    assert value(notebook, "deleted") == "[]"


def test_an_interrupt_while_a_hook_blocks_the_loop_pauses_the_turn(notebook: Kernel) -> None:
    """A turn whose other parts wait for nothing would be over before the cell looks."""
    hooked = (
        "hook = lash_nb.plugins.StaticPlugin('hook', lambda registrar: registrar.before_turn(lambda _: block() or []))\n"
        "core = LashCore.standard().in_memory().provider(provider).model('scripted').tools(delete).plugin(hook).build()\n"
        "await session.close()\nsession = await core.session('own').open()"
    )
    assert notebook.run(BLOCKING + hooked).error == ""
    assert notebook.run(BY_PYTHON).error.startswith("Paused turn 1 before llm_call scripted")
