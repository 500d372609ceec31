"""How a database file is opened (lash 0.1.0-alpha.37, sessions §11.1).

A file is looked at before it is touched: one that holds something else is refused as it is, without even its journal mode being changed.
"""

import contextlib
import os
import sqlite3
import stat
from pathlib import Path
from typing import Final, Literal, TypeAlias

from lash_nb.errors import StoreError
from lash_nb.stores._claim_holder import HOLDER_IS_GONE, holder_is_gone
from lash_nb.stores._sqlite_schema import Schema

__all__ = ["OpenMode", "open_database"]

OpenMode: TypeAlias = Literal["rwc", "rw", "ro", "quiet"]
"""SQLite's own words: write and make the file, write, read; `quiet` reads a file that nobody writes, and leaves no trace beside it."""

_SIDECARS: Final = ("-wal", "-shm", "-journal")
"""How the names of the files end that SQLite keeps beside a database."""
_LOCK_WAIT_S: Final = 0.005
"""How long SQLite itself waits for a lock; whoever calls tries again, without holding up the event loop meanwhile."""
_MODES: Final[dict[OpenMode, str]] = {
    "rwc": "mode=rwc",
    "rw": "mode=rw",
    "ro": "mode=ro",
    "quiet": "mode=ro&immutable=1",
}
_WRITER: Final = ("synchronous = NORMAL", "foreign_keys = ON", "cache_size = -2000")
_READER: Final = ("query_only = ON", "trusted_schema = OFF", "cache_size = -500")


def open_database(path: str, schema: Schema, *, mode: OpenMode, max_bytes: int | None = None) -> sqlite3.Connection:
    """Return a connection that leaves transactions to its user.

    Args:
        path: The file.
        schema: What it must hold; an empty or new file is filled with it.
        mode: What it is opened for.
        max_bytes: How large the file may become.

    Raises:
        sqlite3.Error: it cannot be opened, e.g. because it is locked at this moment.
        StoreError: it holds something else, or is no plain file.
    """
    _refuse_odd_files(path)
    connection = sqlite3.connect(
        f"{Path(path).absolute().as_uri()}?{_MODES[mode]}",
        uri=True,
        timeout=_LOCK_WAIT_S,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.create_function(HOLDER_IS_GONE, 1, holder_is_gone)
    try:
        if mode in {"ro", "quiet"}:
            _check(connection, schema, path, may_be_empty=False)
            _set(connection, *_READER)
        else:
            _prepare(connection, schema, path, max_bytes)
    except BaseException:
        connection.close()
        raise
    return connection


def _refuse_odd_files(path: str) -> None:
    """See to it that nothing is opened which could keep SQLite waiting for ever, such as a pipe in place of the database or its log.

    Raises:
        StoreError: `Backend`, when the database or a file beside it is no plain file.
    """
    for name in (path, *(f"{path}{suffix}" for suffix in _SIDECARS)):
        try:
            mode = os.stat(name).st_mode  # noqa: PTH116 - a path object costs more than the look
        except OSError:
            continue  # SQLite says better why it cannot be opened
        if not stat.S_ISREG(mode):
            raise StoreError("Backend", f"{name} is no plain file; move it away, or give another path", path=path)


def _prepare(connection: sqlite3.Connection, schema: Schema, path: str, max_bytes: int | None) -> None:
    connection.execute("BEGIN")  # so that version and tables are of one moment, while others may be making them
    whole = _check(connection, schema, path)
    connection.execute("COMMIT")
    if _pragma(connection, "journal_mode") != "wal":
        _set(connection, "journal_mode = WAL")
    _set(connection, *_WRITER)
    if max_bytes is not None:
        _set(connection, f"max_page_count = {max_bytes // int(_pragma(connection, 'page_size'))}")
    if not whole:
        _create(connection, schema, path)


def _create(connection: sqlite3.Connection, schema: Schema, path: str) -> None:
    """Create what is missing; the first of several that open a new file does it, the others see it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not _check(connection, schema, path):
            for statement in schema.ddl.values():
                connection.execute(statement)
            _set(connection, f"user_version = {schema.user_version}")
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _check(connection: sqlite3.Connection, schema: Schema, path: str, *, may_be_empty: bool = True) -> bool:
    """Tell whether everything is there; raise when it is a database of something else."""
    found = _pragma(connection, "user_version")
    names = {
        name
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE substr(name, 1, 7) <> 'sqlite_'"
            " AND type IN ('table', 'index', 'trigger', 'view')"
        )
    }
    if schema.user_version in {None, found}:
        return names >= schema.ddl.keys()
    if found == 0 and not names and may_be_empty:
        return False
    raise StoreError(
        "Backend",
        f"{path} is no {schema.kind} database of version {schema.user_version}: it says version {found};"
        " it is left as it is, give another path or open it with the release that wrote it",
        path=path,
        expected=schema.user_version,
        found=found,
    )


def _pragma(connection: sqlite3.Connection, name: str) -> int | str:
    value: int | str = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value


def _set(connection: sqlite3.Connection, *settings: str) -> None:
    for setting in settings:
        connection.execute(f"PRAGMA {setting}").fetchall()
