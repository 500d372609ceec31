"""Faults of a document that msgspec does not see: keys given twice and tags left out (lash 0.1.0-alpha.37, effect wire format §1.6, §1.7)."""

from collections.abc import Sequence
from functools import cache, cached_property, reduce
from operator import or_
from typing import Any, Final, Literal

import msgspec
from msgspec import inspect

from lash_nb.wire._base import External, Flat, Wire
from lash_nb.wire._convert import converted
from lash_nb.wire._visit import Doubled, Fault, Visit, Visitor, visit_parts

__all__ = ["check_of"]


@cache
def check_of(kind: Any) -> Visit:
    """Return the check of a type."""
    return _CHECKS.of(inspect.type_info(kind)) or (lambda _: None)


class _Checks(Visitor):
    """Makes the checks of types."""

    def __init__(self) -> None:
        super().__init__()
        self._records: Final[dict[type, _Record]] = {}

    def record(self, shape: Any) -> Visit | None:
        """Return the check of a record; one that the reference reads freely has none."""
        freely_read = issubclass(shape.cls, Wire) and shape.cls.freely_read
        return None if freely_read else self._records.setdefault(shape.cls, _Record(shape))

    def entries(self, shape: Any) -> Visit | None:
        """Return the check of a map; the reference reads each value before a later one replaces it."""
        if isinstance(shape.value_type, inspect.AnyType):
            return None
        inner = super().entries(shape)
        kind = _kind_of(shape.value_type)

        def check(value: Any) -> None:
            if inner:
                inner(value)
            if isinstance(value, Doubled):
                visit_parts((key, lambda item: _refuse_misfit(item, kind), item) for key, item in value.replaced)

        return check


class _Record:
    """The check of a record; it looks at its fields when it is first used, as a record may hold records of its own type."""

    def __init__(self, shape: inspect.StructType) -> None:
        self._shape = shape
        self._unread = shape.cls.unread_keys if issubclass(shape.cls, Wire) else None

    @cached_property
    def _inline(self) -> inspect.Field | None:
        return self._shape.fields[-1] if issubclass(self._shape.cls, Flat) else None

    @cached_property
    def _names(self) -> frozenset[str | None]:
        own = {field.encode_name for field in self._shape.fields if field is not self._inline}
        return frozenset({*own, self._shape.tag_field})

    @cached_property
    def _checks(self) -> Sequence[tuple[str, Visit]]:
        found = (
            (field.encode_name, _CHECKS.of(field.type)) for field in self._shape.fields if field is not self._inline
        )
        return [(name, check) for name, check in found if check]

    @cached_property
    def _inline_check(self) -> Visit | None:
        return _CHECKS.of(self._inline.type) if self._inline else None

    def __call__(self, value: Any) -> None:
        if not isinstance(value, dict):
            return
        for key in self._unread(value) if self._unread else ():
            value.pop(key, None)
        tag = self._shape.tag_field
        if tag is not None and tag not in value:
            raise Fault(f"the tag `{tag}` is missing")
        if len(value) != 1 and issubclass(self._shape.cls, External):
            raise Fault(f"one key is wanted, not {len(value)}")
        if isinstance(value, Doubled):
            for name in sorted(value.twice & self._names & value.keys()):
                raise Fault(f"`{name}` is given twice")
        visit_parts((name, check, value[name]) for name, check in self._checks if name in value)
        if self._inline_check:
            self._inline_check(value)


def _refuse_misfit(value: Any, kind: Any) -> None:
    try:
        converted(value, kind)
    except (msgspec.ValidationError, ValueError) as error:
        raise Fault(str(error)) from None


def _kind_of(shape: Any) -> Any:
    """Return the type that a map's values have; they are records, unions of such with texts, or bytes."""
    if isinstance(shape, inspect.UnionType):
        return reduce(or_, map(_kind_of, shape.types))
    return Literal[shape.values] if isinstance(shape, inspect.LiteralType) else shape.cls


_CHECKS: Final = _Checks()
