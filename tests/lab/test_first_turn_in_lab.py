"""The main job as a person does it: a turn in a notebook, stepped through with buttons, then looked at from all sides."""

import re
from typing import Final

import pytest

from tests.lab.conftest import OpenNotebook

SCRIPT: Final = '''
import lash_nb
from lash_nb.providers import ScriptedProvider, call, reply

@lash_nb.tool
def weather(city: str) -> dict[str, object]:
    """Look up the weather of a city."""
    return {"city": city, "celsius": 4}

script = ScriptedProvider([call("weather", {"city": "Oslo"}), reply("Oslo is clear, at 4 degrees.")] * 2)
'''

STEPS: Final = ("%load_ext lash_nb", SCRIPT, "%lash new demo --provider script --tools weather")
PROMPT: Final = "%%lash\nWhat is the weather in Oslo?"
REPLY: Final = "Oslo is clear, at 4 degrees."


@pytest.mark.slow
def test_a_turn_runs_in_a_cell(open_notebook: OpenNotebook) -> None:
    """A prompt in a cell shows the tool call and the reply, and the next cell can use the result."""
    notebook = open_notebook(*STEPS, "%%lash -o turn\nWhat is the weather in Oslo?", "turn.reply")

    for cell in range(5):
        notebook.run(cell)

    notebook.sees("weather", cell=3)
    notebook.sees(REPLY, cell=3)
    notebook.sees(REPLY, cell=4)
    notebook.screenshot("first_turn", cell=3)
    assert notebook.errors == []


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_turn_is_stepped_through_with_buttons(open_notebook: OpenNotebook, theme: str) -> None:
    """Each click performs one effect, other cells run meanwhile, and the reply is there at the end; graph and timeline open."""
    notebook = open_notebook(*STEPS, "%lash step", PROMPT, "6 * 7", "%lash graph", "%lash timeline", theme=theme)
    for cell in range(5):
        notebook.run(cell)

    notebook.sees("llm_call", cell=4)
    notebook.screenshot(f"stepper_first_{theme}", cell=4)
    notebook.click("Next", cell=4)
    notebook.sees("tool_call", cell=4)
    notebook.sees("Oslo", cell=4)
    notebook.run(5)
    notebook.sees("42", cell=5)
    notebook.click("Next", cell=4)
    notebook.sees(re.compile(r'"celsius":\s*4'), cell=4)
    notebook.screenshot(f"stepper_second_{theme}", cell=4)
    notebook.click("Continue", cell=4)
    notebook.sees(REPLY, cell=4)
    notebook.screenshot(f"stepper_done_{theme}", cell=4)

    notebook.run(6)
    notebook.sees("What is the weather in Oslo?", cell=6)
    notebook.screenshot(f"graph_{theme}", cell=6)
    notebook.run(7)
    notebook.sees("weather", cell=7)
    notebook.screenshot(f"timeline_{theme}", cell=7)
    assert notebook.errors == []


@pytest.mark.slow
def test_dollars_in_a_reply_stay_as_said(open_notebook: OpenNotebook) -> None:
    """No formula is made of what stands between two dollars, neither in the card nor in the result."""
    said = "It costs $5 here and $6 there."
    notebook = open_notebook(
        "%load_ext lash_nb",
        f"import lash_nb\nscript = lash_nb.ScriptedProvider([lash_nb.reply({said!r})])\n%lash new demo --provider script",
        "%%lash -o turn\nWhat is it?",
        "turn",
        "from IPython.display import HTML\nHTML('of others: $5 and $6')",
    )
    for cell in range(5):
        notebook.run(cell)

    notebook.output(4).locator("mjx-container").wait_for()
    notebook.sees(said, cell=2)
    notebook.sees(said, cell=3)
    assert notebook.errors == []
