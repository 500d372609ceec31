"""Model requests: as a provider gets them, and as an envelope carries them (lash 0.1.0-alpha.37, effect wire format §7.1–7.2, §16.3)."""

from collections.abc import Callable
from itertools import repeat
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from msgspec import field

from lash_nb.errors import AttachmentStoreError, RuntimeEffectControllerError
from lash_nb.wire._base import External, Json, NonZero, Octets, Wire, none
from lash_nb.wire._llm import LlmMessage
from lash_nb.wire._media import AttachmentCreateMeta, AttachmentRef, MediaType
from lash_nb.wire._shared import Shareable

__all__ = [
    "GenerationOptions",
    "JsonSchemaSpec",
    "LlmAttachment",
    "LlmAttachmentSpec",
    "LlmOutputSpec",
    "LlmRequest",
    "LlmRequestSpec",
    "LlmToolChoice",
    "LlmToolSpec",
    "OutputJsonSchema",
    "SchemaProjectionOverride",
    "StoreBytes",
]

StoreBytes: TypeAlias = Callable[[bytes, AttachmentCreateMeta], AttachmentRef]
"""Keeps bytes and tells where: the `put` of an attachment store."""
LlmToolChoice: TypeAlias = Literal["Auto", "None", "Required"]
"""Whether the model may, may not or must call a tool."""

Attachment = TypeVar("Attachment")
Request = TypeVar("Request", bound="_LlmRequest[Any]")


class SchemaProjectionOverride(Wire, frozen=True, kw_only=True):
    """A schema written by hand for one provider profile."""

    profile: str
    """The profile, e.g. `openai_tool_parameters`."""
    schema: Json
    """The JSON Schema."""


class LlmToolSpec(Wire, frozen=True, kw_only=True):
    """A tool as the model sees it."""

    name: str
    """The name to call."""
    description: str
    """What it does."""
    input_schema: Json
    """JSON Schema of the arguments."""
    output_schema: Json
    """JSON Schema of the result."""
    input_schema_projections: tuple[SchemaProjectionOverride, ...]
    """Argument schemas for single provider profiles."""
    output_schema_projections: tuple[SchemaProjectionOverride, ...]
    """Result schemas for single provider profiles."""


class GenerationOptions(Wire, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of one generation."""

    output_token_cap: NonZero | None = None
    """Most tokens to generate, at least 1."""

    def __post_init__(self) -> None:
        if self.output_token_cap is not None and self.output_token_cap < 1:
            message = f"output_token_cap must be at least 1, got {self.output_token_cap}"
            raise ValueError(message)


class JsonSchemaSpec(Wire, frozen=True, kw_only=True):
    """A JSON Schema that the answer must follow."""

    name: str
    """Name of the schema."""
    schema: Json
    """The JSON Schema."""
    strict: bool
    """Whether the provider must enforce it."""


class OutputJsonSchema(External, frozen=True, kw_only=True):
    """Structured output by schema."""

    JsonSchema: JsonSchemaSpec | None = None
    """The schema."""


LlmOutputSpec: TypeAlias = Literal["JsonObject"] | OutputJsonSchema
"""Structured output: any JSON object, or one of a schema."""


class LlmAttachment(Wire, frozen=True, kw_only=True):
    """Bytes of a live request."""

    mime: str
    """MIME type."""
    data: Octets
    """The bytes; empty until the reference is resolved."""
    reference: AttachmentRef | None = field(default_factory=none)
    """Where the bytes are stored."""


class LlmAttachmentSpec(Wire, frozen=True, kw_only=True):
    """An attachment of a serialized request: a reference only."""

    reference: AttachmentRef
    """Where the bytes are stored."""

    @classmethod
    def from_attachment(cls, attachment: LlmAttachment, put: StoreBytes) -> "LlmAttachmentSpec":
        """Return the reference of an attachment; bytes without one are stored first, by `put`.

        Raises:
            RuntimeEffectControllerError: `runtime_effect_attachment_missing_reference`, `runtime_effect_attachment_media_type` or
                `runtime_effect_attachment_store`, checked in that order.
        """
        if attachment.reference is not None:
            return cls(reference=attachment.reference)
        if not attachment.data:
            raise RuntimeEffectControllerError(
                "runtime_effect_attachment_missing_reference",
                "an attachment of the request has neither bytes nor a reference; give one of them",
            )
        media_type = MediaType.from_mime(attachment.mime)
        if media_type is None:
            raise RuntimeEffectControllerError(
                "runtime_effect_attachment_media_type",
                f"attachments of type `{attachment.mime}` cannot be stored; give a PNG, JPEG, GIF, WebP or BMP image",
            )
        try:
            return cls(reference=put(attachment.data, AttachmentCreateMeta(media_type=media_type)))
        except AttachmentStoreError as error:
            raise RuntimeEffectControllerError(
                "runtime_effect_attachment_store", f"an attachment of the request was not stored: {error.message}"
            ) from error

    def into_attachment(self) -> LlmAttachment:
        """Return the attachment of a live request, without its bytes."""
        reference = self.reference
        return LlmAttachment(mime=reference.media_type.mime, data=Octets(), reference=reference)


class _LlmRequest(Wire, Generic[Attachment], frozen=True, kw_only=True):
    """What both forms of a request have."""

    model: str
    """The model id."""
    messages: Shareable[LlmMessage]
    """The conversation."""
    attachments: tuple[Attachment, ...]
    """What image blocks point at."""
    tools: tuple[LlmToolSpec, ...]
    """The callable tools."""
    tool_choice: LlmToolChoice
    """Whether tools may be called."""
    model_variant: str | None = field(default_factory=none)
    """Variant of the model, e.g. a reasoning effort."""
    generation: GenerationOptions = field(default_factory=GenerationOptions)
    """Limits."""
    session_id: str | None = field(default_factory=none)
    """Cache key for the provider."""
    output_spec: LlmOutputSpec | None = field(default_factory=none)
    """Structured output, if asked for."""


class LlmRequestSpec(_LlmRequest[LlmAttachmentSpec], frozen=True, kw_only=True):
    """A model request as it is written into an envelope: no bytes, no callbacks."""

    @classmethod
    def from_request(cls, request: "LlmRequest", put: StoreBytes) -> "LlmRequestSpec":
        """Return the request as an envelope carries it: bytes without a reference are stored by `put`; errors as in `LlmAttachmentSpec.from_attachment`."""
        specs = tuple(map(LlmAttachmentSpec.from_attachment, request.attachments, repeat(put)))
        return _with_attachments(cls, request, specs)

    def into_request(self) -> "LlmRequest":
        """Return the live request, its attachments without their bytes."""
        return _with_attachments(LlmRequest, self, tuple(map(LlmAttachmentSpec.into_attachment, self.attachments)))


class LlmRequest(_LlmRequest[LlmAttachment], frozen=True, kw_only=True):
    """A model request as a provider gets it, its attachments with bytes."""


def _with_attachments(kind: type[Request], request: _LlmRequest[Any], attachments: tuple[Any, ...]) -> Request:
    """Return a request in its other form; each field by name, as going through a dict costs four times as much."""
    return kind(
        model=request.model,
        messages=request.messages,
        attachments=attachments,
        tools=request.tools,
        tool_choice=request.tool_choice,
        model_variant=request.model_variant,
        generation=request.generation,
        session_id=request.session_id,
        output_spec=request.output_spec,
    )
