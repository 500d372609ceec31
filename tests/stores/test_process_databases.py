"""The databases of background processes and host events: made as the reference makes them, and refused when they hold something else."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

import msgspec
import pytest

from lash_nb.clock import ManualClock
from lash_nb.errors import PluginError, StoreError
from lash_nb.stores import InMemoryHostEventStore, InMemoryProcessRegistry, SqliteHostEventStore, SqliteProcessRegistry
from lash_nb.wire import (
    ProcessEvent,
    ProcessEventAppendRequest,
    ProcessRecord,
    RuntimeReplay,
    from_json,
    to_builtins,
)
from tests.conformance.vectors import PACKED, read_files
from tests.stores.processes import registered

Database: TypeAlias = SqliteProcessRegistry | SqliteHostEventStore
KINDS: dict[str, Callable[[Path], Database]] = {
    "processes.db": SqliteProcessRegistry,
    "host_events.db": SqliteHostEventStore,
}
both = pytest.mark.parametrize("name", list(KINDS))


def golden(name: str, folder: Path) -> Path:
    """A copy of a database that the reference wrote."""
    (content,) = (content for path, content in read_files(PACKED, "stores") if path == f"processes/{name}")
    path = folder / f"golden_{name}"
    path.write_bytes(content)
    return path


def shape(path: Path) -> tuple[int, set[tuple[object, ...]]]:
    """The version, and every column of every table and index."""
    with closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        found = set()
        for kind, name in connection.execute("SELECT type, name FROM sqlite_master").fetchall():
            found |= {(name, *row) for row in connection.execute(f"PRAGMA {kind}_info('{name}')")}
    return version, found


@both
async def test_a_new_database_is_shaped_like_the_references(name: str, tmp_path: Path) -> None:
    """Version, tables with their columns, keys and defaults, and indexes."""
    made = KINDS[name](tmp_path / name)
    await made.open()
    made.release()

    assert shape(tmp_path / name) == shape(golden(name, tmp_path))
    assert (made.path, made.durability_tier) == (str(tmp_path / name), "durable")


@both
async def test_a_database_of_the_reference_is_opened_and_stays_as_it_is(name: str, tmp_path: Path) -> None:
    """Nothing is added to it."""
    path = golden(name, tmp_path)
    before = shape(path)
    made = KINDS[name](path)
    await made.open()
    made.release()

    assert shape(path) == before


@both
async def test_another_database_is_refused(name: str, tmp_path: Path) -> None:
    """There are no migrations."""
    (other,) = KINDS.keys() - {name}
    with pytest.raises(StoreError, match="it is left as it is"):
        await KINDS[name](golden(other, tmp_path)).open()


async def test_a_deleted_session_leaves_its_processes_to_those_who_see_them(tmp_path: Path) -> None:
    """A live process that nobody else sees is to be cancelled, one that others see is not, one that has ended is neither; twice is once."""
    registry = SqliteProcessRegistry(tmp_path / "processes.db")
    await registry.open()
    with closing(sqlite3.connect(registry.path)) as connection, connection:
        for process, status in (("sole", "running"), ("shared", "running"), ("over", "completed")):
            connection.execute(
                "INSERT INTO processes VALUES (?, '', 'session:s', 'default', 0, 0, ?, '{}')", (process, status)
            )
            connection.execute("INSERT INTO process_handle_grants VALUES ('s', 'session:s', ?, '{}')", (process,))
        connection.execute(
            "INSERT INTO process_handle_grants VALUES ('other', 'session:other/frame:f', 'shared', '{}')"
        )

    assert to_builtins(await registry.delete_session_process_state("s")) == {
        "session_id": "s",
        "revoked_handle_count": 3,
        "deleted_wake_count": 0,
        "cancel_process_ids": ("sole",),
        "preserved_process_ids": ("shared",),
    }
    assert (await registry.delete_session_process_state("s")).revoked_handle_count == 0
    registry.release()


async def test_an_event_is_stored_once_with_what_it_means(tmp_path: Path) -> None:
    """Asking for a stop changes no status, the end does; a request that is made again gives the same event, and another is refused."""
    registry = SqliteProcessRegistry(tmp_path / "p.db", ManualClock(1_795_270_260_380_000_000))
    await registry.open()
    registered(tmp_path / "p.db")
    stop = ProcessEventAppendRequest.cancel_requested("p", "enough")
    asked = await registry.append_event("p", stop)
    assert (asked.sequence, asked.payload) == (1, {"reason": "enough"})
    assert await registry.append_event("p", stop) == asked
    end = ProcessEventAppendRequest(
        event_type="process.completed",
        payload={"await_output": {"type": "success", "value": 42}},
        replay=RuntimeReplay(key="process:p:terminal:process.completed"),
    )
    ended = await registry.append_event("p", end)
    with pytest.raises(PluginError, match="conflicts with its event 2"):
        await registry.append_event("p", msgspec.structs.replace(end, payload={"await_output": {"type": "success"}}))
    registry.release()

    with closing(sqlite3.connect(tmp_path / "p.db")) as connection:
        events = connection.execute(
            "SELECT sequence, event_type, payload_hash, event_json FROM process_events"
        ).fetchall()
        ((status, updated, record),) = connection.execute("SELECT status, updated_at_ms, record_json FROM processes")
    assert [row[:2] for row in events] == [(1, "process.cancel_requested"), (2, "process.completed")]
    assert events[1][2] == "bf920312553c4475d8150dc2a95d77f3ee0f6e3a53a24e116bbaf126d3a350ee"  # as the reference has it
    assert from_json(events[1][3], ProcessEvent) == ended
    assert (status, updated) == ("completed", 1_795_270_260_380)
    assert from_json(record, ProcessRecord).is_terminal


async def test_a_process_that_is_not_there_is_told_nothing(tmp_path: Path) -> None:
    """Neither in a file nor in memory; one that cannot be read is named with its file."""
    registry = SqliteProcessRegistry(tmp_path / "p.db")
    stop = ProcessEventAppendRequest.cancel_requested("nobody")
    for one in (registry, InMemoryProcessRegistry()):
        with pytest.raises(PluginError, match="unknown process `nobody`"):
            await one.append_event("nobody", stop)
    registered(tmp_path / "p.db", "odd")
    with closing(sqlite3.connect(tmp_path / "p.db")) as connection, connection:
        connection.execute("UPDATE processes SET record_json = '{}'")
    with pytest.raises(StoreError, match="holds a process `odd` that cannot be read"):
        await registry.append_event("odd", stop)
    registry.release()


async def test_what_is_in_memory_says_so() -> None:
    """Nothing of it outlives the process, and it knows no process."""
    assert (InMemoryProcessRegistry().durability_tier, InMemoryHostEventStore().durability_tier) == ("inline", "inline")
    report = await InMemoryProcessRegistry().delete_session_process_state("s")
    assert (report.session_id, report.revoked_handle_count, report.cancel_process_ids) == ("s", 0, ())
