"""An effect on its way through the journal: noted as it passes, written down as an entry when somebody reads it."""

from typing import Final

from lash_nb.clock import NS_PER_MS, Clock, rfc3339
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


class Passage:
    """One envelope that passes, and what became of it; begins when it is made.

    Args:
        order: Its number in the session, from 1.
        envelope: What is asked.
        origin: Where its outcome comes from, as far as is known.
        clock: Tells when, and how long it took.
    """

    __slots__ = (
        "_began",
        "_clock",
        "_ended",
        "_entry",
        "_error",
        "_order",
        "_outcome",
        "_started",
        "envelope",
        "origin",
    )

    def __init__(self, order: int, envelope: RuntimeEffectEnvelope, origin: EffectOrigin, clock: Clock) -> None:
        self.envelope = envelope
        self.origin = origin
        self._order = order
        self._clock = clock
        self._began = clock.monotonic_ns()
        self._started = clock.now_ns()
        self._ended: int | None = None
        self._outcome: RuntimeEffectOutcome | None = None
        self._error: EffectErrorRecord | None = None
        self._entry: EffectEntry | None = None

    def performed(self, outcome: RuntimeEffectOutcome) -> RuntimeEffectOutcome:
        """Note the outcome, and hand it on."""
        self._ended = self._clock.monotonic_ns()
        self._outcome = outcome
        self._entry = None
        return outcome

    def broke_off(self, error: BaseException) -> None:
        """Note why there is no outcome; what is no `Exception` cancelled it, or interrupts the whole kernel."""
        self._ended = self._clock.monotonic_ns()
        self._error = EffectErrorRecord.of(error) if isinstance(error, Exception) else None
        self._entry = None

    @property
    def entry(self) -> EffectEntry:
        """The effect as it stands."""
        if self._entry is None:
            self._entry = self._written()
        return self._entry

    def _written(self) -> EffectEntry:
        return EffectEntry(
            order=self._order,
            envelope=self.envelope,
            status=self._status(),
            origin=self.origin,
            started_at=rfc3339(self._started),
            duration_ms=None if self._ended is None else (self._ended - self._began) / NS_PER_MS,
            outcome=self._outcome,
            error=self._error,
        )

    def _status(self) -> EffectStatus:
        if self._outcome is not None:
            return effect_status(self._outcome)
        if self._error is not None:
            return "error"
        return "running" if self._ended is None else "cancelled"


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
