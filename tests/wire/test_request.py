"""Requests on their way into an envelope and out of it: bytes are stored, references travel."""

import pytest

from lash_nb.errors import AttachmentStoreError, RuntimeEffectControllerError
from lash_nb.stores import InMemoryAttachmentStore
from lash_nb.wire import (
    AttachmentCreateMeta,
    AttachmentRef,
    LlmAttachment,
    LlmAttachmentSpec,
    LlmRequest,
    LlmRequestSpec,
    MediaType,
    Octets,
    content_id,
)

PNG = MediaType(type="png")
REF = AttachmentRef(id="a", media_type=PNG, byte_len=3, label="a picture")


def request(*attachments: LlmAttachment) -> LlmRequest:
    """Return a request with these attachments."""
    return LlmRequest(
        model="m",
        messages=(),
        attachments=attachments,
        tools=(),
        tool_choice="Auto",
        model_variant="fast",
        session_id="s",
    )


def test_bytes_are_stored_and_a_reference_is_taken_as_it_is() -> None:
    """What has a reference keeps it, bytes or not; bytes alone go to the store with nothing but their type."""
    store = InMemoryAttachmentStore()
    referred = LlmAttachment(mime="text/plain", data=Octets(b"ignored"), reference=REF)
    inline = LlmAttachment(mime=" IMAGE/PNG ", data=Octets(b"\x01\x02\x03\x04"))
    spec = LlmRequestSpec.from_request(request(referred, inline), store.put)
    stored = AttachmentRef(id=content_id(b"\x01\x02\x03\x04"), media_type=PNG, byte_len=4)
    assert spec.attachments == (LlmAttachmentSpec(reference=REF), LlmAttachmentSpec(reference=stored))
    assert store.get(stored.id).data == b"\x01\x02\x03\x04"
    assert (spec.model, spec.tool_choice, spec.model_variant, spec.session_id) == ("m", "Auto", "fast", "s")


def test_a_written_request_comes_back_without_bytes() -> None:
    """The live request has the references, their MIME types, and no bytes yet."""
    spec = LlmRequestSpec.from_request(request(LlmAttachment(mime="", data=Octets(), reference=REF)), _fail)
    assert spec.into_request() == request(LlmAttachment(mime="image/png", data=Octets(), reference=REF))


@pytest.mark.parametrize(
    ("attachment", "code"),
    [
        (LlmAttachment(mime="text/plain", data=Octets()), "runtime_effect_attachment_missing_reference"),
        (LlmAttachment(mime="image/png;q=1", data=Octets(b"x")), "runtime_effect_attachment_media_type"),
        (LlmAttachment(mime="image/png", data=Octets(b"x")), "runtime_effect_attachment_store"),
    ],
)
def test_what_cannot_be_stored_has_a_code(attachment: LlmAttachment, code: str) -> None:
    """Nothing to store, a type that no store takes, and a store that fails, in this order."""
    with pytest.raises(RuntimeEffectControllerError) as raised:
        LlmRequestSpec.from_request(request(attachment), _fail)
    assert raised.value.code == code


def _fail(data: bytes, meta: AttachmentCreateMeta) -> AttachmentRef:
    raise AttachmentStoreError("Io", f"no room for {len(data)} bytes of {meta.media_type.mime}")
