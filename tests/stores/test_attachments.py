"""Attachments: the folder layout, the write-ahead order, what a provider gets, and the listing."""

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lash_nb.clock import ManualClock
from lash_nb.errors import AttachmentStoreError, CallerError, StoreError
from lash_nb.stores import (
    AttachmentIntent,
    AttachmentListing,
    AttachmentManifestEntry,
    FileAttachmentStore,
    InMemoryAttachmentStore,
    InMemorySessionStore,
    SessionScopedAttachmentStore,
    StoredAttachment,
    attachment_references,
    read_attachment_folder,
    resolve_llm_request_attachments,
    session_attachments,
)
from lash_nb.wire import (
    AttachmentCreateMeta,
    AttachmentId,
    AttachmentMeta,
    LlmAttachment,
    LlmRequest,
    MediaType,
    Octets,
    Part,
    PartAttachment,
    ProtocolEvent,
    SessionEventRecord,
    ToolValue,
    content_id,
    image_dimensions,
    sniff_image,
    to_builtins,
)
from tests.stores.material import PIXEL, node, png

DATA = b"\x01\x02\x03"
ID = content_id(DATA)


def files(folder: Path) -> list[str]:
    """The files below a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_folder_has_the_layout_of_the_reference(tmp_path: Path) -> None:
    """Bytes lie under their hash, the meta beside them as indented JSON without a last newline; no draft is left."""
    FileAttachmentStore(tmp_path).put(DATA, PIXEL)
    path = tmp_path / "sha256" / ID[:2] / ID

    assert files(tmp_path) == [f"sha256/03/{ID}", f"sha256/03/{ID}.json"]
    assert path.read_bytes() == DATA
    assert path.with_suffix(".json").read_text() == (
        f'{{\n  "id": "{ID}",\n  "media_type": {{\n    "kind": "image",\n    "type": "png"\n  }},\n  "byte_len": 3,\n'
        '  "width": 1,\n  "height": 1,\n  "label": "pixel"\n}'
    )


def test_a_folder_is_read_by_the_next_process(tmp_path: Path) -> None:
    """A new store on the same folder has bytes and meta."""
    ref = FileAttachmentStore(tmp_path).put(DATA, PIXEL)
    stored = FileAttachmentStore(tmp_path).get(ref.id)

    assert (stored.data, stored.meta) == (DATA, ref)


def test_a_stale_draft_does_not_block(tmp_path: Path) -> None:
    """What a crash left half-written is written over."""
    path = tmp_path / "sha256" / ID[:2] / f"{ID}.tmp"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half")
    FileAttachmentStore(tmp_path).put(DATA, PIXEL)

    assert files(tmp_path) == [f"sha256/03/{ID}", f"sha256/03/{ID}.json"]
    assert FileAttachmentStore(tmp_path).get(ID).data == DATA


def test_bytes_that_are_there_are_not_written_again(tmp_path: Path) -> None:
    """Content never changes under its id; only the meta does."""
    store = FileAttachmentStore(tmp_path)
    store.put(DATA, PIXEL)
    path = tmp_path / "sha256" / ID[:2] / ID
    before = path.stat().st_ino, path.stat().st_mtime_ns
    store.put(DATA, replace(PIXEL, label="again"))

    assert (path.stat().st_ino, path.stat().st_mtime_ns) == before
    assert FileAttachmentStore(tmp_path).get(ID).meta.label == "again"


@pytest.mark.parametrize(
    ("sidecar", "variant", "text"),
    [
        (None, "MissingMeta", "metadata is unavailable"),
        (b"not json", "Io", "attachment store I/O failed at"),
        (b'{"id": 5}', "Io", "attachment store I/O failed at"),
    ],
    ids=["missing", "not JSON", "not a meta"],
)
def test_a_broken_sidecar_is_reported_by_a_store_that_has_not_seen_it(
    tmp_path: Path, sidecar: bytes | None, variant: str, text: str
) -> None:
    """The store that wrote the meta still knows it; a new one tells what is wrong with the file."""
    writer = FileAttachmentStore(tmp_path)
    writer.put(DATA, PIXEL)
    path = tmp_path / "sha256" / ID[:2] / f"{ID}.json"
    path.unlink() if sidecar is None else path.write_bytes(sidecar)

    assert writer.get(ID).meta.label == "pixel"
    with pytest.raises(AttachmentStoreError, match=text) as error:
        FileAttachmentStore(tmp_path).get(ID)
    assert error.value.variant == variant


def test_a_folder_that_cannot_be_written_is_an_io_error(tmp_path: Path) -> None:
    """The error names the path, and nothing half-written is left."""
    (tmp_path / "sha256").write_bytes(b"a file in the way")
    with pytest.raises(AttachmentStoreError, match="attachment store I/O failed at") as error:
        FileAttachmentStore(tmp_path).put(DATA, PIXEL)

    assert error.value.variant == "Io"
    assert files(tmp_path) == ["sha256"]


def test_tools_may_write_from_many_threads(tmp_path: Path) -> None:
    """The same bytes written at once end as one whole file."""
    store = FileAttachmentStore(tmp_path)
    data = bytes(200_000)
    threads = [threading.Thread(target=store.put, args=(data, PIXEL)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert files(tmp_path) == [f"sha256/{content_id(data)[:2]}/{content_id(data)}{end}" for end in ("", ".json")]
    assert store.get(content_id(data)).data == data


class BrokenManifest(InMemorySessionStore):
    """A session store whose disk is full."""

    def record_intent(self, intent: AttachmentIntent) -> None:
        """Fail."""
        raise StoreError("Backend", f"no room for {intent.attachment_id[:4]}")


def test_bytes_without_an_intent_are_not_written() -> None:
    """When the manifest cannot note the intent the store inside is not asked."""
    inner = InMemoryAttachmentStore()
    with pytest.raises(AttachmentStoreError, match=f"intent for `{ID}`: no room for 0390") as error:
        SessionScopedAttachmentStore(inner, BrokenManifest(), "s").put(DATA, PIXEL)

    assert error.value.variant == "ManifestRecordFailed"
    with pytest.raises(AttachmentStoreError):
        inner.get(ID)


def test_a_session_notes_what_it_writes() -> None:
    """The intent has the content id, the session, the uri and the time."""
    manifest = InMemorySessionStore()
    store = SessionScopedAttachmentStore(InMemoryAttachmentStore(), manifest, "s", ManualClock(5_000_000_000))
    store.put(DATA, PIXEL)

    assert manifest.list_attachments() == (
        AttachmentManifestEntry(
            attachment_id=ID, session_id="s", canonical_uri=f"sha256:{ID}", intent_at_epoch_ms=5000
        ),
    )


def request(*attachments: LlmAttachment) -> LlmRequest:
    """A request with attachments."""
    return LlmRequest(model="m", messages=(), attachments=attachments, tools=(), tool_choice="None")


def test_references_of_a_request_become_bytes() -> None:
    """A provider gets the stored bytes and the stored type; bytes that are there and plain bytes stay."""
    store = InMemoryAttachmentStore()
    ref = store.put(DATA, PIXEL)
    open_one = LlmAttachment(mime="image/bmp", data=Octets(), reference=ref)
    filled = LlmAttachment(mime="image/bmp", data=Octets(b"x"), reference=ref)
    plain = LlmAttachment(mime="image/gif", data=Octets())

    assert resolve_llm_request_attachments(request(filled, open_one, plain), store) == request(
        filled, LlmAttachment(mime="image/png", data=Octets(DATA), reference=ref), plain
    )


def test_a_reference_that_cannot_be_had_ends_the_request() -> None:
    """The first failure is the store's own error."""
    ref = InMemoryAttachmentStore().put(DATA, PIXEL)
    lost = LlmAttachment(mime="image/png", data=Octets(), reference=ref)

    with pytest.raises(AttachmentStoreError, match="was not found"):
        resolve_llm_request_attachments(request(lost), InMemoryAttachmentStore())


def states(listing: AttachmentListing) -> list[tuple[str | None, str, tuple[str, ...]]]:
    """Label, state and references of each row."""
    return [(row.ref.label, row.state, row.references) for row in listing]


def labeled(label: str) -> AttachmentCreateMeta:
    """A picture with a name."""
    return AttachmentCreateMeta(media_type=MediaType(type="png"), label=label)


def test_a_session_lists_what_it_wrote_and_what_it_names() -> None:
    """Intended, committed and missing attachments in order of intent, then those only named, with who names them."""
    manifest, inner = InMemorySessionStore(ManualClock()), InMemoryAttachmentStore()
    store = SessionScopedAttachmentStore(inner, manifest, "s", ManualClock())
    draft, chart, photo = [store.put(png(2, size), labeled(str(size))) for size in (1, 2, 3)]
    foreign = inner.put(b"from another session", labeled("foreign"))
    lost = replace(foreign, id="f" * 64, label="lost")
    manifest.commit_refs("s", [chart.id])
    named = [(photo, "node n1"), (lost, "node n1"), (foreign, "llm_call 6"), (photo, "node n1"), (photo, "llm_call 6")]
    listing = session_attachments(store, manifest.list_attachments(), named)

    assert states(listing) == [
        (draft.label, "intended", ()),
        (chart.label, "committed", ()),
        (photo.label, "committed", ("node n1", "llm_call 6")),
        ("lost", "missing", ("node n1",)),
        ("foreign", "intended", ("llm_call 6",)),
    ]
    assert listing.data(photo.id) == png(2, 3)
    assert [(row.ref.width, row.ref.height) for row in listing] == [(2, 1), (2, 2), (2, 3), (None, None), (None, None)]
    assert (len(listing), listing[1].ref.id, [row.ref.id for row in listing[:2]]) == (5, chart.id, [draft.id, chart.id])


def test_an_intent_without_bytes_is_reported() -> None:
    """A crash between intent and bytes leaves nothing to show but the reason."""
    manifest = InMemorySessionStore()
    SessionScopedAttachmentStore(InMemoryAttachmentStore(), manifest, "s").put(DATA, PIXEL)
    listing = session_attachments(InMemoryAttachmentStore(), manifest.list_attachments())

    assert len(listing) == 0
    assert [error.variant for error in listing.errors] == ["NotFound"]
    assert repr(listing) == "<AttachmentListing: 0 attachments, 1 unreadable>"


def test_an_attachment_is_found_by_the_begin_of_its_id() -> None:
    """A prefix finds the one that it fits; none or several is a user's mistake that lists the ids."""
    manifest, store = InMemorySessionStore(), InMemoryAttachmentStore()
    scoped = SessionScopedAttachmentStore(store, manifest, "s")
    first, second = scoped.put(b"a", PIXEL), scoped.put(b"b", PIXEL)
    listing = session_attachments(store, manifest.list_attachments())

    assert listing.find(first.id[:5]).ref == first
    for prefix, count in (("", "2"), ("zz", "no")):
        with pytest.raises(CallerError, match=f"{count} attachments have an id that begins with '{prefix}'") as error:
            listing.find(prefix)
        assert second.id[:8] in error.value.message


def test_an_error_names_a_few_ids_only() -> None:
    """Of many attachments the message names eight and says how many more there are."""
    manifest, store = InMemorySessionStore(), InMemoryAttachmentStore()
    for number in range(11):
        SessionScopedAttachmentStore(store, manifest, "s").put(bytes([number]), PIXEL)

    with pytest.raises(CallerError, match=r" and 3 more$"):
        session_attachments(store, manifest.list_attachments()).find("")


def test_a_folder_is_listed(tmp_path: Path) -> None:
    """What lies in a folder is listed with what a trace says of it; broken, lost and foreign files cost only themselves."""
    store = FileAttachmentStore(tmp_path)
    chart, lost, broken = (
        store.put(b"chart", labeled("chart")),
        store.put(b"lost", labeled("lost")),
        store.put(DATA, PIXEL),
    )
    for name in (lost.id, f"{broken.id}.json"):
        (tmp_path / "sha256" / name[:2] / name).unlink()
    (tmp_path / "sha256" / chart.id[:2] / "notes.txt").write_text("not an attachment")
    listing = read_attachment_folder(tmp_path, [(chart, "node n1")])

    assert sorted(states(listing), key=str) == [("chart", "committed", ("node n1",)), ("lost", "missing", ())]
    assert listing.data(chart.id) == b"chart"
    assert [error.variant for error in listing.errors] == ["MissingMeta"]


def test_a_folder_that_the_reference_wrote_is_listed() -> None:
    """The weather desk's two charts come with type, size and dimensions, and their bytes are those that their ids promise."""
    listing = read_attachment_folder(Path(__file__).parents[2] / "notebooks" / "data" / "station_attachments")

    assert [row.ref.id[:4] for row in listing] == ["2fb9", "c388"]
    for row in listing:
        data = listing.data(row.ref.id)
        assert (content_id(data), len(data)) == (row.ref.id, row.ref.byte_len)
        assert (sniff_image(data), row.state) == (row.ref.media_type.type, "intended")
        assert image_dimensions(data) == (row.ref.width, row.ref.height) == (320, 180)
    assert listing.errors == ()


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_what_is_no_attachment_folder_is_refused(tmp_path: Path, name: str) -> None:
    """The error says which folder to give."""
    with pytest.raises(
        CallerError, match="is no attachment folder: it holds no folder `sha256`; give the `attachments` folder"
    ):
        read_attachment_folder(tmp_path / name)


def named_in(body: object) -> Sequence[tuple[str | None, str]]:
    """Labels and users of the attachments that a protocol node with this payload names."""
    event = SessionEventRecord(Protocol=ProtocolEvent(plugin_id="p", payload=body))
    found = attachment_references([replace(node("n1"), event=event)])
    return [(ref.label, who) for ref, who in found]


def test_references_are_found_wherever_a_node_holds_them() -> None:
    """Image parts, tool values and free payloads name attachments; what only looks like one does not."""
    ref = InMemoryAttachmentStore().put(DATA, PIXEL)
    image = Part(id="n1.p0", kind="Image", content="", prune_state="Intact", attachment=PartAttachment(reference=ref))
    plain = to_builtins(ref)

    assert list(attachment_references([node("n0"), node("n1", part=image)])) == [(ref, "node n1")]
    assert named_in(to_builtins(ToolValue({"charts": [ref]}))) == [("pixel", "node n1")]
    assert named_in([{"deep": plain}, 5, None]) == [("pixel", "node n1")]
    assert named_in(plain | {"media_type": {"kind": "audio", "type": "mp3"}}) == []
    assert named_in(plain | {"media_type": "image/png"}) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "media_type", "byte_len", "kind", "type", "$lash_tool_value"]), inner, max_size=5
        )
    ),
)


@given(payload=JSON)
def test_no_payload_breaks_the_search(payload: object) -> None:
    """Whatever a plugin keeps in a node, looking for attachments ends without an error."""
    assert all(who == "node n1" for _, who in named_in(payload))


def test_each_field_of_a_part_is_known_to_name_attachments_or_not() -> None:
    """What nobody names is collected; so a new field is a question here: may it name one?"""
    never = {"id", "kind", "content", "tool_call_id", "tool_name", "prune_state"}
    looked_at = {"attachment", "tool_replay", "reasoning_meta", "response_meta"}
    assert set(Part.__struct_fields__) == never | looked_at


def test_a_very_large_attachment_is_listed_unread(tmp_path: Path) -> None:
    """Half a gigabyte is not read to learn how wide a picture is."""

    class Large(FileAttachmentStore):
        read = 0

        def meta(self, attachment_id: AttachmentId) -> AttachmentMeta:
            return replace(super().meta(attachment_id), byte_len=500_000_000)

        def get(self, attachment_id: AttachmentId) -> StoredAttachment:
            self.read += 1
            return super().get(attachment_id)

    store = Large(tmp_path)
    ref = store.put(DATA, AttachmentCreateMeta(media_type=MediaType(type="png")))
    listing = session_attachments(store, [], [(ref, "node n1")])

    assert (store.read, [row.ref.width for row in listing]) == (0, [None])
    assert (listing.data(ref.id), store.read) == (DATA, 1)
