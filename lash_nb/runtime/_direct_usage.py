"""What a session has used and not put into its ledger yet (lash 0.1.0-alpha.37, sessions §16.3)."""

import contextlib
from collections.abc import Iterator

from lash_nb.runtime._ledger import merged
from lash_nb.wire import TokenLedgerEntry

__all__ = ["PendingUsage"]


class PendingUsage:
    """Rows of direct completions, which belong to no turn: the next commit takes them along."""

    def __init__(self) -> None:
        self.rows: tuple[TokenLedgerEntry, ...] = ()
        """One for each source and model; shown in reports before it is committed."""

    def add(self, row: TokenLedgerEntry) -> None:
        """Note what one completion cost."""
        self.rows = merged(self.rows, (row,))

    @contextlib.contextmanager
    def taken(self) -> Iterator[tuple[TokenLedgerEntry, ...]]:
        """Hand the rows to a commit; one that fails gives them back."""
        rows, self.rows = self.rows, ()
        try:
            yield rows
        except BaseException:
            self.rows = merged(rows, self.rows)
            raise
