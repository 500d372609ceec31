"""A folder with one database for each session (lash 0.1.0-alpha.37, sessions §8.7 and §11.7)."""

import difflib
import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from lash_nb.clock import Clock, SystemClock
from lash_nb.errors import StoreError
from lash_nb.stores._session_store import SessionStoreCreateRequest
from lash_nb.stores._sqlite_resting import RESTING
from lash_nb.stores._sqlite_session import SqliteSessionStore
from lash_nb.wire import DurabilityTier, SessionMeta

__all__ = [
    "SqliteSessionStoreFactory",
    "is_session_file",
    "may_begin",
    "nearest_session_file",
    "session_file_ending",
    "session_file_name",
]

_NS_PER_S: Final = 1_000_000_000
_LONGEST_NAME: Final = 80
_OWN_NAME: Final = re.compile(r"[A-Za-z0-9_-]+-[0-9a-f]{16}\.db")
_SIDECARS: Final = ("", "-wal", "-shm")


def session_file_name(session_id: str) -> str:
    """Return under which name a session is kept."""
    return f"{_plain(session_id) or 'session'}{session_file_ending(session_id)}"


def session_file_ending(session_id: str) -> str:
    """Return how that name ends, which no other session's does and no person has a reason to change."""
    digest = hashlib.sha256(session_id.encode(errors="surrogatepass")).hexdigest()
    return f"-{digest[:16]}.db"


def is_session_file(name: str) -> bool:
    """Tell whether a file has such a name, so that it holds the session of just one id."""
    return _OWN_NAME.fullmatch(name) is not None


def may_begin(name: str, beginning: str) -> bool:
    """Tell whether a file of such a name may hold a session whose id begins so."""
    return name.startswith(_plain(beginning))


def nearest_session_file(names: Iterable[str], session_id: str) -> str | None:
    """Return which file of such names is named most like an id, if one is much like it."""
    beginnings = {name.rpartition("-")[0]: name for name in names if is_session_file(name)}
    near = difflib.get_close_matches(_plain(session_id), beginnings, n=1)
    return beginnings[near[0]] if near else None


def _plain(session_id: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", session_id).strip("_")[:_LONGEST_NAME]


class SqliteSessionStoreFactory:
    """Gives each session a database of its own in one folder, under a name that no id can lead out of it.

    Args:
        folder: The folder; made when the first store is.
        clock: Where times come from.
    """

    durability_tier: DurabilityTier = "durable"

    def __init__(self, folder: str | os.PathLike[str], clock: Clock | None = None) -> None:
        self.folder = Path(folder)
        self._clock = clock or SystemClock()

    def path_of(self, session_id: str) -> Path:
        """Return where a session is kept, whether it is there or not."""
        return self.folder / session_file_name(session_id)

    async def create_store(self, request: SessionStoreCreateRequest) -> SqliteSessionStore:
        """Return the session's store; the first one writes the meta record.

        Raises:
            StoreError: `Backend`, when the folder cannot be made or the file cannot be opened.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _failed(self.folder, "cannot be made", error) from error
        store = SqliteSessionStore(self.path_of(request.session_id), clock=self._clock)
        if await store.load_session_meta() is None:
            await store.save_session_meta(self._meta(request))
        return store

    async def delete_session(self, session_id: str) -> None:
        """Delete the session's files.

        Raises:
            StoreError: `Backend`, when one of them cannot be deleted.
        """
        path = self.path_of(session_id)
        RESTING.close(str(path))
        for suffix in _SIDECARS:
            sidecar = path.with_name(path.name + suffix)
            try:
                sidecar.unlink(missing_ok=True)
            except OSError as error:
                raise _failed(sidecar, "cannot be deleted", error) from error

    def _meta(self, request: SessionStoreCreateRequest) -> SessionMeta:
        return SessionMeta(
            session_id=request.session_id,
            session_name=request.session_id,
            created_at=f"unix:{self._clock.now_ns() // _NS_PER_S}",
            model=request.policy.model.id,
            cwd=str(Path.cwd()),
            relation=request.relation,
        )


def _failed(path: Path, what: str, error: OSError) -> StoreError:
    told = f"{path} {what} ({error.strerror}); see who may write there, and try again"
    return StoreError("Backend", told, path=str(path))
