"""A builder for notebooks: who answers is found in the environment, everything is in memory or in one folder, and the trace is kept."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from lash_nb.core._builder import LashCoreBuilder
from lash_nb.core._presets import standard
from lash_nb.errors import CallerError
from lash_nb.providers import (
    OPENROUTER_URL,
    AnthropicProvider,
    LlmProvider,
    OfflineProvider,
    OpenAiCompatibleProvider,
    OpenAiProvider,
    ProviderHandle,
    model_spec,
)
from lash_nb.trace import JsonlTraceSink, MemoryTraceSink, TeeTraceSink, TraceSink
from lash_nb.wire import ModelSpec

__all__ = ["notebook"]

Given: TypeAlias = LlmProvider | ProviderHandle | str | None


@dataclass(frozen=True, slots=True)
class _Service:
    """Somebody who answers when the environment has the key."""

    variable: str
    """The variable."""
    kind: str
    """Kind of the provider."""
    make: Callable[[], LlmProvider]
    """Makes the provider, which finds the key by itself."""
    model: str | None
    """Which model is asked when none is named; None where only a person can know."""


_SERVICES: Final[Mapping[str, _Service]] = {
    "openai-compatible": _Service("OPENAI_BASE_URL", "openai-compatible", OpenAiCompatibleProvider, None),
    "openai": _Service("OPENAI_API_KEY", "openai", OpenAiProvider, "gpt-5-mini"),
    "anthropic": _Service("ANTHROPIC_API_KEY", "anthropic", AnthropicProvider, "claude-sonnet-4-5"),
    "openrouter": _Service(
        "OPENROUTER_API_KEY",
        "openai-compatible",
        lambda: OpenAiCompatibleProvider(base_url=OPENROUTER_URL),
        "openai/gpt-5-mini",
    ),
}
"""By name, in the order in which the environment is asked: an address of one's own says more than a key."""


@dataclass(frozen=True, slots=True)
class _Choice:
    """Who answers."""

    provider: LlmProvider | ProviderHandle
    """It."""
    because: str
    """Why it."""
    model: str | None
    """Which model is asked when none is named; None where only a person can know."""


def notebook(
    provider: Given = None,
    model: ModelSpec | str | None = None,
    store: str | os.PathLike[str] | None = None,
    trace: TraceSink | str | os.PathLike[str] | None = None,
) -> LashCoreBuilder:
    """Return a builder with the standard mode that needs nothing more; `LashCore.provider_choice` says who answers. See `LashCore.notebook`."""
    chosen = _chosen(provider)
    builder = standard()
    builder = builder.in_memory() if store is None else builder.stored_in(Path(store).expanduser())
    builder = builder.provider(chosen.provider, because=chosen.because).model(_spec_of(model, chosen))
    return builder.trace_sink(_sink(trace))


def _chosen(given: Given) -> _Choice:
    if isinstance(given, str):
        service = _SERVICES.get(given)
        if service is None:
            known = ", ".join(_SERVICES)
            raise CallerError(f"no provider is called {given!r}; give one of {known}, or a provider", code="provider")
        return _Choice(service.make(), "you named it", service.model)
    if given is not None:
        service = _SERVICES.get(given.kind)
        return _Choice(given, "you gave it", service.model if service else f"{given.kind}-model")
    for service in _SERVICES.values():
        if os.environ.get(service.variable, "").strip():
            made = service.make()
            return _Choice(made, f"{service.variable} is set, so this is asked: {made!r}", service.model)
    demo = OfflineProvider()
    variables = ", ".join(service.variable for service in _SERVICES.values())
    return _Choice(demo, f"none of {variables} is set, and there is no model behind it", f"{demo.kind}-model")


def _spec_of(model: ModelSpec | str | None, chosen: _Choice) -> ModelSpec | str:
    """Return the model with its limits; doubles take any id and have none."""
    if isinstance(model, ModelSpec):
        return model
    named = model or _usual_model(chosen)
    is_real = chosen.provider.kind in {service.kind for service in _SERVICES.values()}
    return model_spec(named) if is_real else named


def _usual_model(chosen: _Choice) -> str:
    if chosen.model is None:
        raise CallerError(
            f"{chosen.provider.kind} answers, since {chosen.because}, and nobody knows which models it has;"
            " name one: LashCore.notebook(model='…')",
            code="model",
        )
    return chosen.model


def _sink(trace: TraceSink | str | os.PathLike[str] | None) -> TraceSink:
    """Where records go: always into memory, where `session.trace` finds them, and also where they are wanted."""
    if isinstance(trace, MemoryTraceSink):
        return trace
    memory = MemoryTraceSink()
    return (
        memory
        if trace is None
        else TeeTraceSink(memory, JsonlTraceSink(trace) if isinstance(trace, str | os.PathLike) else trace)
    )
