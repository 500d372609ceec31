"""Store folders that the reference wrote: their attachments are sound and outlive a collection, their artifacts are read and added to."""

import json
from pathlib import Path

import pytest

from lash_nb.clock import ManualClock
from lash_nb.stores import (
    FileAttachmentStore,
    FullGraph,
    SqliteLashlangArtifactStore,
    SqliteSessionStore,
    attachment_references,
    attachment_users,
    collect_attachments,
    verify_attachments,
)
from tests.conformance.vectors import PACKED, read_files
from tests.stores.material import PIXEL

LATER = ManualClock(4 * 10**18)
"""Long after all that is stored."""


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a folder of golden data."""
    for name, content in read_files(PACKED, "stores"):
        golden, _, file = name.partition("/")
        if golden == request.param:
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file).write_bytes(content)
    return tmp_path


@pytest.mark.parametrize("folder", ["five_turns_tools_attachments"], indirect=True)
async def test_attachments_of_the_reference_are_sound_and_stay(folder: Path) -> None:
    """The reference stamps no attachment; a collection keeps them because nodes name them, and deletes what nobody names."""
    store = FileAttachmentStore(folder / "attachments")
    session = SqliteSessionStore(folder / "sessions" / "main-0d6e4079e36703eb.db")
    read = await session.load_session(FullGraph())
    assert read is not None
    named = list(attachment_references(read.graph.nodes))
    manifest = session.list_attachments()
    extra = store.put(b"of nobody", PIXEL)
    users = attachment_users(folder)
    check = await verify_attachments(store, users)
    done = await collect_attachments(store, users, dry_run=False, clock=LATER)

    assert [entry.committed_at_epoch_ms for entry in manifest] == [None, None]
    assert [(row.attachment_id, row.fault) for row in check.rows] == [(extra.id, "orphaned")]
    assert [row.attachment_id for row in done.rows] == [extra.id]
    assert set(store.ids()) == {ref.id for ref, _ in named} == {entry.attachment_id for entry in manifest}
    assert (await verify_attachments(store, users)).rows == ()
    assert session.list_attachments() == manifest


@pytest.mark.parametrize("folder", ["five_turns_tools_attachments"], indirect=True)
async def test_a_check_of_a_folder_says_which_node_of_which_session_misses_an_attachment(folder: Path) -> None:
    """All databases are asked; a node is told with the file that holds it."""
    store = FileAttachmentStore(folder / "attachments")
    sketch = next(found for found in store.ids() if found.startswith("2b"))
    store.delete(sketch, put_until_ms=2**62)
    check = await verify_attachments(store, attachment_users(folder))

    assert [(row.attachment_id, row.fault, row.references) for row in check.rows] == [
        (sketch, "missing", ("node mf6f5bd92d58649c78047a01b8fd7465c of sessions/main-0d6e4079e36703eb.db",))
    ]


@pytest.mark.parametrize("folder", ["processes"], indirect=True)
async def test_artifacts_of_the_reference_are_read_and_added_to(folder: Path) -> None:
    """A module that the reference stored comes back whole; another one lies beside it, for every reader."""
    ref = "lashlang:v1:sha256:b689dae23ee0ea57f00827af65640a16fb8786241de575dd9623a6e78ac44fe8"
    before = await SqliteLashlangArtifactStore(folder / "artifacts.db", read_only=True).get_artifact(ref)
    assert before is not None
    await SqliteLashlangArtifactStore(folder / "artifacts.db").put_artifact("another", before)
    again = SqliteLashlangArtifactStore(folder / "artifacts.db", read_only=True)

    assert json.loads(before)["module_ref"] == ref
    assert [await again.get_artifact(name) for name in (ref, "another")] == [before, before]
