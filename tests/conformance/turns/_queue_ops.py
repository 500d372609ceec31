"""Steps on the queue of a session, through the session and on its store."""

from collections.abc import Mapping
from typing import Any, Final

from lash_nb.clock import NS_PER_MS, SystemClock
from lash_nb.runtime import SessionCommandReceipt
from lash_nb.stores import QUEUED_WORK_CLAIM_TTL_MS
from lash_nb.wire import (
    PluginMessage,
    QueuedWorkBatchDraft,
    QueuedWorkClaim,
    TurnActivity,
    TurnInput,
    from_builtins,
    to_builtins,
)
from tests.conformance.turns._ops import Op, Step, session_id
from tests.conformance.turns._run import Run
from tests.conformance.turns._store_ops import observed_store, store

__all__ = ["QUEUE_OPS"]


async def _queue(run: Run, step: Step) -> None:
    await _queued_input(run, step, TurnInput.text(step["text"]))


async def _queue_input(run: Run, step: Step) -> None:
    await _queued_input(run, step, from_builtins(step["input"], TurnInput))


async def _queued_input(run: Run, step: Step, turn_input: TurnInput) -> None:
    builder = run.session(step).queue(turn_input)
    if "id" in step:
        builder = builder.id(step["id"])
    if "delivery" in step:
        builder = builder.delivery_policy(step["delivery"])
    if "slot" in step:
        builder = builder.slot_policy(step["slot"])
    await builder.send()


async def _queued(run: Run, step: Step) -> Any:
    batches = await run.session(step).queued_work()
    run.variables.number("batch", (batch.batch_id for batch in batches))
    return to_builtins(batches)


async def _cancel_queued(run: Run, step: Step) -> Any:
    return to_builtins(await run.session(step).cancel_queued_work_batch(step["batch"]))


async def _next_queued(run: Run, step: Step) -> Any:
    def record(activity: TurnActivity) -> None:
        run.recorder.push("activity", session=session_id(step), activity=activity)

    result = await run.session(step).next_queued_turn(step.get("batches", ())).stream_to(record)
    return None if result is None else result.to_builtins()


async def _inject(run: Run, step: Step) -> None:
    message = from_builtins(step["message"], PluginMessage)
    await run.session(step).control.injection.inject_turn_input(message, id=step.get("id"))


async def _refresh_tools(run: Run, step: Step) -> Any:
    receipt = await run.session(step).control.commands.refresh_tool_surface(
        reason=step.get("reason", "scenario"),
        expected_generation=step.get("expected_generation"),
        idempotency_key=step.get("key", "k1"),
    )
    return _receipt(receipt)


async def _reset(run: Run, step: Step) -> Any:
    commands = run.session(step).control.commands
    return _receipt(await commands.reset(reason=step.get("reason", "scenario"), idempotency_key=step.get("key", "k1")))


def _receipt(receipt: SessionCommandReceipt) -> dict[str, str]:
    return {name: getattr(receipt, name) for name in ("session_id", "batch_id", "source_key")}


async def _queue_rows(run: Run, step: Step) -> Any:
    rows = await store(run, step).list_queued_work(session_id(step))
    run.variables.number("batch", (batch.batch_id for batch in rows))
    return to_builtins(rows)


async def _enqueue(run: Run, step: Step) -> Any:
    draft = {"session_id": session_id(step), **step["draft"]}
    if "available_in_ms" in step:
        draft["available_at_ms"] = SystemClock().now_ns() // NS_PER_MS + step["available_in_ms"]
    batch = await observed_store(run, step).observed.enqueue_work(from_builtins(draft, QueuedWorkBatchDraft))
    if "as" in step:
        run.variables.set(step["as"], batch.batch_id)
    return to_builtins(batch)


async def _claim(run: Run, step: Step) -> Any:
    terms = {
        "session_id": session_id(step),
        "boundary": step.get("boundary", "idle"),
        "owner": step.get("owner", "scenario-owner"),
        "lease_ttl_ms": step.get("ttl_ms", QUEUED_WORK_CLAIM_TTL_MS),
    }
    if "batches" in step:
        claim = await store(run, step).claim_by_ids(batch_ids=step["batches"], **terms)
    else:
        claim = await store(run, step).claim_ready_work(max_batches=step.get("max", 64), **terms)
    if claim is None:
        return None
    run.claims[step.get("as", "claim")] = claim
    return _told(claim)


def _told(claim: QueuedWorkClaim) -> dict[str, Any]:
    told: dict[str, Any] = to_builtins(claim)
    since, until = told.pop("claimed_at_epoch_ms"), told.pop("expires_at_epoch_ms")
    del told["lease_token"]
    return {**told, "ttl": until - since}


async def _renew(run: Run, step: Step) -> Any:
    claim = run.claims[step.get("claim", "claim")]
    ttl = step.get("ttl_ms", QUEUED_WORK_CLAIM_TTL_MS)
    renewed = await store(run, step).renew_claim(claim, lease_ttl_ms=ttl)
    return {
        "same_claim": renewed.claim_id == claim.claim_id,
        "same_token": renewed.lease_token == claim.lease_token,
        "batches": len(renewed.batches),
        "not_earlier": renewed.expires_at_epoch_ms >= claim.expires_at_epoch_ms,
    }


async def _abandon(run: Run, step: Step) -> None:
    await store(run, step).abandon_claim(run.claims[step.get("claim", "claim")])


QUEUE_OPS: Final[Mapping[str, Op]] = {
    "queue": Op(_queue, frozenset({"text", "id", "delivery", "slot"})),
    "queue_input": Op(_queue_input, frozenset({"input", "id"})),
    "queued": Op(_queued),
    "cancel_queued": Op(_cancel_queued, frozenset({"batch"})),
    "next_queued": Op(_next_queued, frozenset({"batches"})),
    "inject": Op(_inject, frozenset({"message", "id"})),
    "refresh_tools": Op(_refresh_tools, frozenset({"reason", "expected_generation", "key"})),
    "reset": Op(_reset, frozenset({"reason", "key"})),
    "queue_rows": Op(_queue_rows),
    "enqueue": Op(_enqueue, frozenset({"draft", "available_in_ms", "as"})),
    "claim": Op(_claim, frozenset({"boundary", "owner", "ttl_ms", "max", "batches", "as"})),
    "renew": Op(_renew, frozenset({"claim", "ttl_ms"})),
    "abandon": Op(_abandon, frozenset({"claim"})),
}
