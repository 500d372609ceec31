"""What a session has used over its life."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lash_nb.frames._column import Column
from lash_nb.frames._table import Rows, table
from lash_nb.wire import TokenLedgerEntry

__all__ = ["LEDGER_COLUMNS", "LedgerTableRow", "ledger_df"]


@dataclass(frozen=True, slots=True)
class LedgerTableRow:
    """One row of a ledger: what a column's function is given."""

    order: int
    """Position in the ledger, from 0."""
    entry: TokenLedgerEntry
    """Source, model, tokens."""


_IDS: Final = (
    Column("order", "order", "Int64", "Position in the ledger, from 0."),
    Column("source", "entry.source", "category", "What used them: `turn`, `subagent`, `compaction` and so on."),
    Column("model", "entry.model", "category", "The model's id."),
)

LEDGER_COLUMNS: Final = (
    *_IDS,
    Column("input_tokens", "entry.usage.input_tokens", "Int64", "Tokens sent."),
    Column(
        "cached_input_tokens", "entry.usage.cached_input_tokens", "Int64", "Of these, tokens the provider had cached."
    ),
    Column("output_tokens", "entry.usage.output_tokens", "Int64", "Tokens received, reasoning excluded."),
    Column("reasoning_tokens", "entry.usage.reasoning_tokens", "Int64", "Tokens of hidden reasoning."),
    Column("total_tokens", "entry.usage.total", "Int64", "Input, output and reasoning."),
)
"""What a session has used."""


@table(LEDGER_COLUMNS, always=_IDS, listing="lash_nb.open_store(…)[…].usage")
def ledger_df(ledger: Iterable[TokenLedgerEntry]) -> Rows:
    """One row per source and model, e.g. of a `StoredSession.usage`; a column's function gets a `LedgerTableRow`."""
    return Rows([LedgerTableRow(order, entry) for order, entry in enumerate(ledger)])
