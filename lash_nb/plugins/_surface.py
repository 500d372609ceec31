"""What of the registry the model gets to see in a turn (lash 0.1.0-alpha.37, turns §11.2)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from msgspec.structs import replace

from lash_nb.errors import ToolRegistryError
from lash_nb.plugins._compact import call_path, compact_contract, compact_markdown
from lash_nb.plugins._registry import ToolRegistry
from lash_nb.wire import (
    Availability,
    LlmToolSpec,
    SessionToolAccess,
    ToolContract,
    ToolDefinition,
    ToolManifest,
    at_least,
)

__all__ = ["ToolSurface", "ToolSurfaceContribution", "ToolSurfaceEntry"]

_SEGMENT: Final = re.compile(r"(?=[^a-z]*[a-z])[a-z0-9_]+")
_ALL: Final = SessionToolAccess()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSurfaceContribution:
    """What a plugin changes about the offered tools."""

    availability: Mapping[str, Availability | None] = field(default_factory=dict)
    """By tool name; None leaves the tool as it is."""
    notes: tuple[str, ...] = ()
    """Lines under the list of tools in the prompt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSurfaceEntry:
    """A tool as a session offers it."""

    manifest: ToolManifest
    """The tool."""
    availability: Availability
    """How far it is offered, after all changes."""


class ToolSurface:
    """The tools of a turn with how far each is offered; a value: it does not follow later changes of the registry.

    Raises:
        ToolRegistryError: two callable tools have the same call path, or one has a path that agent code cannot write.
    """

    def __init__(
        self,
        registry: ToolRegistry,
        *,
        tool_access: SessionToolAccess = _ALL,
        contributions: Iterable[ToolSurfaceContribution] = (),
    ) -> None:
        changes = tuple(contributions)
        self._hidden = frozenset(tool_access.hidden_tools)
        offered = _granted(tool_access.tools) or dict(_registered(registry))
        self._contracts = {name: contract for name, (_, contract) in offered.items()}
        self._entries = {
            name: ToolSurfaceEntry(manifest=manifest, availability=self._level(manifest, changes))
            for name, (manifest, _) in offered.items()
        }
        self.notes: Final = tuple(note.strip() for change in changes for note in change.notes if note.strip())
        """Lines under the list of tools in the prompt."""
        _check_call_paths(entry.manifest for entry in self._callable())

    def __repr__(self) -> str:
        return f"ToolSurface({', '.join(f'{name}: {entry.availability}' for name, entry in self._entries.items())})"

    @property
    def entries(self) -> tuple[ToolSurfaceEntry, ...]:
        """All tools, also those that are off, sorted by name unless the session was given a list of its own."""
        return tuple(self._entries.values())

    @cached_property
    def tool_names(self) -> tuple[str, ...]:
        """The tools that the model may call."""
        return tuple(entry.manifest.name for entry in self._callable())

    def entry(self, name: str) -> ToolSurfaceEntry | None:
        """Return the tool of that name, None when the surface does not know it."""
        return self._entries.get(name)

    def availability(self, name: str) -> Availability | None:
        """Return how far a tool is offered, None when the surface does not know it."""
        found = self._entries.get(name)
        return None if found is None else found.availability

    def is_hidden(self, name: str) -> bool:
        """Tell whether the session must not have the tool, wherever it comes from."""
        return name in self._hidden

    def model_tool_specs(self) -> tuple[LlmToolSpec, ...]:
        """Return the callable tools as the model sees them; always the same objects."""
        return self._specs

    def prompt_docs(self) -> str:
        """Return the showcased tools and the notes as text for a prompt."""
        shown = (entry.manifest for entry in self.entries if at_least(entry.availability, "showcased"))
        docs = (compact_markdown(m.compact_contract) for m in shown if m.compact_contract is not None)
        return "\n\n".join((*docs, *self.notes))

    @cached_property
    def _specs(self) -> tuple[LlmToolSpec, ...]:
        return tuple(
            _spec(entry.manifest, contract)
            for entry in self._callable()
            if (contract := self._contracts[entry.manifest.name]) is not None
        )

    def _callable(self) -> Iterator[ToolSurfaceEntry]:
        return (entry for entry in self._entries.values() if at_least(entry.availability, "callable"))

    def _level(self, manifest: ToolManifest, changes: Iterable[ToolSurfaceContribution]) -> Availability:
        if manifest.name in self._hidden:
            return "off"
        level = manifest.effective_availability
        for change in changes:
            level = change.availability.get(manifest.name) or level
        return level


def _registered(registry: ToolRegistry) -> Iterator[tuple[str, tuple[ToolManifest, ToolContract | None]]]:
    for manifest in registry.manifests():
        yield manifest.name, (manifest, registry.resolve_contract(manifest.name))


def _granted(tools: Iterable[ToolDefinition]) -> dict[str, tuple[ToolManifest, ToolContract | None]]:
    return {one.name: (_with_compact(one), one.contract()) for one in tools}


def _with_compact(definition: ToolDefinition) -> ToolManifest:
    manifest = definition.manifest()
    return replace(manifest, compact_contract=compact_contract(manifest, definition.contract()))


def _spec(manifest: ToolManifest, contract: ToolContract) -> LlmToolSpec:
    return LlmToolSpec(
        name=manifest.name,
        description=manifest.description,
        input_schema=contract.input_schema,
        output_schema=contract.output_schema,
        input_schema_projections=contract.input_schema_projections,
        output_schema_projections=contract.output_schema_projections,
    )


def _check_call_paths(manifests: Iterable[ToolManifest]) -> None:
    owners: dict[str, str] = {}
    for manifest in manifests:
        path = call_path(manifest)
        if not all(map(_SEGMENT.fullmatch, path.split("."))):
            raise ToolRegistryError(
                f"tool `{manifest.name}` has the call path `{path}`; give it an agent surface with an operation of "
                "lower-case letters, digits and _"
            )
        if owners.setdefault(path, manifest.name) != manifest.name:
            raise ToolRegistryError(
                f"tools `{owners[path]}` and `{manifest.name}` have the same call path `{path}`; rename one operation"
            )
