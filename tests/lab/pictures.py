"""Draws the pictures of the README anew, in a real JupyterLab: `python -m tests.lab.pictures`."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, FloatRect, Page, expect

from lash_nb.magics._palette import with_palette
from lash_nb.trace import read_trace
from lash_nb.views import TraceTimelineView, static_html
from tests.conftest import NOTEBOOKS, launched_browser
from tests.lab.page import LabPage
from tests.lab.server import LabServer

_PICTURES: Final = Path(__file__).parents[2] / "docs" / "images"
_SANS: Final = "<style>body{font:14px/20px sans-serif}</style>"
"""As a page that shows notebooks has it."""
_BAR: Final = 14
"""Pixels beside a cell in which it is marked as chosen."""
_DESK: Final = '''
%load_ext lash_nb
import lash_nb
from lash_nb import call, reply

@lash_nb.tool
def station_history(station: str, days: int) -> dict[str, object]:
    """Tell how warm it was."""
    return {"station": station, "temp_c": [3.3, 5.7, 7.7, 5.4, 4.4]}

@lash_nb.tool
def draw_chart(title: str, values: list[float], bars: bool = False) -> str:
    """Draw a chart."""
    return "drawn"

history = {"station": "Hanoi", "days": 5}
chart = {"title": "Hanoi, five days", "values": [3.3, 5.7, 7.7, 5.4, 4.4]}
provider = lash_nb.ScriptedProvider([
    call("station_history", history), reply("Hanoi stayed between 3 and 8 degrees."),
    call("station_history", history, say="I look at its history first."), call("draw_chart", chart), reply("Here it is."),
])
'''
_TRAVELS: Final = '''
%load_ext lash_nb
import lash_nb

@lash_nb.tool
def thermometer(station: str) -> dict[str, float]:
    """Read the thermometer of a station."""
    return {"celsius": 18.5}

def answer(request):
    results = [block.ToolResult.content for block in request.messages[-1].blocks if block.ToolResult]
    return f"The thermometer says {results[0]}" if results else lash_nb.call("thermometer", {"station": "Lisbon"})

provider = lash_nb.ScriptedProvider(answer)
'''
_TURNS: Final = """
session = %lash new trip --store kept
ends = {}
for place, (before, question) in enumerate([
    (0, "How warm is Lisbon in March?"), (1, "And in April?"), (2, "Is the sea warm enough to swim?"),
    (3, "Which beach would you take?"), (2, "Then rather Oslo?"), (5, "With snow, I suppose?"),
    (1, "What does a room cost in March?"), (7, "And with breakfast?"),
], start=1):
    if before:
        await session.control.state.branch_to_node(ends[before])
    await session.turn(question).run()
    ends[place] = session.graph.leaf_node_id
await session.close()
"""


def stepper(lab: "Lab") -> bytes:
    """A turn that is stopped before a tool call, its arguments open for editing."""
    begin = (
        "%lash new desk",
        "%%lash\nHow warm was it in Hanoi?",
        "%lash step",
        "%%lash\nDraw the last five days of Hanoi.",
    )
    with lab.notebook("stepper", _DESK, *begin, *["%lash continue --to tool_call"] * 2) as notebook:
        for cell in range(7):
            notebook.run(cell)
        view = notebook.output(6).locator(".lash-stepper")
        notebook.click("Edit", cell=6)
        view.get_by_label("title", exact=True).click()
        return view.screenshot()


def sessions(lab: "Lab") -> bytes:
    """A session that is opened again in a new kernel, its graph with three branches, one turn in full."""
    with lab.notebook("before", _TRAVELS, _TURNS) as notebook:
        notebook.run(0)
        notebook.run(1)
    with lab.notebook("after", _TRAVELS, "%lash open trip --store kept", "%lash graph") as notebook:
        for cell in range(3):
            notebook.run(cell)
        view = notebook.output(2).locator(".lash-graph")
        view.get_by_text("With snow, I suppose?").first.click()
        expect(view.locator(".l-detail-head")).to_contain_text("turn 6")
        notebook.cell(0).locator(".jp-InputArea-prompt").first.click()  # the cell that is chosen has tools over it
        first, last = notebook.cell(1).bounding_box(), notebook.cell(2).bounding_box()
        assert first
        assert last
        high = last["y"] + last["height"] - first["y"]
        clip: FloatRect = {"x": first["x"] + _BAR, "y": first["y"], "width": first["width"] - _BAR, "height": high}
        return notebook.page.screenshot(clip=clip)


def trace(lab: "Lab") -> bytes:
    """Every turn of a trace against time, as a saved notebook shows it."""
    page = lab.browser.new_page(viewport={"width": 856, "height": 620})
    page.set_content(_SANS + static_html(TraceTimelineView(read_trace(NOTEBOOKS / "data" / "station.trace.jsonl"))))
    return page.screenshot(full_page=True)


class Lab:
    """A browser before a running JupyterLab."""

    def __init__(self, server: LabServer, browser: Browser) -> None:
        self.browser = browser
        self._server = server
        self._page: Page = browser.new_page(viewport={"width": 1280, "height": 1600})
        self._page.goto(f"{server.url}/lab?reset")

    @contextmanager
    def notebook(self, name: str, *cells: str) -> Iterator[LabPage]:
        """Open a new notebook with these cells; its kernel ends with it."""
        notebook = LabPage(self._page)
        notebook.open(self._server.write_notebook(name, *cells))
        yield notebook
        notebook.leave()
        self._server.end_kernels()


_DRAWN: Final[tuple[Callable[[Lab], bytes], ...]] = (stepper, sessions, trace)

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home, LabServer(Path(home)) as server, launched_browser() as browser:
        for draw in _DRAWN:
            (_PICTURES / f"{draw.__name__}.png").write_bytes(with_palette(draw(Lab(server, browser))))
