"""An effect on its way through the journal: noted as it passes, written down as an entry when somebody reads it."""

from typing import Final

from msgspec import Struct

from lash_nb.clock import NS_PER_MS, rfc3339
from lash_nb.effects._fixed import Fixer
from lash_nb.wire import (
    EffectEntry,
    EffectErrorRecord,
    EffectOrigin,
    EffectStatus,
    ExecOutcome,
    ProcessOutcome,
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
    SleepOutcome,
    ToolOutcome,
)

__all__ = ["Passage", "effect_status"]


class Passage(Struct, gc=False):
    """One envelope that passes, and what became of it.

    It holds nothing but records, numbers and texts, so it is in no cycle, and the garbage collector need not look at the thousands that are kept.
    """

    order: int
    """Its number in the session, from 1."""
    envelope: RuntimeEffectEnvelope
    """What is asked."""
    origin: EffectOrigin
    """Where its outcome comes from, as far as is known."""
    began: int
    """When it began, in nanoseconds of the monotonic clock."""
    started: int
    """The same, in nanoseconds since the epoch."""
    ended: int | None = None
    """When it was over, in nanoseconds of the monotonic clock."""
    outcome: RuntimeEffectOutcome | None = None
    """What came of it."""
    error: EffectErrorRecord | None = None
    """Why nothing came of it."""
    _entry: EffectEntry | None = None

    def performed(self, outcome: RuntimeEffectOutcome, now: int) -> None:
        """Note the outcome."""
        self.outcome, self.ended, self._entry = outcome, now, None

    def broke_off(self, error: BaseException, now: int) -> None:
        """Note why there is no outcome; what is no `Exception` cancelled it, or interrupts the whole kernel."""
        self.error = EffectErrorRecord.of(error) if isinstance(error, Exception) else None
        self.ended, self._entry = now, None

    def entry(self, fix: Fixer) -> EffectEntry:
        """Return the effect as it stands; of what `fix` shows nothing can be changed in place."""
        if self._entry is None:
            self._entry = self._written(fix)
        return self._entry

    def _written(self, fix: Fixer) -> EffectEntry:
        return EffectEntry(
            order=self.order,
            envelope=fix(self.envelope),
            status=self.status,
            origin=self.origin,
            started_at=rfc3339(self.started),
            duration_ms=None if self.ended is None else (self.ended - self.began) / NS_PER_MS,
            outcome=fix(self.outcome),
            error=self.error,
        )

    @property
    def status(self) -> EffectStatus:
        """How it ended, or that it has not."""
        if self.outcome is not None:
            return effect_status(self.outcome)
        if self.error is not None:
            return "error"
        return "running" if self.ended is None else "cancelled"


_TOOL_STATUS: Final[dict[str, EffectStatus]] = {"success": "ok", "failure": "failed", "cancelled": "cancelled"}


def effect_status(outcome: RuntimeEffectOutcome) -> EffectStatus:
    """Tell in one word how an effect ended: `ok`, `failed` or `cancelled`; a failure inside the outcome counts."""
    match outcome:
        case SleepOutcome() | ProcessOutcome():
            return "ok"
        case ToolOutcome(result=call):
            return _TOOL_STATUS[call.output.status]
        case ExecOutcome(result=executed) if executed.is_ok:
            return "failed" if executed.variant.error else "ok"
    if outcome.result.is_ok:
        return "ok"
    return "cancelled" if getattr(outcome.result.variant, "terminal_reason", None) == "cancelled" else "failed"
