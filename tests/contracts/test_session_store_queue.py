"""What every session store promises of queued work (lash 0.1.0-alpha.37, sessions §9, §18.1)."""

import pytest
from msgspec.structs import replace

from lash_nb.clock import ManualClock
from lash_nb.errors import StoreError
from lash_nb.stores import FullGraph, SessionStore
from lash_nb.wire import (
    MergeGroup,
    ProcessWakeDelivery,
    ProcessWakePayload,
    QueuedWorkClaim,
)
from tests.contracts.session_store_acts import claimed, claimed_ids, refused
from tests.stores.material import (
    SESSION,
    append,
    commit,
    completion,
    draft,
    node,
    stamped,
)


async def test_work_with_the_same_source_key_waits_once(store: SessionStore) -> None:
    """Enqueuing again returns the first batch, original payload and item ids included, as long as it waits."""
    first = await store.enqueue_work(draft("one", source_key="k"))
    again = await store.enqueue_work(draft("two", source_key="k"))
    unrelated = await store.enqueue_work(draft("three", session_id="other", source_key="k"))

    assert again == first
    assert [item.item_id for item in first.items] == [f"{first.batch_id}:item:0"]
    assert await store.list_queued_work(SESSION) == (first,)
    assert await store.list_queued_work("other") == (unrelated,)
    await store.cancel_work(session_id=SESSION, batch_id=first.batch_id)
    assert (await store.enqueue_work(draft("two", source_key="k"))).items != first.items


async def test_only_free_work_can_be_cancelled(store: SessionStore) -> None:
    """A claimed batch is not pending and cannot be cancelled; after abandoning it can; another session's never."""
    first, second = [await store.enqueue_work(draft(text)) for text in ("one", "two")]
    assert await store.cancel_work(session_id=SESSION, batch_id=second.batch_id) == second
    assert await store.cancel_work(session_id=SESSION, batch_id=second.batch_id) is None
    claim = await claimed(store)
    assert claim is not None

    assert await store.list_pending_queued_work(SESSION) == ()
    assert await store.list_queued_work(SESSION) == (first,)
    assert await store.cancel_work(session_id=SESSION, batch_id=first.batch_id) is None
    await store.abandon_claim(claim)
    await store.abandon_claim(claim)
    assert await store.cancel_work(session_id="other", batch_id=first.batch_id) is None
    assert await store.cancel_work(session_id=SESSION, batch_id=first.batch_id) == first


async def test_a_batch_is_queued_until_it_is_cancelled_or_completed(store: SessionStore) -> None:
    """Also while somebody holds it; another session has no such batch."""
    first, second = [await store.enqueue_work(draft(text)) for text in ("one", "two")]
    assert await claimed(store) is not None
    await store.cancel_work(session_id=SESSION, batch_id=second.batch_id)

    assert await store.is_queued(session_id=SESSION, batch_id=first.batch_id)
    assert not await store.is_queued(session_id=SESSION, batch_id=second.batch_id)
    assert not await store.is_queued(session_id="other", batch_id=first.batch_id)


async def test_claiming_by_ids_takes_the_head_or_nothing(store: SessionStore) -> None:
    """An exact claim that is not the head gives None and leaves everything free; each attempt counts the head's fencing up."""
    first, second = [await store.enqueue_work(draft(text)) for text in ("one", "two")]

    async def take(*ids: str) -> QueuedWorkClaim | None:
        return await store.claim_by_ids(session_id=SESSION, batch_ids=ids, boundary="idle", owner="me")

    assert await take() is None
    assert await take(second.batch_id) is None
    assert await take(second.batch_id, first.batch_id) is None
    assert await store.list_pending_queued_work(SESSION) == (first, second)
    claim = await take(first.batch_id, second.batch_id)
    assert claim is not None
    assert claim.batches == (first, second)
    assert claim.fencing_token == 3


async def test_ready_work_that_must_wait_blocks_a_checkpoint(store: SessionStore) -> None:
    """Inside a turn nothing passes a head that waits for its end; once somebody holds that one, the next may come."""
    head = await store.enqueue_work(draft("after", delivery_policy="after_current_turn_commit"))
    early = await store.enqueue_work(draft("early"))

    assert await claimed(store, boundary="active_turn_checkpoint") is None
    assert await claimed_ids(store) == [head.batch_id]
    assert await claimed_ids(store, boundary="active_turn_checkpoint") == [early.batch_id]


async def test_whoever_wants_nobody_beside_gets_nothing_while_work_is_held(
    store: SessionStore, clock: ManualClock
) -> None:
    """Not of that session; once it is given back, completed or expired, the head comes first."""
    first, second = [await store.enqueue_work(draft(text, slot_policy="exclusive")) for text in ("one", "two")]
    other = await store.enqueue_work(replace(draft("three"), session_id="other"))
    held = await claimed(store, lease_ttl_ms=1000)
    assert held is not None

    async def named() -> QueuedWorkClaim | None:
        return await store.claim_by_ids(
            session_id=SESSION, batch_ids=[second.batch_id], boundary="idle", owner="me", unless_held=True
        )

    assert await claimed(store, unless_held=True) is None
    assert await named() is None
    assert await claimed_ids(store, unless_held=True, session_id="other") == [other.batch_id]
    clock.advance(1)
    assert await claimed_ids(store, unless_held=True, lease_ttl_ms=0) == [first.batch_id]
    held = await claimed(store)
    assert held is not None
    await store.commit_runtime_state(commit(completed_queue_claims=(completion(held),)))
    assert (await named() or held).batches == (second,)


async def test_claims_are_renewed_abandoned_and_fenced(store: SessionStore, clock: ManualClock) -> None:
    """Renewing keeps identity and work; claiming again after abandoning raises the fencing token and changes the claim."""
    await store.enqueue_work(draft())
    claim = await claimed(store, lease_ttl_ms=1000)
    assert claim is not None
    clock.advance(0.5)
    renewed = await store.renew_claim(claim, lease_ttl_ms=1000)

    assert renewed == replace(claim, expires_at_epoch_ms=claim.expires_at_epoch_ms + 500)
    await store.abandon_claim(renewed)
    again = await claimed(store)
    assert again is not None
    assert (claim.fencing_token, again.fencing_token) == (1, 2)
    assert claim.claim_id != again.claim_id
    with pytest.raises(StoreError) as error:
        await store.renew_claim(claim)
    assert (error.value.variant, error.value.fields) == (
        "QueuedWorkClaimExpired",
        {"session_id": SESSION, "claim_id": claim.claim_id},
    )


async def test_a_claim_under_another_sessions_name_holds_nothing(store: SessionStore) -> None:
    """It cannot be renewed, and giving it back frees no work."""
    await store.enqueue_work(draft())
    claim = await claimed(store)
    assert claim is not None
    foreign = replace(claim, session_id="other")

    with pytest.raises(StoreError) as error:
        await store.renew_claim(foreign)
    await store.abandon_claim(foreign)

    assert error.value.variant == "QueuedWorkClaimExpired"
    assert await store.list_pending_queued_work(SESSION) == ()


async def test_an_expired_claim_can_be_taken_over_or_renewed_by_whoever_is_first(
    store: SessionStore, clock: ManualClock
) -> None:
    """Expiry alone takes nothing away; a reclaim does."""
    await store.enqueue_work(draft())
    claim = await claimed(store, lease_ttl_ms=1000)
    assert claim is not None
    assert await claimed(store) is None
    clock.advance(1)
    renewed = await store.renew_claim(claim, lease_ttl_ms=0)
    taken = await claimed(store, owner="other")

    assert taken is not None
    assert taken.fencing_token == claim.fencing_token + 1
    with pytest.raises(StoreError):
        await store.renew_claim(renewed)


async def test_work_that_is_not_available_yet_is_passed_over(store: SessionStore, clock: ManualClock) -> None:
    """A batch for later neither comes nor blocks."""
    later = await store.enqueue_work(draft("later", available_at_ms=clock.now_ns() // 1_000_000 + 1000))
    now = await store.enqueue_work(draft("now"))

    assert await claimed_ids(store, max_batches=9) == [now.batch_id]
    clock.advance(1)
    assert await claimed_ids(store, max_batches=9) == [later.batch_id]


async def test_joins_group_neighbours_of_one_kind(store: SessionStore) -> None:
    """Following ready work joins as long as slot, delivery and merge key are equal, up to the limit; exclusive work comes alone."""
    group = MergeGroup(group="g")
    terms_of_work: list[dict[str, object]] = [{}, {}, {}]
    terms_of_work += [{"merge_key": group}, {"merge_key": group}, {}]
    terms_of_work += [{"slot_policy": "exclusive"}, {"slot_policy": "exclusive"}]
    ids = [
        (await store.enqueue_work(draft(str(number), **terms))).batch_id for number, terms in enumerate(terms_of_work)
    ]
    await store.enqueue_work(draft("stranger", session_id="other"))
    groups = [await claimed_ids(store, max_batches=limit) for limit in (0, 2, 9, 9, 9, 9, 9, 9)]

    assert groups == [None, ids[:2], ids[2:3], ids[3:5], ids[5:6], ids[6:7], ids[7:8], None]


async def test_a_completion_with_a_stale_token_changes_nothing(store: SessionStore) -> None:
    """Work is done only by who holds it; the valid completion clears the queue with its commit."""
    await store.enqueue_work(draft())
    stale = await claimed(store, lease_ttl_ms=0)
    valid = await claimed(store)
    assert stale is not None
    assert valid is not None

    for bad in (
        completion(stale),
        completion(valid, batch_ids=()),
        completion(valid, batch_ids=("elsewhere",)),
        completion(valid, session_id="other"),
    ):
        error = await refused(store, stamped(commit(append(node("a")), completed_queue_claims=(bad,))))
        assert error.variant == "QueuedWorkClaimExpired"
    made = stamped(commit(append(node("a")), completed_queue_claims=(completion(valid),)))
    result = await store.commit_runtime_state(made)

    assert await store.list_queued_work(SESSION) == ()
    assert await store.commit_runtime_state(made) == result


async def test_one_bad_completion_spoils_the_commit(store: SessionStore) -> None:
    """A good completion beside a bad one removes nothing."""
    await store.enqueue_work(draft("one", slot_policy="exclusive"))
    await store.enqueue_work(draft("two", slot_policy="exclusive"))
    good, other = await claimed(store), await claimed(store)
    assert good is not None
    assert other is not None
    await store.abandon_claim(other)

    await refused(store, commit(completed_queue_claims=(completion(good), completion(other))))
    assert len(await store.list_queued_work(SESSION)) == 2


async def test_a_session_completes_its_own_work_only(store: SessionStore) -> None:
    """Work of another session in the same store is not done by this session's commit."""
    await store.enqueue_work(draft(session_id="other"))
    claim = await claimed(store, session_id="other")
    assert claim is not None

    assert (
        await refused(store, commit(completed_queue_claims=(completion(claim),)))
    ).variant == "QueuedWorkClaimExpired"


async def test_a_wake_comes_once(store: SessionStore) -> None:
    """The same wake twice is one batch, is claimed once as one item, and is gone with its completion."""
    wake = ProcessWakeDelivery(
        wake_id="wake:1",
        target_session_id=SESSION,
        target_scope_id="session:root",
        process_id="p",
        sequence=7,
        dedupe_key="d",
        input="up",
        created_at_ms=1,
    )
    waking = draft(
        slot_policy="exclusive", source_key="process:p:event:7:wake", payloads=(ProcessWakePayload(wake=wake),)
    )
    first, again = [await store.enqueue_work(waking) for _ in range(2)]
    claim = await claimed(store, boundary="active_turn_checkpoint", max_batches=9)

    assert first == again
    assert claim is not None
    assert [item.payload for batch in claim.batches for item in batch.items] == [ProcessWakePayload(wake=wake)]
    assert await claimed(store) is None
    await store.commit_runtime_state(commit(completed_queue_claims=(completion(claim),)))
    assert await store.list_queued_work(SESSION) == ()


async def test_a_bad_completion_begins_no_session(store: SessionStore) -> None:
    """A final commit with a completion that holds nothing persists nothing; the good one does, and is repeated as it was."""
    await store.enqueue_work(draft())
    claim = await claimed(store)
    assert claim is not None
    done = completion(claim)
    bad = stamped(commit(append(node("a")), completed_queue_claims=(replace(done, lease_token="stale"),)))  # noqa: S106 - of a lease
    good = stamped(commit(append(node("a")), completed_queue_claims=(done,)))

    assert (await refused(store, bad)).variant == "QueuedWorkClaimExpired"
    assert await store.load_session(FullGraph()) is None
    result = await store.commit_runtime_state(good)
    again = await store.commit_runtime_state(good)
    assert (again.head_revision, again.checkpoint_ref) == (result.head_revision, result.checkpoint_ref)
