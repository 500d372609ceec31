"""What passed a journal, as a sequence of a type of its own."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from lash_nb.wire import EffectEntry, EffectStatus
from lash_nb.words import counted

__all__ = ["EffectEntries"]

_TOLD: Final[tuple[EffectStatus, ...]] = ("failed", "error", "cancelled", "running", "pending")


class EffectEntries(Sequence[EffectEntry]):
    """A live, read-only sequence of effects in order; its `repr` tells how many there are, and of how many there is more to say."""

    def __repr__(self) -> str:
        found = Counter(self._statuses())
        told = [f"{found[status]:,} {status}" for status in _TOLD if found[status]]
        return f"<EffectEntries: {', '.join([counted(len(self), 'effect'), *told])}>"

    def _statuses(self) -> Iterable[EffectStatus]:
        return (entry.status for entry in self)
