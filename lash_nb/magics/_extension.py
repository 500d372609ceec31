"""`%load_ext lash_nb` and `%unload_ext lash_nb`: everything is put into the shell here, and taken out again."""

from functools import partial
from typing import Any, Final

from IPython.core.interactiveshell import InteractiveShell

from lash_nb.core import attend_turns_by, stand_around_turns
from lash_nb.magics._awaiting import attend_in_cell
from lash_nb.magics._bench import Bench
from lash_nb.magics._cells import Cells
from lash_nb.magics._completion import Completer
from lash_nb.magics._faces import Faces
from lash_nb.magics._magics import LashMagics
from lash_nb.magics._questions import keep_questions
from lash_nb.magics._transformer import AwaitTransformer
from lash_nb.plots import printable

__all__ = ["load_ipython_extension", "unload_ipython_extension"]

_NAME: Final = "lash"


class Extension:
    """Our things in one shell."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._bench = Bench(shell)
        self._magics = LashMagics(shell, self._bench)
        self._transformer = AwaitTransformer(shell)
        self._matcher = Completer(self._bench).matcher
        self._faces = Faces(shell, self._bench)
        self._cells = Cells(shell)
        self._configurables: list[Any] = shell.configurables

    def load(self) -> None:
        """Put everything in."""
        self._shell.register_magics(self._magics)
        self._configurables.append(self._bench.settings)
        self._shell.input_transformers_cleanup.append(keep_questions)
        self._shell.input_transformers_post.append(self._transformer)
        self._shell.Completer.custom_matchers.append(self._matcher)
        self._shell.events.register("post_run_cell", self._bench.shown.forget)
        self._faces.put_on()
        self._cells.watch()
        self._leave_turns = (
            attend_turns_by(partial(attend_in_cell, self._shell.user_ns)),
            stand_around_turns(self._bench.raised.noting),
        )

    def unload(self) -> None:
        """Take everything out; turns that run are cancelled, and the sessions that are closed are named."""
        manager = self._shell.magics_manager
        for kind in ("line", "cell"):
            manager.magics[kind].pop(_NAME, None)
        manager.registry.pop(type(self._magics).__name__, None)
        self._configurables.remove(self._bench.settings)
        self._shell.input_transformers_cleanup.remove(keep_questions)
        self._shell.input_transformers_post.remove(self._transformer)
        self._shell.Completer.custom_matchers.remove(self._matcher)
        self._shell.events.unregister("post_run_cell", self._bench.shown.forget)
        self._faces.take_off()
        self._cells.leave()
        for leave in self._leave_turns:
            leave()
        self._bench.shown.forget()
        if closed := ", ".join(self._bench.sessions):
            print(f"lash_nb: closed the sessions of %lash: {printable(closed)}")  # noqa: T201 - said in the cell
        self._bench.close()


_LOADED: Final[dict[int, Extension]] = {}
"""By shell; a process may have several, one after the other."""


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Make `%lash` and `%%lash` work in a shell; loading it again changes nothing."""
    if id(shell) not in _LOADED:
        _LOADED[id(shell)] = Extension(shell)
        _LOADED[id(shell)].load()


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Leave nothing of `%lash` in a shell."""
    loaded = _LOADED.pop(id(shell), None)
    if loaded is not None:
        loaded.unload()
