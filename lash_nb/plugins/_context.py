"""What a tool may know and use while it runs (lash 0.1.0-alpha.37, turns §12.1 and §12.4)."""

from collections.abc import Sequence
from typing import Final, Protocol

from msgspec import Struct

from lash_nb.clock import CancellationToken
from lash_nb.machine import PendingToolCall
from lash_nb.plugins._attachment_sink import AttachmentSink
from lash_nb.plugins._direct import DETACHED, DirectCompletions
from lash_nb.wire import CompletedToolCall, Json, PreparedToolCall

__all__ = ["ToolCall", "ToolContext", "ToolDispatch", "ToolPrepareContext", "tool_replay_key"]


class ToolDispatch(Protocol):
    """Lets a tool call other tools."""

    async def batch(self, calls: Sequence[PendingToolCall], /) -> tuple[CompletedToolCall, ...]:
        """Run calls, those of parallel tools side by side; the results are in the order of the calls, failures among them."""
        ...


def tool_replay_key(session_id: str, call_id: str, tool_name: str) -> str:
    """Return the key under which an outside system may recognize a repeated call."""
    return f"lash-tool:{session_id}:{call_id}:{tool_name}"


class ToolPrepareContext(Struct, frozen=True, kw_only=True):
    """What is known of a call before it runs."""

    session_id: str
    """The session."""
    call_id: str
    """Id of the call."""


class ToolContext(Struct, frozen=True, kw_only=True):
    """What is known of a running call; a tool function gets it by a parameter annotated `ToolContext`."""

    session_id: str
    """The session."""
    agent_frame_id: str
    """The agent frame in which the model made the call."""
    tool_call_id: str | None = None
    """Id of the call, given by the provider."""
    attempt_number: int = 1
    """Which attempt this is, from 1."""
    max_attempts: int = 1
    """Attempts in all."""
    replay_key: str
    """The same for every attempt and every replay of the call."""
    prepared_payload: Json = None
    """What the tool's provider remembered when the call was prepared."""
    cancellation: CancellationToken | None = None
    """Tells when the call is no longer wanted."""
    async_process_id: str | None = None
    """The background process in which the call runs."""
    attachments: AttachmentSink | None = None
    """Where to put bytes; None where there is no store."""
    dispatch: ToolDispatch | None = None
    """Calls other tools; None outside a dispatcher."""
    direct: DirectCompletions = DETACHED
    """Asks a model beside the conversation."""

    def __repr__(self) -> str:
        return f"ToolContext({', '.join(f'{name}={getattr(self, name)!r}' for name in _SHOWN)})"

    @classmethod
    def of_call(
        cls,
        prepared: PreparedToolCall,
        *,
        session_id: str,
        agent_frame_id: str,
        cancellation: CancellationToken | None = None,
        attachments: AttachmentSink | None = None,
        direct: DirectCompletions = DETACHED,
    ) -> "ToolContext":
        """Return the context of the first attempt of a prepared call."""
        return cls(
            session_id=session_id,
            agent_frame_id=agent_frame_id,
            tool_call_id=prepared.call_id,
            replay_key=tool_replay_key(session_id, prepared.call_id, prepared.tool_name),
            prepared_payload=prepared.prepared_payload,
            cancellation=cancellation,
            attachments=attachments,
            direct=direct.for_call(session_id, prepared.call_id),
        )


_SHOWN: Final = (
    "session_id",
    "agent_frame_id",
    "tool_call_id",
    "attempt_number",
    "max_attempts",
    "replay_key",
    "async_process_id",
)
"""What of a context is shown: neither what a provider remembered, nor what tools work with."""


class ToolCall(Struct, frozen=True, kw_only=True):
    """One execution of a tool."""

    name: str
    """The tool."""
    args: Json
    """The arguments, checked against the input schema."""
    context: ToolContext
    """Everything else."""
