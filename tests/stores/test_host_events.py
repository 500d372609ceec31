"""Occurrences at a host: kept once, found again by their key, as the reference keeps them."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from lash_nb.clock import ManualClock
from lash_nb.errors import PluginError
from lash_nb.stores import HostEventStore, InMemoryHostEventStore, SqliteHostEventStore
from lash_nb.wire import HostEventOccurrenceRecord, HostEventOccurrenceRequest, from_json, to_json
from tests.conformance.vectors import PACKED, read_files

NOON = HostEventOccurrenceRequest(
    source_type="clock", source_key="noon", payload={"hour": 12}, idempotency_key="noon-1"
)
Make = Callable[[Path, ManualClock], HostEventStore]
STORES: dict[str, Make] = {
    "memory": lambda _, clock: InMemoryHostEventStore(clock),
    "sqlite": lambda path, clock: SqliteHostEventStore(path / "events.db", clock),
}
both = pytest.mark.parametrize("make", STORES.values(), ids=list(STORES))


@both
async def test_an_occurrence_is_kept_once(make: Make, tmp_path: Path) -> None:
    """Told again it is the one of then, with its time; nobody waits for it."""
    clock = ManualClock(1_000_000_000)
    store = make(tmp_path, clock)
    first = await store.record_occurrence(NOON)
    clock.advance(5)
    assert await store.record_occurrence(NOON) == first
    assert (first.occurred_at_ms, first.payload, await store.count_subscribers(first)) == (1_000, {"hour": 12}, 0)


@both
@pytest.mark.parametrize("change", [{"payload": 1}, {"source_type": "sun"}, {"source_key": "east"}, {"source": {}}])
async def test_a_key_is_of_one_occurrence_alone(make: Make, change: dict[str, object], tmp_path: Path) -> None:
    """Whatever differs: keys are global to a store."""
    store = make(tmp_path, ManualClock())
    await store.record_occurrence(NOON)
    with pytest.raises(PluginError, match="idempotency conflict: key 'noon-1' belongs to something else"):
        await store.record_occurrence(msgspec.structs.replace(NOON, **change))


@both
@pytest.mark.parametrize("name", ["source_type", "source_key", "idempotency_key"])
async def test_a_blank_name_is_refused(make: Make, name: str, tmp_path: Path) -> None:
    """The first of them is told."""
    blank = msgspec.structs.replace(NOON, **{name: " \t"})
    with pytest.raises(PluginError, match=f"{name} of a host event is blank"):
        await make(tmp_path, ManualClock()).record_occurrence(blank)


async def test_rows_are_the_references_own(tmp_path: Path) -> None:
    """Ids, hashes and records of what it wrote come out again; its database takes them as told before."""
    (content,) = (data for path, data in read_files(PACKED, "stores") if path == "host_events/host_events.db")
    (tmp_path / "events.db").write_bytes(content)
    with closing(sqlite3.connect(tmp_path / "events.db")) as connection:
        rows = connection.execute(
            "SELECT occurrence_id, request_hash, occurred_at_ms, record_json FROM host_event_occurrences ORDER BY occurred_at_ms"
        ).fetchall()
    store = SqliteHostEventStore(tmp_path / "events.db")
    front = HostEventOccurrenceRequest(
        source_type="door", source_key="front", payload="open", idempotency_key="front-1"
    )
    for request, (occurrence_id, digest, at_ms, text) in zip((NOON, front), rows, strict=True):
        assert (request.hash(), to_json(request.recorded(at_ms)).decode()) == (digest, text)
        kept = await store.record_occurrence(request)
        assert kept == from_json(text, HostEventOccurrenceRecord)
        assert kept.occurrence_id == occurrence_id
    store.release()


async def test_only_those_who_wait_and_were_not_told_count(tmp_path: Path) -> None:
    """Of the same sort and source, enabled, and without a delivery of this occurrence."""
    store = SqliteHostEventStore(tmp_path / "events.db")
    noon = await store.record_occurrence(NOON)
    with closing(sqlite3.connect(store.path)) as connection, connection:
        for number, (kind, key, enabled) in enumerate(
            [("clock", "noon", 1), ("clock", "noon", 0), ("clock", "dusk", 1), ("sun", "noon", 1), ("clock", "noon", 1)]
        ):
            connection.execute(
                "INSERT INTO host_event_trigger_subscriptions VALUES (?, 's', ?, ?, ?, ?, 0, 0, '{}')",
                (f"subscription:{number}", f"trigger:{number}", kind, key, enabled),
            )
        delivery = (noon.occurrence_id, "subscription:4")
        connection.execute("INSERT INTO host_event_deliveries VALUES (?, ?, 'p', 0)", delivery)
    assert await store.count_subscribers(noon) == 1
    store.release()
