"""Whether arguments are what a tool asks for (lash 0.1.0-alpha.37, turns §11.4).

A subset of JSON Schema with messages of its own, because the model reads them. The order of the checks decides which message it
gets: union, enum, type, limits, items, required, properties, other keys. Everything else in a schema is not looked at.
"""

from collections.abc import Iterator
from types import NoneType
from typing import Any, Final

from lash_nb.plugins._schema_labels import alternatives, shown
from lash_nb.wire import Json, to_json

__all__ = ["validate_tool_input"]

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


def validate_tool_input(schema: Json, args: Json) -> str | None:
    """Return what is wrong with `args`, None when nothing is; only the first fault is told."""
    return next(_faults("", schema, args), None)


def _faults(path: str, schema: Json, value: Json) -> Iterator[str]:
    if not isinstance(schema, dict):
        return
    options = alternatives(schema)
    if options is not None:
        if not any(next(_faults(path, option, value), None) is None for option in options):
            yield _unexpected(path, schema, shown(value))
        return
    yield from _scalar_faults(path, schema, value)
    if isinstance(value, list):
        yield from _list_faults(path, schema, value)
    if isinstance(value, dict):
        yield from _object_faults(path, schema, value)


def _scalar_faults(path: str, schema: dict[str, Any], value: Json) -> Iterator[str]:
    enum = schema.get("enum")
    if isinstance(enum, list) and to_json(value) not in map(to_json, enum):
        yield f"{path or 'arguments'}: expected one of {', '.join(map(shown, enum))}, got {shown(value)}"
    if not _has_type(schema.get("type"), value) or _breaks_limit(schema, value):
        yield _unexpected(path, schema, shown(value))


def _list_faults(path: str, schema: dict[str, Any], items: list[Json]) -> Iterator[str]:
    if _beyond(len(items), schema.get("minItems"), schema.get("maxItems")):
        yield _unexpected(path, schema, f"{len(items)} items")
    if "items" in schema:
        for index, item in enumerate(items):
            yield from _faults(f"{path}[{index}]", schema["items"], item)


def _object_faults(path: str, schema: dict[str, Any], value: dict[str, Json]) -> Iterator[str]:
    for name in schema.get("required") or ():
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


def _has_type(kind: Json, value: Json) -> bool:
    if isinstance(kind, list):
        return any(_is_a(one, value) for one in kind)
    return not isinstance(kind, str) or _is_a(kind, value)


def _is_a(kind: str, value: Json) -> bool:
    """Whether the value is of the named type; a name that JSON Schema does not know allows everything."""
    if isinstance(value, bool):
        return kind == "boolean" or kind not in _TYPES
    return isinstance(value, _TYPES.get(kind, object))


def _breaks_limit(schema: dict[str, Any], value: Json) -> bool:
    if isinstance(value, str):
        return _beyond(len(value), schema.get("minLength"), schema.get("maxLength"))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _beyond(value, schema.get("minimum"), schema.get("maximum"))
    return False


def _beyond(size: float, least: Json, most: Json) -> bool:
    return (isinstance(most, int | float) and size > most) or (isinstance(least, int | float) and size < least)


def _unexpected(path: str, schema: dict[str, Any], got: str) -> str:
    return f"{path or 'arguments'}: expected {_expectation(schema)}, got {got}"


def _expectation(schema: dict[str, Any]) -> str:
    kind = schema.get("type")
    words = [] if kind is None else [" or ".join(kind) if isinstance(kind, list) else str(kind)]
    if kind is None and alternatives(schema) is not None:
        words.append("matching schema")
    words += [phrase.format(shown(schema[key])) for key, phrase in _LIMIT_PHRASES.items() if key in schema]
    return " ".join(words) or "valid value"


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
