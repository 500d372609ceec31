"""What every attachment store promises (lash 0.1.0-alpha.37, sessions §12, §18.2)."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lash_nb.clock import NS_PER_MS, ManualClock, SystemClock
from lash_nb.errors import AttachmentStoreError
from lash_nb.stores import (
    TIER_OF_PERSISTENCE,
    AttachmentArchive,
    AttachmentStore,
    AttachmentStorePersistence,
    FileAttachmentStore,
    InMemoryAttachmentStore,
    InMemorySessionStore,
    SessionScopedAttachmentStore,
)
from lash_nb.wire import AttachmentCreateMeta, AttachmentRef, ImageMediaType, MediaType
from tests.stores.material import PIXEL


def scoped(folder: Path) -> AttachmentStore:
    """A session's view of a folder."""
    return SessionScopedAttachmentStore(FileAttachmentStore(folder), InMemorySessionStore(), "s", ManualClock())


STORES: dict[str, tuple[Callable[[Path], AttachmentStore], AttachmentStorePersistence]] = {
    "memory": (lambda _: InMemoryAttachmentStore(), "ephemeral"),
    "file": (FileAttachmentStore, "durable"),
    "scoped": (scoped, "durable"),
}


@pytest.fixture(params=list(STORES))
def kind(request: pytest.FixtureRequest) -> str:
    """Each shipped store."""
    name: str = request.param
    return name


@pytest.fixture
def store(kind: str, tmp_path: Path) -> AttachmentStore:
    """An empty store."""
    return STORES[kind][0](tmp_path / "attachments")


def test_a_store_declares_its_persistence(kind: str, store: AttachmentStore) -> None:
    """Persistence maps onto the tier of other stores."""
    assert store.persistence == STORES[kind][1]
    assert TIER_OF_PERSISTENCE[store.persistence] == {"memory": "inline"}.get(kind, "durable")


def test_bytes_and_meta_come_back(store: AttachmentStore) -> None:
    """What was put is what is got; identity and size come from the bytes."""
    meta = AttachmentCreateMeta(media_type=MediaType(type="webp"), width=7, height=11, label="chart")
    ref = store.put(b"\x01\x02\x03", meta)
    stored = store.get(ref.id)

    assert ref == AttachmentRef(
        id="039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81",
        media_type=MediaType(type="webp"),
        byte_len=3,
        width=7,
        height=11,
        label="chart",
    )
    assert (stored.meta, stored.data) == (ref, b"\x01\x02\x03")
    assert store.meta(ref.id) == ref


def test_the_same_bytes_have_one_id(store: AttachmentStore) -> None:
    """Put twice, they are one attachment, and its bytes are those."""
    first, second = store.put(b"\x01\x02\x03", PIXEL), store.put(b"\x01\x02\x03", PIXEL)

    assert first.id == second.id
    assert (first.byte_len, store.get(first.id).data) == (3, b"\x01\x02\x03")


def test_identity_and_size_come_from_the_bytes(store: AttachmentStore) -> None:
    """The caller says neither."""
    ref = store.put(b"\x04\x05\x06\x07", PIXEL)

    assert (ref.id, ref.byte_len) == (hashlib.sha256(b"\x04\x05\x06\x07").hexdigest(), 4)


@pytest.mark.parametrize("kind_of_image", get_args(ImageMediaType))
@pytest.mark.parametrize(("width", "height", "label"), [(None, None, None), (7, 11, "chart"), (0, None, "")])
def test_every_media_type_is_kept_as_it_is_said(
    store: AttachmentStore, kind_of_image: ImageMediaType, width: int | None, height: int | None, label: str | None
) -> None:
    """Type, dimensions and label are the caller's, whatever the bytes are, and whether there are any."""
    said = AttachmentCreateMeta(media_type=MediaType(type=kind_of_image), width=width, height=height, label=label)
    for data in (b"", b"jpeg"):
        stored = store.get(store.put(data, said).id)
        kept = stored.meta
        assert (kept.media_type.type, kept.width, kept.height, kept.label) == (kind_of_image, width, height, label)
        assert stored.data == data


def test_the_same_bytes_are_kept_once_with_the_last_meta(store: AttachmentStore) -> None:
    """The id is the content; what the caller says last counts."""
    first = store.put(b"same", AttachmentCreateMeta(media_type=MediaType(type="png"), label="first"))
    second = store.put(b"same", AttachmentCreateMeta(media_type=MediaType(type="png"), label="second"))

    assert first.id == second.id != store.put(b"other", PIXEL).id
    assert store.get(first.id).meta.label == "second"


@pytest.mark.parametrize(
    "attachment_id",
    [
        "0" * 64,
        "sha256:does-not-exist",
        "",
        "..",
        "../../etc/passwd",
        "0" * 64 + "\n",
        "A" * 64,
        "0" * 62 + "/.",
        "\x00",
    ],
)
def test_an_unknown_id_is_not_found(store: AttachmentStore, attachment_id: str) -> None:
    """Any id that the store does not have gives the same error, and none becomes a path."""
    store.put(b"something", PIXEL)
    for read in (store.get, store.meta):
        with pytest.raises(AttachmentStoreError, match="was not found") as error:
            read(attachment_id)
        assert (error.value.variant, error.value.fields) == ("NotFound", {"attachment_id": attachment_id})


DURABLE = [name for name, (_, persistence) in STORES.items() if persistence == "durable"]


@pytest.mark.parametrize("kind", DURABLE, indirect=True)
def test_bytes_and_meta_outlive_the_store(kind: str, store: AttachmentStore, tmp_path: Path) -> None:
    """Another store object on the same place reads what the first one wrote."""
    ref = store.put(b"\x01\x02\x03", PIXEL)
    stored = STORES[kind][0](tmp_path / "attachments").get(ref.id)

    assert (stored.data, stored.meta) == (b"\x01\x02\x03", ref)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents=st.lists(st.binary(max_size=40), max_size=6))
def test_any_bytes_survive(store: AttachmentStore, contents: list[bytes]) -> None:
    """Whatever is put comes back under the hash of its content."""
    refs = [store.put(data, PIXEL) for data in contents]

    assert [store.get(ref.id).data for ref in refs] == contents
    assert [ref.id for ref in refs] == [hashlib.sha256(data).hexdigest() for data in contents]


ARCHIVES: dict[str, Callable[[Path], AttachmentArchive]] = {
    "memory": lambda _: InMemoryAttachmentStore(),
    "file": FileAttachmentStore,
}
FAR = 2**62


@pytest.fixture(params=list(ARCHIVES))
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> AttachmentArchive:
    """Each shipped store that can be swept, empty."""
    return ARCHIVES[request.param](tmp_path / "attachments")


def test_an_archive_lists_and_inspects_what_was_put(archive: AttachmentArchive) -> None:
    """Ids are sorted; size, age, hash and meta are those of the bytes."""
    assert archive.ids() == ()
    refs = sorted((archive.put(data, PIXEL) for data in (b"one", b"three", b"")), key=lambda ref: ref.id)
    now = SystemClock().now_ns() // NS_PER_MS

    assert archive.ids() == tuple(ref.id for ref in refs)
    for ref in refs:
        stat, found = archive.stat(ref.id), archive.inspect(ref.id)
        assert (stat.byte_len, found.byte_len, found.digest, found.meta) == (ref.byte_len, ref.byte_len, ref.id, ref)
        assert (found.data_error, found.meta_error) == (None, None)
        assert abs(now - stat.put_at_epoch_ms) < 60_000


def test_what_is_deleted_is_gone_and_may_be_put_again(archive: AttachmentArchive) -> None:
    """Deleting one leaves the others; deleting again does nothing."""
    gone, kept = archive.put(b"gone", PIXEL), archive.put(b"kept", PIXEL)

    assert archive.delete(gone.id, put_until_ms=FAR)
    assert archive.delete(gone.id, put_until_ms=FAR)
    assert archive.ids() == (kept.id,)
    for read in (archive.get, archive.meta, archive.stat):
        with pytest.raises(AttachmentStoreError, match="was not found"):
            read(gone.id)
    assert archive.put(b"gone", PIXEL) == gone
    assert archive.get(gone.id).data == b"gone"


def test_what_was_put_meanwhile_is_not_deleted(archive: AttachmentArchive) -> None:
    """Who puts bytes again makes them young, whatever the sweeper saw before."""
    ref = archive.put(b"again", PIXEL)

    assert not archive.delete(ref.id, put_until_ms=0)
    assert archive.get(ref.id).data == b"again"


@pytest.mark.parametrize("attachment_id", ["", "..", "../../etc/passwd", "A" * 64, "0" * 64, "\x00"])
def test_an_archive_makes_no_path_of_what_is_no_id(archive: AttachmentArchive, attachment_id: str) -> None:
    """What is not there is told or passed over, and nothing else is touched."""
    archive.put(b"something", PIXEL)
    found = archive.inspect(attachment_id)
    errors = [error.variant for error in (found.data_error, found.meta_error) if error]

    assert (found.digest, found.meta) == (None, None)
    assert errors in (["NotFound", "NotFound"], ["NotFound", "MissingMeta"])
    with pytest.raises(AttachmentStoreError, match="was not found"):
        archive.stat(attachment_id)
    assert archive.delete(attachment_id, put_until_ms=FAR)
    assert len(archive.ids()) == 1
    assert archive.sweep_drafts(put_until_ms=FAR, dry_run=False) == 0
