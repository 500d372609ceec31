"""Rewriting the history of a session for good: compaction, pruning (lash 0.1.0-alpha.37, turns §14.2)."""

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from lash_nb.wire import Message

__all__ = [
    "HistoryRewriteMetadata",
    "HistoryRewriter",
    "HistoryState",
    "ManualRewrite",
    "PeriodicRewrite",
    "RewriteContext",
    "RewriteTrigger",
    "WindowShrinkRewrite",
]


@dataclass(frozen=True, slots=True)
class ManualRewrite:
    """Somebody asked for it."""

    instructions: str | None = None
    """What they want kept."""


@dataclass(frozen=True, slots=True)
class WindowShrinkRewrite:
    """The session's model got a smaller context window."""

    old_max: int
    """Tokens before."""
    new_max: int
    """Tokens now."""


@dataclass(frozen=True, slots=True)
class PeriodicRewrite:
    """It was due."""


RewriteTrigger: TypeAlias = ManualRewrite | WindowShrinkRewrite | PeriodicRewrite
"""Why a history is rewritten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRewriteMetadata:
    """What rewriters say about their work."""

    summarized_token_count: int | None = None
    """Tokens that a summary replaced."""
    pruned_message_count: int = 0
    """Messages that were dropped."""
    produced_summary: bool = False
    """Whether a message is a summary, so that the history changed even if its length did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryState:
    """A history on its way through the rewriters."""

    messages: tuple[Message, ...]
    """The messages that the session is to read."""
    metadata: HistoryRewriteMetadata = field(default_factory=HistoryRewriteMetadata)
    """What was done so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RewriteContext:
    """For whom a history is rewritten."""

    session_id: str
    """The session."""
    trigger: RewriteTrigger
    """Why."""
    turn_index: int
    """Number of its last turn."""
    effect_controller: Any
    """Performs effects in the rewriting's own scope, for rewriters that ask a model."""


class HistoryRewriter(Protocol):
    """Changes a history for good; of several, the one of higher priority comes first and the next gets what it made."""

    @property
    def priority(self) -> int:
        """The higher, the earlier."""
        ...

    def accepts(self, trigger: RewriteTrigger) -> bool:
        """Tell whether this is a reason to rewrite."""
        ...

    def rewrite(self, context: RewriteContext, state: HistoryState) -> Awaitable[HistoryState]:
        """Return the history as it is to be."""
        ...
