"""A reply in Markdown on the page of a notebook: drawn, with the text as it was said below it, and nothing in it opened or typeset."""

from typing import Final

import pytest
from playwright.sync_api import expect

from tests.lab.conftest import OpenNotebook
from tests.views.markdown_reply import REPLY

CELLS: Final = (
    f"%load_ext lash_nb\nfrom lash_nb import ScriptedProvider, reply\nprovider = ScriptedProvider(lambda request: reply({REPLY!r}))",
    "session = %lash new demo",
    "%%lash -o turn\nHow is the weather?",
    "print(turn.reply)",
)


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_reply_in_markdown_is_drawn(open_notebook: OpenNotebook, theme: str) -> None:
    """Headings no larger than the card's title, lists, a table, code; money and formulas as text; the whole reply one click away."""
    notebook = open_notebook(*CELLS, theme=theme)
    for cell in range(4):
        notebook.run(cell)
    notebook.sees("Completed", cell=2)
    card = notebook.output(2)
    title, heading = card.locator("[role=status] b"), card.get_by_role("heading", name="Weather report")
    notebook.screenshot(f"markdown_{theme}", cell=2)

    sizes = [one.evaluate("(element) => getComputedStyle(element).fontSize") for one in (title, heading)]
    assert sizes == ["13px", "13px"]
    expect(card.get_by_role("table").get_by_role("row")).to_have_count(3)
    expect(card.locator("ol > li")).to_have_count(3)
    expect(card.locator("img, script, mjx-container, h1, h2, h3")).to_have_count(0)
    expect(card).to_contain_text("It cost $0.04 and $1.20 in all.")
    assert [link.get_attribute("href") for link in card.get_by_role("link").all()] == [
        "https://www.yr.no/en/forecast",
        "https://met.no",
        "https://example.org/chart.png",
        "https://met.no",
    ]
    card.get_by_text("as said").click()
    expect(card.locator("details pre")).to_contain_text("## What I found")
    notebook.screenshot(f"markdown_said_{theme}", cell=2)
    notebook.sees("## What I found", cell=3)
    assert notebook.errors == []
