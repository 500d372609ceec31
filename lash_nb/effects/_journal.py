"""The host that keeps what passed: every envelope with what became of it, for tables and views."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, overload

from msgspec.structs import replace

from lash_nb.clock import NS_PER_MS, Clock, SystemClock, rfc3339
from lash_nb.effects._host import EffectHost, LocalExecutor, ScopedEffectController
from lash_nb.effects._listeners import Listeners
from lash_nb.wire import (
    DurabilityTier,
    EffectEntry,
    EffectErrorRecord,
    EffectOrigin,
    EffectScope,
    EffectStatus,
    ExecOutcome,
    Json,
    ProcessOutcome,
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
    SleepOutcome,
    ToolOutcome,
)

__all__ = ["JournalEffectHost", "effect_status"]

KEEP: Final = 5_000
"""Entries that stay in memory, some 700 turns of two model calls each; what these sent they hold together, each message once."""


class JournalEffectHost:
    """Writes down every envelope that passes, and its outcome, in the order in which they were handed over.

    Args:
        inner: The host that performs the envelopes.
        clock: Tells when, and how long it took.
        keep: How many entries stay; older ones are counted in `dropped`.
    """

    def __init__(self, inner: EffectHost, clock: Clock | None = None, *, keep: int = KEEP) -> None:
        self._inner = inner
        self._clock = clock or SystemClock()
        self._entries = _Entries(keep)
        self._listeners = Listeners()

    @property
    def durability_tier(self) -> DurabilityTier:
        """The tier of the host inside."""
        return self._inner.durability_tier

    @property
    def entries(self) -> Sequence[EffectEntry]:
        """A live, read-only view of what passed; effects that still run have status `running`."""
        return self._entries

    @property
    def dropped(self) -> int:
        """How many old entries are no longer there; the first entry's order is one more."""
        return self._entries.dropped

    @property
    def next_order(self) -> int:
        """The order that the next envelope will get."""
        return self._entries.dropped + len(self._entries) + 1

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` on the event loop after each change; return what takes it off again."""
        return self._listeners.subscribe(callback)

    def scoped(self, scope: EffectScope) -> "_JournalController":
        """Return a controller that writes into this journal."""
        return self.around(self._inner.scoped(scope))

    def around(self, controller: ScopedEffectController) -> "_JournalController":
        """Return a controller that writes into this journal what another one performs, whoever made it."""
        return _JournalController(self, controller)

    async def record(
        self, controller: ScopedEffectController, envelope: RuntimeEffectEnvelope, local: LocalExecutor
    ) -> RuntimeEffectOutcome:
        """Perform the envelope with `controller` and write down what became of it."""
        began = self._clock.monotonic_ns()
        entry = EffectEntry(
            order=self.next_order,
            envelope=envelope,
            status="running",
            origin=local.origin,
            started_at=rfc3339(self._clock.now_ns()),
        )
        self._entries.append(entry)
        self._listeners.notify()
        asked = _Asked(local)
        try:
            outcome = await controller.execute_effect(envelope, asked)
        except Exception as error:
            self._settle(entry, began, status="error", error=EffectErrorRecord.of(error))
            raise
        except (
            BaseException
        ):  # cancelled, or the whole kernel is interrupted: either way it was not performed to its end
            self._settle(entry, began, status="cancelled")
            raise
        origin = "replayed" if controller.durability_tier == "durable" and not asked.has_worked else entry.origin
        self._settle(entry, began, status=effect_status(outcome), outcome=outcome, origin=origin)
        return outcome

    def _settle(self, entry: EffectEntry, began: int, **changes: Any) -> None:
        duration = (self._clock.monotonic_ns() - began) / NS_PER_MS
        self._entries.replace(replace(entry, duration_ms=duration, **changes))
        self._listeners.notify()


class _JournalController:
    def __init__(self, journal: JournalEffectHost, inner: ScopedEffectController) -> None:
        self._journal = journal
        self._inner = inner

    @property
    def scope(self) -> EffectScope:
        return self._inner.scope

    @property
    def durability_tier(self) -> DurabilityTier:
        return self._inner.durability_tier

    async def execute_effect(self, envelope: RuntimeEffectEnvelope, local: LocalExecutor) -> RuntimeEffectOutcome:
        return await self._journal.record(self._inner, envelope, local)

    async def recall(self, name: str, fact: Json) -> Json:
        return await self._inner.recall(name, fact)


class _Asked:
    """An executor of which is known whether it was asked: a durable host that did not ask had the outcome in its record."""

    def __init__(self, local: LocalExecutor) -> None:
        self._local = local
        self.has_worked = False

    @property
    def origin(self) -> EffectOrigin:
        return self._local.origin

    async def execute(self, envelope: RuntimeEffectEnvelope) -> RuntimeEffectOutcome:
        self.has_worked = True
        return await self._local.execute(envelope)


class _Entries(Sequence[EffectEntry]):
    """The newest entries of a growing list; any of them in constant time."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._items: list[EffectEntry] = []
        self._hidden = 0
        self._deleted = 0

    @property
    def dropped(self) -> int:
        return self._deleted + self._hidden

    def append(self, entry: EffectEntry) -> None:
        self._items.append(entry)
        if len(self) > self._keep:
            self._hidden += 1
        if self._hidden > self._keep:  # hide one at a time, delete many at once: appending stays cheap
            del self._items[: self._hidden]
            self._deleted += self._hidden
            self._hidden = 0

    def replace(self, entry: EffectEntry) -> None:
        place = entry.order - 1 - self._deleted
        if place >= 0:
            self._items[place] = entry

    def __len__(self) -> int:
        return len(self._items) - self._hidden

    def __iter__(self) -> Iterator[EffectEntry]:
        return iter(self._items[self._hidden :])

    @overload
    def __getitem__(self, index: int) -> EffectEntry: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[EffectEntry]: ...
    def __getitem__(self, index: int | slice) -> EffectEntry | Sequence[EffectEntry]:
        if isinstance(index, slice):
            return self._items[self._hidden :][index]
        place = index if index >= 0 else len(self) + index
        if not 0 <= place < len(self):
            message = f"no effect at {index}: the journal has {len(self)}"
            raise IndexError(message)
        return self._items[self._hidden + place]


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
