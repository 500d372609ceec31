"""How a JSON Schema reads in a few characters: `list[record] min_items 1` (lash 0.1.0-alpha.37, turns §11.3).

Parameters get a shallow label (`record`), results a deep one (`record{a: int}`).
"""

from collections.abc import Iterable
from typing import Any, Final

from msgspec import UNSET

from lash_nb.wire import Json, display_value, pointed_at, schema_alternatives

__all__ = ["deep_label", "nullable", "resolve_refs", "shallow_label"]

_NAMES: Final = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "object": "record",
    "array": "list",
    "null": "null",
}


def resolve_refs(schema: Json) -> Json:
    """Return the schema with every local `$ref` replaced by what it points at; a recursive one becomes `{}`, anything."""
    return _resolved(schema, schema, ()) if _has_ref(schema) else schema


def shallow_label(schema: Json) -> str:
    """Return the label of a schema without looking into records."""
    return _shallow(schema)[0]


def nullable(schema: Json) -> bool:
    """Tell whether `null` is among what the schema allows."""
    return _shallow(schema)[1]


def deep_label(schema: Json) -> str:
    """Return the label of a schema with the fields of its records, alphabetically."""
    options = schema_alternatives(schema)
    if options is not None:
        return " | ".join(sorted(set(map(deep_label, options)), key=_null_last)) or "any"
    kind = _get(schema, "type")
    if isinstance(kind, list):
        named = " | ".join(sorted({deep_label({"type": one}) for one in kind if one != "null"})) or "any"
        return f"{named} | null" if "null" in kind else named
    if kind == "array":
        return f"list[{deep_label(schema['items']) if 'items' in schema else 'any'}]"
    return _record_label(schema) if kind == "object" else shallow_label(schema)


def _get(schema: Json, key: str, default: Json = None) -> Json:
    return schema.get(key, default) if isinstance(schema, dict) else default


def _shallow(schema: Json) -> tuple[str, bool]:
    """The label, and whether null is allowed."""
    values = _get(schema, "enum")
    if isinstance(values, list) and any(value is not None for value in values):
        variants = ", ".join(display_value(value) for value in values if value is not None)
        return _with_null(f"enum[{variants}]", None in values)
    kind = _get(schema, "type")
    if isinstance(kind, list):
        names = [_NAMES.get(one, "any") for one in kind if isinstance(one, str) and one != "null"]
        return _with_null(" | ".join(names) or "any", "null" in kind)
    options = schema_alternatives(schema)
    if options is not None:
        return _union(map(_shallow, options))
    if kind == "array":
        return f"list[{shallow_label(schema['items']) if 'items' in schema else 'any'}]", False
    return (_NAMES.get(kind, "any") if isinstance(kind, str) else "any"), kind == "null"


def _union(options: Iterable[tuple[str, bool]]) -> tuple[str, bool]:
    found = list(options)
    labels = dict.fromkeys(label for label, _ in found if label != "null")
    return _with_null(" | ".join(labels) or "any", any(null or label == "null" for label, null in found))


def _null_last(label: str) -> tuple[bool, str]:
    return label == "null", label


def _with_null(label: str, null: bool) -> tuple[str, bool]:
    return (f"{label} | null" if null else label), null


def _record_label(schema: dict[str, Any]) -> str:
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not properties:
        return "record"
    required = schema.get("required") or ()
    fields = (f"{name}{'' if name in required else '?'}: {deep_label(properties[name])}" for name in sorted(properties))
    return f"record{{{', '.join(fields)}}}"


def _has_ref(schema: Json) -> bool:
    if isinstance(schema, dict):
        return "$ref" in schema or any(map(_has_ref, schema.values()))
    return isinstance(schema, list) and any(map(_has_ref, schema))


def _resolved(root: Json, schema: Json, open_refs: tuple[str, ...]) -> Json:
    if isinstance(schema, list):
        return [_resolved(root, item, open_refs) for item in schema]
    if not isinstance(schema, dict):
        return schema
    ref = schema.get("$ref")
    if isinstance(ref, str) and ref in open_refs:
        return {}
    target = _pointed_at(root, ref) if isinstance(ref, str) else None
    beside = {key: _resolved(root, item, open_refs) for key, item in schema.items() if target is None or key != "$ref"}
    if target is None or not isinstance(ref, str):
        return beside
    resolved = _resolved(root, target, (*open_refs, ref))
    return {**resolved, **beside} if isinstance(resolved, dict) else resolved


def _pointed_at(root: Json, ref: str) -> Json:
    """What a `#/…` pointer means in `root`; None when it points nowhere or out of the document."""
    found = pointed_at(root, ref[1:]) if ref.startswith("#") else UNSET
    return None if found is UNSET else found
