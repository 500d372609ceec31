"""The room itself works: a kernel computes, and a click in the browser reaches Python and comes back."""

from tests.lab.conftest import OpenNotebook

BUTTON = """
import anywidget, traitlets

class Counter(anywidget.AnyWidget):
    _esm = '''
    export default { render({ model, el }) {
      const button = document.createElement("button");
      const text = () => { button.textContent = `clicked ${model.get("clicks")}`; };
      button.setAttribute("aria-label", "Count");
      button.onclick = () => { model.set("clicks", model.get("clicks") + 1); model.save_changes(); };
      model.on("change:clicks", text);
      text();
      el.append(button);
    } };
    '''
    clicks = traitlets.Int(0).tag(sync=True)

counter = Counter()
counter
"""


def test_a_cell_computes(open_notebook: OpenNotebook) -> None:
    """A cell is run by a real kernel and its value is seen in the browser."""
    notebook = open_notebook("1 + 1")

    notebook.run(0)

    notebook.sees("2", cell=0)
    assert notebook.errors == []


def test_a_click_reaches_the_kernel(open_notebook: OpenNotebook) -> None:
    """A click on a widget's button is known to Python in the next cell, and a change in Python is seen on the button."""
    notebook = open_notebook(BUTTON, "counter.clicks * 10", "counter.clicks = 41")

    notebook.run(0)
    notebook.click("Count", cell=0)
    notebook.sees("clicked 1", cell=0)
    notebook.run(1)
    notebook.sees("10", cell=1)
    notebook.run(2)

    notebook.sees("clicked 41", cell=0)
    notebook.screenshot("smoke_click")
    assert notebook.errors == []
