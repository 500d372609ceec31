"""Token counters (lash 0.1.0-alpha.37, sessions §16)."""

from collections.abc import Iterable

from msgspec import field
from msgspec.structs import replace

from lash_nb.wire._base import I64, U64, Wire

__all__ = [
    "LlmUsage",
    "PromptUsage",
    "SessionUsageReport",
    "TokenLedgerEntry",
    "TokenUsage",
    "UsageReportRow",
    "UsageTotals",
    "merged_ledger",
]


class TokenUsage(Wire, frozen=True, kw_only=True):
    """Tokens of a call, a turn or a ledger row."""

    input_tokens: I64
    """Tokens sent."""
    output_tokens: I64
    """Tokens received, reasoning excluded."""
    cached_input_tokens: I64
    """Tokens of the input that the provider had cached."""
    reasoning_tokens: I64 = field(default_factory=int)
    """Tokens of hidden reasoning."""

    @property
    def total(self) -> int:
        """Input, output and reasoning; cached tokens are part of the input already."""
        return self.input_tokens + self.output_tokens + self.reasoning_tokens

    @property
    def counts(self) -> bool:
        """Whether a turn that used this has a row in the ledger."""
        return self.total > 0 or self.cached_input_tokens > 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing was used that a ledger would keep."""
        return self.total == 0 and self.cached_input_tokens == 0

    def __add__(self, other: "TokenUsage") -> "TokenUsage":
        return TokenUsage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_input_tokens=self.cached_input_tokens + other.cached_input_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
        )

    @classmethod
    def zero(cls) -> "TokenUsage":
        """Return the usage of nothing."""
        return _ZERO


_ZERO = TokenUsage(input_tokens=0, output_tokens=0, cached_input_tokens=0)


class LlmUsage(Wire, frozen=True, kw_only=True):
    """Tokens as a provider reports them; every counter is required."""

    input_tokens: I64
    """Tokens sent."""
    output_tokens: I64
    """Tokens received, reasoning excluded."""
    cached_input_tokens: I64
    """Tokens of the input that the provider had cached."""
    reasoning_tokens: I64
    """Tokens of hidden reasoning."""

    def to_token_usage(self) -> TokenUsage:
        """Return the same counters as the runtime adds them up."""
        return TokenUsage(
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            cached_input_tokens=self.cached_input_tokens,
            reasoning_tokens=self.reasoning_tokens,
        )


class PromptUsage(Wire, frozen=True, kw_only=True):
    """How full the context was at the last model call."""

    prompt_context_tokens: U64
    """Tokens of the prompt."""
    input_tokens: U64
    """Tokens of the prompt, as the provider told them."""
    cached_input_tokens: U64
    """Tokens of the prompt that were cached."""
    context_budget_tokens: U64 = field(default_factory=int)
    """Tokens that count against the context window: prompt and output."""

    @classmethod
    def from_usage(cls, usage: TokenUsage | LlmUsage) -> "PromptUsage | None":
        """Derive from a call's usage (its input includes cached tokens); None when nothing was counted."""
        given = max(usage.input_tokens, 0)
        cached = max(usage.cached_input_tokens, 0)
        output = max(usage.output_tokens, 0)
        if not (given or cached or output):
            return None
        return cls(
            prompt_context_tokens=given,
            input_tokens=given,
            cached_input_tokens=cached,
            context_budget_tokens=max(given, cached) + output,
        )


class TokenLedgerEntry(Wire, frozen=True, kw_only=True):
    """One row of the cost ledger: what a source used of a model."""

    source: str
    """Who used them: `turn`, `child`, or a plugin's own label."""
    model: str
    """The model id."""
    usage: TokenUsage
    """The counters, added up."""


def merged_ledger(rows: Iterable[TokenLedgerEntry]) -> tuple[TokenLedgerEntry, ...]:
    """Return usage by source and model, added up in the order of their first appearance; rows of nothing are dropped (sessions §16.2)."""
    merged: dict[tuple[str, str], TokenLedgerEntry] = {}
    for row in rows:
        if not row.usage.is_empty:
            key = (row.source, row.model)
            before = merged.get(key)
            merged[key] = row if before is None else replace(before, usage=before.usage + row.usage)
    return tuple(merged.values())


class UsageTotals(Wire, frozen=True, kw_only=True):
    """Counters with their sums."""

    input_tokens: I64
    """Tokens sent."""
    output_tokens: I64
    """Tokens received."""
    cached_input_tokens: I64
    """Tokens of the input that were cached."""
    reasoning_tokens: I64 = field(default_factory=int)
    """Tokens of hidden reasoning."""
    total_tokens: I64
    """Input, output and reasoning."""
    context_total_tokens: I64
    """The total and the cached tokens."""

    @classmethod
    def of(cls, usage: TokenUsage) -> "UsageTotals":
        """Return `usage` with its sums."""
        return cls(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cached_input_tokens=usage.cached_input_tokens,
            reasoning_tokens=usage.reasoning_tokens,
            total_tokens=usage.total,
            context_total_tokens=usage.total + usage.cached_input_tokens,
        )


class UsageReportRow(Wire, frozen=True, kw_only=True):
    """One row of a usage report."""

    source: str
    """Who used the tokens."""
    model: str
    """The model id."""
    usage: UsageTotals
    """The counters."""


class SessionUsageReport(Wire, frozen=True, kw_only=True):
    """What a session has used so far, over its whole life."""

    entry_count: U64
    """Number of ledger rows."""
    usage: UsageTotals
    """All rows together."""
    by_source: dict[str, UsageTotals]
    """Sums by source."""
    by_model: dict[str, UsageTotals]
    """Sums by model."""
    by_source_model: tuple[UsageReportRow, ...]
    """The rows in ledger order."""
