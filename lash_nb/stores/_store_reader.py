"""Looking into stored sessions without opening them: nothing is written, and a broken file hides no other."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Final

from lash_nb.errors import CallerError, StoreError
from lash_nb.stores._sqlite_factory import (
    is_session_file,
    may_begin,
    nearest_session_file,
    session_file_ending,
    session_file_name,
)
from lash_nb.stores._store_folder import SESSIONS_FOLDER
from lash_nb.stores._stored_row import StoredSessionRow, row_or_error
from lash_nb.stores._stored_session import StoredSession
from lash_nb.words import counted, legible

__all__ = ["StoreReader", "open_store"]

_SHOWN: Final = 20
"""As many sessions does a repr list."""


class StoreReader(Mapping[str, StoredSession]):
    """The sessions of a folder by id, to be looked at; a file under the name of another session is one of its errors.

    Each file is read when it is first needed, and once: one that is asked for by its id alone, all of them to be listed.

    Attributes:
        path: The folder or file.
    """

    def __init__(self, path: Path, files: Sequence[Path]) -> None:
        self.path: Final = path
        self._files: Final = files
        self._read: Final[dict[Path, StoredSessionRow | StoreError]] = {}
        """What was found in the files that were needed so far."""

    @cached_property
    def sessions(self) -> tuple[StoredSessionRow, ...]:
        """The sessions in one line each, last used first."""
        rows = self._rows(self._files)
        return tuple(sorted(rows, key=lambda row: (row.last_use is not None, row.last_use), reverse=True))

    @cached_property
    def errors(self) -> tuple[StoreError, ...]:
        """The files that could not be read, and why."""
        return tuple(error for file in self._files if isinstance(error := self._row_or_error(file), StoreError))

    def latest(self, count: int, *, beginning: str = "") -> tuple[StoredSessionRow, ...]:
        """Return the sessions whose files were written last and whose ids begin so, at most so many; other files are not read."""
        files = [file for file in self._files if not is_session_file(file.name) or may_begin(file.name, beginning)]
        rows = self._rows(sorted(files, key=_written, reverse=True))
        return tuple(islice((row for row in rows if row.session_id.startswith(beginning)), count))

    def nearest(self, session_id: str) -> StoredSessionRow | None:
        """Return the session whose file is named most like this id, if one is much like it; no other file is read."""
        name = nearest_session_file([file.name for file in self._files], session_id)
        return next(self._rows(file for file in self._files if file.name == name), None)

    @cached_property
    def _rows_of(self) -> Mapping[str, list[StoredSessionRow]]:
        """All sessions by id."""
        found: dict[str, list[StoredSessionRow]] = {}
        for row in self.sessions:
            found.setdefault(row.session_id, []).append(row)
        return found

    def _found(self, session_id: str) -> Sequence[StoredSessionRow]:
        """Return the rows of a session: of all, if they were listed, else of the files whose names may be its."""
        if "sessions" in self.__dict__:
            return self._rows_of.get(session_id, ())
        files = (file for file in self._files if self._may_hold(file, session_id))
        return [row for row in self._rows(files) if row.session_id == session_id]

    def _may_hold(self, file: Path, session_id: str) -> bool:
        """Tell whether the name of a file does not say that it is another session's; where the file was given nobody asks for its name."""
        name, stem = file.name, file.stem  # which is the id where the file tells none
        ending = session_file_ending(session_id)
        return name.endswith(ending) or not is_session_file(name) or session_id == stem or file == self.path

    def _rows(self, files: Iterable[Path]) -> Iterator[StoredSessionRow]:
        """Yield the sessions in these files, one file after the other."""
        return (row for file in files if isinstance(row := self._row_or_error(file), StoredSessionRow))

    def _row_or_error(self, file: Path) -> StoredSessionRow | StoreError:
        found = self._read.get(file)
        if found is None:
            found = row_or_error(file)
            if isinstance(found, StoredSessionRow) and not self._may_hold(file, found.session_id):
                found = _misnamed(file, found.session_id)
            self._read[file] = found
        return found

    def __getitem__(self, session_id: str) -> StoredSession:
        """Return a session.

        Raises:
            CallerError: there is none of that id, or it is in more than one file.
        """
        found = self._found(session_id)
        if len(found) != 1:
            where = ", ".join(row.path.name for row in found[:_SHOWN])
            known = ", ".join(f"{legible(row.session_id)}" for row in self.latest(_SHOWN)) or "none"
            told = (
                f"is in more than one file ({where}); open one of them" if found else f"is not there; there are {known}"
            )
            raise CallerError(f"session {legible(session_id)} {told}", code="stored_session")
        return StoredSession(found[0])

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows_of)

    def __len__(self) -> int:
        return len(self._rows_of)

    def __contains__(self, session_id: object) -> bool:
        return isinstance(session_id, str) and bool(self._found(session_id))

    def __repr__(self) -> str:
        head = f"<StoreReader {legible(str(self.path))}: {counted(len(self.sessions), 'session')}, {len(self.errors)} unreadable>"
        lines = [
            f"  {legible(row.session_id)}: {counted(row.turns, 'turn')}, {counted(row.nodes, 'node')}, {counted(row.tokens, 'token')}"
            for row in self.sessions[:_SHOWN]
        ]
        more = [f"  … {len(self.sessions) - _SHOWN} more"] if len(self.sessions) > _SHOWN else []
        return "\n".join([head, *lines, *more])


def open_store(path: str | os.PathLike[str]) -> StoreReader:
    """Look into stored sessions, of this library or of lash itself; nothing is written, and nothing is left beside the files.

    Args:
        path: A session database, a folder of them, or the folder of a store, which holds `sessions/` and `attachments/`.

    Raises:
        CallerError: there is nothing of the kind.
    """
    given = Path(path).expanduser()
    if given.is_file():
        return StoreReader(given, [given])
    folder = given / SESSIONS_FOLDER
    files = sorted((folder if folder.is_dir() else given).glob("*.db"))
    if not files:
        what = "holds no session database (*.db)" if given.is_dir() else "is not there"
        raise CallerError(
            f"{given} {what}; give a database, a folder of them, or the folder of a store", code="store_folder"
        )
    return StoreReader(given, files)


def _misnamed(file: Path, session_id: str) -> StoreError:
    """A core refuses such a file too: it looks for a session under its own name alone."""
    told = (
        f"{file} holds session {legible(session_id)}, and is named like another one;"
        f" rename it to {session_file_name(session_id)}, or give the file itself to open_store"
    )
    return StoreError("Backend", told, path=str(file))


def _written(file: Path) -> float:
    """Return when a database or the log beside it was last written; a file that is gone is the oldest."""
    times = [0.0]
    for name in (str(file), f"{file}-wal"):
        with suppress(OSError):
            times.append(os.stat(name).st_mtime)  # noqa: PTH116 - a path object costs more than the look
    return max(times)
