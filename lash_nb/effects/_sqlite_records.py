"""What a row of the effect replay database says, and the errors for rows that say something else (effect wire format §17)."""

from typing import Any

from lash_nb.errors import RuntimeEffectControllerError, WireError
from lash_nb.stores import EffectReplayKey, EffectReplayRow
from lash_nb.wire import (
    EffectErrorRecord,
    Json,
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
    SleepCommand,
    effect_kind,
    from_json,
    to_json,
)

__all__ = ["RecordedEffect", "recalled"]


class RecordedEffect:
    """An effect and where its row is: reads what is recorded, and words what is wrong with it.

    Args:
        path: The database, for messages.
        key: The row.
        envelope: The effect.
    """

    def __init__(self, path: str, key: EffectReplayKey, envelope: RuntimeEffectEnvelope) -> None:
        self._path = path
        self.key = key
        self.envelope = envelope
        self.digest = envelope.hash()

    @property
    def duration_ms(self) -> int | None:
        """How long it sleeps, in milliseconds; None for every other kind."""
        command = self.envelope.command
        return command.duration_ms if isinstance(command, SleepCommand) else None

    def __str__(self) -> str:
        return f"effect {self.envelope.invocation.effect_id} ({self.envelope.kind}) of {self.key.scope_id}"

    def check(self, row: EffectReplayRow | None) -> EffectReplayRow:
        """Return the row if it is of this very effect.

        Raises:
            RuntimeEffectControllerError: `sqlite_effect_replay_` and `missing`, `hash_conflict` or `corrupt_row`.
        """
        if row is None:
            raise _error(
                "missing",
                f"{self} is not recorded in {self._path}, which is only replayed here;"
                " open it without strict_replay to perform it",
            )
        if row.envelope_hash != self.digest:
            raise _error(
                "hash_conflict",
                f"{self} was recorded in {self._path} with another request (hash {row.envelope_hash[:12]}…, now {self.digest[:12]}…);"
                " run it with the input, model, tools and prompt of its first run, or under another turn id; queued work has one by its drain_id",
            )
        if row.status not in {"in_progress", "completed", "failed"}:
            raise _error("corrupt_row", self._damage(f"has the status {row.status[:40]!r}"))
        if row.due_at_ms is not None and self.duration_ms is None:
            raise _error("corrupt_row", self._damage("says when a sleep ends, and the effect is none"))
        return row

    def outcome(self, row: EffectReplayRow) -> RuntimeEffectOutcome:
        """Return the outcome of a completed effect.

        Raises:
            RuntimeEffectControllerError: `sqlite_effect_replay_corrupt_row`, `sqlite_effect_replay_decode`.
        """
        outcome: RuntimeEffectOutcome = self._decoded(row.outcome_json, RuntimeEffectOutcome, "outcome")
        if effect_kind(outcome) != self.envelope.kind:
            raise _error("decode", self._damage(f"has an outcome of kind {effect_kind(outcome)}"))
        return outcome

    def failure(self, row: EffectReplayRow) -> RuntimeEffectControllerError:
        """Return the error of a failed effect, to be raised again. Errors as in `outcome`."""
        record: EffectErrorRecord = self._decoded(row.error_json, EffectErrorRecord, "error")
        return RuntimeEffectControllerError(record.code, record.message)

    def encoded(self, result: RuntimeEffectOutcome | EffectErrorRecord) -> bytes:
        """Return what became of the effect as it is recorded.

        Raises:
            RuntimeEffectControllerError: `sqlite_effect_replay_encode`.
        """
        try:
            return to_json(result)
        except WireError as error:
            told = f"what became of {self} cannot be recorded: {error.message}; give something that JSON can carry"
            raise _error("encode", told) from error

    def lease_lost(self) -> RuntimeEffectControllerError:
        """Return the error for an effect that another process took over meanwhile."""
        return _error(
            "lease_lost",
            f"{self} was performed here and elsewhere: its lease in {self._path} ran out meanwhile, and what the other process"
            " records counts; run the turn again to go on from that",
        )

    def _decoded(self, document: bytes, type: Any, what: str) -> Any:
        if not document:
            raise _error("corrupt_row", self._damage(f"has no {what}"))
        try:
            return from_json(document, type)
        except WireError as error:
            raise _error("decode", self._damage(f"has an {what} that cannot be read ({error.message})")) from error

    def _damage(self, what: str) -> str:
        return _damage(self._path, self.key, f"the record of {self}", what)


def recalled(path: str, key: EffectReplayKey, noted: bytes) -> Json:
    """Return a fact that was noted.

    Raises:
        RuntimeEffectControllerError: `sqlite_effect_replay_decode`.
    """
    try:
        return from_json(noted)
    except WireError as error:
        told = _damage(path, key, f"what was noted of {key.scope_id}", f"cannot be read ({error.message})")
        raise _error("decode", told) from error


def _damage(path: str, key: EffectReplayKey, whose: str, what: str) -> str:
    return (
        f"{whose} in {path} {what}; put a copy of the file in its place, or delete the row with"
        f" scope_id {key.scope_id!r} and replay_key {key.replay_key!r} to have it performed again"
    )


def _error(code: str, message: str) -> RuntimeEffectControllerError:
    return RuntimeEffectControllerError(f"sqlite_effect_replay_{code}", message)
