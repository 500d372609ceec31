"""The port of a protocol: what it is asked, what it sees, and the actions with which it answers (lash 0.1.0-alpha.37, turns §2.4).

A driver holds no state of a turn and changes nothing itself. It reads a `DriverContext` and returns actions; the machine applies them.
"""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from msgspec import Struct

from lash_nb.machine._config import TurnMachineConfig
from lash_nb.machine._effects import Emit, PendingToolCall
from lash_nb.machine._state import OnEmpty, WaitingExec, WaitingLlm
from lash_nb.machine._turn_limit import turn_limit_reached
from lash_nb.wire import (
    CheckpointKind,
    CompletedToolCall,
    ExecResult,
    Json,
    LlmRequest,
    LlmResponse,
    Message,
    SessionEventRecord,
    TurnCause,
    TurnOutcome,
)

__all__ = [
    "AdvanceProtocolIteration",
    "AppendEvents",
    "DriverAction",
    "DriverContext",
    "Finish",
    "ProtocolDriver",
    "ScheduleTurnLimitFinal",
    "StartCheckpoint",
    "StartExec",
    "StartLlm",
    "StartTools",
]


class AppendEvents(Struct, frozen=True, kw_only=True):
    """Add records to the session; messages among them are seen by the model from now on."""

    records: tuple[SessionEventRecord, ...]
    """The records, in order."""


class StartLlm(Struct, frozen=True, kw_only=True):
    """Call the model."""

    request: LlmRequest
    """The request."""
    driver_state: Json = None
    """What the driver wants back with the answer: plain JSON, so that it survives a checkpoint."""


class StartTools(Struct, frozen=True, kw_only=True):
    """Run tool calls."""

    calls: tuple[PendingToolCall, ...]
    """The calls."""


class StartExec(Struct, frozen=True, kw_only=True):
    """Run a code block."""

    code: str
    """The source."""
    driver_state: Json
    """What the driver wants back with the result: plain JSON."""


class StartCheckpoint(Struct, frozen=True, kw_only=True):
    """Let waiting work in."""

    checkpoint: CheckpointKind
    """Which of the two places of a turn."""
    on_empty: OnEmpty
    """How the turn goes on when nothing comes in."""


class AdvanceProtocolIteration(Struct, frozen=True, kw_only=True):
    """Count one more iteration; tools and prompt are brought up to date before the next one."""


class ScheduleTurnLimitFinal(Struct, frozen=True, kw_only=True):
    """Tell the model that the limit is reached and give it one grace iteration, unless it had it already."""

    message: Message
    """What the model reads."""


class Finish(Struct, frozen=True, kw_only=True):
    """End the turn; actions behind this one are not applied."""

    outcome: TurnOutcome
    """How it ends."""


DriverAction: TypeAlias = (
    Emit
    | AppendEvents
    | StartLlm
    | StartTools
    | StartExec
    | StartCheckpoint
    | AdvanceProtocolIteration
    | ScheduleTurnLimitFinal
    | Finish
)
"""What a driver wants done; `Emit` is the machine's own effect."""


class DriverContext(Struct, frozen=True, kw_only=True):
    """What a driver may read at one moment of a turn; the sequences are the machine's own, only to be read."""

    config: TurnMachineConfig
    """The machine's configuration, prompt and tools as they are now."""
    protocol_iteration: int
    """Iteration of the loop."""
    protocol_run_offset: int
    """Iteration with which the turn began."""
    turn_limit_final_scheduled: bool
    """Whether the grace iteration was given."""
    messages: Sequence[Message]
    """All messages so far."""
    events: Sequence[SessionEventRecord]
    """All records so far."""
    turn_causes: Sequence[TurnCause]
    """Events that woke the turn or arrived in it."""

    def project_llm_request(self, *, use_tools: bool) -> LlmRequest:
        """Return the request for the model as it stands now, with the tools or without."""
        return self.config.projector.project(
            self.config, messages=self.messages, turn_causes=self.turn_causes, use_tools=use_tools
        )

    @property
    def should_force_exit_after_grace_turn(self) -> bool:
        """Whether this is the grace iteration: it must be the last."""
        return self.turn_limit_final_scheduled

    @property
    def turn_limit_final_to_schedule(self) -> int | None:
        """The limit, when it is reached and the grace iteration was not yet given."""
        return turn_limit_reached(
            self.config.max_turns,
            iteration=self.protocol_iteration,
            offset=self.protocol_run_offset,
            scheduled=self.turn_limit_final_scheduled,
        )


class ProtocolDriver(Protocol):
    """What makes a turn a turn of a protocol; every method is a pure function of its arguments."""

    def prepare_protocol_iteration(self, context: DriverContext) -> Sequence[DriverAction]:
        """Begin an iteration, as a rule by calling the model."""
        ...

    def handle_llm_success(
        self, context: DriverContext, waiting: WaitingLlm, response: LlmResponse, *, text_streamed: bool
    ) -> Sequence[DriverAction]:
        """Go on from a model response that ended well."""
        ...

    def handle_tool_results(
        self, context: DriverContext, completed: tuple[CompletedToolCall, ...]
    ) -> Sequence[DriverAction]:
        """Go on from the results of tool calls."""
        ...

    def handle_exec_result(
        self, context: DriverContext, waiting: WaitingExec, result: ExecResult
    ) -> Sequence[DriverAction]:
        """Go on from the result of a code block."""
        ...
