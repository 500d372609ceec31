"""`lash-nb demo`: a first turn in the terminal, then the notebooks, opened or executed.

A thin shell over the public API, as the magics are; nothing here is known to any other room.
"""

import asyncio
import importlib.util
import os
import re
import signal
import subprocess
import sys
import tempfile
from argparse import Namespace
from pathlib import Path
from typing import Any, Final

from lash_nb.core import LashCore, LashSession
from lash_nb.errors import CallerError
from lash_nb.frames import effects_df
from lash_nb.plugins import tool
from lash_nb.providers import ScriptedProvider, call, reply
from lash_nb.trace import read_trace
from lash_nb.views import summary_text

__all__ = ["run"]

FIRST_NOTEBOOK: Final = "01_first_turn.ipynb"
DEMO_TRACE: Final = Path("data") / "station.trace.jsonl"
EXECUTED: Final = Path("_executed")
ANSI: Final = re.compile(r"\x1b\[[0-9;]*m")
CELL_SECONDS: Final = 120
"""No cell of a notebook of ours takes longer, on the slowest machine."""

QUIET_KERNEL: Final = "--IPKernelApp.log_level=ERROR"
"""Without it every kernel warns, between the results, that it talks unencrypted: it does so over loopback."""

EFFECT_COLUMNS: Final = ["order", "kind", "effect_id", "status", "duration_ms"]
"""What fits the width of a terminal."""


def run(asked: Namespace) -> int:
    """Run the verb; returns the exit code."""
    notebooks = Path(asked.notebooks)
    if not (notebooks / FIRST_NOTEBOOK).is_file():
        message = f"no {FIRST_NOTEBOOK} in {notebooks}: give the notebooks of a clone with --notebooks DIR"
        raise CallerError(message)
    asyncio.run(_first_turn())
    print(f"\nA trace that the reference wrote:\n{summary_text(read_trace(notebooks / DEMO_TRACE))}\n", flush=True)
    if asked.check or not sys.stdout.isatty():
        return _execute_all(notebooks)
    return _open_lab(notebooks / FIRST_NOTEBOOK)


@tool
def weather(city: str) -> dict[str, Any]:
    """Look up the weather of a city, now."""
    return {"city": city, "sky": "clear", "celsius": 4}


async def _first_turn() -> None:
    """Run one scripted turn with a tool and print what came of it."""
    provider = ScriptedProvider([call("weather", {"city": "Oslo"}), reply("Oslo is clear, at 4 °C.")])
    core = LashCore.standard().in_memory().provider(provider).model("scripted-model").tools(weather).build()
    session: LashSession = await core.session("demo").open()
    question = "What is the weather in Oslo?"
    result = await session.turn(question).run()
    print(f"> {question}\n{result.reply}\n")
    print("Its effects, each a value to look at, edit, replay and fork:")
    print(effects_df(session.effects)[EFFECT_COLUMNS].to_string(index=False))


def _open_lab(notebook: Path) -> int:
    """Open JupyterLab on the notebook and wait for its end: Ctrl-C stops it, unasked."""
    _require_lab()
    # JupyterLab refuses to run as root, which is who one is in most containers; it still listens on loopback only, with a token.
    as_root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    # Given as default address, the notebook is in the address that is printed too: a machine may have no browser of its own.
    first = [f"--ServerApp.root_dir={notebook.parent.resolve()}", f"--LabApp.default_url=/lab/tree/{notebook.name}"]
    server = subprocess.Popen([sys.executable, "-m", "jupyterlab", "-y", *as_root, *first])  # noqa: S603  # our own program
    # Ctrl-C reaches the server as well, which ends its kernels; here there is nothing to do but to wait for it.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return server.wait()
    finally:
        signal.signal(signal.SIGINT, before)
        if server.poll() is None:  # this command was told to end, and the server with it
            server.terminate()


def _execute_all(notebooks: Path) -> int:
    """Execute every notebook into `_executed`; returns 1 if one of them failed."""
    _require_lab()
    EXECUTED.mkdir(exist_ok=True)
    failures = [_execute(notebook, EXECUTED / notebook.name) for notebook in sorted(notebooks.glob("*.ipynb"))]
    print(f"The executed notebooks are in {EXECUTED}/.")
    return int(any(failures))


def _execute(notebook: Path, target: Path) -> bool:
    """Execute one notebook in the folder it lies in; write it as far as it came and tell whether it failed.

    What the kernel itself says, apart from its cells, is shown only if it died: a kernel that is told to end may complain of
    sockets that its own end has closed.
    """
    import nbformat  # noqa: PLC0415  # only the extra `lab` brings these two
    from nbclient import NotebookClient, exceptions  # noqa: PLC0415

    document = nbformat.read(notebook, as_version=4)
    folder = {"metadata": {"path": str(notebook.parent)}}
    client = NotebookClient(document, timeout=CELL_SECONDS, resources=folder, extra_arguments=[QUIET_KERNEL])
    failure = ""
    with tempfile.TemporaryFile() as said:
        try:
            client.execute(stderr=said.fileno())
        except exceptions.CellControlSignal as error:
            failure = _last_line(str(error))
        except exceptions.DeadKernelError as error:
            said.seek(0)
            failure = f"{_last_line(str(error))} {_last_line(said.read().decode(errors='replace'))}".strip()
    nbformat.write(document, target)
    print(f"{'FAILED' if failure else 'ok':6} {notebook.name}{': ' if failure else ''}{failure}", flush=True)
    return bool(failure)


def _last_line(text: str) -> str:
    return next(reversed(ANSI.sub("", text).strip().splitlines()), "")


def _require_lab() -> None:
    if importlib.util.find_spec("jupyterlab") is None or importlib.util.find_spec("nbclient") is None:
        message = "JupyterLab is not installed: pip install 'lash-nb[lab]'"
        raise CallerError(message)
