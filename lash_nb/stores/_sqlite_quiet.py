"""Reading a database that belongs to others, once, without leaving anything beside it."""

import os
import sqlite3
from collections.abc import Callable
from typing import TypeVar

from lash_nb.stores._sqlite_file import SqliteFile
from lash_nb.stores._sqlite_schema import Schema

__all__ = ["read_quietly"]

T = TypeVar("T")


def read_quietly(path: str | os.PathLike[str], schema: Schema, work: Callable[[sqlite3.Connection], T]) -> T:
    """Return what `work` reads from a database, all of it at one moment; the file and its folder stay as they are.

    Beside a writer the database is read as every reader reads it.

    Raises:
        StoreError: `Backend`, with the `path`: it is not there, holds something else, or cannot be read.
    """
    reader = SqliteFile(path, schema, read_only=True)
    try:
        return reader.read_now(work)
    finally:
        reader.release()
