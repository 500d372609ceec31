"""Keys that a view has no use for: they must not reach the notebook, where they cut, move and merge cells."""

from pathlib import Path
from typing import Final

from playwright.sync_api import expect

from tests.lab.conftest import OpenNotebook
from tests.lab.page import PATIENCE_MS
from tests.trace.lines import line, record

COMMANDS: Final = ("x", "j", "k", "d", "d", "m", "y", "a", "b", "Shift+M", "Escape", "x")
"""What JupyterLab's command mode takes for orders: cut, move, delete, turn into text, add, merge."""


def test_no_key_pressed_in_a_view_is_an_order_to_the_notebook(open_notebook: OpenNotebook, tmp_path: Path) -> None:
    """With the focus in the table and in the record, the notebook keeps its cells as they are, and the view its focus."""
    path = tmp_path / "run.jsonl"
    path.write_bytes(b"".join(line(record(number, "custom", name="one")) for number in range(5)))
    lab = open_notebook(f"%load_ext lash_nb\nview = %lash trace {path}\nview", "'second'", "'third'")
    lab.run(0)
    output = lab.output(0)
    output.locator(".l-explorer-row").nth(1).click(timeout=PATIENCE_MS)
    kinds = "() => [...document.querySelectorAll('.jp-Notebook .jp-Cell')].map((cell) => cell.className.includes('jp-CodeCell'))"
    for place in (".l-explorer-row >> nth=2", ".l-detail"):
        output.locator(place).click()
        for key in COMMANDS:
            lab.page.keyboard.press(key)
    lab.page.wait_for_timeout(300)

    assert lab.page.evaluate(kinds) == [True, True, True]
    assert lab.page.evaluate("() => document.activeElement.closest('.lash') !== null")
    expect(output.locator(".l-explorer-row")).to_have_count(5)
    assert lab.errors == []
