"""Tokens, told alike whatever release wrote them.

Until 0.1.0-alpha.78 the input of a record included what came from the cache and its output excluded reasoning; since then it is the other
way round on both sides, under other names. A member that is absent counts nothing, as in the reference; where one is no integer of 64 bits,
nothing is known of the tokens. Source: the reference's usage types in these releases.
"""

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
from msgspec import Meta

__all__ = ["Usage", "UsageMembers", "canonical", "read_usage", "total_usage"]

_Tokens = Annotated[int, Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
"""What the reference counts with; sums of these may be larger than any column of integers."""


class Usage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Tokens of one or more model calls."""

    uncached_input: int = 0
    """Tokens that the model read and no cache had."""
    cache_read: int = 0
    """Tokens that it read from the provider's cache."""
    cache_write: int | None = None
    """Tokens that it read and wrote to the cache; none where the release does not tell."""
    output: int = 0
    """Tokens that it wrote, reasoning included."""
    reasoning: int = 0
    """Of these, tokens of reasoning."""
    approximate: bool = False
    """Whether the output may count reasoning twice: releases until alpha.78 did not say whether their output held it already."""

    @property
    def input(self) -> int:
        """All tokens that it read."""
        return self.uncached_input + self.cache_read + (self.cache_write or 0)

    @property
    def total(self) -> int:
        """All tokens."""
        return self.input + self.output

    def __add__(self, other: "Usage") -> "Usage":
        return total_usage((self, other))


def total_usage(usages: Iterable[Usage | None]) -> Usage:
    """Add up tokens; what has none counts nothing."""
    told = [usage for usage in usages if usage is not None]
    writes = [usage.cache_write for usage in told if usage.cache_write is not None]
    return Usage(
        uncached_input=sum([usage.uncached_input for usage in told]),
        cache_read=sum([usage.cache_read for usage in told]),
        cache_write=sum(writes) if writes else None,
        output=sum([usage.output for usage in told]),
        reasoning=sum([usage.reasoning for usage in told]),
        approximate=any(usage.approximate for usage in told),
    )


class UsageMembers(msgspec.Struct, frozen=True, gc=False):
    """The members of a usage in all releases."""

    input_tokens: _Tokens | None = None
    output_tokens: _Tokens | None = None
    cached_input_tokens: _Tokens | None = None
    reasoning_tokens: _Tokens | None = None
    cache_read_input_tokens: _Tokens | None = None
    cache_write_input_tokens: _Tokens | None = None
    reasoning_output_tokens: _Tokens | None = None


def canonical(usage: UsageMembers) -> Usage:
    """Tell tokens alike whatever release wrote them."""
    read, written, output = usage.cache_read_input_tokens, usage.cache_write_input_tokens, usage.output_tokens or 0
    if (
        read is None
        and written is None
        and (usage.cached_input_tokens is not None or usage.reasoning_tokens is not None)
    ):
        cached, reasoning = usage.cached_input_tokens or 0, usage.reasoning_tokens or 0
        uncached = max((usage.input_tokens or 0) - cached, 0)
        return Usage(
            uncached_input=uncached,
            cache_read=cached,
            output=output + reasoning,
            reasoning=reasoning,
            approximate=reasoning != 0,
        )
    return Usage(
        uncached_input=usage.input_tokens or 0,
        cache_read=read or 0,
        cache_write=written,
        output=output,
        reasoning=usage.reasoning_output_tokens or 0,
    )


def read_usage(members: Any) -> Usage | None:
    """Return tokens from the members that a record has for them; None when one of these is no number of tokens."""
    try:
        return canonical(msgspec.convert(members, UsageMembers)) if isinstance(members, dict) else None
    except msgspec.ValidationError:
        return None
