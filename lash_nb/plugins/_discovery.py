"""What can be found about a session's tools: a catalog, and what plugins add to it (lash 0.1.0-alpha.37, turns §11.2 and §14.2)."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from lash_nb.errors import PluginError
from lash_nb.plugins._compact import authority_type, call_path, module_path
from lash_nb.plugins._hooks import listed
from lash_nb.plugins._surface import ToolSurface, ToolSurfaceEntry
from lash_nb.wire import at_least, to_builtins

__all__ = ["ToolDiscovery", "ToolDiscoveryContext", "ToolDiscoveryContributor", "tool_catalog"]

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolDiscovery:
    """What a plugin adds to a tool's entry."""

    tool_name: str
    """The tool; one that is not in the catalog is passed over."""
    namespace: str | None = None
    """Where to look for it; None or a blank leaves it as it is."""
    aliases: tuple[str, ...] = ()
    """Other names under which it is found, beside those that it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolDiscoveryContext:
    """What a discovery contributor may know."""

    session_id: str
    """The session."""
    catalog: Sequence[dict[str, Any]]
    """The entries without anybody's additions."""


ToolDiscoveryContributor: TypeAlias = Callable[[ToolDiscoveryContext], Iterable[ToolDiscovery]]
"""Adds to the catalog; asked whenever it is made."""


def tool_catalog(
    session_id: str, surface: ToolSurface, contributors: Sequence[tuple[str, ToolDiscoveryContributor]]
) -> list[dict[str, Any]]:
    """Return an entry for every tool that can be found; contributors that fail are told of in the log, and none of them adds anything."""
    catalog = [_entry(entry) for entry in surface.entries if at_least(entry.availability, "searchable")]
    by_name = {entry["name"]: entry for entry in catalog}
    try:
        additions = _additions(ToolDiscoveryContext(session_id=session_id, catalog=catalog), contributors)
    except PluginError as error:
        _LOG.warning("no plugin adds to the tool catalog of session %s: %s", session_id, error)
        return catalog
    for addition in additions:
        if addition.tool_name in by_name:
            _add(by_name[addition.tool_name], addition)
    return catalog


def _additions(
    context: ToolDiscoveryContext, contributors: Sequence[tuple[str, ToolDiscoveryContributor]]
) -> list[ToolDiscovery]:
    made: list[ToolDiscovery] = []
    for plugin, contributor in contributors:
        try:
            answer = contributor(context)
        except PluginError:
            raise
        except Exception as error:
            raise PluginError("invoke", f"`{plugin}` raised {type(error).__name__}: {error}") from error
        made += listed(plugin, ToolDiscovery, answer)
    return made


def _add(entry: dict[str, Any], addition: ToolDiscovery) -> None:
    if addition.namespace and addition.namespace.strip():
        entry["namespace"] = addition.namespace.strip()
    aliases = {*entry["aliases"], *(alias.strip() for alias in addition.aliases if alias.strip())}
    entry["aliases"] = sorted(aliases)


def _entry(entry: ToolSurfaceEntry) -> dict[str, Any]:
    manifest, level = entry.manifest, entry.availability
    surface = manifest.agent_surface
    found = {
        "id": manifest.id,
        "name": manifest.name,
        "module_path": list(module_path(surface)),
        "operation": call_path(manifest).rpartition(".")[2],
        "authority_type": authority_type(surface),
        "call": call_path(manifest),
        "description": manifest.description,
        "aliases": list(surface.aliases),
        "availability": level,
        "callable": at_least(level, "callable"),
        "showcased": at_least(level, "showcased"),
        "searchable": at_least(level, "searchable"),
        "activation": manifest.activation,
    }
    if manifest.compact_contract is not None:
        found["contract"] = to_builtins(manifest.compact_contract)
    return found
