"""Which durable stores need durable peers (lash 0.1.0-alpha.37, facade §2.3).

Rule: only what the builder was given counts; who performs effects is looked at by each turn, not here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from lash_nb.errors import EmbedError
from lash_nb.wire import DurabilityTier

__all__ = ["StoreTiers", "ensure_coherent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreTiers:
    """How durable the stores of a core are; None for one that was not given."""

    sessions: DurabilityTier | None
    """Sessions: of the child factory, else of the root factory."""
    attachments: DurabilityTier | None
    """Bytes."""
    artifacts: DurabilityTier | None
    """Compiled code."""
    processes: DurabilityTier | None
    """The registry of background processes."""
    host_events: DurabilityTier | None
    """Triggers and what they saw."""


class _Rule(NamedTuple):
    broken: Callable[[StoreTiers], bool]
    """Whether the stores break it."""
    who: str
    """What is durable."""
    facet: str
    """What would have to be, too."""
    variant: str = "DurableStorePeerRequired"
    """How the error is called."""


_RULES: Final = (
    _Rule(lambda t: t.sessions == "durable" and t.attachments == "inline", "sessions", "attachment store"),
    _Rule(lambda t: t.sessions == "durable" and t.artifacts == "inline", "sessions", "artifact store"),
    _Rule(
        lambda t: t.processes == "durable" and t.sessions != "durable",
        "background processes",
        "session store factory",
        "DurableProcessRegistryRequiresStoreFactory",
    ),
    _Rule(
        lambda t: t.processes == "durable" and t.host_events != "durable", "background processes", "host event store"
    ),
    _Rule(lambda t: t.host_events == "durable" and t.sessions != "durable", "host events", "session store factory"),
    _Rule(lambda t: t.host_events == "durable" and t.processes == "inline", "host events", "process registry"),
)
"""In the order in which they are checked; the first that is broken is told."""


def ensure_coherent(tiers: StoreTiers) -> None:
    """Refuse stores of which one outlives the process and another one, on which it relies, does not.

    Raises:
        EmbedError: `DurableStorePeerRequired` with the facet, or `DurableProcessRegistryRequiresStoreFactory`.
    """
    rule = next((rule for rule in _RULES if rule.broken(tiers)), None)
    if rule is None:
        return
    fields = {"facet": rule.facet} if rule.variant == "DurableStorePeerRequired" else {}
    raise EmbedError(rule.variant, f"durable {rule.who} need a durable {rule.facet}; give one", **fields)
