"""What the reference refuses or reads differently and msgspec does not see (lash 0.1.0-alpha.37, effect wire format §1.3, §1.6, §1.8).

Rule 1: text that equals its own canonical form hides nothing; only other text is read again here, slowly and with care.
Rule 2: a known key given twice in a typed record is refused; in free values, and in records that the reference reads as free values
first, the last one wins.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from msgspec import inspect

from lash_nb.errors import WireError
from lash_nb.wire._base import Flat, Wire
from lash_nb.wire._number import read_float, read_integer

__all__ = ["is_settled", "read_strictly"]

_MAX_DEPTH: Final = 127
_BRACES: Final = bytes.maketrans(b"[]", b"{}")
_OTHERS: Final = bytes(set(range(256)) - set(b'[]{}"'))
_STRING: Final = re.compile(rb'"[^"]*"')


class _Doubled(dict[str, Any]):
    """An object that was given some keys more than once."""

    twice: frozenset[str] = frozenset()
    replaced: tuple[tuple[str, Any], ...] = ()
    """What was given first; the reference reads it all the same."""


def is_settled(raw: bytes, canonical: bytes) -> bool:
    """Tell whether a document that was read, and is written as `canonical`, needs no second look."""
    return raw == canonical and not _nests_too_deep(raw)


def read_strictly(raw: bytes, kind: Any) -> Any:
    """Return the document as dicts and lists, its numbers by the reference's rules.

    Raises:
        WireError: it nests too deep, has a number that no double can hold, or breaks a rule of its type `kind`.
    """
    if _nests_too_deep(raw):
        raise WireError(f"nested more than {_MAX_DEPTH} levels deep; flatten the document", code="wire_decode")
    tree = _PARSER.decode(raw.decode())
    for path, reason in _faults(tree, _shape(kind), "$"):
        raise WireError(f"not a valid document: {reason} at `{path}`", path=path, code="wire_decode")
    return tree


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) == len(pairs):
        return entries
    doubled = _Doubled(entries)
    doubled.replaced = tuple((key, value) for key, value in pairs if value is not entries[key])
    seen: set[str] = set()
    doubled.twice = frozenset(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # add gives None
    return doubled


_PARSER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_float=read_float, parse_int=read_integer)


def _nests_too_deep(raw: bytes) -> bool:
    """Tell whether JSON text nests too deep: take away everything but the brackets, then pair after pair from the inside."""
    if raw.count(b"{") + raw.count(b"[") <= _MAX_DEPTH:
        return False
    marks = raw.replace(b"\\\\", b"").replace(b'\\"', b"").translate(_BRACES, _OTHERS).replace(b'""', b"")
    marks = _STRING.sub(b"", marks)
    depth = 0
    while marks and depth < _MAX_DEPTH:
        marks = marks.replace(b"{}", b"")
        depth += 1
    return bool(marks)


@cache
def _shape(kind: Any) -> inspect.Type:
    return inspect.type_info(kind)


def _faults(value: Any, shape: inspect.Type, path: str) -> Iterator[tuple[str, str]]:
    match shape:
        case inspect.StructType() if isinstance(value, dict):
            yield from _record_faults(value, shape, path)
        case inspect.UnionType():
            for variant in _variants(value, shape):
                yield from _faults(value, variant, path)
        case inspect.VarTupleType() if isinstance(value, list):
            for index, item in enumerate(value):
                yield from _faults(item, shape.item_type, f"{path}[{index}]")
        case inspect.TupleType() if isinstance(value, list):
            for index, (item, item_type) in enumerate(zip(value, shape.item_types, strict=False)):
                yield from _faults(item, item_type, f"{path}[{index}]")
        case inspect.DictType() if isinstance(value, dict):
            yield from _entry_faults(value, shape.value_type, path)


def _entry_faults(value: dict[str, Any], shape: inspect.Type, path: str) -> Iterator[tuple[str, str]]:
    replaced = value.replaced if isinstance(value, _Doubled) else ()
    for key, item in (*value.items(), *replaced):
        yield from _faults(item, shape, f"{path}.{key}")
    for key, item in replaced:
        if item is None and not isinstance(shape, inspect.AnyType):
            yield f"{path}.{key}", "null is not allowed"


def _record_faults(value: dict[str, Any], shape: inspect.StructType, path: str) -> Iterator[tuple[str, str]]:
    if issubclass(shape.cls, Wire):
        if shape.cls.freely_read:
            return
        for key in shape.cls.unread_keys(value):
            value.pop(key, None)
    if shape.tag_field is not None and shape.tag_field not in value:
        yield path, f"the tag `{shape.tag_field}` is missing"
    twice = value.twice if isinstance(value, _Doubled) else frozenset()
    for field in shape.fields:
        inline = issubclass(shape.cls, Flat) and field is shape.fields[-1]
        if not inline and field.encode_name in twice and field.encode_name in value:
            yield path, f"`{field.encode_name}` is given twice"
        if inline:
            yield from _faults(value, field.type, path)
        elif field.encode_name in value:
            yield from _faults(value[field.encode_name], field.type, f"{path}.{field.encode_name}")
    if shape.tag_field in twice:
        yield path, f"the tag `{shape.tag_field}` is given twice"


def _variants(value: Any, shape: inspect.UnionType) -> Iterator[inspect.Type]:
    """Yield the members of a union that a value can be; of tagged records only the one that the tag names."""
    given = value if isinstance(value, dict) else {}
    for variant in shape.types:
        tag = variant.tag_field if isinstance(variant, inspect.StructType) else None
        if tag is None or len(shape.types) == 1 or given.get(tag) == variant.tag:  # type: ignore[attr-defined]  # has a tag field, so is a record
            yield variant
