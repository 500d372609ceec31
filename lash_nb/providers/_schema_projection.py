"""JSON Schemas as OpenAI's endpoints take them, and which errors inside an answer may pass (lash 0.1.0-alpha.37, turns §15.6).

A projection never changes what a schema means without saying so: a keyword that cannot be kept fails the whole call.
"""

import json
from collections.abc import Hashable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

import msgspec

from lash_nb.errors import LlmTransportError
from lash_nb.wire import SchemaProjectionOverride

__all__ = ["SchemaProfile", "is_passing_error", "projected_schema"]

SchemaProfile: TypeAlias = Literal[
    "openai_tool_parameters", "openai_strict_tool_parameters", "openai_structured_output"
]
"""What a schema is projected for; an override names its profile alike."""

_DIGITS: Final = 10
"""A text of so many digits is no code of an error."""
_STRICT: Final = frozenset({"openai_strict_tool_parameters", "openai_structured_output"})
"""Profiles whose objects list every property as required and take no others."""
_NAMES: Final[Mapping[str, str]] = {
    "openai_tool_parameters": "ToolParameters",
    "openai_strict_tool_parameters": "StrictToolParameters",
    "openai_structured_output": "StructuredOutput",
}
_UNSUPPORTED: Final = (
    "allOf",
    "oneOf",
    "not",
    "dependentRequired",
    "dependentSchemas",
    "if",
    "then",
    "else",
    "patternProperties",
)
_OF_OBJECTS: Final = frozenset({"properties", "required", "additionalProperties"})
_PASSING: Final = frozenset(
    {
        "server_error",
        "internal_server_error",
        "service_unavailable",
        "temporarily_unavailable",
        "overloaded",
        "rate_limit_exceeded",
    }
)
_NULL: Final[Mapping[str, Any]] = {"type": "null"}


def projected_schema(schema: Any, *, profile: SchemaProfile, overrides: Iterable[SchemaProjectionOverride] = ()) -> Any:
    """Return `schema` for `profile`: the override written for it, as it is, else a projected copy, which others get, too: nobody changes it.

    Raises:
        LlmTransportError: of kind `validation`; the schema says something that cannot be projected. `raw` lists all of it.
    """
    for override in overrides:
        if override.profile == profile:
            return override.schema
    return _projected(msgspec.json.encode(schema), profile)


@lru_cache(maxsize=1_024)
def _projected(schema: bytes, profile: SchemaProfile) -> Any:
    """A session offers the same tools in every call, so their schemas are projected once."""
    projected, faults = msgspec.json.decode(schema), _Faults()
    _project(projected, "$", profile, faults)
    _ensure_object_root(projected, faults)
    if faults:
        raise LlmTransportError(
            f"OpenAI-compatible schema projection failed: {faults[0]}; change the schema, or give it a projection for {profile!r}",
            kind="validation",
            raw=json.dumps({"profile": _NAMES[profile], "diagnostics": faults}),
        )
    return projected


def is_passing_error(error: Any) -> bool:
    """Tell whether the error object inside an answer, which has no HTTP status of its own, may pass when asked again."""
    if not isinstance(error, Mapping):
        return False
    number = _whole_number(_first(error, "code", "status"))
    if number is not None and (number == 429 or number >= 500):
        return True
    return _first(error, "code", "type", "status") in _PASSING


def _first(error: Mapping[str, Any], *names: str) -> Hashable:
    """The first of these that says anything a number or word could be."""
    told = (error.get(name) for name in names)
    return next((value for value in told if isinstance(value, str | int)), None)


def _whole_number(value: Any) -> int | None:
    if isinstance(value, str):
        text = value.strip()
        return int(text) if len(text) < _DIGITS and text.isascii() and text.removeprefix("-").isdigit() else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


class _Faults(list[str]):
    """Everything that cannot be projected, in the order in which it was met."""


def _project(schema: Any, path: str, profile: SchemaProfile, faults: _Faults) -> None:
    if not isinstance(schema, dict):
        faults.append(f"{path}: schema must be a JSON object")
        return
    if "const" in schema:
        value = schema.pop("const")
        schema.setdefault("enum", [value])
    _infer_type(schema, is_root=path == "$")
    if path == "$" and "anyOf" in schema and profile == "openai_structured_output":
        faults.append(f"{path}: OpenAI structured outputs do not allow root anyOf")
    faults.extend(f"{path}: unsupported JSON Schema keyword `{key}`" for key in _UNSUPPORTED if key in schema)
    if _has_type(schema, "object"):
        _project_object(schema, path, profile, faults)
    for below, where in _subschemas(schema, path):
        _project(below, where, profile, faults)


def _subschemas(schema: dict[str, Any], path: str) -> Iterator[tuple[Any, str]]:
    """The schemas inside a schema, other than its properties, with their paths."""
    if "items" in schema:
        yield schema["items"], f"{path}.items"
    for key in ("$defs", "definitions"):
        named = schema.get(key)
        if isinstance(named, dict):
            yield from ((below, f"{path}.{key}.{name}") for name, below in named.items())
    choices = schema.get("anyOf")
    if isinstance(choices, list):
        yield from ((below, f"{path}.anyOf[{place}]") for place, below in enumerate(choices))


def _project_object(schema: dict[str, Any], path: str, profile: SchemaProfile, faults: _Faults) -> None:
    properties = schema.setdefault("properties", {})
    if isinstance(properties, dict):
        _project_properties(schema, properties, path, profile, faults)
    else:
        faults.append(f"{path}: object schema properties must be an object")
    if profile in _STRICT:
        schema["additionalProperties"] = False


def _project_properties(
    schema: dict[str, Any], properties: dict[str, Any], path: str, profile: SchemaProfile, faults: _Faults
) -> None:
    declared = schema.get("required")
    required = declared if isinstance(declared, list) else []
    for name, below in properties.items():
        _project(below, f"{path}.properties.{name}", profile, faults)
        if name not in required and profile in _STRICT:
            _make_nullable(below)
    if profile in _STRICT:
        schema["required"] = sorted(properties)


def _ensure_object_root(schema: Any, faults: _Faults) -> None:
    if isinstance(schema, dict) and not _has_type(schema, "object"):
        faults.append("$: root schema must be an object schema")


def _infer_type(schema: dict[str, Any], *, is_root: bool) -> None:
    if "type" in schema:
        return
    if is_root or not _OF_OBJECTS.isdisjoint(schema):
        schema["type"] = "object"
    elif "items" in schema:
        schema["type"] = "array"
    elif isinstance(schema.get("enum"), list):
        kinds = {_JSON_TYPES.get(type(value), "") for value in schema["enum"] if value is not None}
        if len(kinds) == 1 and "" not in kinds:
            schema["type"] = kinds.pop()


_JSON_TYPES: Final[Mapping[type, str]] = {str: "string", bool: "boolean", int: "integer", float: "number"}


def _has_type(schema: Mapping[str, Any], name: str) -> bool:
    declared = schema.get("type")
    return name in declared if isinstance(declared, list) else declared == name


def _make_nullable(schema: Any) -> None:
    if not isinstance(schema, dict):
        return
    choices, declared = schema.get("anyOf"), schema.get("type")
    if isinstance(choices, list):
        if not any(isinstance(choice, dict) and _has_type(choice, "null") for choice in choices):
            choices.append(dict(_NULL))
    elif isinstance(declared, list):
        declared.extend(["null"] if "null" not in declared else [])
    elif isinstance(declared, str):
        schema["type"] = declared if declared == "null" else [declared, "null"]
    elif declared is None and "type" not in schema:
        whole = dict(schema)
        schema.clear()
        schema["anyOf"] = [whole, dict(_NULL)]
