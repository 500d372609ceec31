"""Models and session policies (lash 0.1.0-alpha.37, sessions §5)."""

from typing import Any, ClassVar

import msgspec
from msgspec import field

from lash_nb.wire._base import U64, Json, NonZero, Settled, Wire, no_entries, none, trimmed
from lash_nb.wire._prompt import PromptLayer

__all__ = ["ModelLimits", "ModelSpec", "PersistedSessionConfig", "ProtocolTurnOptions", "SessionPolicy"]


class ModelLimits(Wire, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much a model can take and give."""

    context_window_tokens: NonZero
    """Most tokens of a prompt, at least 1."""
    output_token_capacity: NonZero | None = None
    """Most tokens of an answer, at least 1."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is not None and value < 1:
                message = f"{name} must be at least 1, got {value}"
                raise ValueError(message)


class ModelSpec(Wire, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model with its limits."""

    id: str
    """The model id."""
    variant: str | None = None
    """A variant that the provider knows, e.g. a reasoning effort."""
    limits: ModelLimits
    """How much it can take."""

    @classmethod
    def from_token_limits(
        cls,
        id: str,
        *,
        context_window_tokens: int,
        output_token_capacity: int | None = None,
        variant: str | None = None,
    ) -> "ModelSpec":
        """Return a model with the given limits."""
        limits = ModelLimits(context_window_tokens=context_window_tokens, output_token_capacity=output_token_capacity)
        return cls(id=id, variant=variant, limits=limits)


_UNCONFIGURED = ModelSpec(id="", limits=ModelLimits(context_window_tokens=1))
_NO_PROMPT = PromptLayer()


def _unconfigured() -> ModelSpec:
    return _UNCONFIGURED


class SessionPolicy(Settled, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which model and provider a session uses, and how long its turns may be."""

    freely_read: ClassVar[bool] = True

    model: ModelSpec = field(default_factory=_unconfigured)
    """The model."""
    provider_id: str = field(default_factory=str)
    """Kind of the provider."""
    session_id: str | None = field(default_factory=none)
    """Cache key for the provider."""
    autonomous: bool = field(default_factory=bool)
    """Whether nobody watches."""
    max_turns: U64 | None = field(default_factory=none)
    """Most iterations of the model loop in one turn."""
    prompt: PromptLayer = _NO_PROMPT
    """The session's own prompt layer."""

    def __post_init__(self) -> None:
        super().__post_init__()
        msgspec.structs.force_setattr(self, "provider_id", trimmed(self.provider_id))

    @property
    def is_unconfigured(self) -> bool:
        """Whether neither provider nor model is named."""
        return not self.provider_id and not self.model.id

    def replace(self, **changes: Any) -> "SessionPolicy":
        """Return the policy with some fields changed."""
        return msgspec.structs.replace(self, **changes)


class PersistedSessionConfig(Wire, frozen=True, kw_only=True):
    """What a store's head keeps of the policy."""

    provider_id: str
    """Kind of the provider."""
    model: ModelSpec
    """The model."""


class ProtocolTurnOptions(Wire, frozen=True, kw_only=True):
    """Options of the protocol for a turn."""

    payload: Json = field(default_factory=no_entries)
    """The protocol's own object."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is set."""
        return bool(self.payload == {})

    def merged(self, override: "ProtocolTurnOptions | None") -> "ProtocolTurnOptions":
        """Return these options with `override` laid over them, key by key when both are objects."""
        if override is None:
            return self
        if isinstance(self.payload, dict) and isinstance(override.payload, dict):
            return ProtocolTurnOptions(payload={**self.payload, **override.payload})
        return override
