"""Reading a database that belongs to others, without leaving anything beside it.

SQLite makes two files beside a database that it reads in WAL mode, and leaves them there. While nobody writes they are not needed: the
database is read as an immutable file, and read again should somebody have begun to write meanwhile.
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final, TypeVar

from lash_nb.errors import StoreError
from lash_nb.stores._sqlite_errors import store_error
from lash_nb.stores._sqlite_file import SqliteFile
from lash_nb.stores._sqlite_open import open_database
from lash_nb.stores._sqlite_schema import Schema

__all__ = ["read_quietly"]

T = TypeVar("T")

_TRIES: Final = 3


def read_quietly(path: str | os.PathLike[str], schema: Schema, work: Callable[[sqlite3.Connection], T]) -> T:
    """Return what `work` reads from a database, all of it at one moment; the file and its folder stay as they are.

    Beside a writer the database is read as every reader reads it.

    Raises:
        StoreError: `Backend`, with the `path`: it is not there, holds something else, or cannot be read.
    """
    file = Path(path)
    if not file.is_file():
        raise StoreError("Backend", f"{file} is not there; give the path of a session database", path=str(file))
    for _ in range(_TRIES):
        before = _state(file)
        if before is None:
            break
        try:
            with closing(open_database(str(file), schema, mode="ro", immutable=True)) as connection:
                found = work(connection)
        except (sqlite3.Error, StoreError) as error:
            if _state(file) == before:
                raise error if isinstance(error, StoreError) else store_error(str(file), error) from error
            continue
        if _state(file) == before:
            return found
    return _beside_writer(file, schema, work)


def _beside_writer(file: Path, schema: Schema, work: Callable[[sqlite3.Connection], T]) -> T:
    reader = SqliteFile(file, schema, read_only=True)
    try:
        return reader.read_now(work)
    finally:
        reader.release()


def _state(file: Path) -> tuple[int, int, int] | None:
    """Return what changes with every write to the database itself; None while writes lie beside it."""
    try:
        if file.with_name(f"{file.name}-wal").stat().st_size:
            return None
    except FileNotFoundError:
        pass
    found = file.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns
