"""Models whose limits are known, so that a name is all that has to be given. Limits are those that the vendors' model pages state."""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from lash_nb.errors import CallerError
from lash_nb.providers._model_families import anthropic_variants, openai_variants
from lash_nb.wire import ModelSpec

__all__ = ["KnownModel", "known_model", "known_models", "model_spec"]

_SNAPSHOT: Final = re.compile(r"-(?:\d{8}|\d{4}-\d{2}-\d{2})$")
"""The date at the end of a name that means a model as it was on that day."""


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model and its limits."""

    id: str
    """Its name, as its vendor's API has it."""
    provider: str
    """The kind of the provider that asks its vendor: `openai` or `anthropic`."""
    context_window: int
    """Most tokens of prompt and answer together."""
    prompt_tokens: int
    """Most tokens of a prompt: less than the window where the vendor keeps room for the answer."""
    output_tokens: int
    """Most tokens of an answer, reasoning included."""

    @property
    def variants(self) -> tuple[str, ...]:
        """Its reasoning efforts, as in `model_spec(…, variant=…)`; none where it has none."""
        return anthropic_variants(self.id) if self.provider == "anthropic" else openai_variants(self.id)


def _alike(provider: str, window: int, prompt: int, output: int, *ids: str) -> tuple[KnownModel, ...]:
    return tuple(KnownModel(id, provider, window, prompt, output) for id in ids)  # noqa: A001 - the field's own name


_MODELS: Final = (
    *_alike(
        "anthropic",
        1_000_000,
        1_000_000,
        128_000,
        "claude-fable-5-1",
        "claude-opus-5-5",
        "claude-opus-5",
        "claude-sonnet-5-5",
        "claude-sonnet-5",
        "claude-haiku-5-5",
        "claude-opus-4-8",
        "claude-opus-4-7",
        "claude-opus-4-6",
        "claude-sonnet-4-6",
    ),
    *_alike("anthropic", 200_000, 200_000, 64_000, "claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5"),
    *_alike(
        "openai",
        1_050_000,
        922_000,
        128_000,
        "gpt-6-sol",
        "gpt-6-luna",
        "gpt-5.6-sol",
        "gpt-5.6-luna",
        "gpt-5.5",
        "gpt-5.4",
    ),
    *_alike(
        "openai",
        400_000,
        272_000,
        128_000,
        "gpt-5.4-mini",
        "gpt-5.4-nano",
        "gpt-5.2",
        "gpt-5.1",
        "gpt-5",
        "gpt-5-mini",
        "gpt-5-nano",
    ),
    *_alike("openai", 1_047_576, 1_047_576, 32_768, "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano"),
    *_alike("openai", 200_000, 200_000, 100_000, "o4-mini", "o3", "o3-mini", "o1"),
    *_alike("openai", 128_000, 128_000, 16_384, "gpt-4o", "gpt-4o-mini"),
)
_BY_ID: Final = {model.id: model for model in _MODELS}


def known_models() -> tuple[KnownModel, ...]:
    """Return all models whose limits are known, by vendor, the newest first."""
    return _MODELS


def known_model(id: str) -> KnownModel | None:
    """Return the model of that name, or None.

    A date at its end does not count, nor the vendor before it, as OpenRouter has it: `anthropic/claude-sonnet-4.6`.
    """
    bare = _SNAPSHOT.sub("", id.strip().rpartition("/")[2].lower())
    return _BY_ID.get(bare) or _BY_ID.get(bare.replace(".", "-"))


def model_spec(
    id: str, *, variant: str | None = None, window: int | None = None, output: int | None = None
) -> ModelSpec:
    """Return a model with its limits: those that are given, else those that are known.

    Args:
        id: The name by which the provider knows it.
        variant: A reasoning effort.
        window: Most tokens of a prompt; has to be given of a model that nobody here knows.
        output: Most tokens of an answer.

    Raises:
        CallerError: `unknown_model`: no limits are given, and none are known; `model_limits`: one that is below 1.
    """
    known = known_model(id)
    for name, limit in (("window", window), ("output", output)):
        if limit is not None and limit < 1:
            raise CallerError(f"{name} is {limit} tokens; give at least 1", code="model_limits")
    if window is None:
        if known is None:
            raise _unknown(id)
        window = known.prompt_tokens
    capacity = output if output is not None or known is None else known.output_tokens
    return ModelSpec.from_token_limits(
        id, context_window_tokens=window, output_token_capacity=capacity, variant=variant
    )


def _unknown(id: str) -> CallerError:
    near = get_close_matches(id.rpartition("/")[2].lower(), _BY_ID, n=3)
    meant = f" Did you mean {' or '.join(near)}?" if near else ""
    return CallerError(
        f"how much the model {id!r} can take is not known here; say how many tokens its context window has:"
        f" --window 32768 in a magic, model_spec({id!r}, window=32768) in Python.{meant}",
        code="unknown_model",
    )
