"""One JupyterLab and one Chromium for the room; a notebook and its kernel for every test."""

from collections.abc import Callable, Generator, Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, Page

from tests.conftest import launched_browser
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


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for the room, whose tests are all of the browser."""
    with launched_browser() as launched:
        yield launched


@pytest.fixture(scope="package")
def tab(lab_server: LabServer, browser: Browser) -> Page:
    """The page of JupyterLab, which opens and closes notebooks: to load it anew takes longer than most tests."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.goto(f"{lab_server.url}/lab?reset")
    return page


@pytest.fixture
def open_notebook(lab_server: LabServer, tab: Page, request: pytest.FixtureRequest) -> Iterator[OpenNotebook]:
    """Open the notebook of one test; it is closed and its kernel ends with it. Of a test that fails a picture `failed_…` is kept."""
    notebook = LabPage(tab)

    def opened(*sources: str, theme: str = "light") -> LabPage:
        notebook.open(lab_server.write_notebook(request.node.name, *sources), theme=theme)
        return notebook

    yield opened
    if request.node.stash.get(FAILED, False):
        notebook.screenshot(f"failed_{request.node.name}")
    notebook.leave()
    lab_server.end_kernels()
