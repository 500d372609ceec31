"""The host that keeps what passed: every envelope with what became of it, for tables and views."""

from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, Final, overload

from lash_nb.clock import Clock, SystemClock
from lash_nb.effects._entries import EffectEntries
from lash_nb.effects._fixed import Fixer, loosened
from lash_nb.effects._host import EffectHost, LocalExecutor, ScopedEffectController
from lash_nb.effects._inline import InlineRuntimeEffectController, fitting
from lash_nb.effects._listeners import Listeners
from lash_nb.effects._passage import Passage
from lash_nb.wire import (
    DurabilityTier,
    EffectEntry,
    EffectOrigin,
    EffectScope,
    EffectStatus,
    Json,
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
)

__all__ = ["JournalController", "JournalEffectHost"]

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
    def entries(self) -> EffectEntries:
        """A live, read-only view of what passed; effects that still run have status `running`."""
        return self._entries

    @property
    def dropped(self) -> int:
        """How many old entries are no longer there; the first entry's order is one more."""
        return self._entries.dropped

    @property
    def next_order(self) -> int:
        """The order that the next envelope will get."""
        return self._entries.next_order

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` on the event loop after each change; return what takes it off again."""
        return self._listeners.subscribe(callback)

    def scoped(self, scope: EffectScope) -> "JournalController":
        """Return a controller that writes into this journal."""
        return self.around(self._inner.scoped(scope))

    def around(self, controller: ScopedEffectController) -> "JournalController":
        """Return a controller that writes into this journal what another one performs, whoever made it."""
        return JournalController(controller, self._entries, self._listeners.notify, self._clock)


class JournalController:
    """Writes into a journal what another controller performs.

    Attributes:
        waited_ns: How long decisions about its effects were waited for, in nanoseconds: no time of an effect in which another one waits.
    """

    def __init__(
        self, inner: ScopedEffectController, entries: "_Entries", notify: Callable[[], None], clock: Clock
    ) -> None:
        self._inner = inner
        self._entries = entries
        self._notify = notify
        self._clock = clock
        self.waited_ns = 0

    @property
    def scope(self) -> EffectScope:
        return self._inner.scope

    @property
    def durability_tier(self) -> DurabilityTier:
        return self._inner.durability_tier

    async def execute_effect(self, envelope: RuntimeEffectEnvelope, local: LocalExecutor) -> RuntimeEffectOutcome:
        """Perform the envelope and write down what became of it."""
        clock, waited = self._clock, self.waited_ns
        passage = self._entries.begin(envelope, local.origin, clock)
        self._notify()
        try:
            if type(self._inner) is InlineRuntimeEffectController:  # adds nothing that is to be written down
                outcome = fitting(envelope, await local.execute(envelope.validate()))
            else:
                outcome = await self._decided(passage, local)
            passage.performed(outcome, clock.monotonic_ns() - self.waited_ns + waited)
            return outcome
        except BaseException as error:
            passage.broke_off(error, clock.monotonic_ns() - self.waited_ns + waited)
            raise
        finally:
            self._notify()

    async def _decided(self, passage: Passage, local: LocalExecutor) -> RuntimeEffectOutcome:
        """Ask another host, which may answer with what a journal shows; a durable one has the outcome in its record when it asks nobody."""
        asked = _Asked(local, passage.envelope)
        outcome = await self._inner.execute_effect(passage.envelope, asked)
        if not asked.has_worked and self._inner.durability_tier == "durable":
            passage.origin = "replayed"
        return outcome if outcome is asked.outcome else loosened(outcome)

    def recall(self, name: str, fact: Json) -> Coroutine[Any, Any, Json]:
        return self._inner.recall(name, fact)


class _Asked:
    """An executor of which is known whether it was asked, and what it gave; it is given plain dicts and lists, whatever a host puts in their place."""

    def __init__(self, local: LocalExecutor, envelope: RuntimeEffectEnvelope) -> None:
        self._local = local
        self._envelope = envelope
        self.has_worked = False
        self.outcome: RuntimeEffectOutcome | None = None

    @property
    def origin(self) -> EffectOrigin:
        return self._local.origin

    async def execute(self, envelope: RuntimeEffectEnvelope) -> RuntimeEffectOutcome:
        self.has_worked = True
        self.outcome = await self._local.execute(envelope if envelope is self._envelope else loosened(envelope))
        return self.outcome


class _Entries(EffectEntries):
    """The newest entries of a growing list, each made when it is read; any of them in constant time."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._passages: list[Passage] = []
        self._hidden = 0
        self._deleted = 0
        self._fix = Fixer()

    @property
    def dropped(self) -> int:
        return self._deleted + self._hidden

    @property
    def next_order(self) -> int:
        return self._deleted + len(self._passages) + 1

    def begin(self, envelope: RuntimeEffectEnvelope, origin: EffectOrigin, clock: Clock) -> Passage:
        """Append what passes now."""
        passage = Passage(self.next_order, envelope, origin, clock.monotonic_ns(), clock.now_ns())
        self._passages.append(passage)
        if len(self._passages) - self._hidden > self._keep:
            self._hidden += 1
        if self._hidden > self._keep:  # hide one at a time, delete many at once: appending stays cheap
            del self._passages[: self._hidden]
            self._deleted += self._hidden
            self._hidden = 0
        return passage

    def __len__(self) -> int:
        return len(self._passages) - self._hidden

    def _statuses(self) -> Iterator[EffectStatus]:
        return (passage.status for passage in self._passages[self._hidden :])

    def __iter__(self) -> Iterator[EffectEntry]:
        return (passage.entry(self._fix) for passage in self._passages[self._hidden :])

    @overload
    def __getitem__(self, index: int) -> EffectEntry: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[EffectEntry]: ...
    def __getitem__(self, index: int | slice) -> EffectEntry | Sequence[EffectEntry]:
        if isinstance(index, slice):
            return [passage.entry(self._fix) for passage in self._passages[self._hidden :][index]]
        place = index if index >= 0 else len(self) + index
        if not 0 <= place < len(self):
            message = f"no effect at {index}: the journal has {len(self)}"
            raise IndexError(message)
        return self._passages[self._hidden + place].entry(self._fix)
