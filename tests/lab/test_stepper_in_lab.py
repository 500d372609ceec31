"""A turn that is stepped through with the buttons on the page of a notebook, to its end and its card."""

from typing import Final

import pytest
from playwright.sync_api import expect

from tests.lab.conftest import OpenNotebook

CELLS: Final = (
    '''%load_ext lash_nb
import lash_nb
from lash_nb import ScriptedProvider, call, reply

@lash_nb.tool
def weather(city: str) -> dict[str, object]:
    """Look up the weather of a city."""
    return {"city": city, "celsius": 4}

def answer(request):
    if any(block.ToolResult for block in request.messages[-1].blocks):
        return reply("It is **4 °C** in Oslo.\\n\\n- [x] looked\\n- [ ] went there")
    return call("weather", {"city": "Oslo"}, say="I look it up in the `weather` tool.")

provider = ScriptedProvider(answer)
session = %lash new demo''',
    "%%lash --step\nHow is the weather in Oslo?",
    "%lash step",
)


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_turn_is_stepped_to_its_card(open_notebook: OpenNotebook, theme: str) -> None:
    """Replies are drawn beside the stepper; Continue leaves the card below the last one, with the time of waiting apart."""
    notebook = open_notebook(*CELLS, theme=theme)
    for cell in range(3):
        notebook.run(cell)
    notebook.sees("before tool_call weather", cell=2)
    notebook.sees("The kernel is free", cell=2)
    expect(notebook.output(2).locator(".l-prose code")).to_have_text("weather")
    notebook.screenshot(f"stepper_paused_{theme}", cell=2)

    notebook.click("Continue", cell=2)

    notebook.sees("The turn is over", cell=2)
    card = notebook.output(2).locator(".jp-OutputArea-child").last
    expect(card).to_contain_text("Completed")
    expect(card.locator("strong")).to_have_text("4 °C")
    expect(card.get_by_label("done")).to_have_text("☑")
    expect(card).to_contain_text(", paused ")
    notebook.sees_no("The kernel is free", cell=2)
    notebook.screenshot(f"stepper_finished_{theme}", cell=2)
    notebook.screenshot(f"stepper_finished_page_{theme}")
    assert notebook.errors == []
