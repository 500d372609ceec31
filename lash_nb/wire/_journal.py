"""One performed or pending effect as tables and views show it."""

from typing import Literal, TypeAlias

from lash_nb.wire._base import Wire
from lash_nb.wire._effect import RuntimeEffectEnvelope
from lash_nb.wire._error_record import EffectErrorRecord
from lash_nb.wire._outcome import RuntimeEffectOutcome

__all__ = ["EffectEntry", "EffectOrigin", "EffectStatus"]

EffectStatus: TypeAlias = Literal["pending", "running", "ok", "failed", "cancelled", "error"]
"""`failed`: the outcome holds a failure. `error`: the host could not perform the envelope at all."""
EffectOrigin: TypeAlias = Literal["executed", "injected", "edited", "replayed"]
"""Where the outcome came from."""


class EffectEntry(Wire, frozen=True, kw_only=True):
    """An envelope with what became of it."""

    order: int
    """Position in the session, from 1."""
    envelope: RuntimeEffectEnvelope
    """What was asked."""
    status: EffectStatus
    """What became of it."""
    origin: EffectOrigin = "executed"
    """Where the outcome came from."""
    started_at: str
    """When it was handed to the host, RFC 3339."""
    duration_ms: float | None = None
    """How long the host took, in milliseconds."""
    outcome: RuntimeEffectOutcome | None = None
    """What it gave."""
    error: EffectErrorRecord | None = None
    """Why the host could not perform it."""
