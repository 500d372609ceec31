"""What every store with a database of its own can do: say where it is, open it ahead of time, give it back."""

import os
from typing import Final

from lash_nb.stores._sqlite_file import SqliteFile
from lash_nb.stores._sqlite_schema import Schema
from lash_nb.wire import DurabilityTier

__all__ = ["SqliteDatabase"]


class SqliteDatabase:
    """A store in a database file, made by the first use."""

    durability_tier: DurabilityTier = "durable"

    def __init__(self, path: str | os.PathLike[str], schema: Schema) -> None:
        self._file: Final = SqliteFile(path, schema)

    @property
    def path(self) -> str:
        """The file."""
        return self._file.path

    async def open(self) -> None:
        """Make the file, or see that it is one; otherwise the first use does.

        Raises:
            StoreError: `Backend`, it cannot be opened or holds something else.
        """
        await self._file.read(lambda _: None)

    def release(self) -> None:
        """Close the file; the next use opens it again."""
        self._file.release()
