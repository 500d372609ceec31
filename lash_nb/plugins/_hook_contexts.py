"""What hooks get to know, and what those of model calls give back (lash 0.1.0-alpha.37, turns §14.2 and §14.3)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

from lash_nb.wire import (
    AssistantOutput,
    CheckpointKind,
    ExecutionSummary,
    Json,
    LlmResponse,
    Message,
    PluginRuntimeEvent,
    SessionPolicy,
    TokenUsage,
    ToolCallOutput,
    ToolCallRecord,
    TurnIssue,
    TurnOutcome,
)

__all__ = [
    "AssistantResponseHookContext",
    "AssistantResponseTransform",
    "AssistantStreamHookContext",
    "AssistantStreamTransform",
    "CheckpointHookContext",
    "PluginLifecycleEvent",
    "ReadMessages",
    "SessionConfigChanged",
    "SessionRestored",
    "ToolCallHookContext",
    "ToolResultHookContext",
    "TurnFinalized",
    "TurnHookContext",
    "TurnPersisted",
    "TurnResultHookContext",
    "TurnResultSummary",
]

ReadMessages: TypeAlias = Callable[[], Sequence[Message]]
"""Makes the messages of a conversation when somebody asks for them: a session has many, and most hooks read none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Conversation:
    """A session with the messages that it has at this moment."""

    session_id: str
    """The session."""
    read_messages: ReadMessages = field(repr=False)
    """Makes `messages`; valid while the hook runs."""

    @property
    def messages(self) -> tuple[Message, ...]:
        """The conversation so far; it costs what its length costs."""
        return tuple(self.read_messages())


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnHookContext(_Conversation):
    """A turn that is about to begin, its input among the messages."""

    plugin_inputs: Mapping[str, Any] = field(default_factory=dict)
    """What the turn brings for plugins, by plugin id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointHookContext(_Conversation):
    """A place in a turn where more may come in."""

    checkpoint: CheckpointKind
    """`after_work` or `before_completion`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnResultSummary:
    """What a turn gave."""

    outcome: TurnOutcome
    """How it ended."""
    assistant_output: AssistantOutput
    """The answer."""
    execution: ExecutionSummary
    """What it ran."""
    token_usage: TokenUsage
    """The turn's own tokens."""
    tool_calls: tuple[ToolCallRecord, ...]
    """Tool calls in order."""
    errors: tuple[TurnIssue, ...]
    """What went wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnResultHookContext:
    """A turn that is over and not yet committed."""

    session_id: str
    """The session."""
    turn: TurnResultSummary
    """What it gave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallHookContext:
    """A call of a tool that may run, before its arguments are checked."""

    session_id: str
    """The session."""
    call_id: str
    """Id of the call."""
    tool_name: str
    """The tool."""
    args: Json
    """The arguments as the model gave them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResultHookContext:
    """A call that ran, with all its attempts."""

    session_id: str
    """The session."""
    call_id: str
    """Id of the call."""
    tool_name: str
    """The tool."""
    args: Json
    """The arguments with which it ran."""
    output: ToolCallOutput
    """What it gave."""
    duration_ms: int
    """How long it took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantStreamHookContext:
    """A piece of text that the model just said; further hooks get what the one before made of it."""

    session_id: str
    """The session."""
    chunk: str
    """The piece."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantStreamTransform:
    """What is shown of a piece of text."""

    chunk: str = ""
    """The piece as it is to be; empty shows nothing."""
    reasoning_deltas: tuple[str, ...] = ()
    """What to show as reasoning before it."""
    events: tuple[PluginRuntimeEvent, ...] = ()
    """What to tell those who watch."""
    abort_stream: bool = False
    """Whether the model need not say more: the call ends with what was said so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantResponseHookContext:
    """A whole response; further hooks get what the one before made of it."""

    session_id: str
    """The session."""
    response: LlmResponse
    """The response."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantResponseTransform:
    """What counts as the response."""

    response: LlmResponse
    """The response as it is to be."""
    events: tuple[PluginRuntimeEvent, ...] = ()
    """What to tell those who watch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnFinalized:
    """A turn is over and about to be committed."""

    type: ClassVar[str] = "turn_finalized"
    session_id: str
    """The session."""
    turn: TurnResultSummary
    """What it gave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnPersisted(_Conversation):
    """A turn is committed; without a store it is simply kept."""

    type: ClassVar[str] = "turn_persisted"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRestored(_Conversation):
    """A session came to life, a new one too."""

    type: ClassVar[str] = "session_restored"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionConfigChanged:
    """A session works with something else than before: another model, provider or prompt."""

    type: ClassVar[str] = "session_config_changed"
    session_id: str
    """The session."""
    previous: SessionPolicy
    """What it worked with."""
    current: SessionPolicy
    """What it works with."""


PluginLifecycleEvent: TypeAlias = TurnFinalized | TurnPersisted | SessionRestored | SessionConfigChanged
"""What a plugin may follow from beside; what it raises is logged and changes nothing."""
