"""One folder for everything that a core keeps: sessions, attachments, compiled code."""

import os
from pathlib import Path
from typing import Final

from lash_nb.clock import Clock
from lash_nb.stores._file_attachments import FileAttachmentStore
from lash_nb.stores._sqlite_artifacts import SqliteLashlangArtifactStore
from lash_nb.stores._sqlite_factory import SqliteSessionStoreFactory

__all__ = ["ARTIFACTS_FILE", "ATTACHMENTS_FOLDER", "SESSIONS_FOLDER", "StoreFolder"]

SESSIONS_FOLDER: Final = "sessions"
ATTACHMENTS_FOLDER: Final = "attachments"
ARTIFACTS_FILE: Final = "artifacts.db"


class StoreFolder:
    """The stores of a folder; nothing is made before it is written to.

    Args:
        path: The folder; `~` is the user's home.
        clock: Where times come from.

    Attributes:
        path: The folder.
        sessions: One database for each session.
        attachments: Bytes under their content ids.
        artifacts: Compiled code.
    """

    def __init__(self, path: str | os.PathLike[str], clock: Clock | None = None) -> None:
        self.path: Final = Path(path).expanduser()
        self.sessions: Final = SqliteSessionStoreFactory(self.path / SESSIONS_FOLDER, clock)
        self.attachments: Final = FileAttachmentStore(self.path / ATTACHMENTS_FOLDER)
        self.artifacts: Final = SqliteLashlangArtifactStore(self.path / ARTIFACTS_FILE)

    def __repr__(self) -> str:
        return f"StoreFolder({str(self.path)!r})"
