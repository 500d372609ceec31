"""Where a tool or a provider of the user's own raised: the model reads what happened, only a person the file and the line."""

import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from traceback import FrameSummary, extract_tb
from typing import Final, NamedTuple

from IPython.core.interactiveshell import InteractiveShell

from lash_nb.providers import PROVIDER_RAISED, hearing_providers_raise
from lash_nb.words import legible

__all__ = ["note_raised", "noting_raised"]


class _Notes(NamedTuple):
    """What is noted, and how it is said."""

    places: dict[str, str]
    words: Callable[[BaseException], str]


_NOTED: Final[ContextVar[_Notes | None]] = ContextVar("raised_by_users", default=None)
_OTHERS: Final = (
    str(Path(__file__).parents[1]),
    *(sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")),
)
"""Folders of this library, of Python and of what is installed: nobody writes tools there."""
_CELL: Final = "<ipython-input-"
"""How the names of a terminal's cells begin; all other names of code that is in no file begin likewise and are not meant."""


@contextmanager
def noting_raised(shell: InteractiveShell) -> Iterator[dict[str, str]]:
    """Give the dict to which goes, by the id of its call, where a tool raised last, in this task and those that it starts.

    Where a provider did stands there as well, by `PROVIDER_RAISED`.

    What is kept is text: an exception would keep alive all that its frames hold.
    """
    places: dict[str, str] = {}
    token = _NOTED.set(_Notes(places, partial(_raised_words, shell)))
    try:
        with hearing_providers_raise(partial(note_raised, PROVIDER_RAISED)):
            yield places
    finally:
        _NOTED.reset(token)


def note_raised(call_id: str | None, error: BaseException) -> None:
    """Tell it to whoever listens."""
    noted = _NOTED.get()
    words = noted.words(error) if noted else ""
    if noted and words:
        noted.places[call_id or ""] = words


def _raised_words(shell: InteractiveShell, error: BaseException) -> str:
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
