"""Whether everything that a session works with outlives the process when its effects do (lash 0.1.0-alpha.37, effect wire format §15.2)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lash_nb.errors import LashRuntimeError
from lash_nb.stores import TIER_OF_PERSISTENCE
from lash_nb.wire import DurabilityTier

if TYPE_CHECKING:
    from lash_nb.runtime._open_runtime import OpenRuntime

__all__ = ["check_durable_wiring"]


def check_durable_wiring(runtime: "OpenRuntime", effects: DurabilityTier) -> None:
    """Refuse a turn whose recorded effects would name what is gone with the process.

    Raises:
        LashRuntimeError: `durable_store_required:` and the first facet that is not durable: `attachment_store`, `artifact_store`,
            `session_store` or `process_registry`.
    """
    if effects != "durable":
        return
    for facet, name, tier in _facets(runtime):
        if tier == "inline":
            raise LashRuntimeError(
                f"durable_store_required:{facet}",
                f"the effect host of session {runtime.session_id} records effects, but its {name} forgets with the process;"
                f" build the core with .stored_in(folder) and then .effect_host(…), or with a durable {name}",
            )


def _facets(runtime: "OpenRuntime") -> Iterator[tuple[str, str, DurabilityTier | None]]:
    """What has to be durable, by its name in the code and in words, and how durable it is; None where there is none, which is no fault."""
    store, registry = runtime.store, runtime.process_registry
    yield "attachment_store", "attachment store", TIER_OF_PERSISTENCE[runtime.attachments.persistence]
    yield "artifact_store", "lashlang artifact store", runtime.environment.artifact_store.durability_tier
    yield "session_store", "session store", None if store is None else store.durability_tier
    yield "process_registry", "process registry", None if registry is None else registry.durability_tier
