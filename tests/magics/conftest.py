"""A real IPython shell to type into, and a real kernel for what only a kernel does."""

import asyncio
import sys
from collections.abc import Iterator
from typing import Any, Final

import pytest
from IPython.core.async_helpers import get_asyncio_loop
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from tests.magics.kernel import Kernel

TOOLS: Final = '''
import lash_nb
from lash_nb import call, calls, reply, ScriptedProvider

@lash_nb.tool
def weather(city: str) -> dict[str, object]:
    """Look up the weather of a city."""
    return {"city": city, "celsius": 4}

def provider_of(*replies):
    return ScriptedProvider(list(replies))
'''


class Shell:
    """The shell of one test: cells go in, values and one-line errors come out."""

    def __init__(self, ip: InteractiveShell) -> None:
        self.ip = ip

    def run(self, cell: str) -> Any:
        """Run a cell that works, and return its value."""
        ran = self.ip.run_cell(cell, store_history=True)  # type: ignore[no-untyped-call]
        ran.raise_error()
        return ran.result

    def refuse(self, cell: str) -> str:
        """Run a cell that a person got wrong, and return the one line that is said about it."""
        ran = self.ip.run_cell(cell, store_history=True)  # type: ignore[no-untyped-call]
        assert isinstance(ran.error_in_exec, UsageError), ran.error_in_exec
        message = str(ran.error_in_exec)
        assert len(message.splitlines()) == 1
        return message

    def faces(self, value: Any) -> dict[str, str]:
        """How a value is shown, by MIME type."""
        assert self.ip.display_formatter is not None
        shown: dict[str, str] = self.ip.display_formatter.format(value)[0]  # type: ignore[no-untyped-call]
        return shown

    def __getitem__(self, name: str) -> Any:
        return self.ip.user_ns[name]


@pytest.fixture(autouse=True)
def no_figures() -> Iterator[None]:
    """Leave no figure open, as a notebook leaves none behind a cell: who asks for those of pyplot would find it."""
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")


@pytest.fixture(scope="module", name="ip")
def _ip(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InteractiveShell]:
    """One shell for the tests of a module; it keeps no history on disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        config = Config({"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}})
        shell = InteractiveShell.instance(config=config)
        yield shell
        InteractiveShell.clear_instance()
        loop = get_asyncio_loop()  # type: ignore[no-untyped-call]
        loop.run_until_complete(asyncio.sleep(0))


@pytest.fixture
def shell(ip: InteractiveShell, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A shell with the extension loaded and a tool defined, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    own = set(ip.user_ns)
    typed = Shell(ip)
    typed.run("%load_ext lash_nb")
    typed.run(TOOLS)
    yield typed
    typed.run("%unload_ext lash_nb")
    ip.run_cell("import asyncio; await asyncio.sleep(0)")  # type: ignore[no-untyped-call]
    for name in [name for name in ip.user_ns if name not in own]:
        del ip.user_ns[name]


@pytest.fixture(scope="session")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """One kernel for all tests that need one."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        with Kernel() as started:
            yield started
