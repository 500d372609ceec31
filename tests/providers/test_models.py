"""Models whose limits are known, and what is said about the others."""

import pytest

from lash_nb.errors import CallerError
from lash_nb.providers import AnthropicProvider, LlmProvider, OpenAiProvider, known_model, known_models, model_spec
from lash_nb.wire import ModelSpec

PROVIDERS: dict[str, LlmProvider] = {
    "openai": OpenAiProvider(base_url="http://127.0.0.1:9"),
    "anthropic": AnthropicProvider(base_url="http://127.0.0.1:9"),
}


def test_what_is_known_makes_sense() -> None:
    """Each name once, limits in order, and providers that exist and offer the variants."""
    models = known_models()

    assert len({model.id for model in models}) == len(models) > 20
    for model in models:
        assert 0 < model.output_tokens < model.prompt_tokens <= model.context_window
        provider = PROVIDERS[model.provider]
        assert all(provider.supports_variant(model.id, variant) for variant in model.variants)
        assert not provider.supports_variant(model.id, "hardest")
        assert known_model(model.id) is model


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("gpt-5-mini-2025-08-07", "gpt-5-mini"),
        ("anthropic/claude-sonnet-4.6", "claude-sonnet-4-6"),
        (" OpenAI/GPT-5.2 ", "gpt-5.2"),
    ],
)
def test_a_model_by_its_other_names(name: str, id: str) -> None:
    """With a date, with its vendor, with dots."""
    known = known_model(name)

    assert known is not None
    assert known.id == id


def test_a_known_model_needs_no_limits() -> None:
    """The name stays as it was given, and what is given counts."""
    assert model_spec("openai/gpt-5.2", variant="high") == ModelSpec.from_token_limits(
        "openai/gpt-5.2", context_window_tokens=272_000, output_token_capacity=128_000, variant="high"
    )
    assert model_spec("gpt-4o", window=9, output=7) == ModelSpec.from_token_limits(
        "gpt-4o", context_window_tokens=9, output_token_capacity=7
    )


def test_an_unknown_model_needs_a_window() -> None:
    """Its answers are limited only when that is said."""
    assert model_spec("llama3.2", window=131_072) == ModelSpec.from_token_limits(
        "llama3.2", context_window_tokens=131_072
    )


def test_an_unknown_model_without_a_window_says_what_to_do() -> None:
    """And which names are like it."""
    with pytest.raises(CallerError) as raised:
        model_spec("claude-sonet-4-6")

    assert raised.value.code == "unknown_model"
    assert "'claude-sonet-4-6'" in raised.value.message
    assert "--window 32768" in raised.value.message
    assert "Did you mean claude-sonnet-4-6" in raised.value.message
    with pytest.raises(CallerError) as raised:
        model_spec("llama3.2")
    assert "Did you mean" not in raised.value.message


@pytest.mark.parametrize(("window", "output"), [(0, None), (-1, None), (1, 0)])
def test_limits_below_one(window: int, output: int | None) -> None:
    """They are refused in the words in which they were given."""
    with pytest.raises(CallerError, match="give at least 1") as raised:
        model_spec("gpt-4o", window=window, output=output)
    assert raised.value.code == "model_limits"
