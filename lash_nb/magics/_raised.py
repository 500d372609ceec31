"""Where a tool or a provider of the user's own raised: the model reads what happened, only a person the file and the line."""

import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from traceback import FrameSummary, extract_tb
from typing import Final

from IPython.core.interactiveshell import InteractiveShell

from lash_nb.core import AwaitedTurn
from lash_nb.plugins import hearing_tools_raise
from lash_nb.providers import PROVIDER_RAISED, hearing_providers_raise
from lash_nb.runtime import TurnResult
from lash_nb.words import legible

__all__ = ["RaisedInTurns", "noting_raised"]


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

    def note(call_id: str | None, error: BaseException) -> None:
        if words := _raised_words(shell, error):
            places[call_id or ""] = words

    with hearing_tools_raise(note), hearing_providers_raise(partial(note, PROVIDER_RAISED)):
        yield places


class RaisedInTurns:
    """Where tools and providers raised in the turns of a notebook, whichever way they were begun."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell: Final = shell
        self._places: Final[dict[tuple[str, str], Mapping[str, str]]] = {}
        """Of turns in which any did, by their session and their id."""

    @contextmanager
    def noting(self, turn: AwaitedTurn) -> Iterator[None]:
        """Note them as long as a turn runs."""
        with noting_raised(self._shell) as places:
            yield
        result = turn.result
        if result is not None and (told := _of_failures(result, places)):
            self._places[result.session_id, result.turn_id] = told

    def of(self, result: TurnResult | None) -> Mapping[str, str]:
        """Return where tools of a turn raised that failed in the end, by the id of the call, and its provider if it did, by the code."""
        return {} if result is None else self._places.get((result.session_id, result.turn_id), {})


def _of_failures(result: TurnResult, places: Mapping[str, str]) -> Mapping[str, str]:
    failed = [call.call_id or "" for call in result.tool_calls if call.output.status == "failure"]
    failed += [issue.code or "" for issue in result.errors]
    return {name: places[name] for name in failed if name in places}


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
