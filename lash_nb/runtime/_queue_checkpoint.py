"""What happens where a running turn may take work in (lash 0.1.0-alpha.37, turns §5.4)."""

from typing import Final

from lash_nb.errors import CallerError, RuntimeEffectControllerError, StoreError
from lash_nb.runtime._context import TurnContext
from lash_nb.runtime._queue_delivery import claimed_record, delivery_of, started_activity
from lash_nb.wire import (
    CheckpointCommand,
    CheckpointDelivery,
    CheckpointOutcome,
    CheckpointResult,
    EffectErrorRecord,
    InjectedTurnInputAcceptedEvent,
    QueuedWorkClaim,
    RuntimeEffectEnvelope,
    RuntimeInvocation,
    from_builtins,
    to_builtins,
)

__all__ = ["hold_again", "perform_checkpoint"]

_NOTHING: Final = CheckpointOutcome(
    result=CheckpointResult(Ok=CheckpointDelivery(messages=(), transient_messages=(), turn_causes=()))
)


async def perform_checkpoint(
    envelope: RuntimeEffectEnvelope, command: CheckpointCommand, turn: TurnContext
) -> CheckpointOutcome:
    """Take in the queued work that may join the turn; a turn that is cancelled takes none, for nobody would see it."""
    if turn.cancel.cancelled:
        return _NOTHING
    try:
        delivery = await _take(command, turn, envelope.invocation)
    except (StoreError, CallerError) as error:
        return CheckpointOutcome(result=CheckpointResult(Err=EffectErrorRecord.of(error)))
    return _NOTHING if delivery is None else CheckpointOutcome(result=CheckpointResult(Ok=delivery))


async def hold_again(turn: TurnContext, invocation: RuntimeInvocation, delivery: CheckpointDelivery) -> None:
    """Hold the work that a checkpoint took in an earlier run of the turn, so that its end completes it.

    Raises:
        RuntimeEffectControllerError: what the durable host noted, or the queue, cannot be read; `runtime_store`.
    """
    if delivery.is_empty or turn.controller.durability_tier == "inline":
        return
    noted = await turn.controller.recall(_name(invocation), None)
    if noted is None:
        return
    try:
        await turn.claims.hold_again(from_builtins(noted, QueuedWorkClaim), turn.scope_id)
    except StoreError as error:
        raise RuntimeEffectControllerError("runtime_store", error.message) from error


def _name(invocation: RuntimeInvocation) -> str:
    """Under what a durable host keeps which work a checkpoint took."""
    return f"{invocation.replay_key}:claimed"


async def _take(
    command: CheckpointCommand, turn: TurnContext, invocation: RuntimeInvocation
) -> CheckpointDelivery | None:
    claim = await turn.claims.take_at_checkpoint(turn.scope_id)
    if claim is None:
        return None
    await turn.controller.recall(_name(invocation), to_builtins(claim))
    delivered = delivery_of(claim, turn.attachments)
    turn.hub.activity(started_activity(claim, "active_turn_checkpoint"))
    context = turn.trace_context(invocation.scope.protocol_iteration)
    turn.trace.emit(claimed_record(claim, "active_turn_checkpoint"), context)
    if delivered.accepted:
        turn.hub.emit(InjectedTurnInputAcceptedEvent(checkpoint=command.checkpoint, inputs=delivered.accepted))
    return delivered.delivery
