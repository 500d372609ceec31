"""What happens where a running turn may take work in (lash 0.1.0-alpha.37, turns §5.4)."""

from typing import Final

from lash_nb.errors import CallerError, StoreError
from lash_nb.runtime._context import TurnContext
from lash_nb.runtime._queue_delivery import claimed_record, delivery_of, started_activity
from lash_nb.wire import (
    CheckpointCommand,
    CheckpointDelivery,
    CheckpointOutcome,
    CheckpointResult,
    EffectErrorRecord,
    InjectedTurnInputAcceptedEvent,
    RuntimeEffectEnvelope,
)

__all__ = ["perform_checkpoint"]

_NOTHING: Final = CheckpointDelivery(messages=(), transient_messages=(), turn_causes=())


async def perform_checkpoint(
    envelope: RuntimeEffectEnvelope, command: CheckpointCommand, turn: TurnContext
) -> CheckpointOutcome:
    """Take in the queued work that may join the turn; a turn that is cancelled takes none, for nobody would see it."""
    if turn.cancel.cancelled:
        return CheckpointOutcome(result=CheckpointResult(Ok=_NOTHING))
    try:
        delivery = await _take(command, turn, envelope.invocation.scope.protocol_iteration)
    except (StoreError, CallerError) as error:
        return CheckpointOutcome(result=CheckpointResult(Err=EffectErrorRecord.of(error)))
    return CheckpointOutcome(result=CheckpointResult(Ok=delivery))


async def _take(command: CheckpointCommand, turn: TurnContext, iteration: int | None) -> CheckpointDelivery:
    claim = await turn.claims.take_at_checkpoint(turn.scope_id)
    if claim is None:
        return _NOTHING
    delivered = delivery_of(claim, turn.attachments)
    turn.hub.activity(started_activity(claim, "active_turn_checkpoint"))
    turn.trace.emit(claimed_record(claim, "active_turn_checkpoint"), turn.trace_context(iteration))
    if delivered.accepted:
        turn.hub.emit(InjectedTurnInputAcceptedEvent(checkpoint=command.checkpoint, inputs=delivered.accepted))
    return delivered.delivery
