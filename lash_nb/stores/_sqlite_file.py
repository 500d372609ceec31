"""One database file and its transactions (lash 0.1.0-alpha.37, sessions §11.1).

A file is opened by its first use and may be given back at any time; the next use opens it again. Its connection is shared by all threads,
one at a time.
"""

import asyncio
import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Generator, Iterator
from threading import Lock
from typing import Final, TypeVar

from lash_nb.errors import StoreError
from lash_nb.stores._sqlite_errors import is_busy, store_error
from lash_nb.stores._sqlite_open import open_database
from lash_nb.stores._sqlite_schema import Schema

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
        read_only: Never write.
        busy_timeout_s: How long to try while another process holds the file, in seconds.
        max_bytes: How large the file may become.
    """

    __slots__ = (
        "_busy_timeout_s",
        "_connection",
        "_identity",
        "_lock",
        "_max_bytes",
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
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None

    async def read(self, work: Work[T]) -> T:
        """Return what `work` reads, all of it at one moment.

        Raises:
            StoreError: `Backend`, with the `path`.
        """
        return await _awaited(self._steps("BEGIN", work))

    async def write(self, work: Work[T]) -> T:
        """Return what `work` returns, and keep what it writes; waits for other writers without holding up the event loop.

        Raises:
            StoreError: `Backend`, with the `path`; nothing is written.
        """
        return await _awaited(self._steps("BEGIN IMMEDIATE", work))

    def read_now(self, work: Work[T]) -> T:
        """Do the same as `read`, from a plain function."""
        return _blocking(self._steps("BEGIN", work))

    def write_now(self, work: Work[T]) -> T:
        """Do the same as `write`, from a plain function."""
        return _blocking(self._steps("BEGIN IMMEDIATE", work))

    def release(self) -> None:
        """Close the connection; the next use opens it again."""
        with self._lock:
            self._close()

    def _steps(self, begin: str, work: Work[T]) -> Generator[float, None, T]:
        """Yield how long to wait before the next try, in seconds; return the result of the one that came through."""
        pauses = _pauses(self._busy_timeout_s)
        while True:
            try:
                return self._attempt(begin, work)
            except sqlite3.Error as error:
                pause = next(pauses, None) if is_busy(error) else None
                if pause is None:
                    raise store_error(self.path, error) from error
            yield pause

    def _attempt(self, begin: str, work: Work[T]) -> T:
        with self._lock:
            connection = self._open()
            connection.execute(begin)
            try:
                result = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # SQLite rolls back by itself when the disk fails
                    connection.execute("ROLLBACK")
                raise
            return result

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None:
            self._check_identity()
            return self._connection
        if self.openings and not os.path.exists(self.path):  # noqa: PTH110 - a path object per parked session would cost more than the rest
            raise self._gone("is gone")
        mode = "ro" if self.read_only else "rw" if self.openings else "rwc"
        self._connection = open_database(self.path, self._schema, mode=mode, max_bytes=self._max_bytes)
        self._identity = _identity(self.path)
        self.openings += 1
        return self._connection

    def _check_identity(self) -> None:
        """Refuse to write to a file that has no name any more: nobody would ever find it."""
        found = _identity(self.path)
        if found != self._identity:
            self._close()
            raise self._gone("was deleted while it was open" if found is None else "was replaced while it was open")

    def _gone(self, what: str) -> StoreError:
        told = f"{self.path} {what}, nothing was written; put the file back or open the session anew"
        return StoreError("Backend", told, path=self.path)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _identity(path: str) -> tuple[int, int] | None:
    """Return which file stands under a name."""
    try:
        found = os.stat(path)  # noqa: PTH116 - done before each transaction
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


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
