"""Where the machine stands (lash 0.1.0-alpha.37, turns §2.2): three states without content, and one per effect that it waits for."""

from typing import Literal, TypeAlias

from lash_nb.machine._effects import (
    Checkpoint,
    ExecCode,
    LlmCall,
    PendingToolCall,
    SyncExecutionSurface,
    ToolCalls,
)
from lash_nb.wire import CheckpointKind, External, Json, LlmRequest, TurnOutcome, Wire

__all__ = [
    "FinishOnEmpty",
    "IdleState",
    "MachineState",
    "OnEmpty",
    "WaitingCheckpoint",
    "WaitingExec",
    "WaitingExecutionSurface",
    "WaitingLlm",
    "WaitingState",
    "WaitingTools",
]

IdleState: TypeAlias = Literal["PreparingProtocol", "PrepareIteration", "Finished"]
"""States in which no answer is owed."""


class FinishOnEmpty(External, frozen=True, kw_only=True):
    """End the turn when a checkpoint delivers nothing."""

    Finish: TurnOutcome | None = None
    """The outcome."""


OnEmpty: TypeAlias = Literal["PrepareIteration"] | FinishOnEmpty
"""How the turn goes on when a checkpoint delivers nothing."""


class WaitingExecutionSurface(Wire, frozen=True, kw_only=True):
    """Tools and prompt are brought up to date."""

    effect_id: int
    """Id of the effect."""
    update_machine_config: bool
    """Whether a new prompt and new tool specs are wanted."""

    def effect(self) -> SyncExecutionSurface:
        """Return the effect whose answer is owed."""
        return SyncExecutionSurface(id=self.effect_id, update_machine_config=self.update_machine_config)


class WaitingLlm(Wire, frozen=True, kw_only=True):
    """The model is called."""

    effect_id: int
    """Id of the effect."""
    request: LlmRequest
    """The request."""
    driver_state: Json = None
    """What the driver wants to remember of it."""

    def effect(self) -> LlmCall:
        """Return the effect whose answer is owed."""
        return LlmCall(id=self.effect_id, request=self.request)


class WaitingTools(Wire, frozen=True, kw_only=True):
    """Tool calls run."""

    effect_id: int
    """Id of the effect."""
    calls: tuple[PendingToolCall, ...]
    """The calls."""

    def effect(self) -> ToolCalls:
        """Return the effect whose answer is owed."""
        return ToolCalls(id=self.effect_id, calls=self.calls)


class WaitingExec(Wire, frozen=True, kw_only=True):
    """A code block runs."""

    effect_id: int
    """Id of the effect."""
    code: str
    """The source."""
    driver_state: Json
    """What the driver wants to remember of it."""

    def effect(self) -> ExecCode:
        """Return the effect whose answer is owed."""
        return ExecCode(id=self.effect_id, code=self.code)


class WaitingCheckpoint(Wire, frozen=True, kw_only=True):
    """Waiting work may come in."""

    effect_id: int
    """Id of the effect."""
    checkpoint: CheckpointKind
    """Which of the two places of a turn."""
    on_empty: OnEmpty
    """How the turn goes on when nothing comes in."""

    def effect(self) -> Checkpoint:
        """Return the effect whose answer is owed."""
        return Checkpoint(id=self.effect_id, checkpoint=self.checkpoint)


WaitingState: TypeAlias = WaitingExecutionSurface | WaitingLlm | WaitingTools | WaitingExec | WaitingCheckpoint
"""States in which an answer is owed; each knows its effect."""
MachineState: TypeAlias = IdleState | WaitingState
"""Where a machine stands."""
