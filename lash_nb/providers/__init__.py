"""Who answers a model call: the port, the handle before it, real providers, and the scripted double."""

from lash_nb.providers._account import ANTHROPIC_URL, OPENAI_URL, OPENROUTER_URL
from lash_nb.providers._anthropic import AnthropicProvider
from lash_nb.providers._failure import FailureClass, classify_failure, llm_call_error
from lash_nb.providers._handle import PROVIDER_RAISED, ProviderHandle, hearing_providers_raise
from lash_nb.providers._models import KnownModel, known_model, known_models, model_spec
from lash_nb.providers._offline import OfflineProvider
from lash_nb.providers._openai_chat import OpenAiCompatibleProvider
from lash_nb.providers._openai_responses import OpenAiProvider
from lash_nb.providers._options import (
    CacheRetention,
    ProviderOptions,
    ProviderReliability,
    ProviderThinking,
    RateLimits,
    RetryOptions,
    Timeouts,
)
from lash_nb.providers._provider import LlmProvider, UnconfiguredProvider
from lash_nb.providers._replay import ReplayProvider, ReplayWarning
from lash_nb.providers._reply import ScriptedReply, call, calls, reply
from lash_nb.providers._scripted import Script, ScriptedProvider
from lash_nb.providers._stream import (
    DeltaEvent,
    LlmStreamEvent,
    PartEvent,
    ReasoningDeltaStream,
    RetryStatusStream,
    StreamSink,
    UsageEvent,
)

__all__ = [
    "ANTHROPIC_URL",
    "OPENAI_URL",
    "OPENROUTER_URL",
    "PROVIDER_RAISED",
    "AnthropicProvider",
    "CacheRetention",
    "DeltaEvent",
    "FailureClass",
    "KnownModel",
    "LlmProvider",
    "LlmStreamEvent",
    "OfflineProvider",
    "OpenAiCompatibleProvider",
    "OpenAiProvider",
    "PartEvent",
    "ProviderHandle",
    "ProviderOptions",
    "ProviderReliability",
    "ProviderThinking",
    "RateLimits",
    "ReasoningDeltaStream",
    "ReplayProvider",
    "ReplayWarning",
    "RetryOptions",
    "RetryStatusStream",
    "Script",
    "ScriptedProvider",
    "ScriptedReply",
    "StreamSink",
    "Timeouts",
    "UnconfiguredProvider",
    "UsageEvent",
    "call",
    "calls",
    "classify_failure",
    "hearing_providers_raise",
    "known_model",
    "known_models",
    "llm_call_error",
    "model_spec",
    "reply",
]
