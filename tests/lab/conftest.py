"""One JupyterLab for the room; a fresh Chromium for every test."""

from collections.abc import Callable, Generator, Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser

from tests.lab.page import LabPage
from tests.lab.server import LabServer

OpenNotebook = Callable[..., LabPage]
"""`open_notebook(*sources, theme="light")`: a new notebook with these cells, open in the browser."""

FAILED: Final = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember that the test failed, so that its pages can be pictured before they close."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture(scope="session")
def lab_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """A running JupyterLab."""
    with LabServer(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture
def open_notebook(lab_server: LabServer, browser: Browser, request: pytest.FixtureRequest) -> Iterator[OpenNotebook]:
    """Open notebooks of one test; its kernels end with it. Of a test that fails a picture `failed_…` is kept."""
    pages: list[LabPage] = []

    def opened(*sources: str, theme: str = "light") -> LabPage:
        lab_server.use_theme(theme)
        path = lab_server.write_notebook(request.node.name, *sources)
        pages.append(LabPage(browser.new_page(viewport={"width": 1280, "height": 1000})))
        pages[-1].open(f"{lab_server.url}/lab/tree/{path}?reset")
        return pages[-1]

    yield opened
    if request.node.stash.get(FAILED, False):
        for number, page in enumerate(pages):
            page.screenshot(f"failed_{request.node.name}_{number}")
    lab_server.end_kernels()
