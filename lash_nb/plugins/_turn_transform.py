"""What a turn works with, changed for that turn: what the model reads, what the prompt says, which tools there are (lash 0.1.0-alpha.37, turns §5.2)."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from lash_nb.plugins._direct import DirectCompletions
from lash_nb.plugins._tool_provider import ToolProvider
from lash_nb.wire import Message, PromptContribution, PromptUsage

__all__ = ["PreparedContext", "TurnContextTransform", "TurnTransformContext"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedContext:
    """What a turn begins with, on its way through the transforms."""

    messages: Sequence[Message] = field(repr=False)
    """The conversation with the turn's input; what a transform leaves out is off the session's path from then on."""
    prompt_contributions: tuple[PromptContribution, ...] = ()
    """Texts for the system prompt of this turn."""
    tool_providers: tuple[ToolProvider, ...] = ()
    """Tools of this turn; they stand in for the session's of the same name."""
    include_base_tools: bool = True
    """Whether the session's own tools are there, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnTransformContext:
    """The turn that is prepared."""

    session_id: str
    """The session."""
    prompt_usage: PromptUsage | None
    """Tokens of the last model call before; None when nothing was asked yet."""
    max_context_tokens: int
    """Size of the model's context window, in tokens."""
    plugin_inputs: Mapping[str, Any]
    """What the turn brings for plugins, by plugin id."""
    direct: DirectCompletions = field(repr=False)
    """Asks a model beside the conversation."""


class TurnContextTransform(Protocol):
    """Changes what turns begin with; of several, the one of higher priority comes first and the next gets what it made."""

    @property
    def priority(self) -> int:
        """The higher, the earlier."""
        ...

    def transform(
        self, context: TurnTransformContext, prepared: PreparedContext
    ) -> PreparedContext | Awaitable[PreparedContext]:
        """Return what the turn is to begin with."""
        ...
