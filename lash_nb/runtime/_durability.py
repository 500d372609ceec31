"""Whether everything that a session works with outlives the process when its effects do (lash 0.1.0-alpha.37, effect wire format §15.2)."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from lash_nb.errors import LashRuntimeError
from lash_nb.stores import TIER_OF_PERSISTENCE
from lash_nb.wire import DurabilityTier

if TYPE_CHECKING:
    from lash_nb.runtime._open_runtime import OpenRuntime

__all__ = ["check_durable_wiring"]

_FACETS: Final[Mapping[str, tuple[str, Callable[["OpenRuntime"], DurabilityTier | None]]]] = {
    "attachment_store": ("attachment store", lambda runtime: TIER_OF_PERSISTENCE[runtime.attachments.persistence]),
    "artifact_store": ("lashlang artifact store", lambda runtime: runtime.environment.artifact_store.durability_tier),
    "session_store": (
        "session store",
        lambda runtime: None if runtime.store is None else runtime.store.durability_tier,
    ),
    "process_registry": (
        "process registry",
        lambda runtime: None if runtime.process_registry is None else runtime.process_registry.durability_tier,
    ),
}
"""By its name in the code: what has to be durable, and how durable it is; None where there is none, which is no fault."""


def check_durable_wiring(runtime: "OpenRuntime", effects: DurabilityTier) -> None:
    """Refuse a turn whose recorded effects would name what is gone with the process.

    Raises:
        LashRuntimeError: `durable_store_required:` and the first facet that is not durable: `attachment_store`, `artifact_store`,
            `session_store` or `process_registry`.
    """
    if effects != "durable":
        return
    for facet, (name, tier) in _FACETS.items():
        if tier(runtime) == "inline":
            raise LashRuntimeError(
                f"durable_store_required:{facet}",
                f"the effect host of session {runtime.session_id} records effects, but its {name} forgets with the process;"
                f" build the core with .stored_in(folder) and then .effect_host(…), or with a durable {name}",
            )
