"""Where the full text of a tool result goes that the model sees only in part, and how long it stays.

The files belong to nobody's session: the model reads them by their path, in this turn or in a later one. They lie in a folder that only
this user may enter. What is older than a week goes when another file comes, and so do the oldest ones of more than a gigabyte.
"""

import getpass
import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from lash_nb.wire import Json, to_json

__all__ = ["Spill"]

_FOLDER: Final = "lash-tool-output"
_WEEK_SECONDS: Final = 7 * 24 * 3600
_MOST_BYTES: Final = 2**30
_SWEEP_SECONDS: Final = 3600
_SWEEP_BYTES: Final = 2**26
_OURS: Final = re.compile(r"[\w-]+-[0-9a-f]{12}\.txt(\.\w+\.tmp)?", re.ASCII)
_LONGEST_NAME: Final = 80
_PIECE_CHARS: Final = 2**18


class Spill:
    """A folder of full texts.

    Args:
        folder: Where; by default a folder of this user's among the system's temporary files.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._swept: float | None = None
        self._since = 0

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._folder or _private_folder() / _FOLDER

    def keep(self, tool: str, args: Json, text: str) -> Path | None:
        """Write `text` down and return where; None when that cannot be. The same text of the same call has one file."""
        digest = hashlib.sha256(b"%b\0%b\0" % (tool.encode(), to_json(args)))
        size = 0
        for piece in _pieces(text):
            digest.update(piece)
            size += len(piece)
        try:
            folder = _entered(self.folder)
            path = folder / f"{re.sub(r'[^A-Za-z0-9_-]', '_', tool)[:_LONGEST_NAME]}-{digest.hexdigest()[:12]}.txt"
            if _holds(path, size):
                os.utime(path)
            else:
                _write(path, text)
            self._sweep(folder, path.stat())
        except OSError:
            return None
        return path

    def _sweep(self, folder: Path, newest: os.stat_result) -> None:
        """Delete what is too old or too much, now and then; the time of the file just written says what time it is."""
        self._since += newest.st_size
        if self._swept is not None and newest.st_mtime - self._swept < _SWEEP_SECONDS and self._since < _SWEEP_BYTES:
            return
        self._swept, self._since = newest.st_mtime, 0
        total = 0
        for facts, path in sorted(_files(folder), key=lambda file: -file[0].st_mtime):
            total += facts.st_size
            if newest.st_mtime - facts.st_mtime > _WEEK_SECONDS or (total > _MOST_BYTES and facts != newest):
                with suppress(OSError):
                    path.unlink()


def _files(folder: Path) -> list[tuple[os.stat_result, Path]]:
    """Our own files there, never what a link points to."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):  # another process swept it
                if _OURS.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                    found.append((entry.stat(follow_symlinks=False), Path(entry.path)))
    return found


def _pieces(text: str) -> Iterator[bytes]:
    """The text in UTF-8, a piece at a time: a long one is not in memory twice."""
    return (text[start : start + _PIECE_CHARS].encode() for start in range(0, len(text), _PIECE_CHARS))


def _write(path: Path, text: str) -> None:
    """Write a file that this user alone may read, and that nobody sees half-written; it need not outlive a power cut."""
    descriptor, draft = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(_pieces(text))
        os.replace(draft, path)  # noqa: PTH105 - `draft` is a text
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)  # noqa: PTH108 - as above
        raise


def _private_folder() -> Path:
    return Path(tempfile.gettempdir()) / f"lash-nb-{re.sub(r'[^A-Za-z0-9_-]', '_', _user())}"


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else getpass.getuser()


def _entered(folder: Path) -> Path:
    """The folder, made if need be; a folder among temporary files must be this user's own.

    Raises:
        OSError: it cannot be made, or somebody else made it.
    """
    owned = folder.parent if folder.parent == _private_folder() else None
    if owned is not None:
        owned.mkdir(mode=0o700, exist_ok=True)
        facts = owned.lstat()
        if not stat.S_ISDIR(facts.st_mode) or (hasattr(os, "getuid") and facts.st_uid != os.getuid()):
            raise PermissionError(f"{owned} is not this user's own folder")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _holds(path: Path, size: int) -> bool:
    try:
        facts = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISREG(facts.st_mode) and facts.st_size == size
