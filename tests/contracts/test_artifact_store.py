"""What every artifact store promises (lash 0.1.0-alpha.37, sessions §18.3)."""

from collections.abc import Callable

import pytest

from lash_nb.stores import InMemoryLashlangArtifactStore, LashlangArtifactStore
from lash_nb.wire import DurabilityTier

STORES: dict[str, tuple[Callable[[], LashlangArtifactStore], DurabilityTier]] = {
    "memory": (InMemoryLashlangArtifactStore, "inline")
}


@pytest.fixture(params=list(STORES))
def kind(request: pytest.FixtureRequest) -> str:
    """Each shipped store."""
    name: str = request.param
    return name


async def test_an_artifact_comes_back_byte_for_byte(kind: str) -> None:
    """What was put is what is got; the last put counts; the tier is the declared one."""
    make, tier = STORES[kind]
    store = make()
    await store.put_artifact("module:1", b"old")
    await store.put_artifact("module:1", bytes(range(256)))

    assert await store.get_artifact("module:1") == bytes(range(256))
    assert await store.get_artifact("module:2") is None
    assert store.durability_tier == tier
