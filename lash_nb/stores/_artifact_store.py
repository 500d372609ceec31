"""Where compiled lashlang programs lie: bytes under a name of the caller's (lash 0.1.0-alpha.37, sessions §18.3)."""

from typing import Protocol

from lash_nb.wire import DurabilityTier

__all__ = ["InMemoryLashlangArtifactStore", "LashlangArtifactStore"]


class LashlangArtifactStore(Protocol):
    """Keeps artifacts by reference; gives back the very bytes."""

    @property
    def durability_tier(self) -> DurabilityTier:
        """Whether artifacts outlive the process."""
        ...

    async def put_artifact(self, artifact_ref: str, data: bytes) -> None:
        """Keep an artifact, in place of an older one with that reference.

        Raises:
            StoreError: it cannot be kept.
        """
        ...

    async def get_artifact(self, artifact_ref: str) -> bytes | None:
        """Return an artifact; None when there is none.

        Raises:
            StoreError: it cannot be read.
        """
        ...


class InMemoryLashlangArtifactStore:
    """Keeps artifacts as long as the process lives."""

    durability_tier: DurabilityTier = "inline"

    def __init__(self) -> None:
        self._artifacts: dict[str, bytes] = {}

    async def put_artifact(self, artifact_ref: str, data: bytes) -> None:
        """Keep an artifact."""
        self._artifacts[artifact_ref] = bytes(data)

    async def get_artifact(self, artifact_ref: str) -> bytes | None:
        """Return an artifact."""
        return self._artifacts.get(artifact_ref)
