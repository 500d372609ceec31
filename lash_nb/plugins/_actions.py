"""What a plugin lets its host do: named actions with schemas, called from outside of turns (lash 0.1.0-alpha.37, turns §14.5)."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from lash_nb.errors import PluginActionError
from lash_nb.plugins._hooks import asked
from lash_nb.plugins._plain import plain_json
from lash_nb.plugins._result import tool_ok
from lash_nb.wire import Json, ToolCallOutput

__all__ = [
    "PluginAction",
    "PluginActionContext",
    "PluginActionDef",
    "PluginActionHandler",
    "PluginActionKind",
    "SessionParam",
    "invoke_action",
]

PluginActionKind: TypeAlias = Literal["query", "command", "task"]
"""Whether an action only looks, changes something, or takes its time."""
SessionParam: TypeAlias = Literal["required", "optional", "forbidden"]
"""Whether an action is about a session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginActionDef:
    """What an action is called, and what it takes and gives."""

    name: str
    """Unique among the actions of a session."""
    description: str
    """What it does, for people."""
    kind: PluginActionKind
    """Whether it only looks."""
    session_param: SessionParam
    """Whether it is about a session."""
    input_schema: Json = None
    """JSON Schema of its arguments; None says nothing about them."""
    output_schema: Json = None
    """JSON Schema of its result; None says nothing about it."""


@dataclass(frozen=True, slots=True)
class PluginActionContext:
    """For whom an action is done."""

    session_id: str | None
    """The session; None when it is about none."""


PluginActionHandler: TypeAlias = Callable[[PluginActionContext, Any], Any]
"""Does an action with its arguments, which are JSON; returns a value that has a JSON form or a `ToolCallOutput`, at once or awaited."""


@dataclass(frozen=True, slots=True)
class PluginAction:
    """An action that a plugin brought."""

    plugin_id: str
    """The plugin."""
    definition: PluginActionDef
    """What it is called."""
    handler: PluginActionHandler
    """Does it."""


async def invoke_action(
    actions: Mapping[str, PluginAction], name: str, args: Json, *, session_id: str | None
) -> ToolCallOutput:
    """Do the action of that name.

    Raises:
        PluginActionError: there is none, or it wants a session, or wants none.
        PluginError: it raised.
    """
    action = actions.get(name)
    if action is None:
        known = ", ".join(sorted(actions)) or "none"
        raise PluginActionError("Unknown", f"unknown plugin action `{name}`; the plugins have {known}", name)
    wants = action.definition.session_param
    if wants == "required" and session_id is None:
        raise PluginActionError("MissingSession", f"plugin action `{name}` requires a session; name one", name)
    if wants == "forbidden" and session_id is not None:
        raise PluginActionError(
            "UnexpectedSession",
            f"plugin action `{name}` does not accept a session; call it without {session_id!r}",
            name,
        )
    context = PluginActionContext(session_id)
    output: ToolCallOutput = await asked(action.plugin_id, lambda given: _done(action.handler(given, args)), context)
    return output


async def _done(answer: Any) -> ToolCallOutput:
    given = await answer if inspect.isawaitable(answer) else answer
    return given if isinstance(given, ToolCallOutput) else tool_ok(plain_json(given))
