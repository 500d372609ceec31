"""The host that remembers: an effect that a database knows is answered from there, every other is performed and recorded."""

import os
from typing import Final, Self

from lash_nb.clock import Clock
from lash_nb.effects._host import EffectHost, ScopedEffectController
from lash_nb.effects._inline import InlineEffectHost
from lash_nb.effects._sqlite_controller import SqliteEffectController
from lash_nb.stores import EFFECT_LEASE_TTL_MS, SqliteEffectReplay
from lash_nb.wire import DurabilityTier, EffectScope

__all__ = ["SqliteEffectHost"]


class SqliteEffectHost:
    """Records every effect in a database, so that a turn that broke off repeats nothing when it is run again (effect wire format §17).

    An effect is known by its scope and replay key: run the turn again with the same turn id, input, model and tools; queued work with the
    same `drain_id`. Several processes may share the file; each effect is performed by one of them, and the others wait.

    What is recorded stays, as in the reference, also of turns that are committed and of sessions that are deleted: their turns may be run
    again from the top. To forget it, delete the file while no turn is under way.

    Args:
        path: The file, made by the first use.
        inner: The host that performs what is not recorded.
        strict_replay: Begin nothing: an effect that is not recorded is an error.
        lease_ttl_ms: How long others wait for a process that died in the middle of an effect, in milliseconds. A living one renews it.
        clock: Tells when leases and sleeps end; other processes must agree on it.
        busy_timeout_s: How long to try while another process writes the file, in seconds.
        max_bytes: How large the file may become.
    """

    durability_tier: DurabilityTier = "durable"

    def __init__(
        self,
        path: str | os.PathLike[str],
        inner: EffectHost | None = None,
        *,
        strict_replay: bool = False,
        lease_ttl_ms: int = EFFECT_LEASE_TTL_MS,
        clock: Clock | None = None,
        busy_timeout_s: float | None = None,
        max_bytes: int | None = None,
    ) -> None:
        self._inner = inner or InlineEffectHost()
        self._strict = strict_replay
        self._replay: Final = SqliteEffectReplay(
            path, clock=clock, lease_ttl_ms=lease_ttl_ms, busy_timeout_s=busy_timeout_s, max_bytes=max_bytes
        )

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """Return a host whose file is open, so that one that cannot be used is told now.

        Raises:
            StoreError: `Backend`, with the `path`: it holds something else, or cannot be opened.
        """
        host = cls(path)
        host._replay.open()
        return host

    @property
    def path(self) -> str:
        """The file."""
        return self._replay.path

    def scoped(self, scope: EffectScope) -> ScopedEffectController:
        """Return the controller of a scope; its ids must not be blank (`missing_effect_scope_id`)."""
        return SqliteEffectController(self._replay, self._inner.scoped(scope), strict=self._strict)

    def release(self) -> None:
        """Close the file; the next use opens it again."""
        self._replay.release()
