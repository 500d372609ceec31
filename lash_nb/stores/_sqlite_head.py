"""Where the session of a database stands: its one row, which each commit reads and writes (lash 0.1.0-alpha.37, sessions §11.3)."""

import sqlite3
from typing import Final, TypeAlias

from msgspec.structs import replace

from lash_nb.errors import StoreError, WireError
from lash_nb.stores._sqlite_schema import blobs, integers, select
from lash_nb.wire import SessionHeadMeta, from_json, to_json

__all__ = ["HeadRow", "read_head", "undecodable"]

_Row: TypeAlias = tuple[bytes, int]

_HEAD: Final = select(blobs("head_json"), integers("head_revision"), source="session_head WHERE singleton = 1")


class HeadRow:
    """The row of one database; while it says what it said last, it is not decoded again.

    Args:
        path: The file, for messages.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._known: tuple[_Row, SessionHeadMeta] | None = None

    @property
    def known(self) -> SessionHeadMeta | None:
        """Where the session stood when it was last read or written."""
        return self._known[1] if self._known else None

    def read(self, connection: sqlite3.Connection) -> SessionHeadMeta | None:
        """Return where the session stands; the revision is that of its column.

        Raises:
            StoreError: `Backend`, when it cannot be decoded.
        """
        row: _Row | None = connection.execute(_HEAD).fetchone()
        if row is None:
            return None
        known = self._known
        if known is None or known[0] != row:
            self._known = known = row, _decoded(row, self._path)
        return known[1]

    def write(self, connection: sqlite3.Connection, head: SessionHeadMeta) -> None:
        """Let the session stand there."""
        raw = to_json(head)
        connection.execute(
            "INSERT OR REPLACE INTO session_head (singleton, session_id, head_json, head_revision) VALUES (1, ?, ?, ?)",
            (head.session_id, raw.decode(), head.head_revision),
        )
        self._known = (raw, head.head_revision), head


def read_head(connection: sqlite3.Connection, path: str) -> SessionHeadMeta | None:
    """Return where the session stands, read once; result and errors as those of `HeadRow.read`."""
    return HeadRow(path).read(connection)


def undecodable(path: str, what: str, error: WireError) -> StoreError:
    """Return the error for a row that the session cannot do without."""
    return StoreError(
        "Backend",
        f"{path}: {what} cannot be decoded ({error}); nothing was written, put a copy of the file in its place"
        " or open it with the release that wrote it",
        path=path,
    )


def _decoded(row: _Row, path: str) -> SessionHeadMeta:
    try:
        return replace(from_json(row[0], SessionHeadMeta), head_revision=row[1])
    except WireError as error:
        raise undecodable(path, "the head of its session", error) from error
