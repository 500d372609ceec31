"""A real JupyterLab on a loopback port, with folders of its own, so that no setting of the machine's user is read or changed."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final, Self

import httpx

START_SECONDS: Final = 60.0
"""A cold start on a busy two-core machine took 12 s."""

SETTINGS: Final[dict[str, dict[str, Any]]] = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}
"""User settings: no question about news over the notebook, and every cell in the page, seen or not."""


class LabServer:
    """JupyterLab in a process, serving the folder `root`; a context manager."""

    def __init__(self, home: Path) -> None:
        self.root = home / "notebooks"
        self.root.mkdir()
        self._home = home
        self._port = _free_port()
        self._log = home / "server.log"
        for name, values in SETTINGS.items():
            self._write_setting(name, values)

    @property
    def url(self) -> str:
        """The address of the server, without a final slash."""
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        """Start the process and wait until it answers."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command(), env=self._environment(), stdout=log, stderr=log, cwd=self.root
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._stop()
                message = f"JupyterLab did not start; its log ends:\n{self._log.read_text()[-3000:]}"
                raise RuntimeError(message)
            time.sleep(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        """End the server and with it every kernel that it started."""
        self._stop()

    def write_notebook(self, name: str, *sources: str) -> str:
        """Put a notebook with these code cells into the served folder and return its path there."""
        cells: list[dict[str, Any]] = [
            {
                "id": f"cell-{number}",
                "cell_type": "code",
                "source": source,
                "metadata": {},
                "outputs": [],
                "execution_count": None,
            }
            for number, source in enumerate(sources)
        ]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
        (self.root / f"{name}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
        return f"{name}.ipynb"

    def end_kernels(self) -> None:
        """Shut down every kernel, so that the next test finds the machine as the first one did."""
        for session in self._request("GET", "/api/sessions").json():
            self._request("DELETE", f"/api/sessions/{session['id']}")

    def _write_setting(self, name: str, values: dict[str, Any]) -> None:
        file = self._home / "config" / "lab" / "user-settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values), encoding="utf-8")

    def _command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={self._port}", "--ServerApp.port_retries=0"),
            *(
                "--IdentityProvider.token=",
                "--ServerApp.disable_check_xsrf=True",
                "--LabApp.extension_manager=readonly",
                "--LabApp.expose_app_in_browser=True",
            ),
            f"--ServerApp.root_dir={self.root}",
        ]

    def _environment(self) -> dict[str, str]:
        own = {name: str(self._home / folder) for name, folder in _FOLDERS.items()}
        return {**os.environ, **own}

    def _answers(self) -> bool:
        try:
            return self._request("GET", "/api/status").is_success
        except httpx.TransportError:
            return False

    def _request(self, method: str, path: str) -> httpx.Response:
        return httpx.request(method, self.url + path, timeout=10, trust_env=False)

    def _stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


_FOLDERS: Final = {
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "IPYTHONDIR": "ipython",
}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
