"""What the reference leaves unread, and what it would stumble over if it read it (lash 0.1.0-alpha.37, effect wire format §1.6).

Rule 1: a record that is read straight from the text leaves the values of keys that it does not know unread; these need only be JSON, with any
number, any escape and any depth (here: some 900 levels, as Python's parser goes no deeper). A record with its tag inside, or within a flat one,
is read as a whole first, and so is all that it holds.
Rule 2: what is read has numbers that a double can hold, whole surrogate pairs and at most 127 levels.
"""

from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from typing import Any, Final

from msgspec import inspect

from lash_nb.errors import WireError
from lash_nb.wire._base import Flat
from lash_nb.wire._visit import Doubled, Fault, Visit, Visitor, visit_parts

__all__ = ["MAX_DEPTH", "blank_unread", "is_whole", "refuse_unreadable"]

MAX_DEPTH: Final = 127
"""Most containers within each other."""


def blank_unread(tree: Any, kind: Any) -> None:
    """Put null in place of all that the reference leaves unread in a document of type `kind`."""
    blank = _blank_of(kind)
    if blank:
        blank(tree)


def refuse_unreadable(value: Any, levels: int = MAX_DEPTH) -> None:
    """Look for what cannot be read: a fault in place of a number, half a surrogate pair, more than so many levels.

    Raises:
        Fault: there is such a number or text.
        WireError: it nests too deep.
    """
    if isinstance(value, Fault):
        raise value
    if isinstance(value, str) and not is_whole(value):
        raise Fault("half of a surrogate pair; write the character itself, or both halves")
    if isinstance(value, dict | list):
        if not levels:
            raise WireError(f"nested more than {MAX_DEPTH} levels deep; flatten the document", code="wire_decode")
        visit_parts((step, lambda part: refuse_unreadable(part, levels - 1), part) for step, part in _parts(value))


def is_whole(text: str) -> bool:
    """Tell whether a text has no half of a surrogate pair."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _parts(value: dict[str, Any] | list[Any]) -> Iterable[tuple[str | int, Any]]:
    """Yield all that stands in a container, each with its key or index; a key is something to read too."""
    if isinstance(value, list):
        yield from enumerate(value)
        return
    for key, item in value.items():
        yield key, key
        yield key, item
    if isinstance(value, Doubled):
        yield from value.replaced


class _Blanks(Visitor):
    """Makes the visits that blank what is unread."""

    def __init__(self) -> None:
        super().__init__()
        self._records: Final[dict[type, _Record]] = {}

    def record(self, shape: Any) -> Visit | None:
        """Return the visit of a record; one that is read as a whole has none."""
        cls = shape.cls
        is_whole = cls.freely_read or cls.wholly_read or (shape.tag_field is not None and not cls.adjacent)
        return None if is_whole else self._records.setdefault(cls, _Record(shape))


@cache
def _blank_of(kind: Any) -> Visit | None:
    return _BLANKS.of(inspect.type_info(kind))


class _Record:
    """Blanks what is unread in a record; it looks at its fields when it is first used, as a record may hold some of its own type."""

    def __init__(self, shape: inspect.StructType) -> None:
        self._tag_field, self._tag = shape.tag_field, shape.tag
        self._is_flat = issubclass(shape.cls, Flat)
        self._own = shape.fields[:-1] if self._is_flat else shape.fields

    @cached_property
    def _fields(self) -> Mapping[str | None, Visit | None]:
        return {self._tag_field: None} | {field.encode_name: _BLANKS.of(field.type) for field in self._own}

    def __call__(self, value: Any) -> None:
        if not isinstance(value, dict) or value.get(self._tag_field, self._tag) != self._tag:
            return
        is_tagged = self._tag_field is None
        for name in value:
            is_tagged = is_tagged or name == self._tag_field
            blank = self._fields.get(name)
            if name not in self._fields and not self._is_flat:
                value[name] = None
            elif blank and is_tagged:  # what stands ahead of its tag is read as a whole
                blank(value[name])
        if isinstance(value, Doubled) and not self._is_flat:
            value.replaced = ()


_BLANKS: Final = _Blanks()
