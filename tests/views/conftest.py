"""What the tests of this room share: a note of what widgets send, and views on pages."""

from collections.abc import Iterator
from typing import Any

import comm
import pytest
from playwright.sync_api import Browser

from lash_nb.views import View
from tests.views.harness import Mount, Mounted, NotedComm


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What widgets of this test send to the page."""
    log: list[dict[str, Any]] = []
    monkeypatch.setattr(comm, "create_comm", lambda **kwargs: NotedComm(log, **kwargs))
    return log


@pytest.fixture
def mount(browser: Browser) -> Iterator[Mount]:
    """Mount a view; whatever a page's scripts threw fails the test."""
    mounted: list[Mounted] = []

    def mounting(view: View, **options: object) -> Mounted:
        mounted.append(Mounted(browser.new_page(device_scale_factor=1.5), view, **options))  # type: ignore[arg-type]  # passed through
        return mounted[-1]

    yield mounting
    for one in mounted:
        one.page.close()
    assert [error for one in mounted for error in one.errors] == []
