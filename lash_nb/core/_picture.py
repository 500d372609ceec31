"""A picture for a turn, made of whatever a person has of it: bytes, a file or a figure."""

import os
from pathlib import Path
from typing import Final, NoReturn

from lash_nb.errors import CallerError
from lash_nb.plugins import NoPictureError, figure_png
from lash_nb.wire import MOST_PICTURE_BYTES, picture_fault
from lash_nb.words import counted, legible

__all__ = ["picture_bytes", "picture_name"]

_CODE: Final = "turn_image"
_NAMED: Final = 200
"""Characters of a path that an error tells at most."""


def picture_bytes(picture: object) -> bytes:
    """Return the bytes of a picture: they are given, in a file, or drawn of a figure of matplotlib.

    Raises:
        CallerError: `turn_image`, it is none that a model can look at.
    """
    if isinstance(picture, str | os.PathLike):
        path = os.fsdecode(picture)
        return _checked(_read(path), f"{_told(path)} is")
    if isinstance(picture, bytes | bytearray | memoryview):
        data = bytes(picture)
        return _checked(data, f"what was given, {counted(len(data), 'byte')}, is")
    try:
        drawn = figure_png(picture)
    except NoPictureError as error:
        _refuse(f"what was given {error}")
    if drawn is None:
        kind = type(picture).__name__
        _refuse(
            f"a picture is bytes, the path of a file or a figure of matplotlib, not {kind}; write .image('photo.png')"
        )
    return drawn


def picture_name(picture: object) -> str | None:
    """Return the name of the file that a picture is in."""
    return Path(os.fsdecode(picture)).name if isinstance(picture, str | os.PathLike) else None


def _read(path: str) -> bytes:
    try:
        file = Path(path).expanduser()
        if not (file.is_file() or file.is_dir()) and file.exists():
            _refuse(
                f"{_told(path)} is no plain file but a pipe or a device, which may never end; give a picture's file"
            )
        if (size := file.stat().st_size) > MOST_PICTURE_BYTES:  # of which none is read: there may be more than memory
            most = f"no provider takes a picture of more than {MOST_PICTURE_BYTES:,}"
            _refuse(f"{_told(path)} is a file of {size:,} bytes, and {most}; make it smaller")
        with file.open("rb") as opened:
            return opened.read(size)  # files of the system say that they are empty, and may go on for ever
    except (OSError, ValueError, RuntimeError) as error:  # no such file, no path at all, no such home
        why = getattr(error, "strerror", None) or str(error).rstrip(".")
        message = f"the picture {_told(path)} cannot be read: {why}; check the path, or give a figure itself: session.turn('…').image(fig)"
        raise CallerError(message, code=_CODE) from error


def _checked(data: bytes, named: str) -> bytes:
    fault = picture_fault(data)
    if fault is not None:
        _refuse(f"{named} {fault}")
    return data


def _told(path: str) -> str:
    return legible(repr(path), _NAMED)


def _refuse(message: str) -> NoReturn:
    raise CallerError(message, code=_CODE)
