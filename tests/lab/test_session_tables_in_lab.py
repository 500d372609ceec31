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
)
SEEN: Final = {
    4: "showcased",
    5: "How many days",
    6: "knots",
    7: "And tomorrow?",
    8: "$0.00",
    9: "tool_call",
    11: "Later on.",
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
