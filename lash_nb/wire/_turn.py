"""What goes into a turn and what comes out (lash 0.1.0-alpha.37, turns §1.3, §5.1, §7.3)."""

from typing import Literal, TypeAlias

from msgspec import field

from lash_nb.errors import CallerError
from lash_nb.wire._base import External, Json, Octets, Wire, no_entries
from lash_nb.wire._image import picture_fault
from lash_nb.wire._llm_response import LlmTerminalReason
from lash_nb.wire._policy import ProtocolTurnOptions
from lash_nb.words import counted

__all__ = [
    "AgentFrameSwitch",
    "AssistantMessageFinish",
    "AssistantOutput",
    "AssistantOutputState",
    "ErrorEnvelope",
    "ExecutionSummary",
    "ImageRefItem",
    "InputItem",
    "StopReason",
    "SubmittedErrorStop",
    "SubmittedValueFinish",
    "TextItem",
    "ToolErrorStop",
    "ToolValueFinish",
    "TurnFinish",
    "TurnInput",
    "TurnIssue",
    "TurnOutcome",
    "TurnStop",
    "TurnStopDetail",
]


class TextItem(Wire, frozen=True, kw_only=True, tag_field="type", tag="text"):
    """Text that the user gives."""

    text: str
    """The text."""


class ImageRefItem(Wire, frozen=True, kw_only=True, tag_field="type", tag="image_ref"):
    """A picture that the user gives."""

    id: str
    """Key of the bytes in `image_blobs`."""


InputItem: TypeAlias = TextItem | ImageRefItem
"""One item of a turn's input."""


class TurnInput(Wire, frozen=True, kw_only=True):
    """What the user gives to a turn."""

    items: tuple[InputItem, ...]
    """Texts and pictures in order."""
    image_blobs: dict[str, Octets] = field(default_factory=no_entries)
    """Bytes of the pictures, by id."""
    protocol_turn_options: ProtocolTurnOptions | None = None
    """Options of the protocol."""
    trace_turn_id: str | None = None
    """The turn's id, when the caller chooses it."""

    @classmethod
    def text(cls, text: str) -> "TurnInput":
        """Return an input of one text."""
        return cls(items=(TextItem(text=text),))

    def with_image(self, image_id: str, data: bytes | bytearray | memoryview) -> "TurnInput":
        """Return the input with one more picture.

        Raises:
            CallerError: `turn_image`, it is none that a model can look at, or no bytes.
        """
        given = _given_bytes(data)
        fault = picture_fault(given)
        if fault is not None:
            raise CallerError(f"what was given, {counted(len(given), 'byte')}, is {fault}", code="turn_image")
        return TurnInput(
            items=(*self.items, ImageRefItem(id=image_id)),
            image_blobs={**self.image_blobs, image_id: given},
            protocol_turn_options=self.protocol_turn_options,
            trace_turn_id=self.trace_turn_id,
        )


def _given_bytes(data: object) -> Octets:
    if isinstance(data, bytes | bytearray | memoryview):
        return Octets(data)
    kind = type(data).__name__
    message = (
        f"a picture is bytes here, not {kind}; session.turn('…').image(…) takes the path of a file or a figure, too"
    )
    raise CallerError(message, code="turn_image")


class AssistantMessageFinish(Wire, frozen=True, kw_only=True):
    """The model answered."""

    text: str
    """The answer."""


class SubmittedValueFinish(Wire, frozen=True, kw_only=True):
    """Code submitted a value."""

    value: Json
    """The value."""


class ToolValueFinish(Wire, frozen=True, kw_only=True):
    """A tool ended the turn with a value."""

    tool_name: str
    """The tool."""
    value: Json
    """The value as a free one, attachments as they are written."""


class TurnFinish(External, frozen=True, kw_only=True):
    """How a turn finished."""

    assistant_message: AssistantMessageFinish | None = None
    """With an answer."""
    submitted_value: SubmittedValueFinish | None = None
    """With a value of a code block."""
    tool_value: ToolValueFinish | None = None
    """With a value of a tool."""


class SubmittedErrorStop(Wire, frozen=True, kw_only=True):
    """Code submitted an error."""

    value: Json
    """The error."""


class ToolErrorStop(Wire, frozen=True, kw_only=True):
    """A tool ended the turn with a failure."""

    tool_name: str
    """The tool."""
    value: Json
    """The failure."""


class TurnStopDetail(External, frozen=True, kw_only=True):
    """Why a turn stopped, where a word is not enough."""

    submitted_error: SubmittedErrorStop | None = None
    """Code submitted an error."""
    tool_error: ToolErrorStop | None = None
    """A tool failed it."""


StopReason: TypeAlias = Literal[
    "cancelled",
    "incomplete",
    "invalid_input",
    "max_turns",
    "tool_failure",
    "provider_error",
    "plugin_abort",
    "runtime_error",
]
"""Why a turn stopped, in a word."""
TurnStop: TypeAlias = StopReason | TurnStopDetail
"""Why a turn stopped."""


class AgentFrameSwitch(Wire, frozen=True, kw_only=True):
    """The session goes on in another frame."""

    frame_id: str
    """The frame."""


class TurnOutcome(External, frozen=True, kw_only=True):
    """How a turn ended."""

    finished: TurnFinish | None = None
    """It finished."""
    agent_frame_switch: AgentFrameSwitch | None = None
    """It goes on in another frame."""
    stopped: TurnStop | None = None
    """It stopped early."""

    @classmethod
    def answered(cls, text: str) -> "TurnOutcome":
        """Return the outcome of a turn that ends with the model's answer."""
        return cls(finished=TurnFinish(assistant_message=AssistantMessageFinish(text=text)))

    @classmethod
    def stop(cls, reason: StopReason) -> "TurnOutcome":
        """Return the outcome of a turn that stopped for a plain reason."""
        return cls(stopped=reason)

    @property
    def is_success(self) -> bool:
        """Whether the turn did not stop early."""
        return self.stopped is None

    @property
    def reason(self) -> str:
        """The end in one word, e.g. `assistant_message` or `cancelled`."""
        if self.finished is not None:
            return self.finished.tag
        if self.agent_frame_switch is not None:
            return "agent_frame_switch"
        return self.stopped.tag if isinstance(self.stopped, TurnStopDetail) else str(self.stopped)

    def says(self, issue: "TurnIssue") -> bool:
        """Whether an issue of the turn is no more than this end of it: that it was cancelled."""
        return self.stopped == issue.code == "cancelled"


AssistantOutputState: TypeAlias = Literal["usable", "empty_output", "traceback_only", "recovered_from_error"]
"""What the answer is good for."""


class AssistantOutput(Wire, frozen=True, kw_only=True):
    """The answer of a turn."""

    safe_text: str
    """Cleaned: no blanks at line ends, none around."""
    raw_text: str
    """As it came."""
    state: AssistantOutputState
    """What it is good for."""


class ExecutionSummary(Wire, frozen=True, kw_only=True):
    """What a turn ran."""

    had_tool_calls: bool = field(default_factory=bool)
    """Whether the model called tools."""
    had_code_execution: bool = field(default_factory=bool)
    """Whether code ran."""


class TurnIssue(Wire, frozen=True, kw_only=True):
    """Something that went wrong in a turn, or ended it."""

    kind: str
    """Which part of the runtime."""
    code: str | None = None
    """Machine-readable cause; `cancelled`: the turn was cancelled while its model was asked, and nothing is wrong with the model."""
    terminal_reason: LlmTerminalReason | None = None
    """Why the model call ended, if it was one."""
    message: str
    """What happened."""
    raw: str | None = None
    """The provider's own text."""


class ErrorEnvelope(Wire, frozen=True, kw_only=True):
    """The facts of an error event."""

    kind: str
    """Which part of the runtime."""
    code: str | None = None
    """Machine-readable cause."""
    terminal_reason: LlmTerminalReason | None = None
    """Why the model call ended, if it was one."""
    user_message: str
    """What happened."""
    raw: str | None = None
    """The provider's own text, cut in the middle when long."""
