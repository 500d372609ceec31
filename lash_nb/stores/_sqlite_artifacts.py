"""Compiled lashlang programs in a database of the reference's session schema, by convention `artifacts.db` (sessions §11.2, §18.3)."""

import os
import sqlite3
from dataclasses import replace
from typing import Final

from lash_nb.errors import StoreError
from lash_nb.stores._sqlite_blobs import get_blob, put_blob
from lash_nb.stores._sqlite_file import SqliteFile
from lash_nb.stores._sqlite_schema import SESSION_SCHEMA
from lash_nb.wire import BlobRef, DurabilityTier, content_id

__all__ = ["SqliteLashlangArtifactStore"]

_SCHEMA: Final = replace(SESSION_SCHEMA, kind="artifact")
"""The tables of a session, of which two are used."""


class SqliteLashlangArtifactStore:
    """Keeps artifacts in a database file, made by the first use.

    Args:
        path: The file.
        read_only: Never write; then the file must be there.
    """

    durability_tier: DurabilityTier = "durable"

    def __init__(self, path: str | os.PathLike[str], *, read_only: bool = False) -> None:
        self._file: Final = SqliteFile(path, _SCHEMA, read_only=read_only)

    @property
    def path(self) -> str:
        """The file."""
        return self._file.path

    async def put_artifact(self, artifact_ref: str, data: bytes) -> None:
        """Keep an artifact; a blob of its hash that is damaged is written anew."""
        await self._file.write(lambda connection: _put(connection, artifact_ref, bytes(data)))

    async def get_artifact(self, artifact_ref: str) -> bytes | None:
        """Return an artifact.

        Raises:
            StoreError: `Backend`, with `path` and `artifact_ref`, when its bytes are gone or are not those that were put.
        """
        row, data = await self._file.read(lambda connection: _get(connection, artifact_ref))
        if row is None:
            return None
        if data is None:
            raise self._damaged(artifact_ref, f"points at the blob {row}, which is missing")
        if content_id(data) != row:
            raise self._damaged(artifact_ref, f"has a damaged blob: its bytes are not those of {row}")
        return data

    def release(self) -> None:
        """Close the file; the next use opens it again."""
        self._file.release()

    def _damaged(self, artifact_ref: str, what: str) -> StoreError:
        return StoreError(
            "Backend",
            f"{self.path}: lashlang artifact `{artifact_ref}` {what}; run the code that defines it again, which stores it anew",
            path=self.path,
            artifact_ref=artifact_ref,
        )


def _put(connection: sqlite3.Connection, artifact_ref: str, data: bytes) -> None:
    blob = put_blob(connection, "LashlangModule", data, "balanced")
    connection.execute(
        "INSERT OR REPLACE INTO artifact_refs (artifact_ref, blob_ref) VALUES (?, ?)", (artifact_ref, blob)
    )


def _get(connection: sqlite3.Connection, artifact_ref: str) -> tuple[BlobRef | None, bytes | None]:
    """Return which blob a reference points at, and its content; None for what is not there."""
    row = connection.execute("SELECT blob_ref FROM artifact_refs WHERE artifact_ref = ?", (artifact_ref,)).fetchone()
    return (None, None) if row is None else (row[0], get_blob(connection, row[0]))
