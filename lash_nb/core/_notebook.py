"""A builder for notebooks: who answers is found in the environment, everything is in memory or in one folder, and the trace is kept."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from lash_nb.core._builder import LashCoreBuilder
from lash_nb.core._choices import chosen_model, chosen_provider
from lash_nb.core._presets import standard
from lash_nb.errors import CallerError
from lash_nb.providers import (
    ANTHROPIC_URL,
    OPENAI_URL,
    OPENROUTER_URL,
    AnthropicProvider,
    LlmProvider,
    OfflineProvider,
    OpenAiCompatibleProvider,
    OpenAiProvider,
    ProviderHandle,
    ReplayProvider,
    model_spec,
)
from lash_nb.trace import JsonlTraceSink, MemoryTraceSink, TeeTraceSink, TraceSink
from lash_nb.wire import ModelSpec

__all__ = ["MODEL_SERVICES", "ModelService", "ProviderChoice", "choose_provider", "model_for", "notebook"]

Given: TypeAlias = LlmProvider | ProviderHandle | str | None


@dataclass(frozen=True, slots=True)
class ModelService:
    """Somebody who answers, to be named in one word."""

    name: str
    """The word."""
    make: Callable[[], LlmProvider] = field(repr=False)
    """Makes the provider, which finds the key by itself."""
    variable: str | None = None
    """The variable of the environment that says that it is to be asked; None where only its name does."""
    model: str | None = None
    """Which model is asked when none is named; None where only a person can know."""
    key: str | None = None
    """The variable of the environment that has its key; None where it takes none."""
    base_url: str | None = None
    """The address that is asked; None where the environment alone says it, or nobody is asked."""

    @property
    def is_ready(self) -> bool:
        """Whether the environment has what it needs."""
        return self.variable is None or bool(os.environ.get(self.variable, "").strip())


def _at(base_url: str) -> Callable[[], LlmProvider]:
    return lambda: OpenAiCompatibleProvider(base_url=base_url)


def _keyed(name: str, make: Callable[[], LlmProvider], key: str, model: str, base_url: str) -> ModelService:
    return ModelService(name, make, key, model, key, base_url)


def _local(name: str, base_url: str) -> ModelService:
    return ModelService(name, _at(base_url), base_url=base_url)


MODEL_SERVICES: Final[Mapping[str, ModelService]] = {
    service.name: service
    for service in (
        ModelService("openai-compatible", OpenAiCompatibleProvider, "OPENAI_BASE_URL", key="OPENAI_API_KEY"),
        _keyed("openai", OpenAiProvider, "OPENAI_API_KEY", "gpt-5-mini", OPENAI_URL),
        _keyed("anthropic", AnthropicProvider, "ANTHROPIC_API_KEY", "claude-sonnet-4-6", ANTHROPIC_URL),
        _keyed("openrouter", _at(OPENROUTER_URL), "OPENROUTER_API_KEY", "openai/gpt-5-mini", OPENROUTER_URL),
        _local("ollama", "http://127.0.0.1:11434/v1"),
        _local("vllm", "http://127.0.0.1:8000/v1"),
        ModelService("offline", OfflineProvider, model="offline-model"),
    )
}
"""By name, in the order in which the environment is asked: an address of one's own says more than a key."""
_REAL: Final = frozenset({"openai", "openai-compatible", "anthropic"})
"""Kinds of providers whose models have limits that somebody has to know."""


@dataclass(frozen=True, slots=True)
class ProviderChoice:
    """Who answers."""

    provider: ProviderHandle
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
    chosen = choose_provider(provider)
    builder = standard()
    builder = builder.in_memory() if store is None else builder.stored_in(Path(store).expanduser())
    builder = builder.provider(chosen.provider, because=chosen.because).model(
        model_for(chosen.provider, model or _model_of(chosen))
    )
    return builder.trace_sink(_sink(trace))


def model_for(provider: LlmProvider | ProviderHandle | None, model: ModelSpec | str) -> ModelSpec:
    """Return the model with its limits; providers without models of their own take any id.

    Raises:
        CallerError: `unknown_model`, nobody knows the limits of that model; `model`, it is neither a model nor an id.
    """
    is_real = provider is not None and provider.kind in _REAL
    return model_spec(model) if isinstance(model, str) and is_real else chosen_model(model)


def choose_provider(given: Given) -> ProviderChoice:
    """Return who answers: who is given or named, else whom the environment has the key of, else the offline demo.

    Raises:
        CallerError: `provider`, nobody has that name; `provider_key`, the environment lacks what it needs.
    """
    if isinstance(given, str):
        service = _named(given)
        return ProviderChoice(ProviderHandle(service.make()), f"you named {given}", service.model)
    if given is not None:
        return ProviderChoice(chosen_provider(given), "you gave it", _usual_model(given))
    for service in MODEL_SERVICES.values():
        if service.variable and service.is_ready:
            made = service.make()
            return ProviderChoice(
                ProviderHandle(made), f"{service.variable} is set, so this is asked: {made!r}", service.model
            )
    demo = OfflineProvider()
    variables = ", ".join(service.variable for service in MODEL_SERVICES.values() if service.variable)
    return ProviderChoice(
        ProviderHandle(demo), f"none of {variables} is set, and there is no model behind it", f"{demo.kind}-model"
    )


def _usual_model(provider: LlmProvider | ProviderHandle) -> str | None:
    if isinstance(provider, ReplayProvider):
        return provider.usual_model
    service = MODEL_SERVICES.get(provider.kind)
    return service.model if service else f"{provider.kind}-model"


def _named(name: str) -> ModelService:
    service = MODEL_SERVICES.get(name)
    if service is None:
        known = ", ".join(MODEL_SERVICES)
        raise CallerError(f"no provider is called {name!r}; give one of {known}, or a provider", code="provider")
    if not service.is_ready:
        raise CallerError(
            f"{name} needs the environment variable {service.variable}, which is not set; set it before the notebook starts, or in a"
            f" cell that does not show it: import os, getpass; os.environ[{service.variable!r}] = getpass.getpass()",
            code="provider_key",
        )
    return service


def _model_of(chosen: ProviderChoice) -> str:
    if chosen.model is None:
        raise CallerError(
            f"{chosen.provider.kind} answers, since {chosen.because}, and nobody knows which models it has;"
            " name one: --model ID in a magic, LashCore.notebook(model='…') in Python",
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
