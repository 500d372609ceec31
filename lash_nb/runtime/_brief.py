"""Records that do not tell everything when they are shown."""

from typing import ClassVar

from msgspec import Struct

__all__ = ["Brief"]


class Brief(Struct, frozen=True):
    """A record whose `repr` leaves some fields out: what is long, or a caller's own."""

    unshown: ClassVar[frozenset[str]] = frozenset()
    """The fields that are left out."""

    def __repr__(self) -> str:
        names = [name for name in self.__struct_fields__ if name not in self.unshown]
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"
