"""A running turn on the page: text as it comes, what runs now, words into it, and its card in the same place when it is over."""

from typing import Final

import pytest
from playwright.sync_api import Locator, expect

from tests.lab.conftest import OpenNotebook
from tests.lab.page import PATIENCE_MS, LabPage

SCRIPT: Final = '''
import asyncio, lash_nb
from lash_nb import ScriptedProvider, call, reply

@lash_nb.tool
async def survey(city: str) -> dict[str, object]:
    """Look at the sky of a city for a while."""
    await asyncio.sleep(2.5)
    return {"city": city, "celsius": 4, "sky": "<img src=x onerror=alert(1)>"}

def answer(request):
    texts = [block.Text.text for message in request.messages for block in message.blocks if block.Text]
    if any(block.ToolResult for block in request.messages[-1].blocks) or len(request.messages) > 4:
        heard = f"You said: {texts[-1]} " if "metric" in texts[-1] else ""
        return reply(heard + " ".join(f"Line {n} of a long answer about the sky over Oslo.\\n" for n in range(40)))
    return call("survey", {"city": "Oslo"}, say="I look at the sky. ")

provider = ScriptedProvider(answer, delay=0.01)
'''
CELLS: Final = (
    "%load_ext lash_nb",
    SCRIPT,
    "session = %lash new demo",
    "%%lash -o turn\nHow is the sky?",
    "turn.reply[-60:]",
)


def begun(open_notebook: OpenNotebook, theme: str = "light") -> tuple[LabPage, Locator]:
    """A notebook whose turn runs its tool, and the live view of it."""
    notebook = open_notebook(*CELLS, theme=theme)
    for cell in range(3):
        notebook.run(cell)
    notebook.start(3)
    live = notebook.output(3).locator(".lash-live-turn")
    expect(live.get_by_text("survey", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    return notebook, live


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_running_turn_is_seen_and_gives_way_to_its_card(open_notebook: OpenNotebook, theme: str) -> None:
    """Rows, time and words while it runs; then the card alone, and nothing below it was moved up meanwhile."""
    notebook, live = begun(open_notebook, theme)
    expect(live.locator(".l-foot")).to_contain_text('survey(city="Oslo")')
    expect(live.locator(".l-head")).to_contain_text("Running")
    notebook.screenshot(f"live_tool_{theme}", cell=3)
    expect(live).to_contain_text("Line 3 of a long answer", timeout=PATIENCE_MS)
    heights = [live.locator(".l-live-rows").evaluate("(rows) => rows.offsetHeight") for _ in range(20)]
    notebook.screenshot(f"live_text_{theme}", cell=3)
    notebook.sees("Completed", cell=3)

    expect(live).to_have_count(0)
    expect(notebook.output(3).get_by_text("Line 39 of a long answer")).to_be_visible()
    notebook.screenshot(f"live_over_{theme}", cell=3)
    assert heights == sorted(heights)
    notebook.run(4)
    notebook.sees("sky over Oslo", cell=4)
    assert notebook.errors == []


@pytest.mark.slow
def test_a_word_into_the_running_turn(open_notebook: OpenNotebook) -> None:
    """Typed below the rows, read by the model at the next checkpoint of the same turn."""
    notebook, live = begun(open_notebook)
    live.get_by_label("Say something to this turn").fill("Answer in metric units.")
    notebook.page.keyboard.press("Enter")
    expect(live.get_by_role("status")).to_contain_text("comes in at the next checkpoint", timeout=PATIENCE_MS)
    notebook.screenshot("live_said", cell=3)

    notebook.sees("You said: Answer in metric units.", cell=3)
    notebook.sees("Completed", cell=3)
    assert notebook.errors == []


@pytest.mark.slow
def test_cancel_is_a_button(open_notebook: OpenNotebook) -> None:
    """The turn ends as with a second Ctrl-C, and its card stays."""
    notebook, live = begun(open_notebook)
    notebook.click("Cancel", cell=3)

    notebook.sees("Cancelled", cell=3)
    expect(live).to_have_count(0)
    notebook.screenshot("live_cancelled", cell=3)
    assert notebook.errors == []
