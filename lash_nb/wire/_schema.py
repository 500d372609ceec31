"""Whether a value is what a schema asks for (lash 0.1.0-alpha.37, turns §11.4, processes §3.1).

A subset of JSON Schema with messages of its own, because the model reads them. The order of the checks decides which message it
gets: union, enum, type, limits, items, required, properties, other keys. Everything else in a schema is not looked at, and neither is
a keyword whose own value makes no sense.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import cached_property
from types import NoneType
from typing import Any, Final, NamedTuple, TypeAlias

from lash_nb.wire._base import Json, Wire
from lash_nb.wire._json import to_json

__all__ = ["LashSchema", "display_value", "schema_alternatives"]

_Check: TypeAlias = Callable[[str, Any], str | None]
"""Tells what is wrong with the value at a path, None when nothing is."""
_SET_BY_RUNTIME: Final = "__session_id__"
_TYPES: Final[dict[str, type | tuple[type, ...]]] = {
    "null": NoneType,
    "boolean": bool,
    "string": str,
    "integer": int,
    "number": (int, float),
    "array": list,
    "object": dict,
}
"""What JSON values are in Python; `bool` is an `int` there and never here."""
_LIMIT_PHRASES: Final = {
    "minimum": ">= {}",
    "maximum": "<= {}",
    "minLength": "length >= {}",
    "maxLength": "length <= {}",
    "minItems": "items >= {}",
    "maxItems": "items <= {}",
}
_LIMITS: Final = frozenset({"minimum", "maximum", "minLength", "maxLength"})
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}


class LashSchema(Wire, frozen=True, kw_only=True, gc=True, dict=True):  # keeps its check
    """What a value must be."""

    schema: Json
    """The JSON schema; what is no object allows everything. It may be changed in place: the next check is of what it says then."""

    @classmethod
    def any(cls) -> "LashSchema":
        """Return the schema that allows everything."""
        return cls(schema={})

    def fault(self, value: Json) -> str | None:
        """Return what is wrong with `value`, None when nothing is; only the first fault is told."""
        checked = self._checked
        if checked.schema != self.schema:
            checked = self.__dict__["_checked"] = _Checked.of(self.schema)
        return checked.check("", value)

    @cached_property
    def _checked(self) -> "_Checked":
        return _Checked.of(self.schema)


class _Checked(NamedTuple):
    """The check of a schema that is nobody else's, so that it stays as it was when the check was made."""

    schema: Json
    check: _Check

    @classmethod
    def of(cls, schema: Json) -> "_Checked":
        kept = deepcopy(schema)
        return cls(kept, _check_of(kept))


def schema_alternatives(schema: Json) -> list[Json] | None:
    """Return the branches of an `anyOf` or `oneOf`; None when there are none of either."""
    options = schema.get("anyOf", schema.get("oneOf")) if isinstance(schema, dict) else None
    return options if isinstance(options, list) else None


def display_value(value: Json) -> str:
    """Return a JSON value as messages and labels show it: the JSON, but of text everything escaped that cannot be seen."""
    if isinstance(value, str):
        return '"' + "".join(map(_escaped, value)) + '"'
    return to_json(value).decode()


def _escaped(char: str) -> str:
    return _ESCAPES.get(char) or (char if char.isprintable() else f"\\u{{{ord(char):x}}}")


def _check_of(schema: Json) -> _Check:
    """Return the check of a schema: what it asks for is looked up once, not with each value."""
    if not isinstance(schema, dict):
        return _anything
    options = schema_alternatives(schema)
    if options is not None:
        return _union_check(schema, list(map(_check_of, options)))
    checks = [check for make in _MAKERS if (check := make(schema)) is not None]
    return checks[0] if len(checks) == 1 else _one_after_another(checks)


def _anything(_path: str, _value: Json) -> None:
    """Allow everything."""


def _one_after_another(checks: Sequence[_Check]) -> _Check:
    def check(path: str, value: Json) -> str | None:
        for one in checks:
            fault = one(path, value)
            if fault is not None:
                return fault
        return None

    return check


def _union_check(schema: dict[str, Any], options: Sequence[_Check]) -> _Check:
    def check(path: str, value: Json) -> str | None:
        if any(option(path, value) is None for option in options):
            return None
        return _unexpected(path, schema, display_value(value))

    return check


def _enum_check(schema: dict[str, Any]) -> _Check | None:
    enum = schema.get("enum")
    if not isinstance(enum, list):
        return None

    def check(path: str, value: Json) -> str | None:
        if any(_is_same(option, value) for option in enum):
            return None
        choice = ", ".join(map(display_value, enum))
        return f"{path or 'arguments'}: expected one of {choice}, got {display_value(value)}"

    return check


def _type_check(schema: dict[str, Any]) -> _Check | None:
    kind = schema.get("type")
    if not isinstance(kind, list | str):
        return None
    kinds = [kind] if isinstance(kind, str) else _texts(kind)
    plain = _TYPES.get(kinds[0]) if len(kinds) == 1 else None

    def check(path: str, value: Json) -> str | None:
        if type(value) is plain or any(_is_a(one, value) for one in kinds):
            return None
        return _unexpected(path, schema, display_value(value))

    return check


def _limit_check(schema: dict[str, Any]) -> _Check | None:
    if schema.keys().isdisjoint(_LIMITS):
        return None
    return lambda path, value: _unexpected(path, schema, display_value(value)) if _breaks_limit(schema, value) else None


def _list_check(schema: dict[str, Any]) -> _Check | None:
    least, most = schema.get("minItems"), schema.get("maxItems")
    item_check = _check_of(schema.get("items"))

    def check(path: str, value: Json) -> str | None:
        if not isinstance(value, list):
            return None
        if _is_miscounted(len(value), least, most):
            return _unexpected(path, schema, f"{len(value)} items")
        faults = (item_check(f"{path}[{index}]", item) for index, item in enumerate(value))
        return next(filter(None, faults), None)

    return None if item_check is _anything and least is None and most is None else check


def _object_check(schema: dict[str, Any]) -> _Check | None:
    required = _texts(schema.get("required"))
    properties = schema.get("properties")
    entries = _entries_check(properties, schema.get("additionalProperties")) if isinstance(properties, dict) else None

    def check(path: str, value: Json) -> str | None:
        if not isinstance(value, dict):
            return None
        for name in required:
            if name not in value:
                return f"{_joined(path, name)}: required property missing"
        return entries(path, value) if entries else None

    return check if required or entries else None


def _entries_check(properties: dict[str, Json], others: Json) -> _Check:
    """Return the check of what an object holds: first the properties by name, then every other key."""
    known = [(name, _check_of(properties[name])) for name in sorted(properties)]
    names = frozenset({*properties, _SET_BY_RUNTIME})
    other_check = None if not isinstance(others, dict) else _check_of(others)

    def check(path: str, value: dict[str, Json]) -> str | None:
        for name, one in known:
            if name in value and (fault := one(_joined(path, name), value[name])) is not None:
                return fault
        if others is True or value.keys() <= names:
            return None
        for name in sorted(value.keys() - names):
            place = _joined(path, name)
            fault = other_check(place, value[name]) if other_check else f"{place}: unexpected property"
            if fault is not None:
                return fault
        return None

    return check


_MAKERS: Final = (_enum_check, _type_check, _limit_check, _list_check, _object_check)
"""What a schema may ask for, in the order in which it is looked at; a maker has no check where its keywords are not there."""


def _is_same(one: Json, other: Json) -> bool:
    """Whether two values are equal: `1`, `1.0` and `true` are three values, whatever Python thinks of their equality."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_is_same(item, other[key]) for key, item in one.items())
    return bool(one == other)


def _is_a(kind: str, value: Json) -> bool:
    """Whether the value is of the named type; a name that JSON Schema does not know allows everything."""
    if isinstance(value, bool):
        return kind == "boolean" or kind not in _TYPES
    return isinstance(value, _TYPES.get(kind, object))


def _breaks_limit(schema: dict[str, Any], value: Json) -> bool:
    if isinstance(value, str):
        return _is_miscounted(len(value), schema.get("minLength"), schema.get("maxLength"))
    size, least, most = map(_number, (value, schema.get("minimum"), schema.get("maximum")))
    if size is None:
        return False
    return (most is not None and size > most) or (least is not None and size < least)


def _number(value: Json) -> float | None:
    """The number as a double, which is how limits are compared."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _is_miscounted(count: int, least: Json, most: Json) -> bool:
    return (_is_count(most) and count > most) or (_is_count(least) and count < least)


def _is_count(value: Json) -> bool:
    return type(value) is int and value >= 0


def _texts(value: Json) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _unexpected(path: str, schema: dict[str, Any], got: str) -> str:
    return f"{path or 'arguments'}: expected {_expectation(schema)}, got {got}"


def _expectation(schema: dict[str, Any]) -> str:
    kind = schema.get("type")
    words = [] if kind is None else [kind if isinstance(kind, str) else " or ".join(_texts(kind)) or "valid value"]
    if kind is None and schema_alternatives(schema) is not None:
        words.append("matching schema")
    words += [phrase.format(display_value(schema[key])) for key, phrase in _LIMIT_PHRASES.items() if key in schema]
    return " ".join(words) or "valid value"


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
