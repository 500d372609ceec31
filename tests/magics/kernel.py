"""A real kernel, spoken to as a notebook does: run a cell, interrupt it, collect what it shows."""

import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from queue import Empty
from typing import Any, Self

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

__all__ = ["Cell", "Kernel"]

PATIENCE_S = 30.0


@dataclass
class Cell:
    """What one execution sent."""

    message_id: str
    messages: list[dict[str, Any]] = field(default_factory=list)
    """All messages of the output channel, in order."""
    seconds: float = 0.0
    """How long it ran, as the client sees it."""

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """The contents of all messages of a type."""
        return [message["content"] for message in self.messages if message["msg_type"] == kind]

    @property
    def outputs(self) -> list[dict[str, Any]]:
        """What a notebook keeps: each display as it was drawn last, and the value."""
        kept: list[dict[str, Any]] = []
        by_id: dict[str, dict[str, Any]] = {}
        for message in self.messages:
            content, kind = message["content"], message["msg_type"]
            display_id = content.get("transient", {}).get("display_id", "")
            if kind == "update_display_data" and display_id in by_id:
                by_id[display_id].update(data=content["data"])
            elif kind in ("display_data", "execute_result"):
                kept.append({"type": kind, "data": content["data"]})
                by_id[display_id] = kept[-1]
        return kept

    @property
    def text(self) -> str:
        """Everything that was shown, as text."""
        return "\n".join(str(output["data"].get("text/plain", "")) for output in self.outputs)

    @property
    def printed(self) -> str:
        """Everything that was printed."""
        return "".join(content["text"] for content in self.of_type("stream"))

    @property
    def error(self) -> str:
        """The traceback as the notebook shows it; empty when there is none."""
        return "\n".join(line for content in self.of_type("error") for line in content["traceback"])


class Kernel:
    """A kernel and its client; a context manager."""

    def __init__(self) -> None:
        self._manager: KernelManager
        self._client: BlockingKernelClient
        self._subshell = ""
        self._others: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        """Start it."""
        self._manager, self._client = start_new_kernel(kernel_name="python3")
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)

    def start(self, code: str, *, stops_others: bool = False) -> Cell:
        """Run a cell and do not wait for it; those behind it run although it fails, unless it `stops_others`, as in a notebook."""
        # ipykernel 6 drops what comes soon after a cell that failed: a person is not as fast
        return Cell(self._client.execute(code, stop_on_error=stops_others))

    def run(self, code: str) -> Cell:
        """Run a cell to its end."""
        return self.finish(self.start(code))

    def run_aside(self, code: str) -> Cell:
        """Run a cell to its end on a subshell, as a console beside the notebook does: also while another cell runs."""
        if not self._subshell:
            request = self._client.session.msg("create_subshell_request", {})
            self._client.control_channel.send(request)
            self._subshell = self._client.control_channel.get_msg(timeout=PATIENCE_S)["content"]["subshell_id"]
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        message = self._client.session.msg("execute_request", content)
        message["header"]["subshell_id"] = self._subshell
        self._client.shell_channel.send(message)
        return self.finish(Cell(message["header"]["msg_id"]))

    def finish(self, cell: Cell) -> Cell:
        """Wait for the end of a cell."""
        began = time.monotonic()
        for message in self._messages(cell):
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
        cell.seconds = time.monotonic() - began
        return cell

    def wait_for(self, cell: Cell, words: str) -> None:
        """Wait until the cell has shown these words."""
        for message in self._messages(cell):
            if words in str(message["content"]):
                return

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._manager.interrupt_kernel()

    def kill(self) -> None:
        """End the process as the machine's loss would, with SIGKILL."""
        self._manager.signal_kernel(signal.SIGKILL)

    def restart(self) -> None:
        """Begin anew, as after a click on Restart; cells of before are never answered."""
        self._manager.restart_kernel()
        self._client.wait_for_ready(timeout=PATIENCE_S)

    def complete(self, code: str) -> list[str]:
        """What the kernel offers at the end of the code."""
        message_id = self._client.complete(code, len(code))
        while True:
            reply = self._client.get_shell_msg(timeout=PATIENCE_S)
            if reply["parent_header"].get("msg_id") == message_id:
                return list(reply["content"]["matches"])

    def send(self, kind: str, content: dict[str, Any]) -> None:
        """Send a message of any type on the shell channel, as a page does for its widgets."""
        message = self._client.session.msg(kind, content)
        self._client.shell_channel.send(message)

    def _messages(self, cell: Cell) -> Iterator[dict[str, Any]]:
        """Yield what a cell sends; what another one sends meanwhile is kept for it."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            message = self._kept_for(cell) or self._arriving()
            if message is not None and _is_of(message, cell):
                cell.messages.append(message)
                yield message
            elif message is not None:
                self._others.append(message)
        raise TimeoutError(f"cell did not get there in {PATIENCE_S} s: {cell.printed} {cell.text} {cell.error}")

    def _kept_for(self, cell: Cell) -> dict[str, Any] | None:
        found = next((place for place, message in enumerate(self._others) if _is_of(message, cell)), None)
        return None if found is None else self._others.pop(found)

    def _arriving(self) -> dict[str, Any] | None:
        try:
            message: dict[str, Any] = self._client.get_iopub_msg(timeout=0.5)
        except Empty:
            return None
        return message


def _is_of(message: dict[str, Any], cell: Cell) -> bool:
    return bool(message["parent_header"].get("msg_id") == cell.message_id)
