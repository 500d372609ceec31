"""Which blobs of a session database are still needed (lash 0.1.0-alpha.37, sessions §11.6)."""

import sqlite3
from collections.abc import Iterator

from lash_nb.errors import StoreError
from lash_nb.stores._session_store import GcReport
from lash_nb.stores._sqlite_blobs import read_manifest
from lash_nb.stores._sqlite_head import read_head
from lash_nb.wire import BlobRef, SessionCheckpoint, SessionHeadMeta

__all__ = ["sweep_blobs"]


def sweep_blobs(connection: sqlite3.Connection, path: str) -> GcReport:
    """Delete the blobs that neither the head nor an artifact needs; the code state of every frame counts as needed.

    Args:
        connection: In a transaction that has the right to write.
        path: The file, for messages.

    Raises:
        StoreError: `Backend`, when head or manifest cannot be decoded: then nobody knows what is needed, and nothing is deleted.
    """
    head = read_head(connection, path)
    roots = [ref for (ref,) in connection.execute("SELECT blob_ref FROM artifact_refs")]
    needed = set(roots)
    if head is not None and head.checkpoint_ref is not None:
        roots.append(head.checkpoint_ref)
        needed.update(_needed_by_head(connection, path, head, head.checkpoint_ref))
    stored = {ref for (ref,) in connection.execute("SELECT hash FROM blobs")}
    unneeded = stored - needed
    connection.executemany("DELETE FROM blobs WHERE hash = ?", [(ref,) for ref in unneeded])
    return GcReport(root_count=len(roots), retained_blob_count=len(needed), deleted_blob_count=len(unneeded))


def _needed_by_head(
    connection: sqlite3.Connection, path: str, head: SessionHeadMeta, checkpoint_ref: BlobRef
) -> Iterator[BlobRef]:
    yield checkpoint_ref
    yield from (frame.execution_state_ref for frame in head.agent_frames if frame.execution_state_ref is not None)
    manifest = read_manifest(connection, checkpoint_ref)
    if manifest is not None:
        yield from _parts(manifest)
    elif connection.execute("SELECT 1 FROM blobs WHERE hash = ?", (checkpoint_ref,)).fetchone():
        told = f"{path}: checkpoint {checkpoint_ref} cannot be decoded; no blob was deleted, commit anew first"
        raise StoreError("Backend", told, path=path)


def _parts(manifest: SessionCheckpoint) -> Iterator[BlobRef]:
    refs = (manifest.tool_state_ref, manifest.plugin_snapshot_ref, manifest.execution_state_ref)
    return (ref for ref in refs if ref is not None)
