"""A picture for a model, made of whatever a person has of it: bytes, a file or a figure."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from lash_nb.errors import CallerError
from lash_nb.plugins._drawing import NoPictureError
from lash_nb.plugins._library_values import figure_png
from lash_nb.wire import MOST_PICTURE_BYTES, picture_fault
from lash_nb.words import counted, legible

__all__ = ["check_direct_picture", "direct_pictures", "turn_picture"]

_NAMED: Final = 200
"""Characters of a path that an error tells at most."""
_ALONE: Final = (str, os.PathLike, bytes, bytearray, memoryview)
"""One picture is none of several, though some of these can be walked through."""


@dataclass(frozen=True, slots=True)
class _Way:
    """A way by which pictures are given to a model, for the errors of those that are none."""

    code: str
    """Of the errors."""
    example: str
    """What is written, with `{}` for the picture."""

    def bytes_of(self, picture: object) -> bytes:
        """Return the bytes of a picture: they are given, in a file, or drawn of a figure of matplotlib.

        Raises:
            CallerError: it is none that a model can look at.
        """
        if isinstance(picture, str | os.PathLike):
            path = os.fsdecode(picture)
            return self._checked(self._read(path), f"{_told(path)} is")
        if isinstance(picture, bytes | bytearray | memoryview):
            data = bytes(picture)
            return self._checked(data, f"what was given, {counted(len(data), 'byte')}, is")
        try:
            drawn = figure_png(picture)
        except NoPictureError as error:
            self.refuse(f"what was given {error}")
        if drawn is None:
            kind = type(picture).__name__
            written = self.example.format("'photo.png'")
            self.refuse(
                f"a picture is bytes, the path of a file or a figure of matplotlib, not {kind}; write {written}"
            )
        return drawn

    def refuse(self, message: str) -> NoReturn:
        """Raise the error of this way."""
        raise CallerError(message, code=self.code)

    def _checked(self, data: bytes, named: str) -> bytes:
        fault = picture_fault(data)
        if fault is not None:
            self.refuse(f"{named} {fault}")
        return data

    def _read(self, path: str) -> bytes:
        try:
            file = Path(path).expanduser()
            if not (file.is_file() or file.is_dir()) and file.exists():
                self.refuse(
                    f"{_told(path)} is no plain file but a pipe or a device, which may never end; give a picture's file"
                )
            if (
                size := file.stat().st_size
            ) > MOST_PICTURE_BYTES:  # of which none is read: there may be more than memory
                most = f"no provider takes a picture of more than {MOST_PICTURE_BYTES:,}"
                self.refuse(f"{_told(path)} is a file of {size:,} bytes, and {most}; make it smaller")
            with file.open("rb") as opened:
                return opened.read(size)  # files of the system say that they are empty, and may go on for ever
        except (OSError, ValueError, RuntimeError) as error:  # no such file, no path at all, no such home
            why = getattr(error, "strerror", None) or str(error).rstrip(".")
            figure = self.example.format("fig")
            message = (
                f"the picture {_told(path)} cannot be read: {why}; check the path, or give a figure itself: {figure}"
            )
            raise CallerError(message, code=self.code) from error


_TURN: Final = _Way("turn_image", "session.turn('…').image({})")
_DIRECT: Final = _Way("direct_request", "pictures=[{}]")


def turn_picture(picture: object) -> bytes:
    """Return the bytes of a picture for a turn: they are given, in a file, or drawn of a figure of matplotlib.

    Raises:
        CallerError: `turn_image`, it is none that a model can look at.
    """
    return _TURN.bytes_of(picture)


def direct_pictures(pictures: Any) -> list[bytes]:
    """Return the bytes of the pictures of a direct completion.

    Raises:
        CallerError: `direct_request`, one is none that a model can look at, or there is one alone that is not in a list.
    """
    if isinstance(pictures, _ALONE) or not isinstance(pictures, Iterable):
        _DIRECT.refuse(
            f"pictures are several, in a list, not one {type(pictures).__name__}; write pictures=[…] around it"
        )
    return [_DIRECT.bytes_of(picture) for picture in pictures]


def check_direct_picture(data: bytes) -> None:
    """Check the bytes of a picture in a request that is written out in full. Errors as in `direct_pictures`."""
    _DIRECT.bytes_of(data)


def _told(path: str) -> str:
    return legible(repr(path), _NAMED)
