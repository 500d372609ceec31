"""A report as a file: whole or not at all."""

import errno
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from glob import glob
from pathlib import Path
from typing import Any, BinaryIO

from lash_nb.errors import CallerError
from lash_nb.trace import Trace
from lash_nb.views._report import trace_report

__all__ = ["write_trace_report"]

FilePath = str | os.PathLike[str]


def write_trace_report(path: FilePath, trace: Trace, *, files: Iterable[FilePath] = (), **wanted: Any) -> int:
    """Write the report of a trace; return its size in bytes.

    It is written beside its place and moved there when it is whole: whatever goes wrong, an older report stays as it was.

    Args:
        path: Where to; a file that is there is replaced, and keeps its mode.
        trace: The trace.
        files: The files that the trace was read from, none of which is ever overwritten.
        **wanted: As `trace_report` takes it.

    Raises:
        CallerError: it cannot be written there.
    """
    files = list(files)
    parts = trace_report(trace, files=files, **wanted)
    target = _target(path)
    _refuse_sources(target, files)
    try:
        with _replacing(target) as file:
            return sum(file.write(part.encode()) for part in parts)
    except OSError as error:
        raise _unwritable(path, error) from None


def _target(path: FilePath) -> Path:
    """Return the place itself, behind all links."""
    try:
        return _behind_links(Path(path).expanduser())
    except (OSError, ValueError, RuntimeError) as error:  # no such home, a ring of links, characters that no path holds
        raise _unwritable(path, error) from None


def _behind_links(path: Path) -> Path:
    target = path.resolve()
    if target.is_symlink():  # a ring, of which Python says nothing from 3.13 on
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return target


def _unwritable(path: FilePath, error: Exception) -> CallerError:
    why = getattr(error, "strerror", None) or str(error).rstrip(".")
    message = f"The report {str(path)!r} cannot be written: {why}. Nothing was changed; name another file."
    return CallerError(message, code="report_write")


def _refuse_sources(target: Path, files: Iterable[FilePath]) -> None:
    for file in files:
        with suppress(OSError, ValueError, RuntimeError):  # what is not there is not overwritten either
            source = Path(file).expanduser()
            if any(map(target.samefile, [source] if source.exists() else glob(str(source), recursive=True))):  # noqa: PTH207 - a pattern may be absolute
                message = f"The report would overwrite the trace {str(file)!r}: give it another name."
                raise CallerError(message, code="report_write")


@contextmanager
def _replacing(target: Path) -> Iterator[BinaryIO]:
    """Lend a new file that takes the target's place at the end; after an error, Ctrl-C or a signal, nothing of it is left."""
    if target.exists() and not target.is_file():
        with target.open("wb") as stream:  # a pipe or a device has no place to take; a directory says that it is one
            yield stream
        return
    part = target.with_name(f".lash-nb-report-{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            if target.exists():
                part.chmod(target.stat().st_mode & 0o777)
            yield file
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
