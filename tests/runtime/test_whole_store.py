"""Stores that somebody made for another release: what they lack is told when a session is opened on one."""

from typing import Any

import pytest

from lash_nb.errors import SessionError
from lash_nb.stores import InMemorySessionStore, SessionStore
from lash_nb.wire import QueuedWorkClaim
from tests.runtime.desk import answers, builder


class Earlier(InMemorySessionStore):
    """A store whose claims know no other holders, and which cannot tell whether a batch is queued."""

    is_queued: Any = None

    async def claim_ready_work(  # type: ignore[override]  # on purpose
        self,
        *,
        session_id: str,
        boundary: Any,
        owner: str,
        lease_ttl_ms: int = 1,
        max_batches: int = 1,
        note: Any = None,
    ) -> QueuedWorkClaim | None:
        """Claim what is ready."""
        named = {"session_id": session_id, "boundary": boundary, "owner": owner}
        return await super().claim_ready_work(lease_ttl_ms=lease_ttl_ms, max_batches=max_batches, note=note, **named)

    async def claim_by_ids(self, *, lease_ttl_ms: int = 1, **named: Any) -> Any:
        """Claim these batches."""
        return await super().claim_by_ids(lease_ttl_ms=lease_ttl_ms, **named)


class Empty(InMemorySessionStore):
    """A store that has of a method what the port says of it, and no more."""

    list_queued_work = SessionStore.list_queued_work


class Passing:
    """Hands all on to a whole store, as whoever counts or logs does."""

    def __init__(self, inner: SessionStore) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@pytest.mark.parametrize(
    ("store", "missing"),
    [
        (
            Earlier(),
            r"Earlier is no whole session store, it lacks claim_ready_work\(…, unless_held=…\), is_queued\(\); add",
        ),
        (Empty(), r"it lacks list_queued_work\(\);"),
    ],
)
async def test_a_store_that_is_not_whole_opens_no_session(store: SessionStore, missing: str) -> None:
    """The error names all that it lacks; a turn would have failed in its middle."""
    with pytest.raises(SessionError, match=missing):
        await builder(answers("hi")).build().session("demo").store(store).open()


async def test_a_store_that_hands_on_is_a_whole_one() -> None:
    """Its methods are asked for, not its class."""
    store: Any = Passing(InMemorySessionStore())
    session = await builder(answers("hi")).build().session("demo").store(store).open()
    await session.queue("later")

    assert len(await session.queued_work()) == 1
    assert (await session.next_queued_turn()) is not None
