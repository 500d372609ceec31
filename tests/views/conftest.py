"""A comm that notes what is sent, as ipywidgets' own tests have it: all that a widget needs without a page."""

from typing import Any

import comm
import pytest
from comm.base_comm import BaseComm


class NotedComm(BaseComm):
    """A comm without a wire."""

    def __init__(self, log: list[dict[str, Any]], **kwargs: Any) -> None:
        self.log = log
        super().__init__(**kwargs)

    def publish_msg(
        self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **_keys: Any
    ) -> None:
        """Note the message."""
        self.log.append({"type": msg_type, "data": data or {}, "buffers": buffers or [], "metadata": metadata})

    def receive(self, content: dict[str, Any]) -> None:
        """Deliver a message of the page."""
        self.handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What widgets of this test send to the page."""
    log: list[dict[str, Any]] = []
    monkeypatch.setattr(comm, "create_comm", lambda **kwargs: NotedComm(log, **kwargs))
    return log
