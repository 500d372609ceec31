"""Background processes as a registry's file has them, for tests of what becomes of them."""

import sqlite3
from contextlib import closing
from pathlib import Path

from lash_nb.wire import (
    ProcessExternalInput,
    ProcessProvenance,
    ProcessRecord,
    ProcessRegistration,
    ProcessScope,
    to_json,
)

__all__ = ["registered"]


def registered(path: Path, process_id: str = "p", *, session: str = "s") -> None:
    """Put a process into a registry's file, with a handle of a session, as the reference stores it."""
    registration = ProcessRegistration(
        id=process_id,
        input=ProcessExternalInput(metadata={"k": 1}),
        provenance=ProcessProvenance(owner_scope=ProcessScope(session_id=session), host_profile_id="default"),
    ).prepare()
    record = ProcessRecord(
        id=process_id,
        registration_hash=registration.hash(),
        input=registration.input,
        event_types=registration.event_types,
        provenance=registration.provenance,
        created_at_ms=1,
        updated_at_ms=1,
    )
    with closing(sqlite3.connect(path)) as connection, connection:
        values = (process_id, record.registration_hash, f"session:{session}", to_json(record).decode())
        connection.execute("INSERT INTO processes VALUES (?, ?, ?, 'default', 1, 1, 'running', ?)", values)
        grant = (session, f"session:{session}", process_id)
        connection.execute("INSERT INTO process_handle_grants VALUES (?, ?, ?, '{}')", grant)
