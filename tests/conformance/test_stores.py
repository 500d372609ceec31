"""Databases that the reference wrote: each is read whole, goes on from where it stopped, and stays what the reference can read.

Every test works on a copy. A key of `expected.json` that has no row in the tables below is a fault.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from lash_nb.runtime._ledger import usage_report
from lash_nb.stores import (
    ActivePath,
    FileAttachmentStore,
    FullGraph,
    SqliteSessionStore,
    SqliteSessionStoreFactory,
)
from lash_nb.wire import (
    HydratedSessionCheckpoint,
    PersistedSessionRead,
    QueuedWorkBatch,
    SessionMeta,
    SessionNodeRecord,
    active_path,
    conversation_messages,
    orphaned_node_ids,
    to_builtins,
    to_json,
)
from tests.conformance.vectors import PACKED, find_groups, read_files
from tests.stores.material import append, commit, node, stamped, used

GROUP: Final = "stores"
ALWAYS: Final = 2**62
"""A time after all others."""


class Opened(NamedTuple):
    """A session of golden data as it is read here."""

    file: Path
    """The database."""
    store: SqliteSessionStore
    """The same, opened."""
    session: PersistedSessionRead
    """All of the session."""
    path: PersistedSessionRead
    """Its active path alone."""
    meta: SessionMeta
    """Its meta record."""
    queued: tuple[QueuedWorkBatch, ...]
    """Its queue."""

    @property
    def nodes(self) -> tuple[SessionNodeRecord, ...]:
        """All nodes in stored order."""
        return self.session.graph.nodes

    @property
    def checkpoint(self) -> HydratedSessionCheckpoint:
        """The last checkpoint, which every golden session has."""
        assert self.session.checkpoint is not None
        return self.session.checkpoint

    def walked(self) -> list[str]:
        """The ids of the active path, walked here."""
        by_id = {one.node_id: one for one in self.nodes}
        return [one.node_id for one in active_path(by_id, self.session.graph.leaf_node_id)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each folder of databases."""
    if "golden" not in metafunc.fixturenames:
        return
    folder = metafunc.config.getoption("--vectors", default=PACKED)
    found: dict[str, dict[str, bytes]] = {}
    for name, content in read_files(folder, GROUP) if GROUP in find_groups(folder) else ():
        database, _, file = name.partition("/")
        found.setdefault(database, {})[file] = content
    absent = [pytest.param(None, marks=pytest.mark.skip("the golden data has no stores"), id="absent")]
    metafunc.parametrize("golden", list(found.values()) or absent, ids=list(found) or None, indirect=True)


@pytest.fixture
def golden(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a folder of golden data."""
    files: Mapping[str, bytes] = request.param
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return tmp_path


async def opened(folder: Path, expected: Mapping[str, Any], *, read_only: bool = True) -> Opened:
    """Open a session."""
    file = folder / expected["file"]
    store = SqliteSessionStore(file, read_only=read_only)
    session, path = await store.load_session(FullGraph()), await store.load_session(ActivePath())
    meta = await store.load_session_meta()
    assert session is not None
    assert path is not None
    assert meta is not None
    return Opened(file, store, session, path, meta, await store.list_queued_work(session.session_id))


def kind_of(one: SessionNodeRecord) -> str:
    """How golden data calls what a node holds."""
    if one.event is None:
        return f"plugin:{one.plugin_type}"
    return "message" if one.event.Protocol is None else f"protocol:{one.event.Protocol.plugin_id}"


def said(read: Opened) -> list[dict[str, Any]]:
    """The messages of the active path in the words of golden data."""
    return [
        {
            "id": message.id,
            "role": message.role,
            "parts": [
                {"kind": part.kind, "content": part.content}
                | ({"attachment": part.attachment.reference.id} if part.attachment else {})
                for part in message.parts
            ],
        }
        for message in conversation_messages(read.path.graph.nodes)
    ]


def without(value: Any, *names: str) -> dict[str, Any]:
    """A wire value as JSON without some of its members."""
    return {key: member for key, member in to_builtins(value).items() if key not in names}


def names_of(snapshot: Any, field: str) -> list[str] | None:
    """The sorted names in a map of a snapshot; None when there is no snapshot."""
    return None if snapshot is None else sorted(getattr(snapshot, field))


FRAME: Final = ("frame_id", "session_id", "status", "reason", "previous_frame_id")

SESSION: Final[dict[str, Callable[[Opened], Any]]] = {
    "session_id": lambda read: read.session.session_id,
    "file": lambda read: f"sessions/{SqliteSessionStoreFactory('').path_of(read.session.session_id)}",
    "session_meta": lambda read: without(read.meta, "created_at"),
    "head_revision": lambda read: read.session.head_revision,
    "node_count": lambda read: len(read.nodes),
    "nodes": lambda read: [
        {"id": one.node_id, "parent": one.parent_node_id, "kind": kind_of(one), "frame": one.agent_frame_id}
        for one in read.nodes
    ],
    "leaf": lambda read: read.session.graph.leaf_node_id,
    "active_path": lambda read: [one.node_id for one in read.path.graph.nodes],
    "orphans": lambda read: list(orphaned_node_ids(read.session.graph)),
    "messages": said,
    "config": lambda read: read.session.config,
    "frames": lambda read: [{name: getattr(one, name) for name in FRAME} for one in read.session.agent_frames],
    "current_frame": lambda read: read.session.current_agent_frame_id,
    "checkpoint_ref": lambda read: read.session.checkpoint_ref,
    "turn_state": lambda read: read.checkpoint.turn_state,
    "tool_names": lambda read: names_of(read.checkpoint.tool_state, "tools"),
    "tool_generation": lambda read: read.checkpoint.tool_state and read.checkpoint.tool_state.generation,
    "plugins": lambda read: names_of(read.checkpoint.plugin_snapshot, "plugins"),
    "execution_state_bytes": lambda read: read.checkpoint.execution_state and len(read.checkpoint.execution_state),
    "ledger": lambda read: read.session.token_ledger,
    "usage": lambda read: usage_report(read.session.token_ledger),
    "queued": lambda read: read.queued,
    "uncommitted_attachments": lambda read: [
        {
            "attachment_id": entry.attachment_id,
            "canonical_uri": entry.canonical_uri,
            "committed": entry.committed_at_epoch_ms is not None,
            "session_id": entry.session_id,
        }
        for entry in read.store.list_uncommitted(ALWAYS)
    ],
}
"""What golden data says of a session, and how it is told here."""


def databases(folder: Path, _: Any) -> list[str]:
    """The databases of a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.db"))


def attachments(folder: Path, expected: list[dict[str, Any]]) -> list[Any]:
    """The attachments of a folder, read with their bytes."""
    store = FileAttachmentStore(folder / "attachments")
    return [store.get(one["id"]).meta for one in expected]


def host_events(folder: Path, expected: list[dict[str, Any]]) -> list[Any]:
    """What was emitted, as far as it lies in the database of host events: each occurrence once, however often it was emitted."""
    stored = {
        row: {"occurrence_id": row, "started_process_ids": []}
        for (row,) in rows_of(folder / "host_events.db", "SELECT occurrence_id FROM host_event_occurrences")
    }
    return [stored.get(one["occurrence_id"]) for one in expected]


def processes(folder: Path, expected: list[dict[str, Any]]) -> list[Any]:
    """The processes whose handles lie in the registry; the status that was told at the time is not stored."""
    granted = "SELECT process_id, descriptor_json FROM process_handle_grants JOIN processes USING (process_id)"
    stored = dict(rows_of(folder / "processes.db", granted))
    return [
        one | {"descriptor": json.loads(stored[one["process_id"]])} if one["process_id"] in stored else None
        for one in expected
    ]


def rows_of(file: Path, query: str) -> list[Any]:
    """The rows of a database that no store of this library reads."""
    with closing(sqlite3.connect(f"{file.as_uri()}?immutable=1", uri=True)) as connection:
        return connection.execute(query).fetchall()


FOLDER: Final[dict[str, Callable[[Path, Any], Any]]] = {
    "databases": databases,
    "attachments": attachments,
    "host_events": host_events,
    "processes": processes,
}
"""What golden data says of a folder, beside its sessions, and how it is told here."""


async def faults(folder: Path) -> list[str]:
    """Return where a folder is not what is expected."""
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    sessions = expected.pop("sessions")
    del expected["about"]
    found = [*_differences(FOLDER, expected, lambda tell, wanted: tell(folder, wanted))]
    for session in sessions:
        read = await opened(folder, session)
        found += _differences(SESSION, session, lambda tell, _, read=read: tell(read))
        assert read.store.unread == 0
        read.store.release()
    return found


def _differences(table: Mapping[str, Any], expected: Mapping[str, Any], told: Callable[..., Any]) -> Iterator[str]:
    for key, wanted in expected.items():
        if key not in table:
            yield f"{key} is not understood"
        elif (given := json.loads(to_json(told(table[key], wanted)))) != wanted:
            yield f"{key} is {given!r}, expected {wanted!r}"


def contents(folder: Path) -> dict[Path, bytes]:
    """The bytes of the databases of a folder."""
    return {path: path.read_bytes() for path in folder.rglob("*.db")}


async def test_databases_are_read_whole(golden: Path) -> None:
    """Everything that golden data says of a folder and its sessions is found in it, and reading changes no database."""
    before = contents(golden)
    assert await faults(golden) == []
    assert contents(golden) == before


async def test_databases_take_further_turns(golden: Path) -> None:
    """A commit appends to what the reference wrote; tables, blobs and all that was there stay, and the session is read back."""
    expected = json.loads((golden / "expected.json").read_text(encoding="utf-8"))["sessions"]
    for session in expected:
        before = await opened(golden, session, read_only=False)
        tables = rows_of(before.file, "SELECT type, name FROM sqlite_master ORDER BY name")
        head = before.session
        further = commit(
            append(node("further", head.graph.leaf_node_id)),
            session_id=head.session_id,
            expected_head_revision=head.head_revision,
            agent_frames=head.agent_frames,
            current_agent_frame_id=head.current_agent_frame_id,
            checkpoint=without_snapshots(before.checkpoint),
            usage_deltas=(used(5, "further"),),
        )
        result = await before.store.commit_runtime_state(stamped(further, "further"))
        before.store.release()
        after = await opened(golden, session)
        after.store.release()

        assert after.session.graph.nodes == (*before.nodes, node("further", head.graph.leaf_node_id))
        assert after.walked() == [*before.walked(), "further"]
        assert after.checkpoint == before.checkpoint
        assert after.session.head_revision == result.head_revision == head.head_revision + 1
        assert after.session.token_ledger == (*head.token_ledger, used(5, "further"))
        assert (after.meta, after.queued) == (before.meta, before.queued)
        assert rows_of(after.file, "SELECT type, name FROM sqlite_master ORDER BY name") == tables
        assert rows_of(after.file, "PRAGMA integrity_check") == [("ok",)]


def without_snapshots(checkpoint: HydratedSessionCheckpoint) -> HydratedSessionCheckpoint:
    """A checkpoint of which nothing changed: its references alone."""
    names = ("turn_state", "tool_state_ref", "plugin_snapshot_ref", "plugin_snapshot_revision", "execution_state_ref")
    return HydratedSessionCheckpoint(**{name: getattr(checkpoint, name) for name in names})


async def test_what_differs_or_is_not_understood_is_a_fault(golden: Path) -> None:
    """Golden data of tomorrow does not pass unread, neither in a folder nor in a session."""
    expected = json.loads((golden / "expected.json").read_text(encoding="utf-8"))
    expected |= {"colour": 1, "sessions": [expected["sessions"][0] | {"smell": 2, "leaf": "elsewhere"}]}
    (golden / "expected.json").write_text(json.dumps(expected), encoding="utf-8")

    found = await faults(golden)
    assert [fault.split()[0] for fault in found] == ["colour", "leaf", "smell"]
