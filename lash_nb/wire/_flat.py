"""Flat records: the record's own fields and, behind them, those of the tagged union that it carries."""

from functools import cache
from typing import Any, Generic, TypeVar, cast, get_type_hints

import msgspec

from lash_nb.wire._base import Flat, Wire

__all__ = ["FlatShape", "flat_shape", "is_flat"]

F = TypeVar("F", bound=Flat)


class FlatShape(Generic[F]):
    """A flat record taken apart: `head` is the record without its last field, `tail` the union that stands there."""

    def __init__(self, kind: type[F]) -> None:
        self.kind = kind
        *own, last = msgspec.structs.fields(kind)
        hints = get_type_hints(kind, include_extras=True)
        self.last = last.name
        self.tail: Any = hints[last.name]
        fields = [(entry.name, hints[entry.name], _default(entry)) for entry in own]
        self.head = cast(
            "type[Wire]", msgspec.defstruct(kind.__name__, fields, bases=(Wire,), frozen=True, kw_only=True)
        )

    def join(self, head: Wire, tail: Any) -> F:
        """Return the record of both halves."""
        return self.kind(**{name: getattr(head, name) for name in self.head.__struct_fields__}, **{self.last: tail})


def _default(entry: msgspec.structs.FieldInfo) -> Any:
    if entry.default is not msgspec.NODEFAULT:
        return entry.default
    if entry.default_factory is not msgspec.NODEFAULT:
        return msgspec.field(default_factory=entry.default_factory)
    return msgspec.field()


@cache
def flat_shape(kind: type[F]) -> FlatShape[F]:
    """Return how `kind` is taken apart."""
    return FlatShape(kind)


@cache
def is_flat(kind: Any) -> bool:
    """Tell whether `kind` is the type of a flat record."""
    return isinstance(kind, type) and issubclass(kind, Flat)
