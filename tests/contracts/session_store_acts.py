"""What is done to session stores in the tests of their contract."""

import pytest

from lash_nb.errors import StoreError
from lash_nb.stores import FullGraph, SessionStore
from lash_nb.wire import QueuedWorkClaim
from tests.stores.material import SESSION


async def refused(store: SessionStore, made: object) -> StoreError:
    """Commit, expect a refusal that changes nothing, and return the error."""
    before = await contents(store)
    with pytest.raises(StoreError) as error:
        await store.commit_runtime_state(made)  # type: ignore[arg-type]  # always a commit
    assert await contents(store) == before
    return error.value


async def contents(store: SessionStore) -> object:
    """Everything that can be read from a store."""
    return (
        await store.load_head(),
        await store.load_session(FullGraph()),
        await store.list_queued_work(SESSION),
        await store.list_pending_queued_work(SESSION),
        store.list_attachments(),
    )


async def claimed(store: SessionStore, **terms: object) -> QueuedWorkClaim | None:
    """Claim at an idle boundary as `me`, unless told otherwise."""
    return await store.claim_ready_work(**{"session_id": SESSION, "boundary": "idle", "owner": "me"} | terms)  # type: ignore[arg-type]  # the terms of one test


async def claimed_ids(store: SessionStore, **terms: object) -> list[str] | None:
    """The ids of what can be claimed."""
    claim = await claimed(store, **terms)
    return [batch.batch_id for batch in claim.batches] if claim else None
