"""Messages to a model, and what its provider wants back beside them (lash 0.1.0-alpha.37, effect wire format §7.3–7.4)."""

from typing import Literal, TypeAlias

from msgspec import field

from lash_nb.wire._base import U64, External, Wire, none

__all__ = [
    "ImageBlock",
    "LlmContentBlock",
    "LlmMessage",
    "LlmRole",
    "ProviderReasoningReplay",
    "ProviderReplayMeta",
    "ReasoningBlock",
    "ResponseTextMeta",
    "TextBlock",
    "ToolCallBlock",
    "ToolResultBlock",
]

LlmRole: TypeAlias = Literal["User", "Assistant", "System"]
"""Who speaks in a model request."""


class ResponseTextMeta(Wire, frozen=True, kw_only=True):
    """What a provider wants back beside a text; passed through unread."""

    id: str | None = None
    """The provider's item id."""
    status: str | None = None
    """The provider's status."""
    phase: str | None = None
    """The provider's phase, e.g. `final_answer`."""


class ProviderReplayMeta(Wire, frozen=True, kw_only=True):
    """What a provider wants back beside a tool call; passed through unread."""

    item_id: str | None = None
    """The provider's item id."""
    opaque: str | None = None
    """Anything else."""


class ProviderReasoningReplay(Wire, frozen=True, kw_only=True):
    """What a provider wants back beside reasoning; passed through unread."""

    item_id: str | None = None
    """The provider's item id."""
    encrypted_content: str | None = None
    """Reasoning that only the provider can read."""
    signature: str | None = None
    """Proof that the reasoning is the provider's own."""
    redacted: bool = False
    """Whether the provider hid the text."""
    summary: tuple[str, ...] = ()
    """What the provider tells of the reasoning."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is set."""
        return not (self.item_id or self.encrypted_content or self.signature or self.redacted or self.summary)


class TextBlock(Wire, frozen=True, kw_only=True):
    """Text of a message."""

    text: str
    """The text."""
    response_meta: ResponseTextMeta | None = field(default_factory=none)
    """Provider metadata."""
    cache_breakpoint: bool
    """Whether the provider should cache up to here."""


class ImageBlock(Wire, frozen=True, kw_only=True):
    """A picture of a message."""

    attachment_idx: U64
    """Index into the request's attachments."""


class ToolCallBlock(Wire, frozen=True, kw_only=True):
    """A tool call that the model made earlier."""

    call_id: str
    """Id of the call."""
    tool_name: str
    """The tool."""
    input_json: str
    """The arguments as the model wrote them: JSON text."""
    replay: ProviderReplayMeta | None = field(default_factory=none)
    """Provider metadata."""


class ToolResultBlock(Wire, frozen=True, kw_only=True):
    """What a tool call gave."""

    call_id: str
    """Id of the call."""
    content: str
    """The result as the model sees it."""
    tool_name: str | None = field(default_factory=none)
    """The tool."""


class ReasoningBlock(Wire, frozen=True, kw_only=True):
    """Reasoning of the model that its provider wants back."""

    text: str
    """The visible text."""
    replay: ProviderReasoningReplay | None = field(default_factory=none)
    """Provider metadata."""


class LlmContentBlock(External, frozen=True, kw_only=True):
    """One block of a message to the model."""

    Text: TextBlock | None = None
    """Text."""
    Image: ImageBlock | None = None
    """A picture."""
    ToolCall: ToolCallBlock | None = None
    """A tool call."""
    ToolResult: ToolResultBlock | None = None
    """A tool result."""
    Reasoning: ReasoningBlock | None = None
    """Reasoning."""


class LlmMessage(Wire, frozen=True, kw_only=True):
    """One message to the model."""

    role: LlmRole
    """Who speaks."""
    blocks: tuple[LlmContentBlock, ...]
    """What is said."""
