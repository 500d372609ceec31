"""The two shapes every serialized type is made of: the record and the externally tagged union.

Writing rules of lash 0.1.0-alpha.37 (effect wire format, §1): declared field order; an absent optional is omitted unless the type
says that it is written as `null`. The latter are fields whose default comes from a factory (`none`, `no_items`, `no_entries`): msgspec
omits a plain default and never one made by a foreign factory.
"""

from collections.abc import Iterable
from functools import cache
from typing import Annotated, Any, ClassVar, Final, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Struct
from msgspec.structs import astuple

__all__ = [
    "I32",
    "I64",
    "U8",
    "U32",
    "U64",
    "External",
    "Flat",
    "Json",
    "NonZero",
    "Octets",
    "Settled",
    "TwoWay",
    "Wire",
    "no_entries",
    "no_items",
    "none",
    "trimmed",
]

Json: TypeAlias = Any
"""A free JSON value: None, bool, int, float, str, list or dict; by convention never changed in place."""

U8: TypeAlias = Annotated[int, Meta(ge=0, le=2**8 - 1)]
"""An integer of 8 bits without sign."""
U32: TypeAlias = Annotated[int, Meta(ge=0, le=2**32 - 1)]
"""An integer of 32 bits without sign."""
U64: TypeAlias = Annotated[int, Meta(ge=0)]
"""An integer of 64 bits without sign; larger ones are read as floats and so refused."""
NonZero: TypeAlias = Annotated[int, Meta(ge=1)]
"""As `U64`, at least 1."""
I32: TypeAlias = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
"""An integer of 32 bits."""
I64: TypeAlias = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""An integer of 64 bits."""

_WHITE_SPACE: Final = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"


none: Final = type(None)
"""Default of an optional field that is written as `null`; a type, as calling one costs less than calling a function."""


class Octets(bytes):
    """Bytes that travel as a JSON array of integers, never as base64 (effect wire format, §1.8)."""

    __slots__ = ()


def no_items() -> tuple[Any, ...]:
    """Default of a list field that is written even when empty."""
    return ()


def no_entries() -> dict[str, Any]:
    """Default of a map field that is written even when empty."""
    return {}


def trimmed(text: str) -> str:
    """Return `text` without Unicode white space around it; `str.strip` would also take the separators U+001C to U+001F."""
    return text.strip(_WHITE_SPACE)


class Wire(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A frozen record that is written field by field in declared order; fields are given by name.

    Records hold no cycles, so the garbage collector need not look at them: a long session has hundreds of thousands.
    """

    freely_read: ClassVar[bool] = False
    """Whether the reference reads the record through a free value, so that of keys given twice the last one wins."""

    wholly_read: ClassVar[bool] = False
    """Whether the reference reads also what the record has no field for, as it passes it on to a record within."""
    adjacent: ClassVar[bool] = False
    """Whether the record's only field stands beside the tag in the reference, which then reads it by itself."""

    @classmethod
    def unread_keys(cls, document: dict[str, Any]) -> Iterable[str]:  # noqa: ARG003 - for records that have such keys
        """Return the keys of a document that the reference leaves unread, whatever stands there, though the record has such fields."""
        return ()


class Flat(Wire, frozen=True, kw_only=True):
    """A record whose last field, a tagged union, is written inline: its tag and fields follow the record's own."""


class Settled(Wire, frozen=True, kw_only=True):
    """A record with defaults that are records or bytes: an equal value becomes the default itself, which is then omitted when written."""

    def __post_init__(self) -> None:
        for name, default in _object_defaults(type(self)):
            value = getattr(self, name)
            if value is not default and value == default:
                msgspec.structs.force_setattr(self, name, default)


@cache
def _object_defaults(kind: type[Wire]) -> tuple[tuple[str, Any], ...]:
    return tuple(
        (entry.name, entry.default)
        for entry in msgspec.structs.fields(kind)
        if isinstance(entry.default, Struct | Octets)
    )


class External(Wire, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An externally tagged union, `{"Variant": …}`: its fields are the variants, and exactly one of them is set."""

    absent: ClassVar[Any] = None

    def __post_init__(self) -> None:
        variants = astuple(self)
        if variants.count(self.absent) != len(variants) - 1:
            names = ", ".join(self.__struct_fields__)
            message = f"{type(self).__name__} takes exactly one of {names}; give one and leave the others out"
            raise ValueError(message)  # msgspec adds the path and turns it into a decoding error

    @property
    def tag(self) -> str:
        """Name of the variant that is set, as on the wire."""
        return self.__struct_fields__[astuple(self).index(self.variant)]

    @property
    def variant(self) -> Any:
        """The variant that is set."""
        absent = self.absent
        for value in astuple(self):
            if value is not absent:
                return value
        return absent


class TwoWay(External, frozen=True, kw_only=True):
    """A two-way result, `{"Ok": …}` or `{"Err": …}`; either content may itself be `null`."""

    absent: ClassVar[Any] = UNSET

    Ok: Any = UNSET
    """What went well."""
    Err: Any = UNSET
    """What failed."""

    @property
    def is_ok(self) -> bool:
        """Whether the result is a success."""
        return self.Ok is not UNSET
