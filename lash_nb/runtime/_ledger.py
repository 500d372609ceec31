"""The cost ledger: one row per source and model, added up (lash 0.1.0-alpha.37, sessions §16)."""

from collections import defaultdict
from collections.abc import Iterable

from lash_nb.wire import SessionUsageReport, TokenLedgerEntry, TokenUsage, UsageReportRow, UsageTotals, merged_ledger

__all__ = ["merged", "usage_report"]


def merged(ledger: Iterable[TokenLedgerEntry], deltas: Iterable[TokenLedgerEntry]) -> tuple[TokenLedgerEntry, ...]:
    """Return the ledger with `deltas` added to their rows; empty deltas are dropped."""
    return merged_ledger((*ledger, *deltas))


def usage_report(ledger: Iterable[TokenLedgerEntry]) -> SessionUsageReport:
    """Return the sums of a ledger by source, by model and by both."""
    rows = merged(ledger, ())
    by_source: dict[str, TokenUsage] = defaultdict(TokenUsage.zero)
    by_model: dict[str, TokenUsage] = defaultdict(TokenUsage.zero)
    for row in rows:
        by_source[row.source] += row.usage
        by_model[row.model] += row.usage
    return SessionUsageReport(
        entry_count=len(rows),
        usage=UsageTotals.of(sum((row.usage for row in rows), TokenUsage.zero())),
        by_source={key: UsageTotals.of(usage) for key, usage in by_source.items()},
        by_model={key: UsageTotals.of(usage) for key, usage in by_model.items()},
        by_source_model=tuple(
            UsageReportRow(source=row.source, model=row.model, usage=UsageTotals.of(row.usage)) for row in rows
        ),
    )
