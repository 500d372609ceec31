"""What every room's tests share: the browser, one run of the demo, and one timing profile for property tests."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, expect, sync_playwright

from tests.views.many import many

# A shared two-core machine stops any example now and then for longer than a deadline allows; what a test may cost is watched by the suite's own time.
# Each run tries the same examples, so that a change is judged by what it changed; `--hypothesis-profile thorough` looks for others.
settings.register_profile("lash_nb", deadline=None, max_examples=40, derandomize=True)
settings.register_profile("thorough", deadline=None, max_examples=1_000)
settings.load_profile("lash_nb")

NOTEBOOKS: Final = Path(__file__).parents[1] / "notebooks"


LONGEST_ID: Final = 1_000
"""Characters of a parameter that is part of a test's id."""
ONE_WORKER: Final = ("lab_server", "browser", "kernel", "demo_run")
"""Fixtures that take long to make: the tests of the first one that they ask for run on one worker."""


class Demo(NamedTuple):
    """A run of the demo.

    Attributes:
        done: The process, ended.
        executed: The folder of executed notebooks.
    """

    done: subprocess.CompletedProcess[str]
    executed: Path


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a long text by its size: every worker is sent the ids of all tests, and one of 20 MB takes 80."""
    return f"{argname}-{len(val)}" if isinstance(val, str | bytes) and len(val) > LONGEST_ID else None


@pytest.hookimpl(tryfirst=True)  # before xdist, which reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep what shares a fixture on one worker: one server, one kernel, one run of the demo, and no more browsers than two."""
    for item in items:
        wanted = getattr(item, "fixturenames", ())
        if "browser" in wanted:
            item.add_marker(pytest.mark.browser)
        for shared in [name for name in ONE_WORKER if name in wanted][:1]:
            item.add_marker(pytest.mark.xdist_group(shared))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium of the module's own, with an empty profile.

    It does not outlive the module: a running playwright leaves its event loop current in the thread, in the way of asyncio tests.
    """
    with launched_browser() as launched:
        yield launched


@pytest.fixture(scope="session", name="three_hundred_thousand")
def _three_hundred_thousand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a trace of 300,000 records; the tests that read it are in two groups, so it is written twice at most."""
    return many(300_000, tmp_path_factory.mktemp("many") / "big.jsonl")


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """`lash-nb demo` without a terminal, run once for all that ask what it said and executed; their group keeps them on one worker."""
    from matplotlib import font_manager  # noqa: PLC0415 - for this alone

    font_manager.findfont("DejaVu Sans")  # builds a cache, of which a notebook would say that it takes long
    folder = tmp_path_factory.mktemp("demo")
    own = {name: str(folder / name.lower()) for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR")}
    command = [sys.executable, "-m", "lash_nb.cli", "demo", "--notebooks", str(NOTEBOOKS)]
    done = subprocess.run(command, cwd=folder, env={**os.environ, **own}, capture_output=True, text=True, check=False)
    return Demo(done, folder / "_executed")


@contextmanager
def launched_browser() -> Iterator[Browser]:
    """Run a Chromium; what a page is expected to show has the time that a busy machine takes."""
    expect.set_options(timeout=30_000)
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
