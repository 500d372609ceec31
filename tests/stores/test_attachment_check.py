"""The integrity check: each kind of damage is found, told and counted, and sound attachments are not."""

import os
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from lash_nb.clock import ManualClock
from lash_nb.stores import (
    AttachmentIntent,
    AttachmentUser,
    FileAttachmentStore,
    InMemoryAttachmentStore,
    InMemorySessionStore,
    session_attachment_user,
    verify_attachments,
)
from lash_nb.wire import (
    AttachmentRef,
    Part,
    ProtocolEvent,
    SessionEventRecord,
    SessionNodeRecord,
    content_id,
    pretty_json,
    to_builtins,
)
from tests.stores.material import PIXEL, append, commit, node

DATA = b"\x01\x02\x03"
ID = content_id(DATA)


async def session(
    *named: AttachmentRef, intends: Sequence[str] = (), committed: Sequence[str] = ()
) -> tuple[AttachmentUser]:
    """A session whose nodes name attachments, each twice, and whose manifest has others."""
    store = InMemorySessionStore(ManualClock())
    for attachment_id in (*intends, *committed):
        store.record_intent(
            AttachmentIntent(attachment_id=attachment_id, session_id="s", canonical_uri="", intent_at_epoch_ms=1)
        )
    store.commit_refs("s", committed)
    await store.commit_runtime_state(commit(append(*(picture_node(f"n{n}", ref) for n, ref in enumerate(named)))))
    return (session_attachment_user("s", store),)


def picture_node(node_id: str, ref: AttachmentRef) -> SessionNodeRecord:
    """A node that names an attachment twice."""
    event = SessionEventRecord(Protocol=ProtocolEvent(plugin_id="p", payload=[to_builtins(ref)] * 2))
    return replace(node(node_id), event=event)


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


async def test_sound_attachments_are_found_sound(store: FileAttachmentStore) -> None:
    """Nothing to tell; the count says what was looked at."""
    check = await verify_attachments(store, await session(committed=[ID]))

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
async def test_each_damage_is_found(
    store: FileAttachmentStore, damage: Callable[[FileAttachmentStore], None], fault: str, told: str
) -> None:
    """A row has the id, what is wrong, what to do, and who will miss the attachment."""
    ref = store.get(ID).meta
    damage(store)
    check = await verify_attachments(store, await session(ref, ref))

    assert [(row.attachment_id, row.fault, row.references) for row in check.rows] == [
        (ID, fault, ("node n0 of s", "node n1 of s"))
    ]
    assert told in check.rows[0].detail
    assert (check.ok, repr(check).endswith(f"hashed: 1 {fault}>")) == (False, True)


async def test_damage_of_bytes_and_meta_is_told_of_both(store: FileAttachmentStore) -> None:
    """One attachment may have several rows."""
    rot(store)
    lose_meta(store)

    assert [row.fault for row in (await verify_attachments(store)).rows] == ["mismatch", "missing_sidecar"]


async def test_a_check_looks_at_the_disk_and_not_at_what_the_store_remembers(tmp_path: Path) -> None:
    """The store that wrote a meta knows it; the check asks the file."""
    store = FileAttachmentStore(tmp_path)
    store.put(DATA, PIXEL)
    break_meta(store)

    assert store.get(ID).meta.label == "pixel"
    assert [row.fault for row in (await verify_attachments(store)).rows] == ["broken_sidecar"]


async def test_bytes_that_nobody_names_are_orphaned(store: FileAttachmentStore) -> None:
    """Orphans do no harm; they are told only when somebody was asked who could name them."""
    assert (await verify_attachments(store)).rows == ()
    check = await verify_attachments(store, await session())

    assert [(row.fault, row.detail) for row in check.rows] == [
        ("orphaned", "no session names it; collect attachments to delete it")
    ]
    assert check.ok
    assert (await verify_attachments(store, await session(intends=[ID]))).rows == ()


async def test_a_mention_in_passing_is_a_name(store: FileAttachmentStore) -> None:
    """What keeps bytes from a collection keeps them from being called orphaned, and makes them missing when they are gone."""
    mentioning = InMemorySessionStore(ManualClock())
    await mentioning.commit_runtime_state(
        commit(append(node("n1", part=Part(id="p", kind="Text", content=f"see {ID}", prune_state="Intact"))))
    )
    users = [session_attachment_user("s", mentioning)]
    assert (await verify_attachments(store, users)).rows == ()
    lose_bytes(store)

    assert [(row.fault, row.references) for row in (await verify_attachments(store, users)).rows] == [("missing", ())]


@pytest.mark.parametrize(
    ("intends", "committed", "fault"),
    [((), (ID,), "missing"), ((ID,), (), "unwritten"), ((), (), "orphaned"), (None, None, "missing")],
)
async def test_a_meta_without_bytes_is_told_as_what_it_is_for_its_session(
    store: FileAttachmentStore, intends: Sequence[str] | None, committed: Sequence[str] | None, fault: str
) -> None:
    """Missing for who committed it, not written for who only meant to, left over for nobody; missing when nobody is asked."""
    lose_bytes(store)
    users = None if intends is None or committed is None else await session(intends=intends, committed=committed)

    assert [row.fault for row in (await verify_attachments(store, users)).rows] == [fault]


async def test_one_commit_is_enough_to_need_bytes(store: FileAttachmentStore) -> None:
    """What one session only meant to write, another one may have committed."""
    lose_bytes(store)
    users = [*await session(committed=[ID]), *await session(intends=[ID])]

    assert [row.fault for row in (await verify_attachments(store, users)).rows] == ["missing"]


@pytest.mark.parametrize("attachment_id", ["../../etc/passwd", "", "f" * 64])
async def test_what_a_node_names_and_nobody_has_is_missing(attachment_id: str) -> None:
    """Any id that a node names is looked for, and none becomes a path."""
    ref = replace(InMemoryAttachmentStore().put(DATA, PIXEL), id=attachment_id)
    check = await verify_attachments(InMemoryAttachmentStore(), await session(ref))

    assert [(row.attachment_id, row.fault, row.references) for row in check.rows] == [
        (attachment_id, "missing", ("node n0 of s",))
    ]


async def test_a_check_reads_large_attachments_in_pieces(tmp_path: Path) -> None:
    """Sixteen megabytes cost less than one of memory."""
    store = FileAttachmentStore(tmp_path)
    refs = [store.put(bytes([number]) * 4_000_000, PIXEL) for number in range(4)]
    users = await session(*refs)
    tracemalloc.start()
    check = await verify_attachments(store, users)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert (check.ok, check.byte_count) == (True, 16_000_000)
    assert peak < 1_000_000
