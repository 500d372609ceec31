"""Which variants a model has, told by its name, and how they are sent (lash 0.1.0-alpha.37, turns §15.4, §15.5 and §15.7).

Models that came after that release are told by their vendors' documentation.
"""

import re
from dataclasses import dataclass
from typing import Final

__all__ = [
    "Thinking",
    "anthropic_thinking",
    "anthropic_variants",
    "clamped_openai_effort",
    "has_adaptive_thinking",
    "openai_variants",
    "takes_temperature",
]

OPENAI_VARIANTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh")
_WITH_REASONING: Final = ("gpt-5", "gpt-6", "o")
"""Beginnings of models that reason."""
_WITHOUT_MINIMAL: Final = ("gpt-5.2", "gpt-5.3", "gpt-5.4", "gpt-5.5", "gpt-5.6", "gpt-6")
"""Beginnings of models that know no `minimal`: they are asked for `low`."""

_ADAPTIVE: Final = (
    (("opus-4-7", "opus-4.7"), ("low", "medium", "high", "xhigh")),
    (("opus-4-6", "opus-4.6"), ("low", "medium", "high", "max")),
    (("sonnet-4-6", "sonnet-4.6"), ("low", "medium", "high")),
)
"""Models that find out themselves how much to think, and their efforts."""
_LATER: Final = re.compile(r"opus-4[-.]8|(?:fable|mythos|opus|sonnet|haiku)-[5-9]")
"""Later models, all of which decide themselves how long to think."""
_LATER_EFFORTS: Final = ("low", "medium", "high")
_WITH_BUDGET: Final = ("haiku-4", "claude-opus-4", "claude-sonnet-4")
_BUDGETS: Final = {"none": None, "low": 1_024, "medium": 4_096, "high": 12_288}
"""Tokens of thinking for models that want a number."""


@dataclass(frozen=True, slots=True)
class Thinking:
    """How an Anthropic model is asked to think: one of both is set."""

    effort: str | None = None
    """How hard, for a model that decides itself how long."""
    budget_tokens: int | None = None
    """How many tokens at most, for the others."""


def openai_variants(model: str) -> tuple[str, ...]:
    """Return the reasoning efforts of a model of OpenAI; a `vendor/` before its name does not count."""
    return OPENAI_VARIANTS if _bare(model).startswith(_WITH_REASONING) else ()


def clamped_openai_effort(model: str, effort: str) -> str:
    """Return the effort as the model knows it."""
    return "low" if effort == "minimal" and _bare(model).startswith(_WITHOUT_MINIMAL) else effort


def has_adaptive_thinking(model: str) -> bool:
    """Tell whether an Anthropic model decides itself how long to think."""
    return bool(_adaptive_efforts(model))


def takes_temperature(model: str) -> bool:
    """Tell whether a model lets others choose how its words are drawn; from Claude Opus 4.7 on, Anthropic's refuse that."""
    lower = model.lower()
    return not (_LATER.search(lower) or any(part in lower for part in _ADAPTIVE[0][0]))


def anthropic_variants(model: str) -> tuple[str, ...]:
    """Return the reasoning efforts of an Anthropic model."""
    efforts = _adaptive_efforts(model)
    if efforts:
        return efforts
    return tuple(_BUDGETS) if any(part in model.lower() for part in _WITH_BUDGET) else ()


def anthropic_thinking(model: str, variant: str) -> Thinking | None:
    """Return how `model` is asked to think in `variant`; None when it is not asked to, or has no such variant."""
    if variant not in anthropic_variants(model) or variant == "none":
        return None
    if has_adaptive_thinking(model):
        return Thinking(effort=variant)
    return Thinking(budget_tokens=_BUDGETS[variant])


def _adaptive_efforts(model: str) -> tuple[str, ...]:
    lower = model.lower()
    known = next((efforts for parts, efforts in _ADAPTIVE if any(part in lower for part in parts)), ())
    return known or (_LATER_EFFORTS if _LATER.search(lower) else ())


def _bare(model: str) -> str:
    return model.rpartition("/")[2].lower()
