"""The integrity check: each kind of damage is found, told and counted, and sound attachments are not."""

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from lash_nb.stores import (
    AttachmentManifestEntry,
    FileAttachmentStore,
    InMemoryAttachmentStore,
    attachment_references,
    verify_attachments,
)
from lash_nb.wire import AttachmentRef, Part, PartAttachment, content_id, pretty_json
from tests.stores.material import PIXEL, node

DATA = b"\x01\x02\x03"
ID = content_id(DATA)


def entry(attachment_id: str, committed: int | None = None) -> AttachmentManifestEntry:
    """A manifest entry of the session `s`."""
    return AttachmentManifestEntry(
        attachment_id=attachment_id,
        session_id="s",
        canonical_uri=f"sha256:{attachment_id}",
        intent_at_epoch_ms=1,
        committed_at_epoch_ms=committed,
    )


@pytest.fixture
def store(tmp_path: Path) -> FileAttachmentStore:
    """A folder with one attachment, seen by a store that did not write it."""
    FileAttachmentStore(tmp_path).put(DATA, PIXEL)
    return FileAttachmentStore(tmp_path)


def bytes_of(store: FileAttachmentStore) -> Path:
    """Where its bytes lie."""
    return store.root / "sha256" / ID[:2] / ID


def sidecar_of(store: FileAttachmentStore) -> Path:
    """Where its meta lies."""
    return bytes_of(store).with_suffix(".json")


def test_sound_attachments_are_found_sound(store: FileAttachmentStore) -> None:
    """Nothing to tell; the count says what was looked at."""
    check = verify_attachments(store, [entry(ID, 5)])

    assert (check.rows, check.attachment_count, check.byte_count, check.ok) == ((), 1, 3, True)
    assert repr(check) == "<AttachmentCheck: 1 attachment, 3 bytes hashed: nothing is wrong>"


def rot(store: FileAttachmentStore) -> None:
    """Change the bytes."""
    bytes_of(store).write_bytes(b"\x01\x02\x04")


def lose_bytes(store: FileAttachmentStore) -> None:
    """Delete the bytes."""
    bytes_of(store).unlink()


def lose_meta(store: FileAttachmentStore) -> None:
    """Delete the sidecar."""
    sidecar_of(store).unlink()


def break_meta(store: FileAttachmentStore) -> None:
    """Write something else into the sidecar."""
    sidecar_of(store).write_bytes(b"not json")


def swap_meta(store: FileAttachmentStore) -> None:
    """Write the meta of other bytes into the sidecar."""
    other = InMemoryAttachmentStore().put(b"of another one", PIXEL)
    sidecar_of(store).write_text(pretty_json(other))


def block_bytes(store: FileAttachmentStore) -> None:
    """Put a pipe where the bytes were."""
    bytes_of(store).unlink()
    os.mkfifo(bytes_of(store))


@pytest.mark.parametrize(
    ("damage", "fault", "told"),
    [
        (rot, "mismatch", f"the bytes are those of {content_id(bytes((1, 2, 4)))}; restore them"),
        (lose_bytes, "missing", "the bytes are not there; restore them from a copy or put them again"),
        (block_bytes, "unreadable", "it is no plain file"),
        (lose_meta, "missing_sidecar", f"{ID}.json is missing; put the bytes again"),
        (break_meta, "broken_sidecar", "put the bytes again, which writes it anew"),
        (
            swap_meta,
            "broken_sidecar",
            f"the meta tells of 14 bytes of {content_id(b'of another one')}, and there are 3",
        ),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_each_damage_is_found(
    store: FileAttachmentStore, damage: Callable[[FileAttachmentStore], None], fault: str, told: str
) -> None:
    """A row has the id, what is wrong, what to do, and who will miss the attachment."""
    ref = store.get(ID).meta
    damage(store)
    check = verify_attachments(store, references=[(ref, "node n1"), (ref, "node n1"), (ref, "node n2")])

    assert [(row.attachment_id, row.fault, row.references) for row in check.rows] == [
        (ID, fault, ("node n1", "node n2"))
    ]
    assert told in check.rows[0].detail
    assert (check.ok, repr(check).endswith(f"hashed: 1 {fault}>")) == (False, True)


def test_damage_of_bytes_and_meta_is_told_of_both(store: FileAttachmentStore) -> None:
    """One attachment may have several rows."""
    rot(store)
    lose_meta(store)

    assert [row.fault for row in verify_attachments(store).rows] == ["mismatch", "missing_sidecar"]


def test_a_check_looks_at_the_disk_and_not_at_what_the_store_remembers(tmp_path: Path) -> None:
    """The store that wrote a meta knows it; the check asks the file."""
    store = FileAttachmentStore(tmp_path)
    store.put(DATA, PIXEL)
    break_meta(store)

    assert store.get(ID).meta.label == "pixel"
    assert [row.fault for row in verify_attachments(store).rows] == ["broken_sidecar"]


def test_bytes_that_nobody_names_are_orphaned(store: FileAttachmentStore) -> None:
    """Orphans do no harm; they are told only when somebody is known who could name them."""
    assert verify_attachments(store).rows == ()
    check = verify_attachments(store, [], [])

    assert [(row.fault, row.detail) for row in check.rows] == [
        ("orphaned", "no session names it; collect attachments to delete it")
    ]
    assert check.ok
    assert verify_attachments(store, [entry(ID)]).rows == ()


def test_a_meta_without_bytes_is_told_as_what_it_is_for_its_session(store: FileAttachmentStore) -> None:
    """Missing for who committed it, not written for who only meant to, left over for nobody."""
    lose_bytes(store)
    manifests = [None, [entry(ID, 5)], [entry(ID), entry(ID, 5)], [entry(ID)], []]

    assert [[row.fault for row in verify_attachments(store, manifest).rows] for manifest in manifests] == [
        ["missing"],
        ["missing"],
        ["missing"],
        ["unwritten"],
        ["orphaned"],
    ]


@pytest.mark.parametrize("attachment_id", ["../../etc/passwd", "", "f" * 64])
def test_what_a_node_names_and_nobody_has_is_missing(attachment_id: str) -> None:
    """Any id that a node names is looked for, and none becomes a path."""
    ref = replace(InMemoryAttachmentStore().put(DATA, PIXEL), id=attachment_id)
    part = Part(id="p", kind="Image", content="", prune_state="Intact", attachment=PartAttachment(reference=ref))
    named = list(attachment_references([node("n1", part=part)]))
    check = verify_attachments(InMemoryAttachmentStore(), references=named)

    assert [(row.attachment_id, row.fault, row.references) for row in check.rows] == [
        (attachment_id, "missing", ("node n1",))
    ]


def test_a_check_reads_large_attachments_in_pieces(tmp_path: Path) -> None:
    """Sixteen megabytes cost less than one of memory."""
    store = FileAttachmentStore(tmp_path)
    refs: list[AttachmentRef] = [store.put(bytes([number]) * 4_000_000, PIXEL) for number in range(4)]
    tracemalloc.start()
    check = verify_attachments(store, [entry(ref.id, 1) for ref in refs])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert (check.ok, check.byte_count) == (True, 16_000_000)
    assert peak < 1_000_000
