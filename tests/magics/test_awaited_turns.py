"""A turn that a cell awaits itself, and Ctrl-C meanwhile, in a real kernel."""

import time
from collections.abc import Iterator
from typing import Final

import pytest

from tests.magics.kernel import Cell, Kernel

pytestmark = pytest.mark.slow

SETUP: Final = '''
%load_ext lash_nb
import asyncio, time, lash_nb
from lash_nb import LashCore, ScriptedProvider, call, reply

fired = []

@lash_nb.tool
async def look(city: str) -> str:
    """Look for a moment."""
    print("looks at", city)
    await asyncio.sleep(SECONDS)
    fired.append(city)
    return f"{city} is fine"

provider = ScriptedProvider([call("look", {"city": "Oslo"}), call("look", {"city": "Rome"}), reply("Both are fine.")] * 2)
core = LashCore.standard().in_memory().provider(provider).model("scripted").tools(look).build()
session = await core.session("own").open()
SECONDS = 1.0
'''
AWAITED: Final = "await session.turn('How are they?').run()"


@pytest.fixture
def notebook(kernel: Kernel) -> Iterator[Kernel]:
    """The kernel with a session that no magic opened, whose model calls a slow tool twice."""
    assert kernel.run(SETUP).error == ""
    yield kernel
    kernel.run("%unload_ext lash_nb\nawait session.close()")


def interrupted(notebook: Kernel, source: str = AWAITED) -> Cell:
    """A cell in which Ctrl-C was pressed while the tool slept, not yet over."""
    cell = notebook.start(source)
    notebook.wait_for(cell, "looks at Oslo")
    notebook.interrupt()
    return cell


def value(notebook: Kernel, expression: str) -> str:
    """What an expression is, as text."""
    return str(notebook.run(expression).outputs[-1]["data"]["text/plain"])


def test_the_first_interrupt_pauses_the_turn_and_ends_the_cell(notebook: Kernel) -> None:
    """The tool ends, nothing is lost, and the turn is stepped and continued from the cells below."""
    cell = notebook.finish(interrupted(notebook))

    assert cell.error == (
        "Paused before llm_call scripted, nothing is lost. Next: await session.step(), await session.continue_(),"
        " or await session.stepper.cancel()."
    )
    assert value(notebook, "fired, session.effects[-1].status") == "(['Oslo'], 'ok')"
    assert "look" in value(notebook, "await session.step()")
    assert value(notebook, "(await session.continue_()).reply") == "'Both are fine.'"
    assert value(notebook, "fired, session.turn_index") == "(['Oslo', 'Rome'], 1)"


def test_a_paused_turn_is_cancelled_from_another_cell(notebook: Kernel) -> None:
    """It is committed as cancelled, and the session takes the next one."""
    notebook.finish(interrupted(notebook))

    assert value(notebook, "(await session.stepper.cancel()).outcome.reason") == "'cancelled'"
    assert value(notebook, "session.turn_index, session.stepper.armed") == "(1, False)"
    assert notebook.run("SECONDS = 0.01\n" + AWAITED).error == ""


def test_the_second_interrupt_cancels_what_is_in_flight(notebook: Kernel) -> None:
    """At once; the turn is committed as cancelled."""
    notebook.run("SECONDS = 20.0")
    cell = interrupted(notebook)
    notebook.wait_for(cell, "Ctrl-C again cancels the turn")
    notebook.interrupt()
    began = time.monotonic()
    notebook.finish(cell)

    assert time.monotonic() - began < 10
    assert cell.error.startswith("Cancelled tool_call look; what was said before is kept.")
    assert len(cell.error.splitlines()) == 1
    assert value(notebook, "session.stepper.result.outcome.reason, session.turn_index") == "('cancelled', 1)"
    assert notebook.run("SECONDS = 0.01\n" + AWAITED).error == ""


def test_without_an_interrupt_a_turn_ends_as_it_does_elsewhere(notebook: Kernel) -> None:
    """With its result, with its error, and with a time limit that the cell sets."""
    notebook.run("SECONDS = 0.01")
    assert value(notebook, f"({AWAITED}).reply") == "'Both are fine.'"
    assert "turn begins with a text" in notebook.run("await session.turn(3).run()").error
    notebook.run("SECONDS = 20.0")
    assert "TimeoutError" in notebook.run(f"async with asyncio.timeout(0.3):\n    {AWAITED}").error
    assert value(notebook, "session.stepper.state, fired") == "('finished', ['Oslo', 'Rome'])"


def test_after_the_cell_ctrl_c_is_what_it_was(notebook: Kernel) -> None:
    """An interrupt of other code is the kernel's again."""
    notebook.finish(interrupted(notebook))
    notebook.run("await session.continue_()")
    cell = notebook.start("print('be' + 'gins')\nfor number in range(100):\n    time.sleep(0.1)")
    notebook.wait_for(cell, "begins")
    notebook.interrupt()
    assert "KeyboardInterrupt" in notebook.finish(cell).error


def test_a_stepper_says_that_a_turn_was_broken_off(notebook: Kernel) -> None:
    """One that the cell gives no more time: it has no result, and the view says why."""
    notebook.run(f"SECONDS = 20.0\nasync with asyncio.timeout(0.3):\n    {AWAITED}")
    notebook.run("view = lash_nb.views.StepperView(session.stepper)")

    assert "broken off, by Ctrl-C or whoever awaited it" in value(notebook, "view.state['detail']")
