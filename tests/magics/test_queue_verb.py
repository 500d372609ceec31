"""Work for later and for now: `%lash queue` and `%lash cancel`, from the same cell and beside the one that waits."""

import pandas as pd
import pytest

from lash_nb.runtime import TurnResult
from tests.magics.conftest import Shell
from tests.magics.kernel import Kernel
from tests.magics.test_completion import offered

SLOW = """
import asyncio, lash_nb
from lash_nb import ScriptedProvider, call, reply

@lash_nb.tool
async def nap(seconds: float) -> str:
    "Sleep."
    await asyncio.sleep(seconds)
    return "awake"

def answer(request):
    texts = [block.Text.text for message in request.messages for block in message.blocks if block.Text]
    if any(block.ToolResult for block in request.messages[-1].blocks) or "in metric" in texts[-1]:
        return reply("Heard: " + texts[-1])
    return call("nap", {"seconds": 20.0 if "long" in texts[-1] else 1.0})

provider = ScriptedProvider(answer)
"""


@pytest.fixture
def demo(shell: Shell) -> Shell:
    """A session whose model repeats what it was told."""
    shell.run("def said(request):\n    return reply('Heard: ' + request.messages[-1].blocks[-1].Text.text)")
    shell.run("provider = ScriptedProvider(said)\nsession = %lash new demo")
    return shell


def test_what_is_queued_waits_until_it_is_run(demo: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """The cell says what happens next; the listing shows it; one turn takes one batch."""
    demo.run("%lash queue")
    assert "Nothing waits for demo" in capsys.readouterr().out
    demo.run("%lash queue First of all.")
    demo.run("%lash queue 'And then?'")
    assert (
        "2 batches in the queue of demo. A turn of its own takes it, now or later: %lash queue --run"
        in capsys.readouterr().out
    )

    table = demo.run("%lash queue")
    assert isinstance(table, pd.DataFrame)
    assert list(table["text"]) == ["First of all.", "And then?"]
    assert "First of all." in demo.faces(table)["text/html"]

    result = demo.run("%lash queue --run")
    assert isinstance(result, TurnResult)
    assert result.reply == "Heard: First of all."
    assert "1 batch still waits: %lash queue --run" in capsys.readouterr().out
    assert demo.run("%lash queue --run").reply == "Heard: And then?"
    assert demo.run("%lash queue --run") is None


def test_a_batch_is_taken_out(demo: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """By its id, which completion offers; another one is refused with what waits."""
    demo.run("%lash queue Never mind.")
    batch = demo.run("%lash queue")["batch_id"].iloc[0]

    assert batch in offered(demo, f"%lash cancel {batch[:3]}")
    assert demo.refuse("%lash cancel nothing").endswith(f"what waits: {batch}")
    demo.run(f"%lash cancel {batch}")
    assert f"Took {batch} out of the queue of demo." in capsys.readouterr().out
    assert demo.run("%lash queue") is None


def test_of_a_long_queue_an_error_names_the_first(demo: Shell) -> None:
    """A page of ids helps nobody."""
    for number in range(8):
        demo.run(f"%lash queue {number}")
    ids = list(demo.run("%lash queue")["batch_id"])

    assert demo.refuse("%lash cancel nothing").endswith(f"what waits: {', '.join(ids[:5])} and 3 more")


def test_now_without_a_turn_waits_for_the_next_one(demo: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """And that turn reads it."""
    demo.run("%lash queue --now Use metric units.")
    assert "no turn runs; the next one takes it in" in capsys.readouterr().out

    assert demo.run("%lash queue --run").reply == "Heard: Use metric units."
    assert "queue what?" in demo.refuse("%lash queue --now")


def test_what_waits_is_text(demo: Shell) -> None:
    """Never markup."""
    demo.run("%lash queue '<img src=x onerror=alert(1)>'")

    assert "<img" not in demo.faces(demo.run("%lash queue"))["text/html"]


@pytest.mark.parametrize(
    "line", ["queue", "queue Later", "queue Later --run", "queue Now --now", "queue --run", "cancel", "cancel b-1"]
)
def test_every_line_has_its_python(demo: Shell, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What a line does can be typed without it."""
    demo.run(f"%lash explain {line}")
    compile(capsys.readouterr().out, "cell", "exec", flags=8192)  # with await at the top, as in a cell


def test_the_explained_python_lists_the_queue(demo: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """It needs nothing but the session."""
    demo.run("%lash queue Later.")
    capsys.readouterr()
    demo.run("%lash explain queue")
    assert list(demo.run(capsys.readouterr().out)["text"]) == ["Later."]


@pytest.fixture
def slow(kernel: Kernel) -> Kernel:
    """A session in a kernel, with a tool that takes a second."""
    kernel.run("%load_ext lash_nb")
    kernel.run(SLOW)
    kernel.run("session = %lash new slow")
    return kernel


def test_a_subshell_speaks_into_the_running_turn(slow: Kernel) -> None:
    """While the first cell waits; the model reads it in the same turn, and the words stand in the cell that asked."""
    waiting = slow.start("%%lash\nGo.")
    slow.wait_for(waiting, "nap")
    aside = slow.run_aside("%lash queue --now 'Answer in metric units.'")
    slow.finish(waiting)

    assert "turn 1 takes it in at its next checkpoint" in aside.printed
    assert aside.error == ""
    assert "Heard: Answer in metric units." in waiting.text


def test_a_subshell_cancels_the_running_turn(slow: Kernel) -> None:
    """The cell that waited shows how it ended; so does a plain call from a callback on that thread."""
    for line in ("%lash cancel", "def press():\n    %lash cancel\npress()"):
        waiting = slow.start("%%lash\nA long one.")
        slow.wait_for(waiting, "nap")
        aside = slow.run_aside(line)
        slow.finish(waiting)

        assert "its own cell shows how it ends" in aside.printed
        assert "Cancelled" in waiting.text
        assert waiting.error == ""
