"""Going on in another agent frame (lash 0.1.0-alpha.37, sessions §6.3, turns §5.8)."""

import logging
from collections.abc import Iterable

from lash_nb.clock import Clock, IdSource, rfc3339
from lash_nb.errors import LashRuntimeError, WireError
from lash_nb.runtime._append import append_node
from lash_nb.runtime._result import TurnResult
from lash_nb.runtime._state import RuntimeSessionState
from lash_nb.wire import (
    AgentFrameRecord,
    Json,
    SessionAppendNode,
    SwitchAgentFrameControl,
    TextItem,
    ToolCallRecord,
    TurnInput,
    from_builtins,
)

__all__ = ["follow_up", "switch_frame"]

_LOG = logging.getLogger(__name__)


def switch_frame(
    state: RuntimeSessionState, frame_id: str, tool_calls: Iterable[ToolCallRecord], clock: Clock, ids: IdSource
) -> None:
    """Open the frame and put the nodes into it that the tool gave with its control; a blank or current frame changes nothing."""
    previous = state.current_frame
    if not frame_id.strip() or previous is None or frame_id == previous.frame_id:
        return
    frame = AgentFrameRecord(
        frame_id=frame_id,
        session_id=state.session_id,
        previous_frame_id=previous.frame_id,
        reason="continue_as",
        created_at=rfc3339(clock.now_ns()),
        assignment=previous.assignment,
        protocol_turn_options=previous.protocol_turn_options,
    )
    state.change_frame(status="superseded")
    state.agent_frames = (*state.agent_frames, frame)
    state.current_agent_frame_id = frame_id
    state.select_frame()
    control = _control(tool_calls, frame_id)
    for value in control.initial_nodes if control else ():
        _append(state, value, ids)


def follow_up(result: TurnResult, turn_input: TurnInput, root_turn_id: str, completed: int) -> TurnInput | None:
    """Return the input of the turn that goes on in the new frame; None when the turn did not switch.

    Raises:
        LashRuntimeError: `agent_frame_missing_task`; the session stays in the new frame.
    """
    switch = result.outcome.agent_frame_switch
    if switch is None:
        return None
    control = _control(result.tool_calls, switch.frame_id)
    if control is None or control.task is None:
        raise LashRuntimeError(
            "agent_frame_missing_task",
            f"frame {switch.frame_id} was opened without a task; give one with the next turn, or in the tool's control",
        )
    return TurnInput(
        items=(TextItem(text=control.task),),
        protocol_turn_options=turn_input.protocol_turn_options,
        trace_turn_id=f"{root_turn_id}:agent-frame:{completed}",
    )


def _control(tool_calls: Iterable[ToolCallRecord], frame_id: str) -> SwitchAgentFrameControl | None:
    controls = (record.output.control for record in tool_calls)
    return next((c for c in controls if isinstance(c, SwitchAgentFrameControl) and c.frame_id == frame_id), None)


def _append(state: RuntimeSessionState, value: Json, ids: IdSource) -> None:
    """Append one node; one that cannot be read is left out, aloud."""
    try:
        node: SessionAppendNode = from_builtins(value, SessionAppendNode)
    except WireError as error:
        _LOG.warning("a node of the new frame was left out: %s", error)
        return
    append_node(state.graph, node, ids)
