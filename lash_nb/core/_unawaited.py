"""What gives its value to who awaits it, and tells who forgot to."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, NoReturn

from lash_nb.errors import CallerError

__all__ = ["Unawaited", "names_of"]


class Unawaited:
    """Base of it."""

    _what_to_write: ClassVar[Mapping[str, str]]
    """For each name that is not its own what to write instead."""
    _how_to_read: ClassVar[str]
    """What to write in place of a loop over it."""

    if not TYPE_CHECKING:  # who checks types is told by them

        def __getattr__(self, name: str) -> NoReturn:
            message = f"{type(self).__name__!r} object has no attribute {name!r}"
            if name in self._what_to_write:
                message += f": {self._what_to_write[name]}"
            raise AttributeError(message, name=name, obj=self)

        def __aiter__(self) -> NoReturn:
            raise CallerError(f"a {type(self).__name__} is awaited, and no loop reads it: {self._how_to_read}")


def names_of(kind: type, write: str) -> Mapping[str, str]:
    """Say of each name of what is awaited for that it comes with that.

    Args:
        kind: What who awaits gets.
        write: How it is awaited.
    """
    words = f"it is of the {kind.__name__}, which comes to who awaits it; write {write}"
    return dict.fromkeys((name for name in dir(kind) if not name.startswith("_")), words)
