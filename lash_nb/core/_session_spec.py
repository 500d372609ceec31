"""What a core or a session says about its policy (lash 0.1.0-alpha.37, facade §2.2)."""

from dataclasses import dataclass
from typing import Any

from msgspec import UNSET, UnsetType

from lash_nb.wire import ModelSpec, PromptLayer, SessionPolicy

__all__ = ["SessionSpec"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSpec:
    """Parts of a policy; what is not given comes from the policy that it is resolved against."""

    provider_id: str | None = None
    """Kind of the provider."""
    model: ModelSpec | None = None
    """The model."""
    max_turns: int | UnsetType | None = UNSET
    """Most iterations of the model loop in one turn; None for no limit."""
    prompt: PromptLayer | None = None
    """A prompt layer in place of the other one."""

    @classmethod
    def inherit(cls) -> "SessionSpec":
        """Return a spec that says nothing: everything is inherited."""
        return cls()

    def resolve_against(self, policy: SessionPolicy) -> SessionPolicy:
        """Return the policy with everything that is given put in."""
        given: dict[str, Any] = {
            name: value for name in ("provider_id", "model", "prompt") if (value := getattr(self, name)) is not None
        }
        if self.max_turns is not UNSET:
            given["max_turns"] = self.max_turns
        return policy.replace(**given)
