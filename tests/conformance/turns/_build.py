"""From a scenario to a core: each key of the scenario is one call of the builder, in the order of the table."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, cast

from lash_nb.core import LashCore, LashCoreBuilder
from lash_nb.effects import EffectHost, InlineEffectHost
from lash_nb.runtime import TerminationPolicy
from lash_nb.stores import (
    InMemoryAttachmentStore,
    InMemoryLashlangArtifactStore,
    InMemorySessionStoreFactory,
    SessionStoreFactory,
)
from lash_nb.trace import MemoryTraceSink, TraceSink
from lash_nb.wire import ModelSpec, PromptContribution, PromptTemplate, TraceContext, from_builtins
from tests.conformance.turns._observed import HOST, SINK, Observed, observed_factory
from tests.conformance.turns._provider import ScriptProvider
from tests.conformance.turns._run import Run
from tests.conformance.turns._tools import ScriptTools
from tests.conformance.turns._words import look_up

__all__ = ["SCENARIO_KEYS", "build"]

MODES: Final[Mapping[str, Callable[[], LashCoreBuilder]]] = {"standard": LashCore.standard}
EFFECTS: Final[Mapping[str, Callable[[], EffectHost]]] = {"inline": InlineEffectHost}
ARTIFACTS: Final[Mapping[str, Callable[[], Any]]] = {"memory": InMemoryLashlangArtifactStore}
ATTACHMENTS: Final[Mapping[str, Callable[[], Any]]] = {"memory": InMemoryAttachmentStore}
STORES: Final[Mapping[str, Callable[[], SessionStoreFactory]]] = {"memory": InMemorySessionStoreFactory}

_MODEL: Final = {"id": "scripted-model", "limits": {"context_window_tokens": 200_000}}
_TEMPLATE: Final = {
    "sections": [
        {"entries": [{"kind": "text", "content": "You are a scripted agent in a recorded scenario."}]},
        {"title": "Project", "entries": [{"kind": "slot", "slot": "project_instructions"}]},
    ]
}


def _effects(builder: LashCoreBuilder, run: Run, given: str) -> LashCoreBuilder:
    host = look_up(EFFECTS, given, "effects")()
    return builder.effect_host(cast("EffectHost", Observed(host, HOST, run.recorder)))


def _artifacts(builder: LashCoreBuilder, _run: Run, given: str) -> LashCoreBuilder:
    return builder.lashlang_artifact_store(look_up(ARTIFACTS, given, "artifacts")())


def _attachments(builder: LashCoreBuilder, _run: Run, given: str) -> LashCoreBuilder:
    return builder.attachment_store(look_up(ATTACHMENTS, given, "attachments")())


def _provider(builder: LashCoreBuilder, run: Run, given: dict[str, Any]) -> LashCoreBuilder:
    return builder.provider(ScriptProvider(given, run.gates, run.recorder))


def _model(builder: LashCoreBuilder, _run: Run, given: dict[str, Any]) -> LashCoreBuilder:
    return builder.model(from_builtins(given, ModelSpec))


def _store(builder: LashCoreBuilder, run: Run, given: str) -> LashCoreBuilder:
    if given == "none":
        return builder
    factory = look_up(STORES, given, "store")()
    return builder.store_factory(cast("SessionStoreFactory", observed_factory(factory, run.recorder, run.stores)))


def _max_turns(builder: LashCoreBuilder, _run: Run, given: int) -> LashCoreBuilder:
    return builder.max_turns(given)


def _tools(builder: LashCoreBuilder, run: Run, given: list[dict[str, Any]]) -> LashCoreBuilder:
    return builder.tools(ScriptTools(given, run.gates, run.recorder))


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
    "effects": Setter(_effects, "inline"),
    "artifacts": Setter(_artifacts, "memory"),
    "attachments": Setter(_attachments, "memory"),
    "provider": Setter(_provider),
    "model": Setter(_model, _MODEL),
    "store": Setter(_store, "memory"),
    "max_turns": Setter(_max_turns),
    "tools": Setter(_tools),
    "residency": Setter(lambda builder, _run, given: builder.residency(given)),
    "termination": Setter(_termination),
    "prompt_template": Setter(_template, _TEMPLATE),
    "prompt": Setter(_prompt),
    "no_trace": Setter(_no_trace, False),
    "trace_level": Setter(lambda builder, _run, given: builder.trace_level(given)),
    "trace_context": Setter(lambda builder, _run, given: builder.trace_context(from_builtins(given, TraceContext))),
}
"""What the keys of a scenario do, in the order in which the builder is called."""
SCENARIO_KEYS: Final[frozenset[str]] = frozenset(SETTERS) | {"name", "about", "reference_defect", "mode", "steps"}


def build(run: Run) -> LashCore:
    """Return the core that the scenario describes.

    Raises:
        EmbedError: the builder refuses it.
        UnknownWordsError: the scenario wants something that is in no table.
    """
    builder = look_up(MODES, run.scenario.get("mode", "standard"), "mode")()
    for key, setter in SETTERS.items():
        given = run.scenario.get(key, setter.default)
        if given is not None:
            builder = setter.apply(builder, run, given)
    return builder.build()
