"""What the user gives to a turn becomes a message (lash 0.1.0-alpha.37, turns §5.1, §5.2)."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from lash_nb.errors import AttachmentStoreError, CallerError
from lash_nb.stores import AttachmentStore
from lash_nb.wire import (
    AttachmentCreateMeta,
    AttachmentRef,
    ImageRefItem,
    MediaType,
    Message,
    Octets,
    Part,
    PartAttachment,
    TextItem,
    TurnInput,
    sniff_image,
)

__all__ = ["NormalizedItem", "check_pictures", "input_part", "normalized", "pictures_of", "user_message"]

NormalizedItem: TypeAlias = str | AttachmentRef
"""A text, or a picture whose bytes are stored."""


def normalized(turn_input: TurnInput, attachments: AttachmentStore) -> tuple[NormalizedItem, ...]:
    """Return the input with neighboring texts joined, empty ones dropped, and the bytes of pictures stored.

    Raises:
        CallerError: `invalid_turn_input`, a picture without bytes, or bytes that cannot be stored.
    """
    items: list[NormalizedItem] = []
    for item in _stored(turn_input, attachments):
        if isinstance(item, str) and items and isinstance(items[-1], str):
            items[-1] += item
        elif item != "":
            items.append(item)
    return tuple(items)


def _stored(turn_input: TurnInput, attachments: AttachmentStore) -> Iterator[NormalizedItem]:
    for item in turn_input.items:
        match item:
            case TextItem(text=text):
                yield text
            case ImageRefItem(id=image_id):
                yield _store(image_id, turn_input, attachments)


def check_pictures(turn_input: TurnInput) -> None:
    """Check that all pictures of an input have bytes.

    Raises:
        CallerError: `invalid_turn_input`, one has none.
    """
    for item in turn_input.items:
        if isinstance(item, ImageRefItem):
            _bytes_of(item.id, turn_input)


def _bytes_of(image_id: str, turn_input: TurnInput) -> Octets:
    data = turn_input.image_blobs.get(image_id)
    if not image_id or data is None:
        raise CallerError(
            f"Invalid image_ref: no bytes for {image_id!r}; add them to image_blobs under that id",
            code="invalid_turn_input",
        )
    return data


def _store(image_id: str, turn_input: TurnInput, attachments: AttachmentStore) -> AttachmentRef:
    data = _bytes_of(image_id, turn_input)
    media_type = MediaType(type=sniff_image(data) or "png")
    try:
        return attachments.put(bytes(data), AttachmentCreateMeta(media_type=media_type, label=image_id))
    except AttachmentStoreError as error:
        raise CallerError(
            f"Invalid image_ref: {image_id!r} cannot be stored: {error.message}", code="invalid_turn_input"
        ) from error


def user_message(message_id: str, items: Sequence[NormalizedItem]) -> Message:
    """Return the user's message; an empty input is one empty text."""
    parts = tuple(input_part(f"{message_id}.p{index}", item) for index, item in enumerate(items or ("",)))
    return Message(id=message_id, role="User", parts=parts)


def input_part(part_id: str, item: NormalizedItem) -> Part:
    """Return the part of a message that an item becomes."""
    if isinstance(item, str):
        return Part(id=part_id, kind="Text", content=item, prune_state="Intact")
    attachment = PartAttachment(reference=item)
    return Part(id=part_id, kind="Image", content="", attachment=attachment, prune_state="Intact")


def pictures_of(messages: Iterable[Message]) -> tuple[AttachmentRef, ...]:
    """Return what messages show beside text, in order."""
    return tuple(part.attachment.reference for message in messages for part in message.parts if part.attachment)
