"""Files that appear whole or not at all, and folders that one writer holds at a time."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

__all__ = ["DRAFT", "held_folder", "write_whole"]

DRAFT: Final = ".tmp"
"""How the name of a file ends as long as it is being written (the reference's own ending)."""


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is never seen half-written, even after a power cut; a stale draft is written over.

    Raises:
        OSError: it cannot be written; then no draft is left, and an older file is as it was.
    """
    draft = path.with_name(f"{path.name}{DRAFT}")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except FileNotFoundError:
        if not path.exists():  # else a writer that holds no folders wrote the same bytes and took the draft along
            raise
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise


@contextmanager
def held_folder(folder: Path) -> Iterator[None]:
    """Make a folder and hold it; other writers of this library, in any thread and process, wait.

    The folder itself is locked, so that the layout has no file that the reference does not know.

    Raises:
        OSError: it cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if sys.platform == "win32":  # which cannot open a folder: writers of one process are kept apart by the store
        yield
        return
    import fcntl  # noqa: PLC0415 - there is none on Windows

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a network drive without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
