"""Where a tool of the user's own raised: the model reads what happened, only a person the file and the line."""

import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from traceback import FrameSummary, extract_tb
from typing import Final

from IPython.core.interactiveshell import InteractiveShell

from lash_nb.words import legible

__all__ = ["note_raised", "noting_raised", "raised_words"]

_NOTED: Final[ContextVar[list[BaseException] | None]] = ContextVar("raised_by_tools", default=None)
_OTHERS: Final = (
    str(Path(__file__).parents[1]),
    *(sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")),
)
"""Folders of this library, of Python and of what is installed: nobody writes tools there."""
_CELL: Final = "<ipython-input-"
"""How the names of a terminal's cells begin; all other names of code that is in no file begin likewise and are not meant."""


@contextmanager
def noting_raised() -> Iterator[list[BaseException]]:
    """Give the list to which goes what tools raise meanwhile, in this task and those that it starts."""
    noted: list[BaseException] = []
    token = _NOTED.set(noted)
    try:
        yield noted
    finally:
        _NOTED.reset(token)


def note_raised(error: BaseException) -> None:
    """Tell it to whoever listens."""
    noted = _NOTED.get()
    if noted is not None:
        noted.append(error)


def raised_words(shell: InteractiveShell, error: BaseException) -> str:
    """Return in which cell or file of the user's own an exception was raised, with its line; empty where it was in none."""
    own = [frame for frame in extract_tb(error.__traceback__) if _is_own(frame.filename)]
    if not own:
        return ""
    last = own[-1]
    return legible(f"{type(error).__name__} raised in {_place(shell, last)}: {last.line or ''}".rstrip(": "), 400)


def _is_own(filename: str) -> bool:
    return filename.startswith(_CELL) or not filename.startswith(("<", *_OTHERS))


def _place(shell: InteractiveShell, frame: FrameSummary) -> str:
    cell = shell.compile.format_code_name(frame.filename)
    where = " ".join(cell) if cell else frame.filename
    return f"{where}, line {frame.lineno}, in {frame.name}"
