"""What a hook may want done: directives, and at which hooks they are valid (lash 0.1.0-alpha.37, turns §14.4)."""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import msgspec

from lash_nb.wire import (
    Json,
    PluginMessage,
    PluginRuntimeEvent,
    SessionCreateRequest,
    ToolCallOutput,
    TraceContext,
    Wire,
)

__all__ = [
    "MESSAGE_ROLES",
    "AbortTurn",
    "CreateSession",
    "EmitRuntimeEvents",
    "EmitTrace",
    "EnqueueMessages",
    "PluginDirective",
    "ReplaceToolArgs",
    "ShortCircuitTool",
    "TurnHookPoint",
    "refusal",
]

TurnHookPoint: TypeAlias = Literal["before_turn", "checkpoint", "after_turn"]
"""The hooks of a turn as a whole; those of tool calls have rules of their own."""


class AbortTurn(Wire, frozen=True, kw_only=True, tag_field="kind", tag="abort_turn"):
    """End the turn; around a tool call, end the call as failed."""

    code: str
    """Names the reason for programs."""
    message: str
    """The reason."""


class EnqueueMessages(Wire, frozen=True, kw_only=True, tag_field="kind", tag="enqueue_messages"):
    """Put messages into the conversation; after a tool call they come in at the next checkpoint."""

    messages: tuple[PluginMessage, ...]
    """Those of users and of the system; others are left out."""


class CreateSession(Wire, frozen=True, kw_only=True, tag_field="kind", tag="create_session"):
    """Make a session."""

    request: SessionCreateRequest
    """Which."""


class ReplaceToolArgs(Wire, frozen=True, kw_only=True, tag_field="kind", tag="replace_tool_args"):
    """Give a tool other arguments than the model did."""

    args: Json
    """The arguments."""


class ShortCircuitTool(Wire, frozen=True, kw_only=True, tag_field="kind", tag="short_circuit_tool"):
    """Do not run a tool; after it ran, put something else in the place of what it gave."""

    output: ToolCallOutput
    """The result of the call."""


class EmitRuntimeEvents(Wire, frozen=True, kw_only=True, tag_field="kind", tag="emit_runtime_events"):
    """Tell those who watch the turn."""

    events: tuple[PluginRuntimeEvent, ...]
    """What."""


class EmitTrace(Wire, frozen=True, kw_only=True, tag_field="kind", tag="emit_trace"):
    """Write a record `plugin.{plugin id}.{name}` into the trace."""

    name: str
    """Its name."""
    payload: Json
    """Its content."""
    context: TraceContext = msgspec.field(default_factory=TraceContext)
    """Its context; the session is added."""


PluginDirective: TypeAlias = (
    AbortTurn | EnqueueMessages | CreateSession | ReplaceToolArgs | ShortCircuitTool | EmitRuntimeEvents | EmitTrace
)
"""What hooks return, any number of them."""

MESSAGE_ROLES: Final = frozenset({"User", "System"})
"""Who may speak in messages that hooks enqueue."""

_TOOLS: Final[Mapping[type, str]] = {
    ReplaceToolArgs: "return it from before_tool_call",
    ShortCircuitTool: "return it from before_tool_call or after_tool_call",
}
_REFUSED: Final[Mapping[TurnHookPoint, Mapping[type, str]]] = {
    "before_turn": _TOOLS,
    "checkpoint": _TOOLS,
    "after_turn": {**_TOOLS, AbortTurn: "the turn is over; return it from before_turn or checkpoint"},
}
"""The directives that are not valid at a hook, with what to do instead."""


def refusal(point: TurnHookPoint, directive: PluginDirective) -> str | None:
    """Return why a directive is not valid at a hook; None for one that is."""
    instead = _REFUSED[point].get(type(directive))
    return instead and f"a directive {directive.__struct_config__.tag} is not valid in {point}: {instead}"
