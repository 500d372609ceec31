"""What was used between two moments (lash 0.1.0-alpha.37, facade §10).

Tokens are told in four sizes: by each model call in the trace, by each iteration in activities `usage` and `child_usage`, by each turn in
`TurnResult.usage` and `children_usage`, and over a session's life in `usage_report()`. A row says who used them: `USAGE_SOURCES`, or a
plugin's own label.
"""

from collections.abc import Iterable
from typing import Final

from lash_nb.errors import CallerError
from lash_nb.wire import SessionUsageReport, TokenLedgerEntry, TokenUsage, merged_ledger

__all__ = ["USAGE_SOURCES", "diff_token_ledger", "diff_usage_reports"]

USAGE_SOURCES: Final = ("turn", "subagent", "compaction", "observer", "reflector", "child")
"""Labels of the runtime and its own plugins: the session's turns, subagents, history rewriting, memory, other child sessions."""
_COUNTERS: Final = TokenUsage.__struct_fields__


def diff_token_ledger(
    before: Iterable[TokenLedgerEntry], after: Iterable[TokenLedgerEntry]
) -> tuple[TokenLedgerEntry, ...]:
    """Return what was used between two ledgers of one session, by source and model, sorted; rows of nothing are left out.

    Raises:
        CallerError: `usage_decreased`, `after` has less of something: the ledgers are not of one session, or in the wrong order.
    """
    less, more = _by_key(before), _by_key(after)
    rows = [_difference(key, less, more) for key in sorted(less.keys() | more.keys())]
    return tuple(row for row in rows if not row.usage.is_empty)


def diff_usage_reports(before: SessionUsageReport, after: SessionUsageReport) -> tuple[TokenLedgerEntry, ...]:
    """Return what was used between two reports of one session; as `diff_token_ledger`, with its errors."""
    return diff_token_ledger(_ledger(before), _ledger(after))


def _by_key(ledger: Iterable[TokenLedgerEntry]) -> dict[tuple[str, str], TokenUsage]:
    return {(row.source, row.model): row.usage for row in merged_ledger(ledger)}


def _difference(
    key: tuple[str, str], less: dict[tuple[str, str], TokenUsage], more: dict[tuple[str, str], TokenUsage]
) -> TokenLedgerEntry:
    before, after = less.get(key, TokenUsage.zero()), more.get(key, TokenUsage.zero())
    counters = {name: getattr(after, name) - getattr(before, name) for name in _COUNTERS}
    source, model = key
    if min(counters.values()) < 0:
        raise CallerError(
            f"{source} used less of {model} after than before; give two ledgers of one session, the older one first",
            code="usage_decreased",
        )
    return TokenLedgerEntry(source=source, model=model, usage=TokenUsage(**counters))


def _ledger(report: SessionUsageReport) -> Iterable[TokenLedgerEntry]:
    for row in report.by_source_model:
        counters = {name: getattr(row.usage, name) for name in _COUNTERS}
        yield TokenLedgerEntry(source=row.source, model=row.model, usage=TokenUsage(**counters))
