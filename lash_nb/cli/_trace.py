"""`lash-nb trace`: what is done before the libraries load that read and tell of a trace."""

import atexit
import gc
import importlib
import os
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

from lash_nb.spare import has_room, spare

__all__ = ["run"]

_LARGE: Final = 1 << 26
"""Bytes of a file that two processes read sooner than one."""
_SECOND_READER: Final = "lash_nb.trace._ahead"
"""Named, not imported: it loads in both processes at once."""


def run(asked: Namespace) -> int:
    """Run the verb; returns the exit code."""
    atexit.register(gc.freeze)  # or a process that ends looks for cycles among all that its libraries hold
    with ExitStack() as stack:
        stack.enter_context(_without_collections())
        if has_room() and any(map(_is_large, asked.files)):
            stack.enter_context(spare(_SECOND_READER))
        code: int = importlib.import_module("lash_nb.cli._trace_told").run(asked)
        return code


@contextmanager
def _without_collections() -> Iterator[None]:
    """Look for no cycles: nothing here makes any, and to look for some among a million calls takes a tenth of the time."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _is_large(file: str) -> bool:
    with suppress(OSError, ValueError):  # it is told when the file is read
        return os.stat(file).st_size >= _LARGE  # noqa: PTH116 - paths come with what reads files
    return False
