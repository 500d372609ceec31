"""What every room's tests share: the vectors option, the browser, and one timing profile for property tests."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NoReturn

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, sync_playwright

VECTORS: Final = Path(__file__).parent / "vectors"

# A shared two-core machine stops any example now and then for longer than a deadline allows; what a test may cost is watched by the suite's own time.
settings.register_profile("lash_nb", deadline=None)
settings.load_profile("lash_nb")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the conformance tests run on another folder of recordings of the same layout, packed or plain."""
    parser.addoption(
        "--vectors", type=Path, default=VECTORS, metavar="DIR", help="folder of golden data; default: tests/vectors"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep everything that drives a browser on one worker: two browsers on two cores only time each other out."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def vectors(pytestconfig: pytest.Config) -> Path:
    """The folder of golden data written by the reference."""
    return Path(pytestconfig.getoption("--vectors"))


@pytest.fixture
def browser() -> Iterator[Browser]:
    """A Chromium of the test's own, with an empty profile.

    It does not outlive the test: a running playwright leaves its event loop current in the thread, in the way of asyncio tests.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        _without_browser()
    quiet = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
    ]
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=quiet)
        yield launched
        launched.close()


def _without_browser() -> NoReturn:
    """Skip on a person's machine, fail in CI: there a missing browser would hide that nothing was tested."""
    reason = "no chromium on this machine: install it (Debian: apt-get install chromium) and run again"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
