"""Whether a value is what a schema asks for (lash 0.1.0-alpha.37, turns §11.4, processes §3.1).

A subset of JSON Schema with messages of its own, because the model reads them. The order of the checks decides which message it
gets: union, enum, type, limits, items, required, properties, other keys. Everything else in a schema is not looked at, and neither is
a keyword whose own value makes no sense.
"""

from collections.abc import Iterator
from types import NoneType
from typing import Any, Final

from lash_nb.wire._base import Json, Wire
from lash_nb.wire._json import to_json

__all__ = ["LashSchema", "display_value", "schema_alternatives"]

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
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}


class LashSchema(Wire, frozen=True, kw_only=True):
    """What a value must be."""

    schema: Json
    """The JSON schema; what is no object allows everything."""

    @classmethod
    def any(cls) -> "LashSchema":
        """Return the schema that allows everything."""
        return cls(schema={})

    def fault(self, value: Json) -> str | None:
        """Return what is wrong with `value`, None when nothing is; only the first fault is told."""
        return next(_faults("", self.schema, value), None)


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


def _faults(path: str, schema: Json, value: Json) -> Iterator[str]:
    if not isinstance(schema, dict):
        return
    options = schema_alternatives(schema)
    if options is not None:
        if not any(next(_faults(path, option, value), None) is None for option in options):
            yield _unexpected(path, schema, display_value(value))
        return
    yield from _scalar_faults(path, schema, value)
    if isinstance(value, list):
        yield from _list_faults(path, schema, value)
    if isinstance(value, dict):
        yield from _object_faults(path, schema, value)


def _scalar_faults(path: str, schema: dict[str, Any], value: Json) -> Iterator[str]:
    enum = schema.get("enum")
    if isinstance(enum, list) and not any(_is_same(option, value) for option in enum):
        choice = ", ".join(map(display_value, enum))
        yield f"{path or 'arguments'}: expected one of {choice}, got {display_value(value)}"
    if not _has_type(schema.get("type"), value) or _breaks_limit(schema, value):
        yield _unexpected(path, schema, display_value(value))


def _list_faults(path: str, schema: dict[str, Any], items: list[Json]) -> Iterator[str]:
    if _is_miscounted(len(items), schema.get("minItems"), schema.get("maxItems")):
        yield _unexpected(path, schema, f"{len(items)} items")
    if "items" in schema:
        for index, item in enumerate(items):
            yield from _faults(f"{path}[{index}]", schema["items"], item)


def _object_faults(path: str, schema: dict[str, Any], value: dict[str, Json]) -> Iterator[str]:
    for name in _texts(schema.get("required")):
        if name not in value:
            yield f"{_joined(path, name)}: required property missing"
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return
    for name in sorted(properties.keys() & value.keys()):
        yield from _faults(_joined(path, name), properties[name], value[name])
    others = schema.get("additionalProperties")
    if others is True:
        return
    for name in sorted(value.keys() - properties.keys() - {_SET_BY_RUNTIME}):
        if isinstance(others, dict):
            yield from _faults(_joined(path, name), others, value[name])
        else:
            yield f"{_joined(path, name)}: unexpected property"


def _is_same(one: Json, other: Json) -> bool:
    """Whether two values are equal: `1`, `1.0` and `true` are three values, whatever Python thinks of their equality."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_is_same(item, other[key]) for key, item in one.items())
    return bool(one == other)


def _has_type(kind: Json, value: Json) -> bool:
    if isinstance(kind, list):
        return any(_is_a(one, value) for one in _texts(kind))
    return not isinstance(kind, str) or _is_a(kind, value)


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
