"""Tokens, told alike whatever release wrote them.

Until 0.1.0-alpha.78 the input of a record included what came from the cache and its output excluded reasoning; since then it is the other
way round on both sides, under other names. Source: the reference's usage types in these releases.
"""

from collections.abc import Iterable

import msgspec

__all__ = ["Usage", "total_usage"]


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
        writes = [each.cache_write for each in (self, other) if each.cache_write is not None]
        return Usage(
            uncached_input=self.uncached_input + other.uncached_input,
            cache_read=self.cache_read + other.cache_read,
            cache_write=sum(writes) if writes else None,
            output=self.output + other.output,
            reasoning=self.reasoning + other.reasoning,
            approximate=self.approximate or other.approximate,
        )


def total_usage(usages: Iterable[Usage | None]) -> Usage:
    """Add up tokens; what has none counts nothing."""
    total = Usage()
    for usage in usages:
        if usage is not None:
            total += usage
    return total
