"""Sequences that share what they begin with: a conversation that is sent again and again is in memory once.

Rule 1: a `SharedSequence` never changes. What stands behind its end in the list that it looks at is somebody else's.
Rule 2: that list only grows, and only by `extended`, on the event loop of its session.
"""

from abc import abstractmethod
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from math import isqrt
from operator import is_not
from threading import RLock
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar, overload

from lash_nb.locks import exclusively

__all__ = ["Shareable", "SharedMap", "SharedSequence", "TupleLike", "common_beginning"]

Item = TypeVar("Item", covariant=True)  # noqa: PLC0105 - the name that error messages show
Other = TypeVar("Other")
Source = TypeVar("Source")

Encode: TypeAlias = Callable[[Sequence[Any]], list[bytes]]
"""Writes each of some items as JSON."""

_NEW: Final = object.__new__
_FEW: Final = 16
"""As many items are copied with each extension before a longer list of their own pays, whatever the length."""
_WRITING: Final = RLock()
"""Held by who touches the JSON of a list: a sink may write records in a thread of its own. One for all, and nobody is asked for anything meanwhile."""
_SHOWN: Final = 20
"""As many items does a `repr` name: in a cell, a log or a traceback nobody reads a whole session."""


class _Trunk:
    """A list that only grows, and the JSON of its items as far as it was asked for."""

    __slots__ = ("ends", "items", "json")

    def __init__(self, items: list[Any]) -> None:
        self.items = items
        self.json = bytearray()
        self.ends = array("Q")

    def written(self, length: int, encode: Encode, before: Sequence[bytes], behind: Sequence[bytes]) -> bytes:
        """Return the first items as a JSON array, with others around them that are JSON already; as a rule each is encoded once, and copied once."""
        size = self.size(length, encode)
        return exclusively(_WRITING, self._joined, size, before, behind)

    def size(self, length: int, encode: Encode) -> int:
        """Return the bytes of the same; several threads may ask at the same time."""
        first = len(self.ends)
        if first < length:
            encoded = encode(self.items[first:length])
            exclusively(_WRITING, self._append, first, encoded)
        return self.ends[length - 1] if length else 0

    def _joined(self, size: int, before: Sequence[bytes], behind: Sequence[bytes]) -> bytes:
        with memoryview(self.json) as held, held[:size] as shared:  # which nobody may let grow meanwhile
            pieces = [*before, *([shared] if size else ()), *behind]
            parts = [part for piece in pieces for part in (b",", piece)]
            return b"".join((b"[", *parts[1:], b"]"))

    def _append(self, first: int, encoded: Sequence[bytes]) -> None:
        """Add what was encoded of the items from one on, but for what another thread added meanwhile."""
        for one in encoded[len(self.ends) - first :]:
            end = self.ends[-1] if self.ends else 0
            self.json[end:] = b"," + one if end else one  # what an interrupt left behind the end goes
            self.ends.append(len(self.json))


class TupleLike(Sequence[Item], Generic[Item]):
    """A sequence that is written, pickled, compared and hashed as the tuple of its items, so that nobody can tell them apart but by the cost.

    Only the `repr` of a long one leaves out its middle, and says so.
    """

    __slots__ = ()

    @abstractmethod
    def to_json(self, encode: Encode) -> bytes:
        """Return the items as a JSON array; what other sequences have in common with this one is encoded once."""

    @abstractmethod
    def json_size(self, encode: Encode) -> int:
        """Return the bytes of `to_json`; what was written before is not written again."""

    def __add__(self, other: tuple[Other, ...]) -> tuple[Item | Other, ...]:
        return (*self, *other)

    def __radd__(self, other: tuple[Other, ...]) -> tuple[Item | Other, ...]:
        return (*other, *self)

    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, tuple | TupleLike) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        size = len(self)
        if size <= _SHOWN:
            return repr(tuple(self))
        first, last = map(repr, self[: _SHOWN // 2]), map(repr, self[-_SHOWN // 2 :])
        return f"({', '.join(first)}, … {size - _SHOWN:,} more …, {', '.join(last)})"

    def __reduce__(self) -> tuple[type[tuple[Any, ...]], tuple[tuple[Item, ...]]]:
        return tuple, (tuple(self),)


class SharedSequence(TupleLike[Item]):
    """An immutable sequence: some items, the beginning of a list that others look at, too, and some items behind."""

    __slots__ = ("_before", "_behind", "_length", "_size", "_trunk")

    def __init__(self, items: Iterable[Item] = ()) -> None:
        held = list(items)
        self._before, self._trunk, self._length, self._behind = (), _Trunk(held), len(held), ()
        self._size = len(held)

    @classmethod
    def of(cls, items: Iterable[Other]) -> "SharedSequence[Other]":
        """Return `items` if they are shared already, else a sequence that holds them."""
        return items if isinstance(items, SharedSequence) else SharedSequence(items)

    @staticmethod
    def _made(before: tuple[Any, ...], trunk: _Trunk, length: int, behind: tuple[Any, ...]) -> "SharedSequence[Any]":
        made: SharedSequence[Any] = _NEW(SharedSequence)
        made._before, made._trunk, made._length, made._behind = before, trunk, length, behind
        made._size = len(before) + length + len(behind)
        return made

    def extended(self, more: Iterable[Other]) -> "SharedSequence[Item | Other]":
        """Return this sequence with `more` behind it; as a rule that costs what is new.

        Where the list goes on otherwise, the new items are kept apart, until they are so many that a list of their own pays.
        """
        fresh = tuple(more)
        if not fresh:
            return self
        follow = len(self._trunk.items) - self._length
        if not self._behind and (not follow or self._goes_on_with(fresh)):
            self._trunk.items.extend(fresh[follow:])
            return self._made(self._before, self._trunk, self._length + len(fresh), ())
        behind = self._behind + fresh
        if len(behind) <= _FEW + isqrt(2 * self._length):
            return self._made(self._before, self._trunk, self._length, behind)
        items = [*islice(self._trunk.items, self._length), *behind]
        return self._made(self._before, _Trunk(items), len(items), ())

    def _goes_on_with(self, fresh: tuple[Any, ...]) -> bool:
        """Tell whether the list goes on with `fresh`, as far as it goes: somebody else may have come first."""
        return not any(map(is_not, self._trunk.items[self._length : self._length + len(fresh)], fresh))

    def first(self, count: int) -> "SharedSequence[Item]":
        """Return the first items."""
        if count >= self._size:
            return self
        inner = count - len(self._before)
        if inner < 0:
            return SharedSequence(self._before[:count])
        return self._made(
            self._before, self._trunk, min(inner, self._length), self._behind[: max(inner - self._length, 0)]
        )

    def shared_with(self, other: "SharedSequence[Any]") -> int:
        """Return how many first items are the same because both look at one list; as a rule as many as both begin with."""
        before, length, trunk = other._before, other._length, other._trunk  # noqa: SLF001 - the same class
        return len(before) + min(self._length, length) if self._trunk is trunk and self._before == before else 0

    def within(self, before: Iterable[Other], behind: Iterable[Other]) -> "SharedSequence[Item | Other]":
        """Return this sequence with other items around it."""
        return self._made(tuple(before) + self._before, self._trunk, self._length, self._behind + tuple(behind))

    def to_json(self, encode: Encode, trunk: _Trunk | None = None) -> bytes:
        """Return the items as a JSON array; each item of the shared list is encoded once.

        Args:
            encode: Writes the items.
            trunk: Where what it wrote of that list is kept; with the list itself by default.
        """
        before, behind = encode(self._before), encode(self._behind)
        return (trunk or self._trunk).written(self._length, encode, before, behind)

    def json_size(self, encode: Encode, trunk: _Trunk | None = None) -> int:
        """Return the bytes of `to_json`."""
        sizes = [*map(len, encode(self._before)), *map(len, encode(self._behind))]
        if self._length:
            sizes.append((trunk or self._trunk).size(self._length, encode))
        return len("[]") + sum(sizes) + max(len(sizes) - 1, 0)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Item]:
        return chain(self._before, islice(self._trunk.items, self._length), self._behind)

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Item, ...]: ...
    def __getitem__(self, index: int | slice) -> Item | tuple[Item, ...]:
        if isinstance(index, slice):
            start, stop, step = index.indices(self._size)
            if step != 1:
                return tuple(self)[index]
            ahead = len(self._before)
            if ahead <= start <= stop <= ahead + self._length:
                return tuple(self._trunk.items[start - ahead : stop - ahead])
            return self._between(start, stop)
        place = index + self._size if index < 0 else index
        if not 0 <= place < self._size:
            message = "index out of range"
            raise IndexError(message)
        return self._at(place)

    def _at(self, place: int) -> Item:
        place -= len(self._before)
        found: Item
        if place < 0:
            found = self._before[place]
        elif place < self._length:
            found = self._trunk.items[place]
        else:
            found = self._behind[place - self._length]
        return found

    def _between(self, start: int, stop: int) -> tuple[Item, ...]:
        """Return the items of a slice; costs their number."""
        pieces = (self._before, self._trunk.items, self._behind)
        found: list[Item] = []
        for piece, length in zip(pieces, (len(self._before), self._length, len(self._behind)), strict=True):
            found += piece[max(start, 0) : max(min(stop, length), 0)]
            start, stop = start - length, stop - length
        return tuple(found)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, SharedSequence):
            return len(self) == len(other) == common_beginning(self, other)
        return super().__eq__(other)

    __hash__ = TupleLike.__hash__


if TYPE_CHECKING:
    Shareable: TypeAlias = tuple[Item, ...] | TupleLike[Item]
else:
    Shareable: TypeAlias = tuple[Item, ...]
"""Field of a record that holds a tuple when it was read, and in a live session what is like one."""


def common_beginning(one: Sequence[Any], other: Sequence[Any]) -> int:
    """Return how many items both begin with; what they share is not looked at."""
    start = one.shared_with(other) if isinstance(one, SharedSequence) and isinstance(other, SharedSequence) else 0
    most = min(len(one), len(other))
    if start == most:
        return most
    pairs = enumerate(zip(one[start:], other[start:], strict=False), start)
    return next((place for place, (left, right) in pairs if left is not right and left != right), most)


class MappedSequence(TupleLike[Item]):
    """What a function gives for the items of a shared sequence, each when somebody looks at it: of what hardly anybody reads nothing is made.

    Args:
        function: Gives the same for the same item, now and later.
        source: The items that it is given.
        trunk: The list that the source looks at, with the JSON of the results.
    """

    __slots__ = ("_function", "_source", "_trunk")

    def __init__(self, function: Callable[[Any], Item], source: SharedSequence[Any], trunk: _Trunk) -> None:
        self._function = function
        self._source = source
        self._trunk = trunk

    def to_json(self, encode: Encode) -> bytes:
        """Return the results as a JSON array; those for the shared list are made and encoded once."""
        return self._source.to_json(self._encoded_by(encode), self._trunk)

    def json_size(self, encode: Encode) -> int:
        """Return the bytes of `to_json`."""
        return self._source.json_size(self._encoded_by(encode), self._trunk)

    def _encoded_by(self, encode: Encode) -> Encode:
        function = self._function
        return lambda items: encode(list(map(function, items)))

    def __len__(self) -> int:
        return len(self._source)

    def __iter__(self) -> Iterator[Item]:
        return map(self._function, self._source)

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Item, ...]: ...
    def __getitem__(self, index: int | slice) -> Item | tuple[Item, ...]:
        found = self._source[index]
        return tuple(map(self._function, found)) if isinstance(index, slice) else self._function(found)


class SharedMap(Generic[Source, Item]):
    """Maps sequences item by item, when somebody looks; of those that look at one list the results are written once."""

    def __init__(self, function: Callable[[Source], Item]) -> None:
        self._function = function
        self._trunk = _Trunk([])

    def __call__(self, items: Iterable[Source]) -> MappedSequence[Item]:
        """Return the results for all items."""
        source = SharedSequence.of(items)
        held = source._trunk.items  # noqa: SLF001 - the same module
        if held is not self._trunk.items:
            self._trunk = _Trunk(held)
        return MappedSequence(self._function, source, self._trunk)
