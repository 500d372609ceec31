"""What a user gives becomes a message."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lash_nb.errors import AttachmentStoreError, CallerError
from lash_nb.runtime._input import normalized, user_message
from lash_nb.stores import AttachmentStore, InMemoryAttachmentStore
from lash_nb.wire import (
    AttachmentCreateMeta,
    AttachmentRef,
    ImageRefItem,
    InputItem,
    Octets,
    TextItem,
    TurnInput,
    content_id,
)
from tests.stores.material import png


class FullStore(InMemoryAttachmentStore):
    """A store with no room left."""

    def put(self, data: bytes, meta: AttachmentCreateMeta) -> AttachmentRef:
        """Refuse."""
        raise AttachmentStoreError("Io", f"no room for {len(data)} bytes of {meta.label}")


def given_items(*items: str | InputItem, store: AttachmentStore | None = None, **blobs: bytes) -> list[str]:
    """What an input is after normalization, pictures as the beginning of their ids."""
    whole = tuple(TextItem(text=item) if isinstance(item, str) else item for item in items)
    turn_input = TurnInput(items=whole, image_blobs={name: Octets(data) for name, data in blobs.items()})
    made = normalized(turn_input, store or InMemoryAttachmentStore())
    return [item if isinstance(item, str) else item.id for item in made]


def test_neighboring_texts_are_one() -> None:
    """Texts are joined without anything between them, empty ones are dropped."""
    assert given_items("a", "", "b") == ["ab"]
    assert given_items("") == []
    assert given_items() == []


def test_a_picture_parts_the_texts() -> None:
    """The picture's bytes are stored; it stands where it was given."""
    picture = png(3, 2)
    assert given_items("a", ImageRefItem(id="x"), "b", "c", x=picture) == ["a", content_id(picture), "bc"]


def test_empty_texts_around_a_picture_vanish() -> None:
    """What is empty is no item."""
    picture = png(1, 1)
    assert given_items("", ImageRefItem(id="x"), "", x=picture) == [content_id(picture)]


@pytest.mark.parametrize(("data", "kind"), [(png(3, 2), "png"), (b"GIF89a" + bytes(8), "gif"), (b"who knows", "png")])
def test_a_pictures_type_is_what_its_bytes_say(data: bytes, kind: str) -> None:
    """The label is the id in the input; bytes of no known kind count as PNG, as they do in the reference."""
    turn_input = TurnInput(items=(ImageRefItem(id="shot"),), image_blobs={"shot": Octets(data)})
    [ref] = normalized(turn_input, InMemoryAttachmentStore())
    assert isinstance(ref, AttachmentRef)
    assert (ref.label, ref.media_type.type, ref.byte_len) == ("shot", kind, len(data))


@pytest.mark.parametrize("image_id", ["", "gone"])
def test_a_picture_without_bytes_is_refused(image_id: str) -> None:
    """The error names the picture and is the reference's."""
    with pytest.raises(CallerError, match="Invalid image_ref") as error:
        given_items(ImageRefItem(id=image_id), other=b"x")
    assert error.value.code == "invalid_turn_input"


def test_a_picture_that_cannot_be_stored_is_refused() -> None:
    """The store's own reason is in the message."""
    picture = png(1, 1)

    with pytest.raises(CallerError, match=f"no room for {len(picture)} bytes of x") as error:
        given_items(ImageRefItem(id="x"), store=FullStore(), x=picture)
    assert error.value.code == "invalid_turn_input"


def test_no_input_is_one_empty_text() -> None:
    """A message has at least one part."""
    message = user_message("m1", [])
    assert [(part.id, part.kind, part.content) for part in message.parts] == [("m1.p0", "Text", "")]


@settings(max_examples=60)
@given(st.lists(st.sampled_from(["", "a", "b", None]), max_size=10))
def test_normalizing_twice_changes_nothing_more(items: list[str | None]) -> None:
    """No two texts are neighbors, none is empty, and nothing is lost."""
    picture = png(1, 1)
    made = given_items(*(ImageRefItem(id="x") if item is None else item for item in items), x=picture)
    name = content_id(picture)
    assert "".join(made) == "".join(name if item is None else item for item in items)
    assert all(made)
    assert not any(one != name != two for one, two in itertools.pairwise(made))
