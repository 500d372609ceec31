"""The sessions that the folders of a notebook keep, whoever has them open."""

from collections.abc import Iterator
from pathlib import Path

from lash_nb.errors import CallerError
from lash_nb.magics._bench import Bench
from lash_nb.stores import StoredSession, StoredSessionRow, StoreReader, open_store

__all__ = ["asked_folder", "find_stored", "stored_rows"]


def asked_folder(bench: Bench, given: str | None) -> str | None:
    """Return the folder that is meant: the one that is typed, else that of `%config Lash.store`."""
    return given or bench.settings.store or None


def stored_rows(bench: Bench, also: str | None = None) -> Iterator[tuple[str, StoredSessionRow]]:
    """Yield the sessions of every folder that was used, with the folder; of the folder `also`, too."""
    for folder in dict.fromkeys([*bench.folders(), *([also] if also else [])]):
        reader = _reader(folder)
        yield from ((folder, row) for row in (reader.sessions if reader else ()))


def find_stored(bench: Bench, name: str, folder: str | None) -> tuple[str, StoredSession]:
    """Return a stored session and its folder.

    Raises:
        CallerError: no folder is known, or the session is not in it.
    """
    folders = [folder] if folder else bench.folders()
    if not folders:
        message = f"no folder to look for {name} in; %lash open {name} --store DIR, or %config Lash.store = 'DIR'"
        raise CallerError(message, code="magics_store")
    for one in folders:
        reader = _reader(one)
        if reader is not None and name in reader:
            return one, reader[name]
    known = [row.session_id for one in folders if (reader := _reader(one)) for row in reader.sessions]
    there = f"there are {', '.join(known[:8])}" if known else "there are none"
    message = f"no session {name} in {', '.join(folders)}; {there}; begin it: %lash new {name} --store {folders[0]}"
    raise CallerError(message, code="magics_session")


def _reader(folder: str) -> StoreReader | None:
    """A folder that nothing was written to yet is an empty one."""
    path = Path(folder).expanduser()
    if not path.exists() or not any((path / "sessions").glob("*.db")):
        return None
    return open_store(path)
