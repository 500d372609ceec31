"""One database file and its transactions (lash 0.1.0-alpha.37, sessions §11.1).

A file is opened by its first use and may be given back at any time; the next use opens it again. Its connection is shared by all threads,
one at a time.
"""

import asyncio
import contextlib
import os
import sqlite3
import time
import weakref
from collections.abc import Callable, Generator, Iterator
from threading import RLock
from typing import Final, TypeVar

from lash_nb.errors import StoreError
from lash_nb.locks import exclusively
from lash_nb.stores._sqlite_errors import is_busy, store_error
from lash_nb.stores._sqlite_open import OpenMode, open_database
from lash_nb.stores._sqlite_resting import RESTING
from lash_nb.stores._sqlite_schema import Schema
from lash_nb.stores._sqlite_state import FileState, file_state, inode_of, is_quiet

__all__ = ["BUSY_TIMEOUT_S", "SqliteFile"]

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
"""What is done in one transaction. It may be done again when a lock gets in the way, so it changes nothing but the database."""

BUSY_TIMEOUT_S: Final = 15.0
"""How long to try while another process holds the file."""
_FIRST_PAUSE_S: Final = 0.001
_LONGEST_PAUSE_S: Final = 0.05


class SqliteFile:
    """A database file of one kind.

    Each of the methods runs its work in one transaction: all of it is kept, or, after an error, nothing.

    Args:
        path: The file; made by its first use, unless it is only read.
        schema: What it holds.
        read_only: Never write, nor leave anything beside the file.
        busy_timeout_s: How long to try while another process holds the file, in seconds.
        max_bytes: How large the file may become.
    """

    __slots__ = (
        "__weakref__",
        "_busy_timeout_s",
        "_closing",
        "_connection",
        "_lock",
        "_max_bytes",
        "_mode",
        "_opened",
        "_schema",
        "openings",
        "path",
        "read_only",
    )

    def __init__(
        self,
        path: str | os.PathLike[str],
        schema: Schema,
        *,
        read_only: bool = False,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
        max_bytes: int | None = None,
    ) -> None:
        self.path = os.fspath(path)
        self.read_only = read_only
        self.openings = 0
        self._schema = schema
        self._busy_timeout_s = busy_timeout_s
        self._max_bytes = max_bytes
        self._lock = RLock()
        self._connection: sqlite3.Connection | None = None
        self._closing: weakref.finalize[[], SqliteFile] | None = None
        self._opened = FileState()
        self._mode: OpenMode = "rwc"

    async def read(self, work: Work[T]) -> T:
        """Return what `work` reads, all of it at one moment.

        Raises:
            StoreError: `Backend`, with the `path`.
        """
        return await _awaited(self._steps("BEGIN", work))

    async def read_one(self, work: Work[T]) -> T:
        """Do the same as `read` for work of one statement, which is of one moment by itself."""
        return await _awaited(self._steps(None, work))

    async def write(self, work: Work[T]) -> T:
        """Return what `work` returns, and keep what it writes; waits for other writers without holding up the event loop.

        Raises:
            StoreError: `Backend`, with the `path`; nothing is written.
        """
        return await _awaited(self._steps(self._writing(), work))

    async def write_if(self, look: Work[bool], work: Work[T]) -> T | None:
        """Do the same as `write` when `look`, one statement, is true; otherwise wait for no writer, and return None.

        Others may write between the two, so `work` looks again.
        """
        begin = self._writing()
        return await _awaited(self._steps(begin, work)) if await self.read_one(look) else None

    def read_now(self, work: Work[T]) -> T:
        """Do the same as `read`, from a plain function."""
        return _blocking(self._steps("BEGIN", work))

    def write_now(self, work: Work[T]) -> T:
        """Do the same as `write`, from a plain function."""
        return _blocking(self._steps(self._writing(), work))

    def rest(self) -> None:
        """Keep the connection for whoever comes back soon, and close it when others rest that were used later."""
        if self._connection is not None:
            RESTING.lay_down(self)

    def release(self) -> None:
        """Close the connection; the next use opens it again."""
        RESTING.wake(self)
        exclusively(self._lock, self._close)

    def _writing(self) -> str:
        if self.read_only:
            told = f"{self.path} is only read here, nothing was written; open it without read_only to change it"
            raise StoreError("Backend", told, path=self.path)
        return "BEGIN IMMEDIATE"

    def _steps(self, begin: str | None, work: Work[T]) -> Generator[float, None, T]:
        """Yield how long to wait before the next try, in seconds; return the result of the one that came through."""
        pauses = _pauses(self._busy_timeout_s)
        while True:
            try:
                RESTING.wake(self)
                return exclusively(self._lock, self._attempt, begin, work)
            except sqlite3.Error as error:
                pause = next(pauses, None) if is_busy(error) or isinstance(error, _ChangedError) else None
                if pause is None:
                    raise store_error(self.path, error) from error
            except (UnicodeError, OverflowError) as error:
                raise store_error(self.path, error) from error
            yield pause

    def _attempt(self, begin: str | None, work: Work[T]) -> T:
        connection = self._open()
        try:
            result = _transacted(connection, begin, work)
        except (sqlite3.Error, UnicodeError):
            self._check_unchanged()
            raise
        self._check_unchanged()
        return result

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and self._is_opened():
            return self._connection
        found = file_state(self.path)
        if self._connection is not None:
            self._close()
            if not self.read_only:
                raise self._gone(
                    f"was {'replaced' if found.inode else 'deleted'} while it was open, nothing was written"
                )
        if found.inode is None and (self.openings or self.read_only):
            raise self._gone("is not there")
        self._mode = self._mode_for(found)
        connection = open_database(self.path, self._schema, mode=self._mode, max_bytes=self._max_bytes)
        self._opened = found if self._mode == "quiet" else file_state(self.path)
        self.openings += 1
        self._connection = connection  # only now: an interrupt before leaves the file closed
        self._closing = weakref.finalize(self, connection.close)  # Python 3.13 warns of a connection that nobody closes
        return connection

    def _mode_for(self, found: FileState) -> OpenMode:
        if self.read_only:
            return "quiet" if is_quiet(self.path, found) else "ro"
        return "rw" if self.openings else "rwc"

    def _is_opened(self) -> bool:
        """Tell whether the file is the one that was opened; a quiet one is another one after each change."""
        if self._mode == "quiet":
            return file_state(self.path) == self._opened
        return inode_of(self.path) == self._opened.inode

    def _check_unchanged(self) -> None:
        """Do not believe what was read from a quiet file, when it is no longer what it was."""
        if self._mode == "quiet" and not self._is_opened():
            self._close()
            raise _ChangedError("the file changed while it was read")

    def _gone(self, what: str) -> StoreError:
        told = f"{self.path} {what}; put the file back, or give the path of another {self._schema.kind} database"
        return StoreError("Backend", told, path=self.path)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._closing is not None:
            self._closing.detach()


class _ChangedError(sqlite3.Error):
    """Somebody wrote while a quiet file was read."""


def _transacted(connection: sqlite3.Connection, begin: str | None, work: Work[T]) -> T:
    _roll_back(connection)  # what an interrupted rollback left
    if begin is None:
        return work(connection)
    try:
        connection.execute(begin)
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        _roll_back(connection)
        raise
    return result


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        with contextlib.suppress(sqlite3.Error):  # SQLite rolls back by itself when the disk fails
            connection.execute("ROLLBACK")


def _pauses(limit: float) -> Iterator[float]:
    pause, waited = _FIRST_PAUSE_S, 0.0
    while waited < limit:
        yield pause
        waited += pause
        pause = min(pause * 2, _LONGEST_PAUSE_S)


async def _awaited(steps: Generator[float, None, T]) -> T:
    while True:
        try:
            pause = next(steps)
        except StopIteration as done:
            result: T = done.value
            return result
        await asyncio.sleep(pause)


def _blocking(steps: Generator[float, None, T]) -> T:
    while True:
        try:
            time.sleep(next(steps))
        except StopIteration as done:
            result: T = done.value
            return result
