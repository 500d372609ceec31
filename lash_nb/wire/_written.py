"""What may be written: JSON and records, and nothing else that the encoder would take (lash 0.1.0-alpha.37, effect wire format §1).

Rule 1: the encoder has forms of its own for dates, decimals, bytes, sets, enums and other people's records; the reference has none, so they
would be hashed and stored as something that they are not.
Rule 2: numbers that no reader gives back are refused, too: a NaN, an infinity, an integer beyond 64 bits.
"""

import math
from collections.abc import Callable, Collection, Iterable
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from lash_nb.wire._base import Flat, Octets, Wire
from lash_nb.wire._number import is_short
from lash_nb.wire._shared import TupleLike
from lash_nb.wire._tool_value import ToolValue
from lash_nb.wire._unread import is_whole
from lash_nb.wire._visit import Fault, step_text

__all__ = ["HOLE", "fault_in", "is_writable"]

HOLE: Final[Any] = msgspec.Raw(b"\3")
"""Stands for a value that somebody else writes; JSON never holds its byte."""

_Parts: TypeAlias = Callable[[Any], Collection[Any] | None]
"""Returns what a value holds, None when it may not be written itself."""

_FOLLOWED: Final = 1000
"""Levels down to which a fault is looked for: what nests deeper nobody reads, and it may hold itself."""
_PLAIN: Final[frozenset[type]] = frozenset({str, bool, type(None), Octets, UnsetType})
"""Types of what holds nothing and may always be written."""
_LEAVES: Final = {
    (False, False): _PLAIN | {int, float},
    (False, True): _PLAIN | {int},
    (True, False): _PLAIN | {float},
    (True, True): _PLAIN,
}
"""Types of what need not be looked at, by whether integers and floats must be: of them there may be one that JSON cannot carry."""


def is_writable(value: Any, *, integers: bool, floats: bool) -> bool:
    """Tell whether a value that the encoder took holds only what may be written.

    `integers` says whether one of them may be too long, `floats` whether one of them may be no number.
    """
    leaves = _LEAVES[integers, floats]
    holders = [value]
    for holder in holders:  # which grows meanwhile
        parts = _PARTS[type(holder)](holder)
        if parts is None:
            return False
        for part in parts:
            if type(part) not in leaves:
                holders.append(part)  # noqa: PERF401 - a comprehension for each holder costs twice as much
    return True


def fault_in(value: Any) -> Fault | None:
    """Return the first thing that keeps a value from being written, if there is any."""
    waiting: list[tuple[str, int, Any]] = [("", 0, value)]
    while waiting:
        path, depth, part = waiting.pop()
        reason = _reason(part) if depth < _FOLLOWED else "it nests too deep, or holds itself"
        if reason:
            return Fault(reason, path)
        waiting += reversed([(path + step, depth + 1, inner) for step, inner in _named_parts(part)])
    return None


def _reason(value: Any) -> str:
    """Say what is wrong with a value, whatever it holds; empty when nothing is."""
    kind = type(value)
    if value is UNSET or _PARTS[kind](value) is None:
        what = f" {value:.20}" if kind is float else " of more than 64 bits" if kind is int else ""
        return f"{kind.__name__}{what} is not JSON"
    if kind is str and not is_whole(value):
        return "str with half of a surrogate pair is not text"
    return _bad_key(value) if isinstance(value, dict) else ""


def _bad_key(entries: dict[Any, Any]) -> str:
    for key in entries:
        if not isinstance(key, str) or not is_whole(key):
            return f"a key of type {type(key).__name__}, {key!r:.40}, is not text"
    return ""


def _named_parts(value: Any) -> Iterable[tuple[str, Any]]:
    """Yield what a value holds, each with its step in a path; a field that is not set holds nothing."""
    if isinstance(value, Wire):
        names = list(value.__struct_encode_fields__)
        steps = [*map(step_text, names[:-1]), "" if isinstance(value, Flat) else step_text(names[-1])] if names else []
        return [
            (step, part) for step, part in zip(steps, msgspec.structs.astuple(value), strict=True) if part is not UNSET
        ]
    if isinstance(value, ToolValue):
        return [("", value.value)]
    parts = tuple(value) if isinstance(value, TupleLike) else _PARTS[type(value)](value) or ()
    return [
        (step_text(step), part)
        for step, part in zip(value if isinstance(value, dict) else range(len(parts)), parts, strict=True)
    ]


def _content(value: ToolValue) -> Collection[Any]:
    return (value.value,)


def _nothing(_: Any) -> Collection[Any]:
    return ()


def _refused(_: Any) -> None:
    return None


def _if_hole(value: msgspec.Raw) -> Collection[Any] | None:
    return () if value is HOLE else None


def _if_short(value: int) -> Collection[Any] | None:
    return () if is_short(value) else None


def _if_finite(value: float) -> Collection[Any] | None:
    return () if math.isfinite(value) else None


_KINDS: Final[tuple[tuple[type, _Parts], ...]] = (
    (Wire, msgspec.structs.astuple),
    (dict, dict.values),
    (list, tuple),
    (tuple, tuple),
    (ToolValue, _content),
    (TupleLike, _nothing),
)
"""What holds something that nobody has looked at; of dicts and lists the encoder takes subclasses as well, and the items of a
`TupleLike` are looked at when they are written, one by one."""


class _PartsByType(dict[type, _Parts]):
    """Grows by the types that are met."""

    def __missing__(self, kind: type) -> _Parts:
        found = next((parts for base, parts in _KINDS if issubclass(kind, base)), _refused)
        self[kind] = found
        return found


_PARTS: Final = _PartsByType(
    {**dict.fromkeys(_PLAIN, _nothing), int: _if_short, float: _if_finite, msgspec.Raw: _if_hole}
)
