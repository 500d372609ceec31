"""What a stepper view needs to step through: the port, implemented by the facade's stepper."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from lash_nb.wire import AttachmentId, EffectEntry, Message, RuntimeEffectEnvelope, RuntimeEffectOutcome

__all__ = ["Steppable", "StepperState"]

StepperState: TypeAlias = Literal["idle", "running", "paused", "finished"]
"""`idle`: no turn. `running`: between two stops. `paused`: an envelope waits. `finished`: the turn is over."""


@runtime_checkable
class Steppable(Protocol):
    """A turn that can be advanced one effect envelope at a time."""

    @property
    def session_id(self) -> str:
        """The session whose turn it is."""
        ...

    @property
    def state(self) -> StepperState:
        """What it does now."""
        ...

    @property
    def is_kept(self) -> bool:
        """Whether it is one turn, which is over and is kept as it was at its end."""
        ...

    @property
    def entries(self) -> Sequence[EffectEntry]:
        """The session's effects in order, the pending one last."""
        ...

    @property
    def first_order(self) -> int:
        """The order of the first effect behind the turns that are over: from there on they are of the turn that is under way."""
        ...

    @property
    def pending(self) -> EffectEntry | None:
        """The envelope that waits for a decision."""
        ...

    @property
    def stop_at(self) -> frozenset[str]:
        """Effect kinds before which it pauses."""
        ...

    @stop_at.setter
    def stop_at(self, kinds: frozenset[str]) -> None: ...

    @property
    def result(self) -> Any:
        """The turn's result once it is finished (`TurnLike`), else None."""
        ...

    @property
    def error(self) -> BaseException | None:
        """Why the turn ended without a result, if it did."""
        ...

    def conversation(self) -> Sequence[Message]:
        """Return what the model knows at this moment."""
        ...

    def tool_schema(self, name: str) -> dict[str, Any] | None:
        """Return the JSON Schema of a tool's arguments, or None when the tool is not known."""
        ...

    def attachment_data(self, attachment_id: AttachmentId) -> bytes:
        """Return the bytes of an attachment, or raise a `LashError`."""
        ...

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` on the event loop after each change; return what takes it off again."""
        ...

    async def step(self, edited: RuntimeEffectEnvelope | None = None) -> Any:
        """Perform the pending envelope, or `edited` in its place, and go on to the next stop."""
        ...

    async def continue_(self, to: str | None = None) -> Any:
        """Run to the next envelope of kind `to`, or to the end."""
        ...

    async def inject(self, outcome: RuntimeEffectOutcome) -> Any:
        """Answer the pending envelope with `outcome` instead of performing it."""
        ...

    async def cancel(self) -> Any:
        """Cancel the turn."""
        ...
