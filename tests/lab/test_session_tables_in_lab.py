"""What a session has, would ask and has used, as a person sees it in both themes."""

from typing import Final

import pytest
from playwright.sync_api import expect

from tests.lab.conftest import OpenNotebook

SCRIPT: Final = '''
import lash_nb
from lash_nb import ScriptedProvider, call, reply

@lash_nb.tool
def weather(city: str, days: int = 1) -> dict[str, object]:
    """Look up the weather of a city.

    Args:
        city: Its name.
        days: How many days, from today.
    """
    return {"city": city, "celsius": 4, "wind": {"from": "north", "knots": 12}}

provider = ScriptedProvider([call("weather", {"city": "Oslo"}), reply("Oslo is clear, at 4 degrees.")])
prices = {"scripted-model": lash_nb.frames.Price(input=3, cached_input=0.3, cache_write=0, output=15)}
'''
CELLS: Final = (
    "%load_ext lash_nb",
    SCRIPT,
    "session = %lash new demo --system 'Be brief.'",
    "%%lash -o turn\nWhat is the weather in Oslo?",
    "%lash tools",
    "%lash tools weather",
    """%lash tools weather '{"city": "Rome"}'""",
    "%lash prompt 'And tomorrow?'",
    "%lash usage",
    "%lash effects",
    "%lash queue Later on.",
    "%lash queue",
    "session.graph",
    "%lash sessions",
    "%lash provider",
    "%lash cancel",
    "%lash usage --by turn",
)
SEEN: Final = {
    4: "showcased",
    5: "How many days",
    6: "knots",
    7: "And tomorrow?",
    8: "$0.00",
    9: "tool_call",
    11: "Later on.",
    13: "1 idle",
    14: "answers now",
    15: "step_nothing_pending: no turn of demo is under way",
    16: "output, reasoning included",
}


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_tables_of_a_session(open_notebook: OpenNotebook, theme: str) -> None:
    """Each says what it is about; the texts of the next prompt open without a script."""
    notebook = open_notebook(*CELLS, theme=theme)
    for cell in range(len(CELLS)):
        notebook.run(cell)
    for cell, words in SEEN.items():
        notebook.sees(words, cell=cell)
        notebook.screenshot(f"session_table_{cell}_{theme}", cell=cell)
    notebook.output(7).locator("summary", has_text="slot guidance").click()
    expect(notebook.output(7).locator("pre", has_text="Be brief.")).to_be_visible()
    notebook.screenshot(f"session_table_prompt_{theme}", cell=7)
    notebook.screenshot(f"session_table_12_{theme}", cell=12)

    rows = notebook.output(9).locator("tbody tr")
    heights = [row.bounding_box()["height"] for row in rows.all()]  # type: ignore[index]  # seen, so it has a box
    assert max(heights) < 34
    assert notebook.errors == []


HOSTILE: Final = """<img src=x onerror="document.title='taken'"><script>document.title='taken'</script>"""
HOSTILE_CELLS: Final = (
    "%load_ext lash_nb",
    f"""
import json, shlex
import lash_nb
from lash_nb import ScriptedProvider, call, reply
TEXT = {HOSTILE!r}
QUOTED, ARGUMENTS = shlex.quote(TEXT), json.dumps({{"text": TEXT}})

@lash_nb.tool(description=TEXT)
def evil(text: str = TEXT) -> str:
    return TEXT + text

provider = ScriptedProvider([call("evil", {{"text": TEXT}}), reply(TEXT)])
prices = {{TEXT: lash_nb.frames.Price(input=1, output=1)}}
""",
    "session = %lash new bad --system {{QUOTED}}",
    "%%lash\n{{TEXT}}",
    "%lash new other",
    "%lash tools --session bad",
    "%lash tools --session bad evil {{ARGUMENTS}}",
    "%lash prompt --session bad {{QUOTED}}",
    "%lash usage --session bad --by turn",
    "%lash usage --session bad",
    "%lash effects --session bad",
    "%lash sessions",
    "%lash queue --session bad {{QUOTED}}",
    "%lash queue --session bad",
    "%lash provider",
    "%lash cancel --session bad",
    "%lash usage --session {{QUOTED}}",
)


@pytest.mark.slow
def test_text_of_others_stays_text(open_notebook: OpenNotebook) -> None:
    """What tools, models, people and price tables say is never markup: in no face, opened or not, in no error."""
    notebook = open_notebook(*HOSTILE_CELLS)
    title = notebook.page.title()
    for cell in range(len(HOSTILE_CELLS)):
        notebook.run(cell)
    for cell in (5, 7):
        for summary in notebook.output(cell).locator("summary").all():
            summary.click()
        expect(notebook.output(cell).get_by_text("<script>document.title").first).to_be_visible()
    notebook.sees("try it: %lash tools --session bad evil", cell=5)
    notebook.sees("UsageError: magics_session: no session <img", cell=len(HOSTILE_CELLS) - 1)
    notebook.screenshot("hostile_tools", cell=5)
    notebook.screenshot("hostile_prompt", cell=7)

    assert notebook.page.locator(".jp-Cell-outputArea img, .jp-Cell-outputArea script").count() == 0
    assert notebook.page.title() == title
    assert notebook.errors == []
