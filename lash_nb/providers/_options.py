"""How a provider is to behave: what a person sets (lash 0.1.0-alpha.37, turns §15.1 and §15.2)."""

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt

__all__ = [
    "CacheRetention",
    "ProviderOptions",
    "ProviderReliability",
    "ProviderThinking",
    "RateLimits",
    "RetryOptions",
    "Timeouts",
]

CacheRetention: TypeAlias = Literal["none", "short", "long"]
"""How long a provider should keep a prompt in its cache."""


class _Settings(BaseModel):
    """Settings that refuse a key they do not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Timeouts(_Settings):
    """How long to wait, in milliseconds; `False` waits for ever."""

    request_timeout: PositiveInt | Literal[False] | None = None
    """Until the answer starts; absent means 300,000."""
    chunk_timeout: PositiveInt | Literal[False] | None = None
    """Between two pieces of the answer; absent means 120,000."""


class RetryOptions(_Settings):
    """When a failed call is tried again."""

    enabled: bool = True
    """Whether at all."""
    max_attempts: PositiveInt = 4
    """Attempts in all."""
    base_delay_ms: NonNegativeInt = 2_000
    """First delay in milliseconds, doubled each time."""
    max_delay_ms: NonNegativeInt = 10_000
    """Longest delay in milliseconds."""
    jitter_ms: NonNegativeInt = 0
    """Most random milliseconds added to a delay."""
    retry_after_cap_ms: NonNegativeInt | None = 60_000
    """Longest wait that a provider may ask for, in milliseconds."""


class RateLimits(_Settings):
    """How much may be asked of the provider; absent means no limit."""

    max_concurrency: PositiveInt | None = None
    """Calls at the same time."""
    requests_per_window: PositiveInt | None = None
    """Calls in one window."""
    request_window_ms: PositiveInt | None = None
    """Length of that window in milliseconds."""
    tokens_per_window: PositiveInt | None = None
    """Estimated tokens in one window."""
    token_window_ms: PositiveInt | None = None
    """Length of that window in milliseconds."""


class ProviderReliability(_Settings):
    """What is done against slow and failing calls.

    `ProviderHandle` obeys retries and rate limits, a provider that calls something over a network the timeouts, each attempt anew.
    """

    timeouts: Timeouts = Timeouts()
    """How long to wait."""
    retry: RetryOptions = RetryOptions()
    """When to try again."""
    rate_limits: RateLimits = RateLimits()
    """How much to ask at once."""


class ProviderThinking(_Settings):
    """What is shown of the model's reasoning."""

    expose: bool = False
    """Whether reasoning is asked for and shown."""


class ProviderOptions(_Settings):
    """Options that every provider takes."""

    reliability: ProviderReliability = ProviderReliability()
    """Timeouts, retries, rate limits."""
    thinking: ProviderThinking = ProviderThinking()
    """Reasoning."""
    max_output_tokens: PositiveInt | None = Field(default=None)
    """Most tokens of an answer when the request names no cap."""
    cache_retention: CacheRetention = "short"
    """How long prompts stay cached."""
