"""What the tests of this room share: a note of what widgets send, and views on pages."""

from collections.abc import Iterator
from typing import Any

import comm
import pytest
from playwright.sync_api import Browser

from lash_nb.views import View
from tests.views.harness import Mount, Mounted, NotedComm, Pages


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What widgets of this test send to the page."""
    log: list[dict[str, Any]] = []
    monkeypatch.setattr(comm, "create_comm", lambda **kwargs: NotedComm(log, **kwargs))
    return log


@pytest.fixture(scope="module")
def pages(browser: Browser) -> Pages:
    """The pages of the module's browser."""
    return Pages(browser)


@pytest.fixture
def mount(pages: Pages) -> Iterator[Mount]:
    """Mount a view; whatever a page's scripts threw fails the test."""
    mounted: list[Mounted] = []

    def mounting(view: View, **options: object) -> Mounted:
        mounted.append(Mounted(pages.take(), view, **options))  # type: ignore[arg-type]  # passed through
        return mounted[-1]

    yield mounting
    for one in mounted:
        pages.give_back(one.leave())
    assert [error for one in mounted for error in one.errors] == []
