"""The sessions that the folders of a notebook keep, whoever has them open."""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Final

from lash_nb.errors import CallerError
from lash_nb.magics._bench import Bench
from lash_nb.stores import StoredSession, StoredSessionRow, StoreFolder, StoreReader, open_store
from lash_nb.words import counted

__all__ = ["asked_folder", "find_stored", "latest_stored", "stored_folders"]


_SHOWN: Final = 8
"""As many sessions does a message name."""


def asked_folder(bench: Bench, given: str | None) -> str | None:
    """Return the folder that is meant: the one that is typed, else that of `%config Lash.store`."""
    return given or bench.settings.store or None


def stored_folders(bench: Bench, also: str | None = None) -> dict[str, StoreReader]:
    """Return every folder that was used and holds sessions; the folder `also`, too."""
    folders = dict.fromkeys([*bench.folders(), *([also] if also else [])])
    return {folder: reader for folder in folders if (reader := _reader(folder)) is not None}


def latest_stored(bench: Bench, beginning: str, count: int) -> Iterator[StoredSessionRow]:
    """Yield the sessions of every folder that was used whose names begin so, of each folder at most so many."""
    for reader in stored_folders(bench).values():
        yield from reader.latest(count, beginning=beginning)


def find_stored(bench: Bench, name: str, folder: str | None) -> tuple[str, StoredSession]:
    """Return a stored session and its folder.

    Raises:
        CallerError: no folder is known, or the session is not in it, or its file cannot be read.
    """
    folders = [folder] if folder else bench.folders()
    if not folders:
        message = f"no folder to look for {name} in; name it with --store DIR, or %config Lash.store = 'DIR'; what is in memory alone ends with the kernel"
        raise CallerError(message, code="magics_store")
    readers = {one: reader for one in folders if (reader := _reader(one)) is not None}
    for one, reader in readers.items():
        if name in reader:
            return one, reader[name]
    _refuse_unreadable(name, readers)
    message = f"no session {name} in {', '.join(folders)}; {_there_is(name, readers.values())}; begin it: %lash new {name} --store {folders[0]}"
    raise CallerError(message, code="magics_session")


def _refuse_unreadable(name: str, folders: Iterable[str]) -> None:
    """Of a session whose own file cannot be read, say why, and not that it is not there."""
    for folder in folders:
        own = StoreFolder(folder).sessions.path_of(name)
        for error in open_store(own).errors if own.is_file() else ():
            raise CallerError(f"session {name}: {error.message}", code="magics_session")


def _there_is(name: str, readers: Collection[StoreReader]) -> str:
    """The sessions that one may mean; of many only those are read that are told."""
    nearest = [row.session_id for reader in readers if (row := reader.nearest(name)) is not None]
    meant = f"did you mean {' or '.join(nearest)}? " if nearest else ""
    latest = [row.session_id for reader in readers for row in reader.latest(_SHOWN + 1)]
    if len(latest) > _SHOWN:
        return f"{meant}the last ones are {', '.join(latest[:_SHOWN])}; all: %lash sessions"
    broken = sum(len(reader.errors) for reader in readers)
    there = f"{meant}there are {', '.join(latest) or 'none'}"
    return f"{there}, and {counted(broken, 'file')} not readable: %lash sessions" if broken else there


def _reader(folder: str) -> StoreReader | None:
    """A folder that nothing was written to yet is an empty one."""
    path = Path(folder).expanduser()
    if not path.exists() or not any((path / "sessions").glob("*.db")):
        return None
    return open_store(path)
