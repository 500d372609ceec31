"""What every session store factory promises (lash 0.1.0-alpha.37, sessions §8.7)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lash_nb.stores import (
    FullGraph,
    InMemorySessionStoreFactory,
    SessionStoreCreateRequest,
    SessionStoreFactory,
    SqliteSessionStoreFactory,
)
from lash_nb.wire import ChildRelation, DurabilityTier, ModelLimits, ModelSpec, SessionMeta, SessionPolicy
from tests.stores.material import append, commit, node

FACTORIES: dict[str, tuple[Callable[[Path], SessionStoreFactory], DurabilityTier]] = {
    "memory": (lambda _: InMemorySessionStoreFactory(), "inline"),
    "sqlite": (lambda folder: SqliteSessionStoreFactory(folder / "new" / "sessions"), "durable"),
}
POLICY = SessionPolicy(model=ModelSpec(id="m", limits=ModelLimits(context_window_tokens=9)))


@pytest.fixture(params=list(FACTORIES))
def factory(request: pytest.FixtureRequest, tmp_path: Path) -> SessionStoreFactory:
    """Each shipped factory, which has the declared tier."""
    make, tier = FACTORIES[request.param]
    made = make(tmp_path)
    assert made.durability_tier == tier
    return made


def request_for(session_id: str) -> SessionStoreCreateRequest:
    """A request for the store of a child session."""
    return SessionStoreCreateRequest(
        session_id=session_id, relation=ChildRelation(parent_session_id="p"), policy=POLICY
    )


async def test_a_session_gets_its_own_store_with_meta(factory: SessionStoreFactory) -> None:
    """The meta of a new store tells id, model and relation."""
    store = await factory.create_store(request_for("a"))
    meta = await store.load_session_meta()

    assert meta is not None
    assert (meta.session_id, meta.session_name, meta.model) == ("a", "a", "m")
    assert meta.relation == ChildRelation(parent_session_id="p")


async def test_a_session_finds_its_store_again(factory: SessionStoreFactory) -> None:
    """What was committed is there at the next call, and the meta is not written over; another session is empty."""
    store = await factory.create_store(request_for("root"))
    renamed = SessionMeta(
        session_id="root",
        session_name="mine",
        created_at="now",
        model="m",
        relation=ChildRelation(parent_session_id="p"),
    )
    await store.save_session_meta(renamed)
    await store.commit_runtime_state(commit(append(node("a"))))
    again = await factory.create_store(request_for("root"))
    other = await factory.create_store(request_for("other"))

    assert await again.load_node("a") == node("a")
    assert await again.load_session_meta() == renamed
    assert await other.load_session(FullGraph()) is None


async def test_a_deleted_session_begins_anew(factory: SessionStoreFactory) -> None:
    """Deleting forgets everything, and may be repeated."""
    store = await factory.create_store(request_for("root"))
    await store.commit_runtime_state(commit(append(node("a"))))
    for _ in range(2):
        await factory.delete_session("root")
    fresh = await factory.create_store(request_for("root"))

    assert await fresh.load_head() is None
