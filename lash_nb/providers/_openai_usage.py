"""Counters as OpenAI's endpoints and those that are like them report them (lash 0.1.0-alpha.37, turns §15.4)."""

from collections.abc import Mapping
from typing import Any

from lash_nb.providers._answer import count_at
from lash_nb.wire import LlmUsage

__all__ = ["openai_usage"]


def openai_usage(counters: Mapping[str, Any]) -> LlmUsage:
    """Return the counters of Responses and of Chat Completions alike; what was only written to the cache is not read from it."""
    cached = count_at(
        counters,
        "input_tokens_details.cached_tokens",
        "prompt_tokens_details.cached_tokens",
        "cached_input_tokens",
        "cached_tokens",
        "prompt_cache_hit_tokens",
    )
    written = count_at(counters, "input_tokens_details.cache_write_tokens", "prompt_tokens_details.cache_write_tokens")
    return LlmUsage(
        input_tokens=count_at(counters, "input_tokens", "prompt_tokens"),
        output_tokens=count_at(counters, "output_tokens", "completion_tokens"),
        cached_input_tokens=max(0, cached - written),
        reasoning_tokens=count_at(
            counters,
            "reasoning_tokens",
            "output_tokens_details.reasoning_tokens",
            "completion_tokens_details.reasoning_tokens",
        ),
    )
