"""The sessions that the folders of a notebook keep, whoever has them open."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from lash_nb.errors import CallerError
from lash_nb.magics._bench import Bench
from lash_nb.stores import StoredSession, StoredSessionRow, StoreReader, open_store

__all__ = ["asked_folder", "find_stored", "stored_folders", "stored_rows"]


_SHOWN: Final = 8
"""As many sessions does a message name."""


def asked_folder(bench: Bench, given: str | None) -> str | None:
    """Return the folder that is meant: the one that is typed, else that of `%config Lash.store`."""
    return given or bench.settings.store or None


def stored_folders(bench: Bench, also: str | None = None) -> dict[str, StoreReader]:
    """Return every folder that was used and holds sessions; the folder `also`, too."""
    folders = dict.fromkeys([*bench.folders(), *([also] if also else [])])
    return {folder: reader for folder in folders if (reader := _reader(folder)) is not None}


def stored_rows(bench: Bench) -> Iterator[StoredSessionRow]:
    """Yield the sessions of every folder that was used."""
    for reader in stored_folders(bench).values():
        yield from reader.sessions


def find_stored(bench: Bench, name: str, folder: str | None) -> tuple[str, StoredSession]:
    """Return a stored session and its folder.

    Raises:
        CallerError: no folder is known, or the session is not in it.
    """
    folders = [folder] if folder else bench.folders()
    if not folders:
        message = f"no folder to look for {name} in; %lash open {name} --store DIR, or %config Lash.store = 'DIR'"
        raise CallerError(message, code="magics_store")
    readers = {one: reader for one in folders if (reader := _reader(one)) is not None}
    for one, reader in readers.items():
        if name in reader:
            return one, reader[name]
    message = f"no session {name} in {', '.join(folders)}; {_there_is(readers.values())}; begin it: %lash new {name} --store {folders[0]}"
    raise CallerError(message, code="magics_session")


def _there_is(readers: Collection[StoreReader]) -> str:
    """The sessions that one may mean, and the files of which nobody knows whether they are the one that is meant."""
    known = [row.session_id for reader in readers for row in reader.sessions]
    broken = [error.message for reader in readers for error in reader.errors]
    there = f"there are {', '.join(known[:_SHOWN])}" if known else "there are none"
    return f"{there}; and {broken[0]}" if broken else there


def _reader(folder: str) -> StoreReader | None:
    """A folder that nothing was written to yet is an empty one."""
    path = Path(folder).expanduser()
    if not path.exists() or not any((path / "sessions").glob("*.db")):
        return None
    return open_store(path)
