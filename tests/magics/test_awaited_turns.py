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
        "Paused turn 1 before llm_call scripted, nothing is lost. Next: await session.step(), await session.continue_(),"
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


GATHERED: Final = f"await asyncio.gather({AWAITED.removeprefix('await ')}, asyncio.sleep(20))"
IN_A_TASK: Final = f"task = asyncio.create_task({AWAITED.removeprefix('await ')})\nawait task"
STREAMED: Final = "async for heard in session.turn('How are they?').stream():\n    pass"
STREAMED_SLOWLY: Final = STREAMED.replace("pass", "await asyncio.sleep(0.2)")
STREAM_ENTERED: Final = (
    "async with session.turn('How are they?').stream() as stream:\n    async for heard in stream:\n        pass"
)
LIMITED: Final = f"await asyncio.wait_for({AWAITED.removeprefix('await ')}, 20)"
GROUPED: Final = f"async with asyncio.TaskGroup() as group:\n    group.create_task({AWAITED.removeprefix('await ')})"
ASIDE: Final = f"task = asyncio.create_task({AWAITED.removeprefix('await ')})\nawait asyncio.sleep(20)"
SHIELDED: Final = f"await asyncio.shield({AWAITED.removeprefix('await ')})"
SHIELDED_TWICE: Final = (
    f"await asyncio.wait_for(asyncio.wait_for(asyncio.shield({AWAITED.removeprefix('await ')}), 20), 20)"
)
SAVED: Final = f"answers = await asyncio.gather({AWAITED.removeprefix('await ')}, return_exceptions=True)"


@pytest.mark.parametrize(
    "source", [GATHERED, IN_A_TASK, STREAMED, STREAMED_SLOWLY, STREAM_ENTERED, LIMITED, SHIELDED, SHIELDED_TWICE]
)
def test_a_turn_that_a_task_of_the_cell_awaits_is_paused_too(notebook: Kernel, source: str) -> None:
    """The cell ends with the same words, and the turn is continued from the cells below."""
    cell = notebook.finish(interrupted(notebook, source))

    assert cell.error == (
        "Paused turn 1 before llm_call scripted, nothing is lost. Next: await session.step(), await session.continue_(),"
        " or await session.stepper.cancel()."
    )
    assert value(notebook, "(await session.continue_()).reply") == "'Both are fine.'"
    assert value(notebook, "fired, session.turn_index") == "(['Oslo', 'Rome'], 1)"
    assert notebook.run("SECONDS = 0.01\n" + source.replace("20)", "5)")).error == ""


@pytest.mark.parametrize("source", [GROUPED, ASIDE, SAVED])
def test_a_cell_that_does_not_hear_of_the_interrupt_ends_and_says_it(notebook: Kernel, source: str) -> None:
    """One that awaits something else, or takes what its tasks raise for a value."""
    cell = notebook.finish(interrupted(notebook, source))

    assert "Paused turn 1 before llm_call scripted, nothing is lost." in cell.error + cell.printed
    assert cell.seconds < 10
    assert value(notebook, "(await session.continue_()).reply") == "'Both are fine.'"


def test_a_cell_that_is_over_before_its_turn_pauses_takes_nothing_from_the_turn(notebook: Kernel) -> None:
    """It pauses nevertheless, and the task that awaits it has its result when somebody continued it."""
    source = f"task = asyncio.create_task({AWAITED.removeprefix('await ')})\nawait asyncio.sleep(0.7)"
    assert notebook.finish(interrupted(notebook, source)).error == ""

    assert value(notebook, "(await session.continue_()).reply") == "'Both are fine.'"
    assert value(notebook, "(await task).reply") == "'Both are fine.'"


def test_the_second_interrupt_cancels_what_tasks_of_the_cell_await(notebook: Kernel) -> None:
    """At once, and each turn is committed as cancelled."""
    notebook.run("SECONDS = 20.0")
    cell = interrupted(notebook, GATHERED)
    notebook.wait_for(cell, "Ctrl-C again cancels the turn")
    notebook.interrupt()
    notebook.finish(cell)

    assert cell.printed.endswith(
        "Cancelling; Ctrl-C again stops the turn at once; what it has not committed is lost.\n"
    )
    assert cell.error.startswith("Cancelled tool_call look; what was said before is kept.")
    assert value(notebook, "session.stepper.result.outcome.reason, session.turn_index") == "('cancelled', 1)"
    assert notebook.run("SECONDS = 0.01\n" + AWAITED).error == ""


def test_all_turns_of_a_cell_are_paused(notebook: Kernel) -> None:
    """Of two sessions each stops before its next effect; the cell says it of both."""
    notebook.run("other = await core.session('other').open()")
    cell = notebook.start("await asyncio.gather(session.turn('a').run(), other.turn('b').run())")
    notebook.wait_for(cell, "looks at Oslo")
    notebook.interrupt()
    notebook.finish(cell)

    assert [line.split(": ")[0] for line in cell.error.splitlines()] == ["other", "own"]
    assert value(notebook, "session.stepper.state, other.stepper.state") == "('paused', 'paused')"
    assert (
        value(notebook, "[one.is_success for one in [await session.continue_(), await other.continue_()]]")
        == "[True, True]"
    )
    notebook.run("await other.close()")


@pytest.mark.parametrize("source", [AWAITED, GATHERED.replace(", asyncio.sleep(20)", ""), IN_A_TASK])
def test_without_the_extension_a_cell_ends_in_one_sentence(notebook: Kernel, source: str) -> None:
    """It says what became of the turn, and the session takes the next one."""
    notebook.run("%unload_ext lash_nb")
    cell = notebook.finish(interrupted(notebook, source))

    assert cell.error.startswith(
        "Interrupted: the turn was stopped where it was, and what it had not committed is lost."
    )
    assert len(cell.error.splitlines()) == 1
    assert notebook.run("SECONDS = 0.01\n" + AWAITED).error == ""


def test_turns_that_wait_behind_a_paused_one_are_named(notebook: Kernel) -> None:
    """A session runs one turn at a time; the others come when the first is over."""
    turn = AWAITED.removeprefix("await ")
    cell = notebook.finish(interrupted(notebook, f"await asyncio.gather({turn}, {turn})"))

    assert cell.error.endswith("session.stepper.cancel(). 1 more turn of the session will run when it is over.")
    notebook.run("SECONDS = 0.01\nawait session.continue_()")
    until_both = "while session.turn_index < 2:\n    await asyncio.sleep(0.01)\n"
    assert value(notebook, until_both + "session.turn_index") == "2"


STARTED: Final = "await session.start('How are they?').wait()"
CONTINUED: Final = "session.start('How are they?')\nawait session.continue_()"


RESULT_ASKED: Final = "stream = session.turn('How are they?').stream()\nawait stream.result()"


@pytest.mark.parametrize("source", [RESULT_ASKED, STARTED, CONTINUED])
def test_without_the_extension_a_turn_goes_on_that_runs_beside_the_cell(notebook: Kernel, source: str) -> None:
    """The cell waits for it no longer, and says so."""
    notebook.run("%unload_ext lash_nb")
    cell = notebook.finish(interrupted(notebook, source))

    assert cell.error.startswith("Interrupted: this cell waits no longer, and the turn goes on; nothing is lost.")
    assert len(cell.error.splitlines()) == 1
    assert value(notebook, "(await session.stepper.stopped()).reply") == "'Both are fine.'"


def test_a_plain_function_that_runs_on_is_named(notebook: Kernel) -> None:
    """Nobody can stop it from outside, and the cell does not say that it has stopped."""
    notebook.run(
        "@lash_nb.tool\ndef dig() -> None:\n    'Dig.'\n    print('digs at', 'Oslo'); time.sleep(3)\n"
        "core = LashCore.standard().in_memory().provider(ScriptedProvider([call('dig')])).model('scripted').tools(dig).build()\n"
        "digger = await core.session('digger').open()"
    )
    cell = notebook.start("await digger.turn('Dig').run()")
    notebook.wait_for(cell, "digs at Oslo")
    notebook.interrupt()
    notebook.wait_for(cell, "Ctrl-C again cancels the turn")
    notebook.interrupt()
    notebook.finish(cell)

    assert "Still running in its thread: dig; nobody hears the result" in cell.error


@pytest.mark.parametrize("began", ["await session.step('How are they?')\n", "session.start('How are they?')\n"])
def test_a_cell_that_waits_for_the_next_stop_is_interrupted_alike(notebook: Kernel, began: str) -> None:
    """The turn is paused, again and again, and cancelled by the second interrupt."""
    first = notebook.finish(interrupted(notebook, began + "await session.continue_()"))
    assert first.error.startswith("Paused turn 1 before llm_call scripted, nothing is lost.")
    notebook.run("SECONDS = 20.0")
    cell = notebook.start("await session.continue_()")
    notebook.wait_for(first, "looks at Rome")  # it prints where its turn was begun
    notebook.interrupt()
    notebook.wait_for(cell, "Ctrl-C again cancels the turn")
    notebook.interrupt()
    notebook.finish(cell)
    assert cell.error.startswith("Cancelled tool_call look; what was said before is kept.")
    assert value(notebook, "session.stepper.state, session.turn_index") == "('finished', 1)"


EARLY: Final = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"
STOPPED: Final = "Stopped at once; what this turn had not committed is lost. The session takes the next turn."
GOES_ON: Final = (
    "Interrupted: this cell waits no longer, and the turn goes on; nothing is lost. How it ends: await session.stepper.stopped();"
    " to end it: await session.stepper.cancel()"
)


@pytest.mark.parametrize("source", [AWAITED, GATHERED, IN_A_TASK, LIMITED, GROUPED, SAVED])
def test_an_interrupt_before_a_turn_can_pause_stops_it(notebook: Kernel, source: str) -> None:
    """In the cell's first milliseconds, where nothing counts it yet: one sentence says so, and the session takes the next turn."""
    assert notebook.run(EARLY + source).error == STOPPED
    assert value(notebook, "session.stepper.state, fired") == "('finished', [])"
    assert notebook.run("SECONDS = 0.01\n" + AWAITED).error == ""


@pytest.mark.parametrize("source", [SHIELDED, SHIELDED_TWICE, RESULT_ASKED, STARTED, ASIDE])
def test_an_interrupt_of_a_cell_that_shields_its_turn_leaves_the_turn_alone(notebook: Kernel, source: str) -> None:
    """Likewise in the first milliseconds; the cell says that the turn goes on."""
    assert notebook.run(EARLY + source).error.removesuffix("; session is that of own") == GOES_ON
    assert value(notebook, "(await session.stepper.stopped()).reply") == "'Both are fine.'"


def test_an_interrupt_before_turns_can_pause_tells_of_all_of_them(notebook: Kernel) -> None:
    """Of each session what became of its turn, and not of the last one alone."""
    notebook.run("other = await core.session('other').open()")
    source = "await asyncio.gather(session.turn('a').run(), other.turn('b').run())"

    assert notebook.run(EARLY + source).error.splitlines() == [f"other: {STOPPED}", f"own: {STOPPED}"]
    notebook.run("await other.close()")


LEFT: Final = (
    "Interrupted: the turn was cancelled; what was said before is kept, and the session takes the next turn."
    " How it ended: session.last_result"
)


@pytest.mark.parametrize("line", ["", "%unload_ext lash_nb"])
def test_an_interrupt_of_a_loop_over_a_stream_cancels_its_turn(notebook: Kernel, line: str) -> None:
    """Where nothing pauses it: in the first milliseconds, and without the extension; one sentence says so."""
    notebook.run(line)
    assert notebook.run(EARLY + STREAMED).error == LEFT
    assert value(notebook, "session.last_result.outcome.reason") == "'cancelled'"
    if line:
        assert notebook.finish(interrupted(notebook, STREAMED)).error == LEFT
    assert notebook.run("SECONDS = 0.01\n" + AWAITED).error == ""


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (AWAITED, "%unload_ext lash_nb"),
        (STREAMED, "%unload_ext lash_nb"),
        (STARTED, "%unload_ext lash_nb"),
        (STARTED, ""),
    ],
)
def test_an_interrupt_does_not_wait_for_what_the_turn_waits_for(notebook: Kernel, source: str, line: str) -> None:
    """A model or tool that says nothing for long: a kernel hears of Ctrl-C when its loop does something, and it does."""
    notebook.run(f"SECONDS = 20.0\n{line}")
    cell = notebook.finish(interrupted(notebook, source))
    assert cell.error.startswith("Interrupted: ")
    assert len(cell.error.splitlines()) == 1
    assert cell.seconds < 10


def test_a_loop_over_a_stream_that_is_left_leaves_the_session_to_the_next_cell(notebook: Kernel) -> None:
    """Its turn is cancelled, also where the cell keeps the stream; a magic takes the next prompt."""
    notebook.run("SECONDS = 20.0\n%lash new left --provider provider --tools look")
    notebook.run("left = %lash use left")
    notebook.run("stream = left.turn('How are they?').stream()\nasync for heard in stream:\n    break")
    assert value(notebook, "(await stream.result()).outcome.reason, left.stepper.state") == "('cancelled', 'finished')"
    assert (
        notebook.run("SECONDS = 0.01\nasync for heard in left.turn('How are they?').stream():\n    break").error == ""
    )
    assert notebook.run("%%lash\nHow are they?").error == ""
    assert value(notebook, "left.turn_index") == "3"


def test_other_cancellations_are_shown_as_they_were(notebook: Kernel) -> None:
    """With their traceback: of a cell without turns nothing can be told, nor after the extension."""
    for _ in range(2):
        shown = notebook.run("task = asyncio.create_task(asyncio.sleep(9))\ntask.cancel()\nawait task").error
        assert "CancelledError" in shown
        assert len(shown.splitlines()) > 5
        notebook.run("%unload_ext lash_nb")
    assert value(notebook, "get_ipython().custom_exceptions") == "()"


def test_a_time_limit_ends_a_turn_that_an_earlier_cell_began(notebook: Kernel) -> None:
    """It means what is awaited, and not the cell alone, as Ctrl-C there does."""
    notebook.run(
        "SECONDS = 20.0\ntask = asyncio.create_task(session.turn('How are they?').run())\nawait asyncio.sleep(0.2)"
    )
    assert "TimeoutError" in notebook.run("async with asyncio.timeout(0.3):\n    await task").error
    assert value(notebook, "session.stepper.state, task.done()") == "('finished', True)"


def test_an_interrupt_beside_a_turn_that_an_earlier_cell_began_leaves_the_turn_alone(notebook: Kernel) -> None:
    """The cell that waits for its task says so."""
    notebook.run("task = asyncio.create_task(session.turn('How are they?').run())\nawait asyncio.sleep(0.2)")
    assert notebook.run(EARLY + "await task").error == GOES_ON
    assert value(notebook, "(await session.stepper.stopped()).reply") == "'Both are fine.'"


def test_a_cell_that_waits_no_longer_names_the_session_whose_turn_goes_on(notebook: Kernel) -> None:
    """The variable `session` may hold another one, which what it says to type would cancel."""
    notebook.run("other = await core.session('other').open()\nturn = other.start('How are they?')")
    assert notebook.run(EARLY + "await turn").error == f"{GOES_ON}; session is that of other"
    notebook.run("await other.stepper.stopped(); await other.close()")


SOON: Final = "import os, signal\nasyncio.get_running_loop().call_later(0.3, os.kill, os.getpid(), signal.SIGINT)\n"


@pytest.mark.parametrize(
    "source",
    [
        "task = asyncio.create_task(session.turn('a').run())\nawait old",
        "async with asyncio.TaskGroup() as group:\n    group.create_task(session.turn('a').run())\n    await old",
    ],
)
def test_an_interrupt_of_another_turn_leaves_one_of_an_earlier_cell_alone(notebook: Kernel, source: str) -> None:
    """The cell counts it for the turn that it began, which is paused; it ends with its waiting for the older one, and not that."""
    notebook.run(
        "SECONDS = 20.0\nother = await core.session('other').open()\n"
        "old = asyncio.create_task(other.turn('b').run())\nawait asyncio.sleep(0.2)"
    )
    notebook.run("SECONDS = 0.8\n" + SOON + source)
    assert value(notebook, "other.stepper.state") == "'running'"
    assert value(notebook, "session.stepper.state") == "'paused'"
    assert notebook.run("await other.close()").error == ""
