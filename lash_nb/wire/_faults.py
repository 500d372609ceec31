"""Faults of a document that msgspec does not see: keys given twice and tags left out (lash 0.1.0-alpha.37, effect wire format §1.6, §1.7).

A type is taken apart once, into checks of the records in it; what holds no record needs no check and has none.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, cached_property
from typing import Any, Final, TypeAlias

from msgspec import inspect

from lash_nb.wire._base import External, Flat, Wire

__all__ = ["Doubled", "Fault", "check_of"]

Check: TypeAlias = Callable[[Any], None]
"""Raises `Fault`; takes any JSON value, also one that does not fit the type."""


class Fault(Exception):  # noqa: N818 - never leaves the reading of a document
    """What is wrong with a document, and where."""

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path

    def below(self, step: str | int) -> "Fault":
        """Return the fault as seen from one level up, where the faulty value stands at a key or index."""
        return Fault(self.reason, (f"[{step}]" if isinstance(step, int) else f".{step}") + self.path)


class Doubled(dict[str, Any]):
    """An object that was given some keys more than once."""

    def __init__(self, pairs: Sequence[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        seen: set[str] = set()
        self.twice: Final = frozenset(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # add gives None
        self.replaced: Final = tuple((key, value) for key, value in pairs if value is not self[key])
        """What was given first; the reference reads it all the same."""


@cache
def check_of(kind: Any) -> Check:
    """Return the check of a type."""
    return _check(inspect.type_info(kind)) or (lambda _: None)


def _check(shape: inspect.Type) -> Check | None:
    part = _PARTS.get(type(shape))
    return part and part(shape)


def _record(shape: Any) -> Check | None:
    freely_read = issubclass(shape.cls, Wire) and shape.cls.freely_read
    return None if freely_read else _RECORDS.setdefault(shape.cls, _Record(shape))


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
    def _checks(self) -> Sequence[tuple[str, Check]]:
        found = ((field.encode_name, _check(field.type)) for field in self._shape.fields if field is not self._inline)
        return [(name, check) for name, check in found if check]

    @cached_property
    def _inline_check(self) -> Check | None:
        return _check(self._inline.type) if self._inline else None

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
        _check_all((name, check, value[name]) for name, check in self._checks if name in value)
        if self._inline_check:
            self._inline_check(value)


def _union(shape: Any) -> Check | None:
    """Check a value as each member that it can be; of several tagged records only as the one that its tag names."""
    tagged = {member.tag: _check(member) for member in shape.types if getattr(member, "tag_field", None)}
    names = {member.tag_field for member in shape.types if getattr(member, "tag_field", None)}
    others = [_check(member) for member in shape.types if not getattr(member, "tag_field", None)]
    checks = [check for check in [*others, *(tagged.values() if len(tagged) == 1 else ())] if check]
    if len(tagged) > 1:
        checks.append(_by_tag(names.pop(), tagged))
    return checks[0] if len(checks) == 1 else (lambda value: _each(checks, value)) if checks else None


def _by_tag(name: str, tagged: Mapping[Any, Check | None]) -> Check:
    def check(value: Any) -> None:
        tag = value.get(name) if isinstance(value, dict) else None
        chosen = tagged.get(tag) if isinstance(tag, str) else None
        if chosen:
            chosen(value)

    return check


def _each(checks: Sequence[Check], value: Any) -> None:
    for check in checks:
        check(value)


def _items(shape: Any) -> Check | None:
    inner = _check(shape.item_type)

    def check(value: Any) -> None:
        if isinstance(value, list):
            _check_all((index, inner, item) for index, item in enumerate(value))

    return inner and check


def _places(shape: Any) -> Check:
    inner = [_check(item) for item in shape.item_types]

    def check(value: Any) -> None:
        if isinstance(value, list):
            _check_all((index, *pair) for index, pair in enumerate(zip(inner, value, strict=False)))

    return check


def _entries(shape: Any) -> Check | None:
    inner = _check(shape.value_type)

    def check(value: Any) -> None:
        if isinstance(value, Doubled):
            _check_all((key, _not_null, item) for key, item in value.replaced)
            _check_all((key, inner, item) for key, item in value.replaced)
        if inner and isinstance(value, dict):
            _check_all((key, inner, item) for key, item in value.items())

    return None if isinstance(shape.value_type, inspect.AnyType) else check


def _not_null(value: Any) -> None:
    if value is None:
        raise Fault("null is not allowed")


def _check_all(parts: Iterable[tuple[str | int, Check | None, Any]]) -> None:
    """Check parts of a value, each given with its key or index."""
    step: str | int = ""
    try:
        for step, check, part in parts:  # noqa: B007 - the handler uses it
            if check:
                check(part)
    except Fault as fault:
        raise fault.below(step) from None


_RECORDS: Final[dict[type, _Record]] = {}
_PARTS: Final[Mapping[type, Callable[[Any], Check | None]]] = {
    inspect.StructType: _record,
    inspect.UnionType: _union,
    inspect.VarTupleType: _items,
    inspect.TupleType: _places,
    inspect.DictType: _entries,
}
