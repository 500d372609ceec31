"""What a session has used and not put into its ledger yet (lash 0.1.0-alpha.37, sessions §16.3)."""

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

    def taken(self) -> "_TakenUsage":
        """Hand the rows to the commit within; one that fails gives them back."""
        return _TakenUsage(self)


class _TakenUsage:
    """Rows on their way into a commit."""

    def __init__(self, pending: PendingUsage) -> None:
        self._pending = pending
        self._rows: tuple[TokenLedgerEntry, ...] = ()

    def __enter__(self) -> tuple[TokenLedgerEntry, ...]:
        self._rows, self._pending.rows = self._pending.rows, ()
        return self._rows

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        if failed is not None:
            self._pending.rows = merged(self._rows, self._pending.rows)
