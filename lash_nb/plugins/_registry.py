"""Which tools a session has, from which sources, and how that changes (lash 0.1.0-alpha.37, turns §12.2).

Every change makes a new table and counts the generation up; a fork shares sources and table until one of the two changes.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from lash_nb.errors import ToolRegistryError
from lash_nb.plugins._compact import compact_contract
from lash_nb.plugins._schema_check import check_schemas
from lash_nb.plugins._tool_provider import ToolProvider
from lash_nb.wire import Availability, ToolContract, ToolManifest, ToolState, ToolStateEntry

__all__ = ["CONTEXT_SOURCE", "PLUGINS_SOURCE", "ToolRegistry"]

PLUGINS_SOURCE: Final = "plugins"
"""All tool providers of plugins, as one source."""
CONTEXT_SOURCE: Final = "context"
"""Tools of one turn."""


@dataclass(frozen=True, slots=True)
class _Binding:
    """A tool with where it comes from."""

    source: str
    provider: ToolProvider
    manifest: ToolManifest


class ToolRegistry:
    """The tools of a session by name."""

    def __init__(self) -> None:
        self._sources: dict[str, tuple[ToolProvider, ...]] = {}
        self._tools: dict[str, _Binding] = {}
        self._generation = 0
        self._live = 0
        self._state: ToolState | None = None

    def __repr__(self) -> str:
        return f"ToolRegistry(generation={self._generation}, tools={sorted(self._tools)})"

    @property
    def generation(self) -> int:
        """Counts the changes."""
        return self._generation

    def manifests(self) -> tuple[ToolManifest, ...]:
        """Return all tools, sorted by name."""
        return tuple(self._tools[name].manifest for name in sorted(self._tools))

    def resolve_manifest(self, name: str) -> ToolManifest | None:
        """Return the tool of that name; one that a source knows without offering it is bound now."""
        found = self._bound(name)
        return None if found is None else found.manifest

    def resolve_contract(self, name: str) -> ToolContract | None:
        """Return the schemas of the tool of that name."""
        found = self._bound(name)
        return None if found is None else found.provider.resolve_contract(name)

    def provider(self, name: str) -> ToolProvider | None:
        """Return who runs the tool of that name."""
        found = self._bound(name)
        return None if found is None else found.provider

    def source(self, name: str) -> str | None:
        """Return the source of the tool of that name."""
        found = self._bound(name)
        return None if found is None else found.source

    def upsert_source(self, source: str, providers: Iterable[ToolProvider]) -> int:
        """Add a source, or read it again; return the new generation.

        Raises:
            ToolRegistryError: a name or id is blank, twice in the source, or another source's.
        """
        given = tuple(providers)
        bindings = self._read(source, given)
        others = {name: bound for name, bound in self._tools.items() if bound.source != source}
        _refuse_conflicts(bindings, others)
        self._sources[source] = given
        return self._change({**others, **{bound.manifest.name: bound for bound in bindings}})

    def overlay_source(self, source: str, providers: Iterable[ToolProvider]) -> int:
        """Add a source whose tools replace those of the same name or id; return the new generation."""
        given = tuple(providers)
        bindings = self._read(source, given)
        ids = {bound.manifest.id for bound in bindings}
        kept = {
            name: bound
            for name, bound in self._tools.items()
            if bound.source != source and bound.manifest.id not in ids
        }
        self._sources[source] = given
        return self._change({**kept, **{bound.manifest.name: bound for bound in bindings}})

    def add_live_source(self, provider: ToolProvider) -> str:
        """Add tools to the running session; return the source's name, `live:1` and so on."""
        self._live += 1  # a refused one uses up its name too: names are never given twice
        source = f"live:{self._live}"
        self.upsert_source(source, (provider,))
        self.refresh_sources()
        return source

    def remove_source(self, source: str) -> int:
        """Remove a source with its tools; return the generation that this made, before the others are read again.

        Raises:
            ToolRegistryError: there is no such source.
        """
        if source not in self._sources:
            known = ", ".join(self._sources)
            raise ToolRegistryError(f"unknown tool source: {source}; there are {known}", code="UnknownSource")
        del self._sources[source]
        generation = self._change({name: bound for name, bound in self._tools.items() if bound.source != source})
        self.refresh_sources()
        return generation

    def refresh_sources(self, *, only_changed: bool = False) -> None:
        """Read every source again; with `only_changed` one that offers what it offered does not count as a change."""
        for source, providers in list(self._sources.items()):
            if not (only_changed and self._is_as_read(source, providers)):
                self.upsert_source(source, providers)

    def _is_as_read(self, source: str, providers: Sequence[ToolProvider]) -> bool:
        held = {name: bound for name, bound in self._tools.items() if bound.source == source}
        return held == {bound.manifest.name: bound for bound in self._read(source, providers)}

    def set_availability(self, name: str, availability: Availability | None) -> int:
        """Override how far a tool is offered, or with None take the override back; return the new generation.

        Raises:
            ToolRegistryError: there is no such tool.
        """
        bound = self._tools.get(name)
        if bound is None:
            raise ToolRegistryError(f"unknown tool `{name}`; there are {', '.join(sorted(self._tools)) or 'none'}")
        manifest = replace(bound.manifest, availability_override=availability)
        return self._change({**self._tools, name: _Binding(bound.source, bound.provider, manifest)})

    def state(self) -> ToolState:
        """Return what is offered, as a value that is not to be changed: until something changes everybody gets the same, and it knows its hash."""
        if self._state is None:
            tools = {manifest.name: ToolStateEntry(manifest=manifest) for manifest in self.manifests()}
            self._state = ToolState(generation=self._generation, tools=tools)
        return self._state

    def apply_state(self, state: ToolState) -> int:
        """Take over an edited state; return the new generation.

        Raises:
            ToolRegistryError: the state was made of another generation, or names a tool that no source has.
        """
        if state.generation != self._generation:
            raise ToolRegistryError(
                f"generation mismatch: expected {state.generation}, actual {self._generation}; edit a fresh state",
                code="GenerationMismatch",
            )
        return self._change(self._rebound(state))

    def restore_state(self, state: ToolState) -> None:
        """Take over a stored state with its generation.

        Raises:
            ToolRegistryError: the state names a tool that no source has.
        """
        self._tools = self._rebound(state)
        self._generation = state.generation
        self._state = None

    def fork(self) -> "ToolRegistry":
        """Return a registry that starts from here and goes its own way."""
        forked = ToolRegistry()
        forked._sources = dict(self._sources)
        forked._tools = self._tools
        forked._generation = self._generation
        forked._live = self._live
        return forked

    def fork_with_state(self, state: ToolState) -> "ToolRegistry":
        """Return a registry over the same sources that offers what `state` says; its generation is at least 1."""
        forked = self.fork()
        forked.restore_state(ToolState(generation=max(state.generation, 1), tools=state.tools))
        return forked

    def _change(self, tools: dict[str, _Binding]) -> int:
        self._tools = tools
        self._state = None
        self._generation += 1
        return self._generation

    def _bound(self, name: str) -> _Binding | None:
        bound = self._tools.get(name)
        if bound is None and (found := next(self._candidates(name), None)):
            bound = _Binding(found.source, found.provider, _with_compact(found.manifest, found.provider))
            self._change({**self._tools, name: bound})
        return bound

    def _candidates(self, name: str) -> Iterator[_Binding]:
        """Yield who offers the tool, with its manifest as it is given: contracts are made compact only for what is bound."""
        for source, providers in self._sources.items():
            for provider in providers:
                manifest = provider.resolve_manifest(name)
                if manifest is not None and manifest.name == name:
                    yield _Binding(source, provider, manifest)

    def _read(self, source: str, providers: Sequence[ToolProvider]) -> list[_Binding]:
        overrides = {name: bound.manifest.availability_override for name, bound in self._tools.items()}
        bindings = [
            _Binding(source, provider, _with_override(_with_compact(manifest, provider), overrides))
            for provider in providers
            for manifest in provider.tool_manifests()
        ]
        _refuse_blanks(source, bindings)
        _refuse_doubles(source, "name", Counter(bound.manifest.name for bound in bindings))
        _refuse_doubles(source, "id", Counter(bound.manifest.id for bound in bindings))
        return bindings

    def _rebound(self, state: ToolState) -> dict[str, _Binding]:
        return {name: self._rebound_entry(name, entry.manifest) for name, entry in state.tools.items()}

    def _rebound_entry(self, name: str, manifest: ToolManifest) -> _Binding:
        if name != manifest.name:
            raise ToolRegistryError(f"tool state key `{name}` holds a manifest named `{manifest.name}`; use one name")
        known = list(self._candidates(name))
        if not known:
            raise ToolRegistryError(f"no tool source has `{name}`, which the tool state names; give the tool again")
        same = [bound for bound in known if bound.manifest.id == manifest.id]
        if not same:
            raise ToolRegistryError(
                f"tool `{name}` has id `{known[0].manifest.id}`, but the tool state says `{manifest.id}`; keep ids stable"
            )
        if len({bound.source for bound in same}) > 1:
            sources = ", ".join(f"`{bound.source}`" for bound in same)
            raise ToolRegistryError(f"tool `{name}` is in several sources: {sources}; remove one of them")
        return _Binding(same[0].source, same[0].provider, manifest)


def _with_compact(manifest: ToolManifest, provider: ToolProvider) -> ToolManifest:
    if manifest.compact_contract:  # a copy: its source may change what it gave
        return replace(manifest, compact_contract=deepcopy(manifest.compact_contract))
    contract = provider.resolve_contract(manifest.name)
    if contract is None:
        return manifest
    if not getattr(provider, "makes_schemas", False):
        check_schemas(manifest.name, contract)
    return replace(manifest, compact_contract=compact_contract(manifest, contract))


def _with_override(manifest: ToolManifest, overrides: Mapping[str, Availability | None]) -> ToolManifest:
    override = overrides.get(manifest.name)
    return manifest if override is None else replace(manifest, availability_override=override)


def _refuse_blanks(source: str, bindings: Iterable[_Binding]) -> None:
    for bound in bindings:
        if not bound.manifest.name.strip() or not bound.manifest.id.strip():
            raise ToolRegistryError(f"a tool of source `{source}` has a blank name or id: {bound.manifest}")


def _refuse_doubles(source: str, what: str, counted: Counter[str]) -> None:
    for value, times in counted.items():
        if times > 1:
            raise ToolRegistryError(f"duplicate tool {what} `{value}` in source `{source}`; rename one of the two")


def _refuse_conflicts(bindings: Iterable[_Binding], others: Mapping[str, _Binding]) -> None:
    by_id = {bound.manifest.id: bound for bound in others.values()}
    for bound in bindings:
        name, tool_id = bound.manifest.name, bound.manifest.id
        for what, value, owner in (("name", name, others.get(name)), ("id", tool_id, by_id.get(tool_id))):
            if owner is not None:
                raise ToolRegistryError(
                    f"duplicate tool {what} `{value}` from source `{bound.source}` conflicts with source `{owner.source}`; "
                    "rename one of the two"
                )
