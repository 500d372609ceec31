"""A session that a folder keeps, as a person meets it: the kernel dies in the middle of a turn, and the session goes on in the next one."""

from typing import Final

import pytest
from playwright.sync_api import expect

from tests.lab.conftest import OpenNotebook

SCRIPT: Final = '''
import os, signal, lash_nb
from lash_nb import ScriptedProvider, call, reply

@lash_nb.tool
def unplug(reason: str) -> str:
    """End this very process."""
    os.kill(os.getpid(), signal.SIGKILL)
    return reason

def answer(request):
    said = [block.Text.text for block in request.messages[-1].blocks if block.Text]
    return call("unplug", {"reason": "test"}) if said == ["Unplug it."] else reply("All is well.")

provider = ScriptedProvider(answer)
'''

CELLS: Final = (
    "%load_ext lash_nb",
    SCRIPT,
    "%lash new demo --store kept",
    "%%lash\nHow are you?",
    "%%lash\nUnplug it.",
    "session = %lash open demo --store kept\nsession",
    "%%lash\nAnd now?",
    "first = session.graph.nodes[1].node_id\n%lash checkout {{first}}",
    "%%lash\nOr rather?",
    "%lash graph",
    "%lash sessions",
    "lash_nb.open_store('kept')",
    "%lash node {{first}}",
)


@pytest.mark.slow
def test_a_session_survives_its_kernel(open_notebook: OpenNotebook) -> None:
    """JupyterLab starts a new kernel by itself; the session has what was committed, and takes the next prompt."""
    notebook = open_notebook(*CELLS)
    for cell in range(4):
        notebook.run(cell)
    notebook.sees("All is well.", cell=3)
    notebook.start(4)
    dialog = notebook.page.locator(".jp-Dialog", has_text="Kernel Restarting")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Ok").click()

    for cell in (0, 1, 5, 6):
        notebook.run(cell)
    notebook.sees("Session demo", cell=5)
    notebook.sees("All is well.", cell=6)

    for cell in range(7, len(CELLS)):
        notebook.run(cell)
    notebook.sees("2 branches", cell=9)
    notebook.sees("Unplug it.", cell=9)
    notebook.sees("demo", cell=10)
    notebook.sees("Store kept", cell=11)
    notebook.sees("All is well.", cell=12)
    for cell in (9, 10, 11, 12):
        notebook.screenshot(f"sessions_{cell}", cell=cell)
