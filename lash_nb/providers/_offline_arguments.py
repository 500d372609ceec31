"""Arguments for a tool, filled from the words of a prompt: enum values, numbers and names that stand there, else defaults."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from lash_nb.wire import Json

__all__ = ["arguments_for"]

_QUOTED: Final = re.compile(r"[\"“'‘`]([^\"”'’`]+)[\"”'’`]")
_NUMBER: Final = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.]*\w)")
_NAME: Final = re.compile(r"(?<!^)(?<![.!?]\s)\b[A-Z][\w-]*(?:\s+[A-Z][\w-]*)*")
_WORD: Final = re.compile(r"\w[\w-]*")
_WHOLE: Final = frozenset({"message", "prompt", "query", "question", "request", "text"})
"""Names of parameters that want to hear the prompt itself."""


def arguments_for(schema: Json, prompt: str) -> dict[str, Json]:
    """Return arguments that the schema accepts, as far as the prompt and the schema's own defaults go."""
    return _Filler(schema, prompt).object(schema)


class _Filler:
    """One filling: what the prompt offers is used up from left to right, so that two parameters get two cities."""

    def __init__(self, schema: Json, prompt: str) -> None:
        self._definitions: Mapping[str, Any] = schema.get("$defs", {}) if isinstance(schema, dict) else {}
        self._prompt = prompt
        self._quoted = _QUOTED.findall(prompt)
        self._names = _NAME.findall(prompt)
        self._numbers = [float(number) for number in _NUMBER.findall(prompt)]

    def object(self, schema: Json) -> dict[str, Json]:
        properties: Mapping[str, Any] = schema.get("properties", {}) if isinstance(schema, dict) else {}
        required = schema.get("required", ()) if isinstance(schema, dict) else ()
        names = [*required, *(name for name in properties if name not in required)]
        filled = {name: self.value(name, properties.get(name, {}), optional=name not in required) for name in names}
        return {name: value for name, value in filled.items() if value is not None or name in required}

    def value(self, name: str, schema: Json, *, optional: bool = False) -> Json:
        """Return a value for one parameter; None leaves an optional one out."""
        plain = self._resolved(schema)
        found = self._found(name, plain, optional=optional)
        if found is not None or optional:
            return found
        for key in ("default", "const"):
            if key in plain:
                return plain[key]
        return plain["examples"][0] if plain.get("examples") else self._fallback(plain)

    def _resolved(self, schema: Json) -> dict[str, Any]:
        """Follow a reference; of several alternatives take the first that is not null."""
        plain = schema if isinstance(schema, dict) else {}
        if "$ref" in plain:
            return self._resolved(self._definitions.get(str(plain["$ref"]).rpartition("/")[2], {}))
        for options in (plain.get("anyOf"), plain.get("oneOf"), plain.get("allOf")):
            chosen = next((option for option in options or () if option.get("type") != "null"), None)
            if chosen is not None:
                return {
                    **self._resolved(chosen),
                    **{key: plain[key] for key in ("default", "examples") if key in plain},
                }
        return plain

    def _found(self, name: str, schema: dict[str, Any], *, optional: bool) -> Json:
        if "enum" in schema:
            return next((value for value in schema["enum"] if self._says(str(value))), None)
        finders: Mapping[str, Callable[[], Json]] = {
            "string": lambda: self._text(name, optional=optional),
            "integer": lambda: self._number(schema, int),
            "number": lambda: self._number(schema, float),
            "boolean": lambda: True if self._says(name.replace("_", " ")) else None,
            "array": lambda: self._array(name, schema),
            "object": lambda: None if optional else self.object(schema),
        }
        return finders.get(_kind(schema), lambda: None)()

    def _text(self, name: str, *, optional: bool) -> str | None:
        if self._quoted:
            return str(self._quoted.pop(0))
        if name in _WHOLE:
            return self._prompt.strip()
        if self._names:
            return str(self._names.pop(0))
        words = [] if optional else _WORD.findall(self._prompt)
        return words[-1] if words else None

    def _number(self, schema: dict[str, Any], make: Callable[[float], Json]) -> Json:
        least, most = schema.get("minimum", float("-inf")), schema.get("maximum", float("inf"))
        fits = [number for number in self._numbers if least <= number <= most and (make is float or number % 1 == 0)]
        if not fits:
            return None
        self._numbers.remove(fits[0])
        return make(fits[0])

    def _array(self, name: str, schema: dict[str, Any]) -> list[Json] | None:
        items = self._resolved(schema.get("items", {}))
        if "enum" in items:
            return [value for value in items["enum"] if self._says(str(value))] or None
        if _kind(items) not in {"string", "integer", "number"}:
            return None
        found: list[Json] = []
        while (value := self._found(name, items, optional=True)) is not None and value not in found:
            found.append(value)
        return found or None

    def _fallback(self, schema: dict[str, Any]) -> Json:
        if "enum" in schema:
            return schema["enum"][0]
        least = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        plain: Mapping[str, Json] = {"integer": least, "number": least, "boolean": False, "array": [], "object": {}}
        return plain.get(_kind(schema), "")

    def _says(self, words: str) -> bool:
        return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", self._prompt, re.IGNORECASE) is not None


def _kind(schema: dict[str, Any]) -> str:
    kind = schema.get("type", "")
    return next((one for one in kind if one != "null"), "") if isinstance(kind, list) else str(kind)
