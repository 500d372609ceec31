"""From a scenario to a core: each key of the scenario is one call of the builder, in the order of the table."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from lash_nb.core import LashCore, LashCoreBuilder, ModePreset, RuntimeHostConfig
from lash_nb.effects import EffectHost, InlineEffectHost, SqliteEffectHost
from lash_nb.plugins import PluginStack, ToolOutputBudget, tool_output_budget
from lash_nb.runtime import TerminationPolicy
from lash_nb.stores import (
    AttachmentStore,
    FileAttachmentStore,
    HostEventStore,
    InMemoryAttachmentStore,
    InMemoryHostEventStore,
    InMemoryLashlangArtifactStore,
    InMemoryProcessRegistry,
    InMemorySessionStoreFactory,
    LashlangArtifactStore,
    ProcessRegistry,
    SessionStoreFactory,
    SqliteHostEventStore,
    SqliteLashlangArtifactStore,
    SqliteProcessRegistry,
    SqliteSessionStoreFactory,
)
from lash_nb.trace import MemoryTraceSink, TraceSink
from lash_nb.wire import ModelSpec, PromptContribution, PromptTemplate, TraceContext, from_builtins
from tests.conformance.turns._hook_plugins import hook_plugin
from tests.conformance.turns._observed import HOST, SINK, Observed, observed_factory
from tests.conformance.turns._plugins import CounterFactory, rewriter
from tests.conformance.turns._provider import ScriptProvider
from tests.conformance.turns._run import Run
from tests.conformance.turns._tools import ScriptTools
from tests.conformance.turns._words import look_up

__all__ = ["SCENARIO_KEYS", "build"]

MODES: Final[Mapping[str, Callable[[], LashCoreBuilder]]] = {"standard": LashCore.standard, "rlm": LashCore.rlm}
PRESETS: Final[Mapping[str, Callable[[], ModePreset]]] = {"standard": ModePreset.standard, "rlm": ModePreset.rlm}
EFFECTS: Final[Mapping[str, Callable[[Path], EffectHost]]] = {
    "inline": lambda _: InlineEffectHost(),
    "sqlite": lambda folder: SqliteEffectHost(folder / "effects.db"),
}
ARTIFACTS: Final[Mapping[str, Callable[[Path], LashlangArtifactStore]]] = {
    "memory": lambda _: InMemoryLashlangArtifactStore(),
    "sqlite": lambda folder: SqliteLashlangArtifactStore(folder / "artifacts.db"),
}
ATTACHMENTS: Final[Mapping[str, Callable[[Path], AttachmentStore]]] = {
    "memory": lambda _: InMemoryAttachmentStore(),
    "file": lambda folder: FileAttachmentStore(folder / "attachments"),
}
STORES: Final[Mapping[str, Callable[[Path], SessionStoreFactory]]] = {
    "memory": lambda _: InMemorySessionStoreFactory(),
    "sqlite": lambda folder: SqliteSessionStoreFactory(folder / "sessions"),
}
REGISTRIES: Final[Mapping[str, Callable[[Path], ProcessRegistry]]] = {
    "test": lambda _: InMemoryProcessRegistry(),
    "sqlite": lambda folder: SqliteProcessRegistry(folder / "processes.db"),
}
HOST_EVENTS: Final[Mapping[str, Callable[[Path], HostEventStore]]] = {
    "memory": lambda _: InMemoryHostEventStore(),
    "sqlite": lambda folder: SqliteHostEventStore(folder / "host_events.db"),
}

_MODEL: Final = {"id": "scripted-model", "limits": {"context_window_tokens": 200_000}}
_TEMPLATE: Final = {
    "sections": [
        {"entries": [{"kind": "text", "content": "You are a scripted agent in a recorded scenario."}]},
        {"title": "Project", "entries": [{"kind": "slot", "slot": "project_instructions"}]},
    ]
}


def _effects(builder: LashCoreBuilder, run: Run, given: str) -> LashCoreBuilder:
    host = run.keep("effects", lambda: look_up(EFFECTS, given, "effects")(run.folder))
    return builder.effect_host(cast("EffectHost", Observed(host, HOST, run.recorder)))


def _artifacts(builder: LashCoreBuilder, run: Run, given: str) -> LashCoreBuilder:
    return builder.lashlang_artifact_store(
        run.keep("artifacts", lambda: look_up(ARTIFACTS, given, "artifacts")(run.folder))
    )


def _attachments(builder: LashCoreBuilder, run: Run, given: str) -> LashCoreBuilder:
    return builder.attachment_store(
        run.keep("attachments", lambda: look_up(ATTACHMENTS, given, "attachments")(run.folder))
    )


def _provider(builder: LashCoreBuilder, run: Run, given: dict[str, Any]) -> LashCoreBuilder:
    return builder.provider(run.keep("provider", lambda: ScriptProvider(given, run.gates, run.recorder)))


def _model(builder: LashCoreBuilder, _run: Run, given: dict[str, Any]) -> LashCoreBuilder:
    return builder.model(from_builtins(given, ModelSpec))


def _store(builder: LashCoreBuilder, run: Run, given: str) -> LashCoreBuilder:
    if given == "none":
        return builder
    factory = run.keep("store", lambda: look_up(STORES, given, "store")(run.folder))
    observed = observed_factory(factory, run.recorder, run.stores, run.commits, run.bindings)
    return builder.store_factory(cast("SessionStoreFactory", observed))


def _child_store(builder: LashCoreBuilder, run: Run, given: str) -> LashCoreBuilder:
    return builder.child_store_factory(
        run.keep("child_store", lambda: look_up(STORES, given, "child_store")(run.folder / "children"))
    )


def _processes(builder: LashCoreBuilder, run: Run, given: str) -> LashCoreBuilder:
    if given == "none":
        return builder
    return builder.process_registry(run.keep("processes", lambda: look_up(REGISTRIES, given, "processes")(run.folder)))


def _host_events(builder: LashCoreBuilder, run: Run, given: str) -> LashCoreBuilder:
    if given == "none":
        return builder
    return builder.host_event_store(
        run.keep("host_events", lambda: look_up(HOST_EVENTS, given, "host_event_store")(run.folder))
    )


def _counters(builder: LashCoreBuilder, run: Run, given: list[dict[str, Any]]) -> LashCoreBuilder:
    for one in given:
        builder = builder.plugin(CounterFactory(one, run.recorder, run.counters))
    return builder


def _plugins(builder: LashCoreBuilder, run: Run, given: list[dict[str, Any]]) -> LashCoreBuilder:
    for one in given:
        builder = builder.plugin(hook_plugin(one, run.recorder))
    return builder


def _max_turns(builder: LashCoreBuilder, _run: Run, given: int) -> LashCoreBuilder:
    return builder.max_turns(given)


def _tools(builder: LashCoreBuilder, run: Run, given: list[dict[str, Any]]) -> LashCoreBuilder:
    return builder.tools(ScriptTools(given, run.gates, run.recorder))


def _budget(builder: LashCoreBuilder, run: Run, _given: bool) -> LashCoreBuilder:
    budget = tool_output_budget(ToolOutputBudget(folder=run.folder / "lash-tool-output"))

    def configure(stack: PluginStack) -> None:
        stack.replace(budget.id, budget)

    return builder.configure_plugins(configure)


def _termination(builder: LashCoreBuilder, _run: Run, given: dict[str, Any]) -> LashCoreBuilder:
    return builder.termination(TerminationPolicy(**given))


def _template(builder: LashCoreBuilder, _run: Run, given: dict[str, Any]) -> LashCoreBuilder:
    return builder.prompt_template(from_builtins(given, PromptTemplate))


def _prompt(builder: LashCoreBuilder, _run: Run, given: list[dict[str, Any]]) -> LashCoreBuilder:
    for contribution in given:
        builder = builder.prompt_contribution(from_builtins(contribution, PromptContribution))
    return builder


def _no_trace(builder: LashCoreBuilder, run: Run, given: bool) -> LashCoreBuilder:
    return builder if given else builder.trace_sink(cast("TraceSink", Observed(MemoryTraceSink(), SINK, run.recorder)))


class Setter(NamedTuple):
    """One key of a scenario."""

    apply: Callable[[LashCoreBuilder, Run, Any], LashCoreBuilder]
    """Calls the builder."""
    default: Any = None
    """What an absent key means; None: do not call."""


SETTERS: Final[Mapping[str, Setter]] = {
    "spilled outputs": Setter(_budget, True),
    "effects": Setter(_effects, "inline"),
    "artifacts": Setter(_artifacts, "as store"),
    "attachments": Setter(_attachments, "as store"),
    "provider": Setter(_provider),
    "model": Setter(_model, _MODEL),
    "store": Setter(_store, "memory"),
    "child_store": Setter(_child_store),
    "max_turns": Setter(_max_turns),
    "tools": Setter(_tools),
    "counter_plugins": Setter(_counters),
    "keep_last": Setter(lambda builder, _run, given: builder.plugin(rewriter(given))),
    "residency": Setter(lambda builder, _run, given: builder.residency(given)),
    "termination": Setter(_termination),
    "prompt_template": Setter(_template, _TEMPLATE),
    "prompt": Setter(_prompt),
    "processes": Setter(_processes, "none"),
    "host_event_store": Setter(_host_events, "as processes"),
    "no_trace": Setter(_no_trace, False),
    "trace_level": Setter(lambda builder, _run, given: builder.trace_level(given)),
    "trace_context": Setter(lambda builder, _run, given: builder.trace_context(from_builtins(given, TraceContext))),
    "plugins": Setter(_plugins),
}
"""What the keys of a scenario do, in the order in which the builder is called."""
SCENARIO_KEYS: Final[frozenset[str]] = frozenset(SETTERS) | {
    "name",
    "about",
    "reference_defect",
    "mode",
    "modes",
    "default_mode",
    "advanced_host",
    "steps",
    "omit",
    "record_kinds",
    "skip_kinds",
}
OMITTED: Final[Mapping[str, str]] = {
    "effect_host": "effects",
    "artifact_store": "artifacts",
    "attachment_store": "attachments",
    "provider": "provider",
    "model": "model",
    "store_factory": "store",
}
"""What `omit` calls the keys that it leaves out."""
BESIDE_STORE: Final[Mapping[str, Mapping[str, str]]] = {
    "artifacts": {"sqlite": "sqlite"},
    "attachments": {"sqlite": "file"},
}
"""What goes with a kind of store; in memory otherwise."""


def build(run: Run) -> LashCore:
    """Return the core that the scenario describes.

    Raises:
        EmbedError: the builder refuses it.
        UnknownWordsError: the scenario wants something that is in no table.
    """
    builder = _installed(run.scenario)
    omitted = {look_up(OMITTED, word, "omit") for word in run.scenario.get("omit", ())}
    for key, setter in SETTERS.items():
        given = None if key in omitted else _given(run.scenario, key)
        if given is not None:
            builder = setter.apply(builder, run, given)
    if run.scenario.get("advanced_host"):
        return builder.advanced().runtime_host_config(RuntimeHostConfig.in_memory()).build()
    return builder.build()


def _installed(scenario: dict[str, Any]) -> LashCoreBuilder:
    """Return a builder with the modes of the scenario: those that it lists, else both presets, its own first."""
    if "modes" in scenario:
        builder, modes = LashCore.builder(), scenario["modes"]
    else:
        mode = scenario.get("mode", "standard")
        builder, modes = look_up(MODES, mode, "mode")(), sorted(PRESETS.keys() - {mode})
    for mode in modes:
        builder = builder.install_mode(look_up(PRESETS, mode, "modes")())
    return builder.default_mode(scenario["default_mode"]) if "default_mode" in scenario else builder


def _given(scenario: dict[str, Any], key: str) -> Any:
    given = scenario.get(key, SETTERS[key].default)
    store = scenario.get("store", "memory")
    match given:
        case "as store":
            return BESIDE_STORE[key].get(store, "memory")
        case "as processes":
            return _host_events_beside(scenario.get("processes"), store)
        case bool() if key == "processes":
            return ("sqlite" if store == "sqlite" else "test") if given else "none"
    return given


def _host_events_beside(processes: bool | str | None, store: str) -> str:
    """Host events go with a registry: as durable as it is, or as the sessions when that is not said."""
    if processes is True:
        return "sqlite" if store == "sqlite" else "memory"
    return {"sqlite": "sqlite", "test": "memory"}.get(str(processes), "none")
