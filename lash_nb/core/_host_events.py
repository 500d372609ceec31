"""What happens at a host, told to all its sessions (lash 0.1.0-alpha.37, processes §7.4)."""

from collections.abc import Sequence
from typing import Any

from lash_nb.core._background import unavailable
from lash_nb.effects import EffectHost, ScopedEffectController
from lash_nb.errors import EmbedError
from lash_nb.stores import HostEventStore
from lash_nb.wire import HostEventEmitReport, HostEventOccurrenceRequest, RuntimeOperationScope

__all__ = ["HostEventsControl"]


class HostEventsControl:
    """Tells the triggers of all sessions what happens; no graph and no queue is touched by it."""

    def __init__(self, store: HostEventStore, effect_host: EffectHost) -> None:
        self._store = store
        self._effect_host = effect_host

    async def emit(
        self, request: HostEventOccurrenceRequest, scoped_effect_controller: ScopedEffectController | None = None
    ) -> HostEventEmitReport:
        """Keep that something happened, and tell those who wait for it; the same key is the same occurrence.

        Args:
            request: What happened.
            scoped_effect_controller: The scope of which this is part; by default one of its own, on a host that records nothing.

        Raises:
            PluginError: the request is not valid, its key is taken, or a trigger waits for it: nothing runs what it would start yet.
            EmbedError: `DurableEffectHostRequiresHandlerContext`.
            StoreError: the store cannot be read or written.
        """
        if scoped_effect_controller is None:
            self._open_scope(request)
        occurrence = await self._store.record_occurrence(request)
        if await self._store.count_subscribers(occurrence):
            raise unavailable(f"starting what waits for host event {request.source_type!r}")
        return HostEventEmitReport(occurrence_id=occurrence.occurrence_id, started_process_ids=())

    async def subscriptions(self, subscription_filter: Any = None) -> Sequence[Any]:  # noqa: ARG002 - as the reference asks
        """Return who waits.

        Raises:
            PluginError: always, so far.
        """
        raise unavailable("listing trigger subscriptions")

    def _open_scope(self, request: HostEventOccurrenceRequest) -> None:
        if self._effect_host.durability_tier == "durable":
            raise EmbedError(
                "DurableEffectHostRequiresHandlerContext",
                "the effect host records what it does, so a host event needs a scope that is the same when it is told again;"
                " give one, as in emit(request, core.effect_host().scoped(…))",
                operation="host event",
            )
        self._effect_host.scoped(RuntimeOperationScope(operation_id=f"host-event:{request.idempotency_key}"))
