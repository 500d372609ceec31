"""What every room's tests share: the browser and one timing profile for property tests."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, sync_playwright

from tests.views.many import many

# A shared two-core machine stops any example now and then for longer than a deadline allows; what a test may cost is watched by the suite's own time.
# Each run tries the same examples, so that a change is judged by what it changed; `--hypothesis-profile thorough` looks for others.
settings.register_profile("lash_nb", deadline=None, max_examples=40, derandomize=True)
settings.register_profile("thorough", deadline=None, max_examples=1_000)
settings.load_profile("lash_nb")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep everything that drives a browser on one worker: two browsers on two cores only time each other out."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium of the module's own, with an empty profile.

    It does not outlive the module: a running playwright leaves its event loop current in the thread, in the way of asyncio tests.
    """
    with launched_browser() as launched:
        yield launched


@pytest.fixture(scope="session", name="three_hundred_thousand")
def _three_hundred_thousand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a trace of 300,000 records; the tests that read it are all of the browser, so one worker writes it once."""
    return many(300_000, tmp_path_factory.mktemp("many") / "big.jsonl")


@contextmanager
def launched_browser() -> Iterator[Browser]:
    """Run a Chromium."""
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
