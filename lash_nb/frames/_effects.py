"""One row per effect envelope of a session."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from lash_nb.frames._column import Column, nothing
from lash_nb.frames._table import Rows, table
from lash_nb.wire import (
    CheckpointCommand,
    DirectCommand,
    EffectEntry,
    ExecCodeCommand,
    LlmCallCommand,
    ProcessEffectCommand,
    SleepCommand,
    SyncExecutionSurfaceCommand,
    ToolCallCommand,
)

__all__ = ["EFFECT_COLUMNS", "effects_df"]

_SUBJECTS: Final[Mapping[type, Callable[[Any], Any]]] = {
    LlmCallCommand: lambda command: command.request.model,
    DirectCommand: lambda command: command.request.model,
    ToolCallCommand: lambda command: command.call.tool_name,
    ProcessEffectCommand: lambda command: command.command.__struct_config__.tag,
    ExecCodeCommand: lambda command: command.code.strip().partition("\n")[0],
    CheckpointCommand: lambda command: command.checkpoint,
    SleepCommand: lambda command: f"{command.duration_ms} ms",
    SyncExecutionSurfaceCommand: lambda _command: "surface",
}
"""What one word says about a command of each kind."""

_WITHOUT_OUTCOME: Final = frozenset({"pending", "running"})
"""What became of an effect of which there is no outcome yet, and so nothing that tells where it came from."""

EFFECT_COLUMNS: Final = (
    Column("order", "order", "Int64", "Position in the session, from 1."),
    Column("turn_index", "envelope.invocation.scope.turn_index", "Int64", "Number of the turn in its session."),
    Column("protocol_iteration", "envelope.invocation.scope.protocol_iteration", "Int64", "Round of the turn, from 0."),
    Column("kind", "envelope.kind", "category", "What kind of step."),
    Column(
        "what",
        lambda entry: _what(entry.envelope.command),
        "string",
        "Model, tool, checkpoint, surface or first line of code.",
    ),
    Column("effect_id", "envelope.invocation.effect_id", "string", "Id of the step in its turn."),
    Column(
        "status",
        "status",
        "category",
        "`pending`, `running`, `ok`, `failed`, `cancelled`, or `error` of the host itself.",
    ),
    Column(
        "origin",
        lambda entry: None if entry.status in _WITHOUT_OUTCOME else entry.origin,
        "category",
        "Whether the outcome was executed, injected, edited or replayed.",
    ),
    Column("duration_ms", "duration_ms", "Float64", "How long the host took, in milliseconds."),
    Column("replay_key", "envelope.invocation.replay_key", "string", "Identity under which a durable host finds it."),
    Column("started_at", "started_at", "datetime64[ns, UTC]", "When it was handed to the host."),
    Column("error_code", "error.code", "category", "Why the host could not perform it."),
    Column("error_message", "error.message", "string", "What the host says about that."),
)
"""What was asked, what became of it, and under which identity."""

_ALWAYS: Final = (
    EFFECT_COLUMNS[0],
    Column("session_id", "envelope.invocation.scope.session_id", "category", "The session."),
    Column("turn_id", "envelope.invocation.scope.turn_id", "string", "The turn."),
    EFFECT_COLUMNS[1],
    Column("effect_id", "envelope.invocation.effect_id", "string", "Id of the step in its turn."),
    Column("llm_call_id", nothing, "string", "Always empty: an envelope does not carry the trace's id of a call."),
    Column("graph_node_id", nothing, "string", "Always empty: an envelope belongs to no node."),
)


@table(EFFECT_COLUMNS, always=_ALWAYS, listing="session.effects")
def effects_df(entries: Sequence[EffectEntry]) -> Rows:
    """One row per effect envelope of a session, as in `session.effects`; a column's function gets the `EffectEntry`."""
    return Rows(entries)


def _what(command: Any) -> Any:
    subject = _SUBJECTS.get(type(command))
    return subject(command) if subject else None
