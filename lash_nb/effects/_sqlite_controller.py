"""How one effect is answered from a database, waited for, or performed and recorded (effect wire format §17)."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from typing import Final, Literal

from msgspec.structs import replace

from lash_nb.effects._host import LocalExecutor, ScopedEffectController
from lash_nb.effects._sqlite_lease import HeldLease
from lash_nb.effects._sqlite_records import RecordedEffect, recalled
from lash_nb.errors import RuntimeEffectControllerError, StoreError
from lash_nb.stores import EffectReplayKey, EffectReplayRow, SqliteEffectReplay
from lash_nb.wire import (
    DurabilityTier,
    EffectErrorRecord,
    EffectScope,
    Json,
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
    SleepCommand,
    SleepOutcome,
    to_json,
)

__all__ = ["SqliteEffectController"]

_LOG = logging.getLogger(__name__)
_BUSY_POLL_MS: Final = 25
"""How often to look whether another process is done."""
_TELL_AFTER_MS: Final = 300
"""How long a wait is no news."""
_PASSING: Final = ("sqlite_effect_replay_", "runtime_effect_sleep_cancelled")
"""How the codes of errors begin that say nothing of the effect itself: it may work the next time, so they are not recorded."""


class SqliteEffectController:
    """Performs the effects of one scope, each once for all processes that share the database."""

    durability_tier: DurabilityTier = "durable"

    def __init__(self, replay: SqliteEffectReplay, inner: ScopedEffectController, *, strict: bool) -> None:
        self._replay = replay
        self._inner = inner
        self._strict = strict

    @property
    def scope(self) -> EffectScope:
        """The scope it serves."""
        return self._inner.scope

    async def execute_effect(self, envelope: RuntimeEffectEnvelope, local: LocalExecutor) -> RuntimeEffectOutcome:
        """Return the recorded outcome, or perform the envelope and record what becomes of it.

        An error of the effect host itself is recorded, too, and raised again by every repetition. What is cancelled is not recorded.

        Raises:
            RuntimeEffectControllerError: the envelope is not valid or could not be performed; `sqlite_effect_replay_` and
                `missing`, `hash_conflict`, `corrupt_row`, `decode`, `encode`, `lease_lost` or `store`.
        """
        key = EffectReplayKey(self.scope.id, envelope.validate().invocation.replay_key or "")
        effect = RecordedEffect(self._replay.path, key, envelope)
        row = await self._prepared(effect)
        if row.token is not None:
            return await self._perform(effect, row, row.token, local)
        if row.status == "failed":
            raise effect.failure(row)
        outcome = effect.outcome(row)
        return outcome if row.due_at_ms is None else await self._sleep(effect, row.due_at_ms, local)

    async def recall(self, name: str, fact: Json) -> Json:
        """Return what was noted first under a name; the fact, which is noted now, when nothing was. With `strict_replay` nothing is.

        Raises:
            RuntimeEffectControllerError: `sqlite_effect_replay_` and `store` or `decode`.
        """
        key = EffectReplayKey(self.scope.id, name)
        with _stored():
            noted = await self._replay.recall(key, to_json(fact), only_recorded=self._strict or fact is None)
        return recalled(self._replay.path, key, noted)

    async def _prepared(self, effect: RecordedEffect) -> EffectReplayRow:
        """Return the row once it is done, or ours to perform; waits while somebody else performs it."""
        waited_ms = 0
        while True:
            with _stored():
                found = await self._replay.prepare(
                    effect.key, effect.digest, duration_ms=effect.duration_ms, only_recorded=self._strict
                )
            row = effect.check(found)
            if row.token is not None or row.status != "in_progress":
                return row
            pause_ms = _pause_ms(row.lease_expires_at_ms - self._replay.now_ms())
            if waited_ms < _TELL_AFTER_MS <= waited_ms + pause_ms:
                _LOG.warning(
                    "%s is performed by %s, which holds its lease in %s; this one waits",
                    effect,
                    row.owner,
                    self._replay.path,
                )
            await asyncio.sleep(pause_ms / 1000)
            waited_ms += pause_ms

    async def _perform(
        self, effect: RecordedEffect, row: EffectReplayRow, token: str, local: LocalExecutor
    ) -> RuntimeEffectOutcome:
        with HeldLease(self._replay, effect.key, token), self._given_back(effect.key, token):
            try:
                if row.due_at_ms is None:
                    outcome = await self._inner.execute_effect(effect.envelope, local)
                else:
                    outcome = await self._sleep(effect, row.due_at_ms, local)
            except RuntimeEffectControllerError as error:
                if not error.code.startswith(_PASSING):
                    await self._finish(effect, token, "failed", EffectErrorRecord.of(error))
                raise
            await self._finish(effect, token, "completed", outcome)
            return outcome

    async def _sleep(self, effect: RecordedEffect, due_at_ms: int, local: LocalExecutor) -> RuntimeEffectOutcome:
        """Wait for what is left of a sleep; whoever cancels the turn ends it, as without a record."""
        left_ms = due_at_ms - self._replay.now_ms()
        if left_ms <= 0:
            return SleepOutcome()
        rest = replace(effect.envelope, command=SleepCommand(duration_ms=left_ms))
        return await self._inner.execute_effect(rest, local)

    async def _finish(
        self,
        effect: RecordedEffect,
        token: str,
        status: Literal["completed", "failed"],
        result: RuntimeEffectOutcome | EffectErrorRecord,
    ) -> None:
        document = effect.encoded(result)
        with _stored(
            f"{effect} was performed, and will be again when its turn is: what became of it is not recorded: "
        ):
            held = await self._replay.finish(effect.key, token, status, document)
        if not held:
            raise effect.lease_lost()

    @contextlib.contextmanager
    def _given_back(self, key: EffectReplayKey, token: str) -> Iterator[None]:
        """Let the next one take an effect over at once that nothing was recorded of."""
        try:
            yield
        except BaseException:
            with contextlib.suppress(StoreError):  # then its lease ends by itself
                self._replay.give_back(key, token)
            raise


@contextlib.contextmanager
def _stored(meaning: str = "") -> Iterator[None]:
    """Tell of a database that fails as controllers tell it, and what that means for the effect."""
    try:
        yield
    except StoreError as error:
        raise RuntimeEffectControllerError("sqlite_effect_replay_store", f"{meaning}{error.message}") from error


def _pause_ms(left_ms: int) -> int:
    """Return how long to wait for another process whose lease holds so much longer."""
    return min(_BUSY_POLL_MS, left_ms) if left_ms > 0 else _BUSY_POLL_MS
