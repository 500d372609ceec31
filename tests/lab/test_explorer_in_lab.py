"""The explorer where people use it: three hundred thousand records in a real JupyterLab, asked for row by row over its own wire."""

from pathlib import Path

from playwright.sync_api import expect

from tests.lab.conftest import OpenNotebook
from tests.lab.page import PATIENCE_MS
from tests.trace.lines import line, record


def test_three_hundred_thousand_records_in_a_notebook(
    open_notebook: OpenNotebook, three_hundred_thousand: Path
) -> None:
    """The first row comes with the display; the end of the table, a search, a click and a turn work, and Python knows what was clicked."""
    opening = f"%load_ext lash_nb\nview = %lash trace {three_hundred_thousand}"
    lab = open_notebook(opening, "view", "print('chosen', view.selection, len(view.rows))")
    lab.run(0)
    lab.run(1)
    output = lab.output(1)
    output.locator(".l-explorer-row").first.wait_for(timeout=PATIENCE_MS)
    output.locator(".l-explorer-list").evaluate("(list) => { list.scrollTop = 1e9; }")
    expect(output.get_by_text("300000", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    output.get_by_label("Find in records").fill("Fine.")
    expect(output.locator(".l-hits")).to_have_text("50,000 of 300,000", timeout=PATIENCE_MS)
    output.locator(".l-explorer-row").nth(1).click()
    expect(output.locator(".l-detail-head b")).to_have_text("line 9 · trace[8]", timeout=PATIENCE_MS)
    lab.run(2)

    lab.sees("chosen 8 50000", cell=2)
    lab.screenshot("explorer_in_lab")
    output.get_by_role("button", name="Turns", exact=True).click()
    output.locator(".l-sheet-row").first.wait_for(timeout=PATIENCE_MS)
    output.locator(".l-sheet-list").evaluate("(list) => { list.scrollTop = 1e9; }")
    output.locator(".l-sheet-row").filter(has_text="50000").click(timeout=PATIENCE_MS)
    expect(output.locator(".l-hits")).to_have_text("6 of 300,000", timeout=PATIENCE_MS)
    lab.screenshot("explorer_turn_in_lab")
    assert lab.errors == []


def test_a_followed_trace_grows_on_the_page(open_notebook: OpenNotebook, tmp_path: Path) -> None:
    """While no cell runs, what another process writes comes into the table; stopped, it says so."""
    path = tmp_path / "run.jsonl"
    path.write_bytes(line(record(0, "turn_started")))
    lab = open_notebook(f"%load_ext lash_nb\n%lash trace {path} --follow", "%lash trace --stop")
    lab.run(0)
    output = lab.output(0)
    expect(output.locator(".l-explorer-row")).to_have_count(1, timeout=PATIENCE_MS)
    expect(output.locator(".l-live")).to_be_visible()
    with path.open("ab") as out:
        out.write(line(record(1, "custom", name="late")))
    expect(output.locator(".l-explorer-row")).to_have_count(2, timeout=PATIENCE_MS)
    lab.run(1)

    lab.sees("No longer followed: run.jsonl", cell=1)
    expect(output.locator(".l-live")).to_be_hidden()
    assert lab.errors == []
