"""What every artifact store promises (lash 0.1.0-alpha.37, sessions §18.3)."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lash_nb.stores import InMemoryLashlangArtifactStore, LashlangArtifactStore, SqliteLashlangArtifactStore
from lash_nb.wire import DurabilityTier

STORES: dict[str, tuple[Callable[[Path], LashlangArtifactStore], DurabilityTier]] = {
    "memory": (lambda _: InMemoryLashlangArtifactStore(), "inline"),
    "sqlite": (SqliteLashlangArtifactStore, "durable"),
}


@pytest.fixture(params=list(STORES))
def kind(request: pytest.FixtureRequest) -> str:
    """Each shipped store."""
    name: str = request.param
    return name


@pytest.fixture
def store(kind: str, tmp_path: Path) -> LashlangArtifactStore:
    """An empty store."""
    return STORES[kind][0](tmp_path / "artifacts.db")


async def test_an_artifact_comes_back_byte_for_byte(kind: str, store: LashlangArtifactStore) -> None:
    """What was put is what is got; the last put counts; the tier is the declared one."""
    await store.put_artifact("module:1", b"old")
    await store.put_artifact("module:1", bytes(range(256)))

    assert await store.get_artifact("module:1") == bytes(range(256))
    assert store.durability_tier == STORES[kind][1]


@pytest.mark.parametrize("artifact_ref", ["module:2", "", "module:1 ", "MODULE:1", "'; DROP TABLE blobs; --"])
async def test_an_unknown_reference_has_no_artifact(store: LashlangArtifactStore, artifact_ref: str) -> None:
    """Only the very reference finds an artifact."""
    await store.put_artifact("module:1", b"data")

    assert await store.get_artifact(artifact_ref) is None
    assert await store.get_artifact("module:1") == b"data"


async def test_two_references_may_share_their_bytes(store: LashlangArtifactStore) -> None:
    """Replacing one of them leaves the other as it was."""
    await store.put_artifact("a", b"same")
    await store.put_artifact("b", b"same")
    await store.put_artifact("a", b"other")

    assert [await store.get_artifact(ref) for ref in "ab"] == [b"other", b"same"]


@pytest.mark.parametrize("kind", [name for name, (_, tier) in STORES.items() if tier == "durable"])
async def test_artifacts_outlive_the_store(kind: str, tmp_path: Path) -> None:
    """Another store object on the same file reads what the first one wrote, large and small."""
    first = STORES[kind][0](tmp_path / "artifacts.db")
    await first.put_artifact("small", b"")
    await first.put_artifact("large", b"large " * 2_000)
    second = STORES[kind][0](tmp_path / "artifacts.db")

    assert await second.get_artifact("small") == b""
    assert await second.get_artifact("large") == b"large " * 2_000


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(puts=st.lists(st.tuples(st.sampled_from("abc"), st.binary(max_size=60)), max_size=5))
async def test_a_store_is_a_map(store: LashlangArtifactStore, puts: list[tuple[str, bytes]]) -> None:
    """After any puts each reference has its last bytes."""
    for ref, data in puts:
        await store.put_artifact(ref, data)

    assert {ref: await store.get_artifact(ref) for ref in dict(puts)} == dict(puts)
