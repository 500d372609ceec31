"""Parsed documents, visited record by record along their type.

A type is taken apart once, into visits of the records in it; what holds no record that is of interest has no visit.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from msgspec import inspect

from lash_nb.errors import WireError

__all__ = ["Doubled", "Fault", "Visit", "Visitor", "step_text", "visit_parts"]

Visit: TypeAlias = Callable[[Any], None]
"""Takes any JSON value, also one that does not fit the type; may raise `Fault`."""


class Fault(Exception):  # noqa: N818 - never leaves the wire
    """What is wrong with a document, and where."""

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path

    def below(self, step: str | int) -> "Fault":
        """Return the fault as seen from one level up, where the faulty value stands at a key or index."""
        return Fault(self.reason, step_text(step) + self.path)

    def error(self, what: str, code: str) -> WireError:
        """Return it as the error of this library: what cannot be done, why and where; of what is long the message has the beginning."""
        path = f"${self.path}"
        return WireError(f"{what}: {self.reason:.300} at `{path:.200}`", path=path, code=code)


def step_text(step: str | int) -> str:
    """Return a key or index as it stands in a path, in one line of text whatever the key is."""
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step if step.isprintable() else ascii(step)}"


class Doubled(dict[str, Any]):
    """An object that was given some keys more than once."""

    def __init__(self, pairs: Sequence[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        seen: set[str] = set()
        self.twice: Final = frozenset(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # add gives None
        self.replaced: Sequence[tuple[str, Any]] = [(key, value) for key, value in pairs if value is not self[key]]
        """What was given first; in most places the reference reads it all the same."""


class Visitor(ABC):
    """Makes the visits of types; a kind of visitor says what to do with a record."""

    def __init__(self) -> None:
        self._parts: Final[Mapping[type, Callable[[Any], Visit | None]]] = {
            inspect.StructType: self.record,
            inspect.UnionType: self._union,
            inspect.VarTupleType: self._items,
            inspect.TupleType: self._places,
            inspect.DictType: self.entries,
        }

    def of(self, shape: inspect.Type) -> Visit | None:
        """Return the visit of a type, if there is anything to see."""
        part = self._parts.get(type(shape))
        return part and part(shape)

    @abstractmethod
    def record(self, shape: Any) -> Visit | None:
        """Return the visit of a record, if it is of interest."""

    def entries(self, shape: Any) -> Visit | None:
        """Return the visit of a map: of each value, also of those that were replaced."""
        inner = self.of(shape.value_type)

        def visit(value: Any) -> None:
            if isinstance(value, dict):
                visit_parts((key, inner, item) for key, item in value.items())
            if isinstance(value, Doubled):
                visit_parts((key, inner, item) for key, item in value.replaced)

        return inner and visit

    def _union(self, shape: Any) -> Visit | None:
        """Visit a value as each member that it can be; of several tagged records only as the one that its tag names."""
        tagged = {member.tag: self.of(member) for member in shape.types if getattr(member, "tag_field", None)}
        names = {member.tag_field for member in shape.types if getattr(member, "tag_field", None)}
        others = [self.of(member) for member in shape.types if not getattr(member, "tag_field", None)]
        visits = [visit for visit in [*others, *(tagged.values() if len(tagged) == 1 else ())] if visit]
        if len(tagged) > 1 and any(tagged.values()):
            visits.append(_by_tag(names.pop(), tagged))
        return visits[0] if len(visits) == 1 else (lambda value: _each(visits, value)) if visits else None

    def _items(self, shape: Any) -> Visit | None:
        inner = self.of(shape.item_type)

        def visit(value: Any) -> None:
            if isinstance(value, list):
                visit_parts((index, inner, item) for index, item in enumerate(value))

        return inner and visit

    def _places(self, shape: Any) -> Visit:
        inner = [self.of(item) for item in shape.item_types]

        def visit(value: Any) -> None:
            if isinstance(value, list):
                visit_parts((index, *pair) for index, pair in enumerate(zip(inner, value, strict=False)))

        return visit


def _by_tag(name: str, tagged: Mapping[Any, Visit | None]) -> Visit:
    def visit(value: Any) -> None:
        tag = value.get(name) if isinstance(value, dict) else None
        chosen = tagged.get(tag) if isinstance(tag, str) else None
        if chosen:
            chosen(value)

    return visit


def _each(visits: Sequence[Visit], value: Any) -> None:
    for visit in visits:
        visit(value)


def visit_parts(parts: Iterable[tuple[str | int, Visit | None, Any]]) -> None:
    """Visit parts of a value, each given with its key or index."""
    step: str | int = ""
    try:
        for step, visit, part in parts:  # noqa: B007 - the handler uses it
            if visit:
                visit(part)
    except Fault as fault:
        raise fault.below(step) from None
