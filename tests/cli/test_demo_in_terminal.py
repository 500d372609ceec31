"""The demo in a terminal: JupyterLab opens on the first notebook, and Ctrl-C ends it."""

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest

NOTEBOOKS: Final = Path(__file__).parents[2] / "notebooks"
START_SECONDS: Final = 60.0
"""A cold start of JupyterLab on a busy two-core machine took 12 s."""


@pytest.mark.slow
def test_the_demo_opens_the_first_notebook_and_ends_on_ctrl_c(tmp_path: Path) -> None:
    """The address that is printed is that of the first notebook, and one Ctrl-C stops the server with no traceback."""
    terminal, inner = pty.openpty()
    demo = subprocess.Popen(
        [sys.executable, "-c", _IN_A_TERMINAL, str(NOTEBOOKS)],
        stdin=inner,
        stdout=inner,
        stderr=inner,
        start_new_session=True,
        env={**os.environ, **{name: str(tmp_path) for name in _FOLDERS}, "BROWSER": "true"},
    )
    os.close(inner)

    printed = read_until("/lab/tree/01_first_turn.ipynb?token=", terminal)
    os.write(terminal, b"\x03")
    printed += read_until("", terminal)

    assert "/lab/tree/01_first_turn.ipynb?token=" in printed
    assert demo.wait(timeout=START_SECONDS) == 0, printed
    assert "Traceback" not in printed


_FOLDERS: Final = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")

_IN_A_TERMINAL: Final = """
import fcntl, sys, termios
from lash_nb.cli import main
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
sys.exit(main(["demo", "--notebooks", sys.argv[1]]))
"""
"""The demo with the terminal as its own, so that Ctrl-C goes to it and to what it started, as from a shell."""


def read_until(word: str, terminal: int) -> str:
    """What is printed until the word stands there; with an empty word until the terminal is closed."""
    printed = ""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and (not word or word not in printed):
        if not select.select([terminal], [], [], 0.5)[0]:
            continue
        try:
            printed += os.read(terminal, 4096).decode(errors="replace")
        except OSError:
            break
    return printed
