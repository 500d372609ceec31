"""A view in a notebook: alive it is the widget alone, without its kernel the static twin alone; never "model not found"."""

import json

from playwright.sync_api import Browser, expect

from tests.lab.conftest import OpenNotebook
from tests.lab.page import PATIENCE_MS, LabPage
from tests.lab.server import LabServer

VIEW = """
from lash_nb.trace import read_trace
from lash_nb.views import TraceTimelineView
record = '{"schema_version":2,"id":"%d","timestamp":"2026-11-21T15:07:4%d.5Z","context":{"session_id":"main","turn_id":"t1","turn_index":1},"type":"%s","status":"completed"}'
trace = read_trace("\\n".join([record % (1, 1, "turn_started"), record % (2, 2, "turn_completed"), ""]).encode())
TraceTimelineView(trace)
"""


def test_a_view_outlives_its_kernel(open_notebook: OpenNotebook, lab_server: LabServer, browser: Browser) -> None:
    """The same saved cell shows the widget while it lives, and its static twin when it is opened again without a kernel."""
    lab = open_notebook(VIEW)
    lab.run(0)
    lab.output(0).locator(".lash-timeline").wait_for(timeout=PATIENCE_MS)
    alive = [child.is_visible() for child in lab.output(0).locator(".jp-OutputArea-child").all()]
    lab.page.keyboard.press("Control+s")
    lab.page.wait_for_function("() => !document.querySelector('.lm-TabBar-tab.jp-mod-dirty')")
    name = lab.page.url.partition("/tree/")[2].partition("?")[0]
    saved = lab_server.root / name
    expect(lab.page.locator(".jp-DirtyIndicator")).to_have_count(0)
    while not json.loads(saved.read_text())["cells"][0]["outputs"]:
        lab.page.wait_for_timeout(100)
    lab_server.end_kernels()
    dead = LabPage(browser.new_page(viewport={"width": 1280, "height": 1000}))
    dead.page.goto(f"{lab_server.url}/lab/tree/{name}?reset")
    twin = dead.output(0).locator("[data-lash-static]")
    twin.wait_for(timeout=PATIENCE_MS)
    dead.screenshot("view_without_kernel")

    assert alive == [False, True]
    expect(twin).to_contain_text("1 turn")
    expect(dead.output(0).get_by_text("model not found")).not_to_be_visible()
    expect(dead.output(0).get_by_text("Loading widget")).not_to_be_visible()
