"""Stored sessions."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lash_nb.frames._column import Column
from lash_nb.frames._table import Rows, table
from lash_nb.stores import StoredSessionRow, StoreReader

__all__ = ["SESSION_COLUMNS", "SessionTableRow", "sessions_df"]


@dataclass(frozen=True, slots=True)
class SessionTableRow:
    """One stored session: what a column's function is given."""

    order: int
    """Position in the listing, from 0."""
    session: StoredSessionRow
    """The session in one line."""


def _last_use(row: SessionTableRow) -> str | None:
    return row.session.last_use.isoformat() if row.session.last_use else None


_IDS: Final = (
    Column("order", "order", "Int64", "Position in the listing, from 0: last used first."),
    Column("session_id", "session.session_id", "string", "The session."),
)

SESSION_COLUMNS: Final = (
    *_IDS,
    Column("name", "session.name", "string", "Its name for people."),
    Column("state", "session.state", "category", "`committed`, or `empty` before the first commit."),
    Column("turns", "session.turns", "Int64", "Number of the last turn."),
    Column("nodes", "session.nodes", "Int64", "Nodes of all branches at the last commit; some may be hidden since."),
    Column("tokens", "session.tokens", "Int64", "Input, output and reasoning tokens of its life."),
    Column(
        "last_use", _last_use, "datetime64[ns, UTC]", "When its last turn ended, or its file was written when none has."
    ),
    Column("model", "session.model", "category", "The model's id."),
    Column("provider", "session.provider_id", "category", "Who answers."),
    Column("parent_session_id", "session.parent_session_id", "string", "The session under which it was opened."),
    Column("byte_len", "session.byte_len", "Int64", "Size of its file and the journal beside it, in bytes."),
    Column("file", lambda row: row.session.path.name, "string", "Its file."),
)
"""What each stored session is."""


@table(SESSION_COLUMNS, always=_IDS, listing="lash_nb.open_store(…)")
def sessions_df(sessions: StoreReader | Iterable[StoredSessionRow]) -> Rows:
    """One row per stored session, as `open_store` finds them; a column's function gets a `SessionTableRow`."""
    rows = sessions.sessions if isinstance(sessions, StoreReader) else sessions
    return Rows([SessionTableRow(order, row) for order, row in enumerate(rows)])
