"""What only a real kernel shows: streaming, Ctrl-C, clicks while a cell runs, functions that wait."""

import time
from collections.abc import Iterator
from typing import Final

import pytest

from tests.magics.kernel import Kernel

pytestmark = pytest.mark.slow

WIDGET: Final = "application/vnd.jupyter.widget-view+json"
SETUP: Final = '''
%load_ext lash_nb
import asyncio, lash_nb
from lash_nb import ScriptedProvider, calls, reply

fired = []

@lash_nb.tool
async def look(city: str, seconds: float) -> str:
    """Look for some seconds."""
    fired.append(city)
    await asyncio.sleep(seconds)
    fired.append(f"{city} done")
    return f"{city} is fine"

seconds = 1.0

def answer(request):
    if any(block.ToolResult for block in request.messages[-1].blocks):
        return reply("Both are fine, and that took its time.")
    made = [(f"{len(request.messages)}-{city}", "look", {"city": city, "seconds": seconds}) for city in ("Oslo", "Rome")]
    return calls(*made, say="Looking.")

provider = ScriptedProvider(answer, delay=0.05)
session = %lash new demo
'''
MANY: Final = '''
%load_ext lash_nb
import asyncio, lash_nb
from lash_nb import ScriptedProvider, calls, reply

@lash_nb.tool(scheduling="serial")
async def nap(number: int) -> int:
    """Nap for a moment."""
    await asyncio.sleep(0.002)
    return number

many = ScriptedProvider([calls(*((f"c{number}", "nap", {"number": number}) for number in range(250))), reply("All.")])
session = %lash new many --provider many
'''

LOOP_WITHIN: Final = '''
import nest_asyncio2

nest_asyncio2.apply()

@lash_nb.tool
async def probe() -> str:
    """Let the loop run while this has no time left."""
    try:
        async with asyncio.timeout(0.001):
            asyncio.get_running_loop().run_until_complete(asyncio.sleep(0.01))
            await asyncio.Event().wait()
    except TimeoutError:
        return "over time"
    return "in time"

provider = ScriptedProvider([lash_nb.call("probe"), "ok"])
nested = await lash_nb.LashCore.standard().in_memory().provider(provider).model("m").tools(probe).build().session("nested").open()
async with asyncio.timeout(10):
    result = await nested.turn("hi").run()
print(result.tool_calls[0].output.value_for_projection(), result.reply, sep=", ")
'''


@pytest.fixture
def notebook(kernel: Kernel) -> Iterator[Kernel]:
    """The kernel with a session whose model calls two slow tools and then answers slowly."""
    assert kernel.run(SETUP).error == ""
    yield kernel
    kernel.run("%unload_ext lash_nb\nawait asyncio.sleep(0.05)")


def value(kernel: Kernel, expression: str) -> str:
    """What an expression is, as text."""
    return str(kernel.run(expression).outputs[-1]["data"]["text/plain"])


def test_awaited_cells_leave_asyncio_alone(notebook: Kernel) -> None:
    """Only a function that waits needs a loop that can be entered again; stands first, because such a loop stays so."""
    notebook.run("seconds = 0.01\n%lash step Look at both\n%lash continue")
    notebook.run("for i in range(2):\n    %lash sessions")

    assert value(notebook, "hasattr(asyncio.get_running_loop(), '_nest_patched')") == "False"


def test_a_reply_streams_into_one_card(notebook: Kernel) -> None:
    """The card is drawn at most twenty times a second, the last picture is the finished turn, and the value is not shown again."""
    notebook.run("seconds = 0.2")

    cell = notebook.run("%%lash -o turn\nHow are they?")

    pictures = [content["data"]["text/plain"] for content in cell.of_type("update_display_data")]
    assert [output["type"] for output in cell.outputs if output["data"]["text/plain"]] == ["display_data"]
    assert pictures[0].startswith("Running")
    assert any("Looking" in picture and "Both" not in picture for picture in pictures)
    assert any("Both are" in picture and "took its time" not in picture for picture in pictures)
    assert len(pictures) <= cell.seconds * 20 + 2
    assert cell.text.startswith("Completed")
    assert "Both are fine, and that took its time." in cell.text
    assert "Both are fine" in cell.outputs[0]["data"]["text/html"]
    assert value(notebook, "_ is turn") == "True"
    assert notebook.run("turn").outputs[0]["type"] == "execute_result"


def test_a_card_of_many_calls_is_not_sent_with_each_of_them(kernel: Kernel) -> None:
    """Where no page shows the live view its twin is drawn again as things happen, a megabyte a second at most."""
    assert kernel.run(MANY).error == ""

    cell = kernel.run("%%lash\nAll of them?")

    cards = [len(str(message["data"])) for message in cell.of_type("update_display_data")]
    assert "250" in cell.text
    assert sum(cards) - 2 * max(cards) < (cell.seconds + 1) * 1_000_000


def test_the_first_interrupt_pauses_and_loses_nothing(notebook: Kernel) -> None:
    """The effect in flight ends, the next one waits, the cell says so; other cells run, and the turn goes on when it is told to."""
    cell = notebook.start("%%lash -o turn\nHow are they?")
    notebook.wait_for(cell, "look(")
    notebook.interrupt()
    notebook.finish(cell)

    assert cell.error == "Paused turn 1 before tool_call look."
    assert (
        "Turn 1 of demo is paused before tool_call look, nothing is lost. Next: %lash step, %lash continue or %lash cancel."
        in cell.text
    )
    assert value(notebook, "fired") == "['Oslo', 'Oslo done']"
    assert value(notebook, "6 * 7") == "42"
    assert "Both are fine" in notebook.run("%lash continue").text
    notebook.wait_for(cell, "Turn 1 of demo was paused before tool_call look; it went on and completed.")
    assert "Stepper  demo · turn 1 · completed" in cell.text
    assert "is paused before" not in cell.text
    assert "Next:" not in cell.text
    assert value(notebook, "fired") == "['Oslo', 'Oslo done', 'Rome', 'Rome done']"
    assert value(notebook, "turn.is_success") == "True"


def test_the_pausing_card_says_what_a_second_interrupt_does(notebook: Kernel) -> None:
    """Between the first interrupt and the stop."""
    cell = notebook.start("%%lash\nHow are they?")
    notebook.wait_for(cell, "look(")
    notebook.interrupt()
    notebook.wait_for(cell, "Pausing after this effect")
    notebook.finish(cell)

    pages = [content["data"]["text/html"] for content in cell.of_type("update_display_data")]
    assert any("Ctrl-C again cancels look" in page for page in pages)
    assert "paused" in cell.text
    notebook.run("%lash cancel")


@pytest.mark.parametrize(
    "source",
    [
        "%%lash -o turn\nHow are they?",
        "def ask():\n    get_ipython().run_cell_magic('lash', '-o turn', 'How are they?')\nask()",
    ],
    ids=["awaited", "in a function"],
)
def test_the_second_interrupt_cancels_what_is_in_flight(notebook: Kernel, source: str) -> None:
    """The turn ends as cancelled, no tool call fires afterwards, and the session takes the next prompt."""
    notebook.run("seconds = 2.0")
    cell = notebook.start(source)
    notebook.wait_for(cell, "look(")
    notebook.interrupt()
    notebook.wait_for(cell, "Pausing")
    notebook.interrupt()
    notebook.finish(cell)

    pages = [content["data"]["text/html"] for content in cell.of_type("update_display_data")]
    assert any("Ctrl-C again stops the turn at once; what it has not committed is lost" in page for page in pages)
    assert cell.error.startswith("Cancelled tool_call look; what was said before is kept.")
    assert cell.text.startswith("Cancelled")
    time.sleep(2.2)
    assert value(notebook, "fired") == "['Oslo']"
    assert value(notebook, "turn.outcome.reason") == "'cancelled'"
    assert "Completed" in notebook.run("seconds = 0.01\n%lash step Again\n%lash continue").text


def test_a_cell_that_waits_for_what_another_awaits_is_interrupted(notebook: Kernel) -> None:
    """Pressed once it pauses the turn, which whoever awaits it still gets the result of."""
    notebook.run("session.stepper.pause()\nawaited = asyncio.ensure_future(session.turn('Look').run())")
    cell = notebook.start("asyncio.get_running_loop().call_later(0.4, print, 'wai' 'ts')\n%lash continue")
    notebook.wait_for(cell, "waits")
    notebook.interrupt()
    notebook.finish(cell)

    assert cell.error.startswith("Paused turn 1 before tool_call look, nothing is lost.")
    assert "paused before tool_call look" in cell.text
    notebook.run("%lash continue")
    assert value(notebook, "(await awaited).outcome.reason") == "'assistant_message'"


def test_an_interrupt_ends_a_loop(notebook: Kernel) -> None:
    """The cell stops as a whole, and so do the cells that wait behind it."""
    notebook.run("seconds = 0.5")
    cell = notebook.start(
        "for city in ('Oslo', 'Rome'):\n    get_ipython().run_cell_magic('lash', '', 'How is it?')\n    print(city)",
        stops_others=True,
    )
    behind = notebook.start("print('never')")
    notebook.wait_for(cell, "look(")
    notebook.interrupt()
    notebook.finish(cell)
    notebook.finish(behind)

    assert cell.error.startswith("Paused turn 1 before")
    assert cell.printed == ""
    assert behind.printed == ""
    assert value(notebook, "session.turn_index") == "1"


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "SystemExit"])
@pytest.mark.parametrize(
    "source", ["%%lash\nHow are they?", "%lash step Look at both\n%lash step", "%%lash --schema json\nHow are they?"]
)
def test_what_a_provider_raises_ends_the_cell_and_nothing_else(notebook: Kernel, error: str, source: str) -> None:
    """An interrupt within a provider's own code leaves the kernel and the session alive."""
    notebook.run(f"def failing(request):\n    raise {error}\nanswers, provider._function = provider._function, failing")
    failed = notebook.run(source)
    notebook.run("seconds = 0.01; provider._function = answers")
    cell = notebook.run("%%lash\nAgain")

    assert error in failed.error
    assert "Both are fine" in cell.text


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "SystemExit"])
def test_what_a_provider_raises_behind_a_button_is_shown_on_the_page(notebook: Kernel, error: str) -> None:
    """Where no cell waits for it."""
    notebook.run(f"def failing(request):\n    raise {error}\nprovider._function = failing")
    notebook.run("stepper = %lash step Look at both")
    comm = value(notebook, "stepper.comm.comm_id").strip("'")
    cell = notebook.start("for _ in range(100):\n    await asyncio.sleep(0.05)\n    if stepper.problem: break")
    notebook.send("comm_msg", {"comm_id": comm, "data": {"method": "custom", "content": {"do": "step"}}})
    notebook.finish(cell)

    assert error in value(notebook, "stepper.problem['message']")


def test_a_waiting_turn_is_reached_by_a_click_while_a_cell_runs(notebook: Kernel) -> None:
    """A message of the page is handled while another cell awaits, so buttons work at any time."""
    notebook.run("stepper = %lash step Look at both")
    comm = value(notebook, "stepper.comm.comm_id").strip("'")
    cell = notebook.start("for _ in range(100):\n    await asyncio.sleep(0.05)\n    if fired: break\nprint(len(fired))")
    click = {"comm_id": comm, "data": {"method": "custom", "content": {"do": "continue"}}}
    notebook.send("comm_msg", click)
    notebook.finish(cell)

    assert cell.printed == "1\n"


def test_a_turn_that_a_button_ends_leaves_its_card(notebook: Kernel) -> None:
    """Below the stepper, in the cell that showed it last, where it was shown once; the twin there tells the end, too."""
    shown = notebook.run("seconds = 0.01\nview = %lash step Look at both\ndisplay(view)\nview")
    places = [output["data"] for output in shown.outputs]
    assert [WIDGET in data for data in places] == [False, True, False]
    assert places[2]["text/plain"] == ""

    ended = notebook.run("await view.perform({'do': 'continue', 'to': None})")

    card, twin = ended.of_type("update_display_data")
    assert ended.outputs == []
    assert card["data"]["text/plain"].startswith("Completed  turn 1 · demo")
    assert "Both are fine" in card["data"]["text/html"]
    assert "· completed " in twin["data"]["text/plain"].lower()
    drawn = [content["transient"].get("display_id") for content in shown.of_type("display_data")]
    assert [one["transient"]["display_id"] for one in (card, twin)] == [drawn[2], drawn[0]]


def test_functions_wait_for_turns(notebook: Kernel) -> None:
    """Where nothing can be awaited the magic enters the running loop again."""
    notebook.run("seconds = 0.01")

    notebook.run('def ask():\n    result = %lash step "How are they?"\n    result = %lash continue\n    return result')

    assert value(notebook, "ask().reply") == "'Both are fine, and that took its time.'"
    assert value(notebook, "[ask().turn_index for _ in range(2)]") == "[2, 3]"


def test_a_timeout_is_over_while_a_tool_runs_a_loop_within_the_loop(notebook: Kernel) -> None:
    """Then the tool waits, and hears of it, and its turn goes on."""
    made = notebook.run(LOOP_WITHIN)
    assert (made.error, made.printed) == ("", "over time, ok\n")


def test_unloading_stops_a_turn_that_waits(notebook: Kernel) -> None:
    """Nothing of it fires afterwards, in whatever cell."""
    notebook.run("%lash step Look at both")
    notebook.run("%lash step")
    notebook.run("running = session.stepper.running")

    notebook.run("%unload_ext lash_nb")

    assert value(notebook, "running.done") == "True"
    assert value(notebook, "fired") == "[]"


def test_mistakes_are_one_line_on_standard_error(notebook: Kernel) -> None:
    """A notebook shows the line, no traceback, and the cell has failed."""
    cell = notebook.run("%lash stpe")

    assert cell.printed == "UsageError: magics_verb: no verb stpe; did you mean %lash step?\n"
    assert cell.error == ""


DRAWINGS: Final = """
import matplotlib.figure as figures
drawings, draw = [], figures.Figure.draw

def noting(figure, renderer):
    drawings.append(figure.axes[0].get_title("left"))
    return draw(figure, renderer)

figures.Figure.draw = noting
"""
"""Notes the title of each figure that is drawn."""


def test_a_plot_is_drawn_for_two_pages_and_no_more(notebook: Kernel) -> None:
    """Not once more at the end of the cell for a window that is not there; what the cell changes is in it all the same."""
    notebook.run(DRAWINGS)
    notebook.run("%lash graph --plot")
    drawn = value(notebook, "len(drawings)")
    changed = notebook.run("axes = %lash graph --plot\naxes.set_title('Another', loc='left')")

    assert drawn == "2"
    assert value(notebook, "drawings[-1]") == "'Another'"
    assert "text/html" in changed.outputs[-1]["data"]
    notebook.run("figures.Figure.draw = draw")


def test_a_plot_is_shown_although_matplotlib_shows_none(notebook: Kernel) -> None:
    """A program of another cell may have chosen a backend that writes files alone."""
    notebook.run("import matplotlib; chosen = matplotlib.get_backend(); matplotlib.use('agg')")
    shown = notebook.run("%lash graph --plot")
    notebook.run("matplotlib.use(chosen)")

    assert ["text/html" in output["data"] for output in shown.outputs] == [True]


def test_completion_in_a_kernel(notebook: Kernel) -> None:
    """The kernel offers verbs, flags and kinds, and nothing else."""
    assert notebook.complete("%lash ca") == ["cancel"]
    assert notebook.complete("x = %lash continue --to to") == ["tool_call"]
    assert notebook.complete("%%lash --ima") == ["--image"]


def test_a_plot_is_shown_once_each_time(notebook: Kernel) -> None:
    """The figure, not the axes beside it; their value can be kept. Its PNG is the picture of a light page: the same is not drawn again."""
    notebook.run("%lash step Look at both\nseconds = 0.01\n%lash continue")

    cells = [
        notebook.run("%lash timeline --plot"),
        notebook.run("axes = %lash graph --plot"),
        notebook.run("%lash graph --plot"),
    ]

    assert [["image/png" in output["data"] for output in cell.outputs] for cell in cells] == [[True]] * 3
    assert all(
        f'{shown["image/png"].strip()}"' in shown["text/html"] for cell in cells for shown in [cell.outputs[0]["data"]]
    )
    assert value(notebook, "type(axes).__name__") == "'Axes'"
