"""What a plugin, a tool or a host asks a model beside the conversation (lash 0.1.0-alpha.37, recorded scenarios §2.3)."""

from typing import Final, Literal, TypeAlias

from msgspec import field

from lash_nb.errors import CallerError
from lash_nb.wire._base import U64, External, Wire
from lash_nb.wire._invocation import CausalRef, RuntimeReplay
from lash_nb.wire._llm import ImageBlock, LlmContentBlock, LlmMessage, LlmRole, TextBlock
from lash_nb.wire._llm_request import GenerationOptions, LlmAttachment, LlmOutputSpec, LlmRequest

__all__ = ["DirectMessage", "DirectOutput", "DirectPart", "DirectRequest", "DirectRole"]

DirectRole: TypeAlias = Literal["system", "user", "assistant"]
"""Who speaks in a direct completion."""
DirectOutput: TypeAlias = Literal["Text"] | LlmOutputSpec
"""What form the answer has: text, any JSON object, or one of a schema."""

_ROLES: Final[dict[DirectRole, LlmRole]] = {"system": "System", "user": "User", "assistant": "Assistant"}


class DirectPart(External, frozen=True, kw_only=True):
    """One part of a message."""

    Text: str | None = None
    """Text."""
    Image: U64 | None = None
    """A picture: an index into the request's attachments."""


class DirectMessage(Wire, frozen=True, kw_only=True):
    """One message of a direct completion."""

    role: DirectRole
    """Who speaks."""
    parts: tuple[DirectPart, ...]
    """What is said."""


class DirectRequest(Wire, frozen=True, kw_only=True):
    """A model call beside the conversation: it has no tools, and the session keeps nothing of it but what it cost."""

    model: str
    """The model id."""
    model_variant: str | None = None
    """Variant of the model, e.g. a reasoning effort."""
    messages: tuple[DirectMessage, ...]
    """Everything that the model is told."""
    attachments: tuple[LlmAttachment, ...] = ()
    """Pictures, with bytes or with a reference."""
    generation: GenerationOptions = field(default_factory=GenerationOptions)
    """Limits."""
    output: DirectOutput = "Text"
    """What form the answer has."""
    replay: RuntimeReplay | None = None
    """A key of the caller's own; a durable host answers a repeated call of this key from its record."""
    session_id: str | None = None
    """On whose behalf the provider is asked; None for the session that asks."""
    caused_by: CausalRef | None = None
    """What asks; None for the tool call or the session that does."""

    def into_request(self, session_id: str) -> LlmRequest:
        """Return the request as a provider gets it, on behalf of a session; texts of nothing, and messages of nothing else, are left out.

        Raises:
            CallerError: `direct_image_missing`, a message shows a picture that is not among the attachments.
        """
        return LlmRequest(
            model=self.model,
            model_variant=self.model_variant,
            messages=tuple(told for told in map(self._message, self.messages) if told.blocks),
            attachments=self.attachments,
            tools=(),
            tool_choice="None",
            generation=self.generation,
            session_id=session_id if self.session_id is None else self.session_id,
            output_spec=None if self.output == "Text" else self.output,
        )

    def _message(self, message: DirectMessage) -> LlmMessage:
        said = (part for part in message.parts if part.Text != "")
        return LlmMessage(role=_ROLES[message.role], blocks=tuple(map(self._block, said)))

    def _block(self, part: DirectPart) -> LlmContentBlock:
        if part.Image is None:
            return LlmContentBlock(Text=TextBlock(text=part.Text or "", cache_breakpoint=False))
        if part.Image >= len(self.attachments):
            raise CallerError(
                f"a message shows picture {part.Image}, the request has {len(self.attachments)}; add it to its attachments",
                code="direct_image_missing",
            )
        return LlmContentBlock(Image=ImageBlock(attachment_idx=part.Image))
