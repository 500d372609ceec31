"""What every attachment store promises (lash 0.1.0-alpha.37, sessions §12, §18.2)."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lash_nb.clock import ManualClock
from lash_nb.errors import AttachmentStoreError
from lash_nb.stores import (
    TIER_OF_PERSISTENCE,
    AttachmentStore,
    AttachmentStorePersistence,
    FileAttachmentStore,
    InMemoryAttachmentStore,
    InMemorySessionStore,
    SessionScopedAttachmentStore,
)
from lash_nb.wire import AttachmentCreateMeta, AttachmentRef, MediaType
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


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents=st.lists(st.binary(max_size=40), max_size=6))
def test_any_bytes_survive(store: AttachmentStore, contents: list[bytes]) -> None:
    """Whatever is put comes back under the hash of its content."""
    refs = [store.put(data, PIXEL) for data in contents]

    assert [store.get(ref.id).data for ref in refs] == contents
    assert [ref.id for ref in refs] == [hashlib.sha256(data).hexdigest() for data in contents]
