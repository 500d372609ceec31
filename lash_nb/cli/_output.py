"""The standard output of a command: a table never fails on a letter, data is UTF-8 wherever it goes, and nothing is lost on the way."""

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress

from lash_nb.cli._ending import Ended
from lash_nb.words import printable

__all__ = ["sturdy_output", "write_data"]


@contextmanager
def sturdy_output() -> Iterator[None]:
    """Lend a standard output that shows `?` for what its encoding cannot say, and that writes all it is given.

    With `PYTHONUNBUFFERED` the interpreter's own one drops what a single write did not take, as on a disk that gets full, and says nothing.

    Raises:
        OSError: the standard output is closed, or what is written has no room.
    """
    if sys.stdout is None:
        raise OSError(errno.EBADF, "it is closed")
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:  # a notebook's, which takes any text
        yield
        return
    sys.stdout.flush()
    whole = io.BufferedWriter(buffer) if isinstance(buffer, io.RawIOBase) else buffer
    lines = io.TextIOWrapper(whole, sys.stdout.encoding, "replace", line_buffering=sys.stdout.isatty())
    try:
        with redirect_stdout(lines):
            yield
            lines.flush()
    except (OSError, KeyboardInterrupt, Ended):
        _forget(lines)
        raise
    finally:
        lines.detach()  # or they would close at their end what is not ours
        if whole is not buffer:
            whole.detach()


def write_data(text: str) -> None:
    """Write text that a program will read, as UTF-8; only a terminal, which would obey them, gets no control characters."""
    if sys.stdout.isatty() or not hasattr(sys.stdout, "buffer"):
        sys.stdout.write(printable(text))
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode(errors="replace"))


def _forget(lines: io.TextIOWrapper) -> None:
    """Let go of what could not be written: a disk may be full, and whoever reads a pipe may never do so again."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), lines.fileno())
