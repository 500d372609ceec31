"""Compact contracts: a tool in the few lines that a prompt has room for (lash 0.1.0-alpha.37, turns §11.3)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final

from lash_nb.plugins._schema_labels import deep_label, nullable, resolve_refs, shallow_label
from lash_nb.wire import (
    CompactToolContract,
    FromInputSchemaContract,
    Json,
    ToolAgentSurface,
    ToolContract,
    ToolManifest,
    display_value,
    from_json,
    schema_alternatives,
    to_json,
)

__all__ = ["authority_type", "call_path", "compact_contract", "compact_markdown", "module_path"]

_REMEMBERED: Final = 256
_EXAMPLES: Final = 2
_EXAMPLE_CHARS: Final = 240
_LIMITS: Final = {
    "minimum": ("minimum", "exclusiveMinimum"),
    "maximum": ("maximum", "exclusiveMaximum"),
    "min_length": ("minLength",),
    "max_length": ("maxLength",),
    "min_items": ("minItems",),
    "max_items": ("maxItems",),
}
"""Name of a limit in a compact contract, and where a schema says it; an exclusive bound counts as an inclusive one."""
_LIMIT_WORDS: Final = {
    "minimum": ">=",
    "maximum": "<=",
    "min_length": "min_len",
    "max_length": "max_len",
    "min_items": "min_items",
    "max_items": "max_items",
}
_NOTEWORTHY: Final = ("enum", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")
"""What makes a record or list of a result worth a line of its own."""


def module_path(surface: ToolAgentSurface) -> tuple[str, ...]:
    """Return the module in which agent code finds a tool, `tools` by default."""
    return surface.module_path or ("tools",)


def call_path(manifest: ToolManifest) -> str:
    """Return how agent code calls the tool, e.g. `tools.weather`."""
    operation = (manifest.agent_surface.operation or "").strip() or manifest.name
    return ".".join((*module_path(manifest.agent_surface), operation))


def authority_type(surface: ToolAgentSurface) -> str:
    """Return the name of the authority type: the declared one, else the first module segment in camel case."""
    declared = (surface.authority_type or "").strip()
    parts = module_path(surface)[0].split("_")
    return declared or "".join(part[:1].upper() + part[1:] for part in parts) or "Tools"


def compact_contract(manifest: ToolManifest, contract: ToolContract) -> CompactToolContract:
    """Return the tool in short; what was made last is remembered, as each session that opens offers the same tools again."""
    return _compacted(to_json(manifest), to_json(contract))


@lru_cache(maxsize=_REMEMBERED)
def _compacted(manifest_json: bytes, contract_json: bytes) -> CompactToolContract:
    manifest, contract = from_json(manifest_json, ToolManifest), from_json(contract_json, ToolContract)
    output = contract.output_contract
    typed = isinstance(output, FromInputSchemaContract)
    parameters = [_typed_by(output, doc) for doc in _parameters(resolve_refs(contract.input_schema))]
    listed = f"{{ {', '.join(doc.signature for doc in parameters)} }}" if parameters else "{}"
    return CompactToolContract(
        name=call_path(manifest),
        signature=f"await {call_path(manifest)}{_type_parameter(output)}({listed})?",
        returns="T" if typed else deep_label(resolve_refs(contract.output_schema)),
        parameters=tuple(doc.as_json("name") for doc in parameters),
        return_fields=() if typed else tuple(doc.as_json("path") for doc in _return_fields(contract.output_schema)),
        description=manifest.description.strip(),
        examples=tuple(_examples(contract.examples)),
    )


def compact_markdown(compact: CompactToolContract) -> str:
    """Return the compact contract as the prompt shows it."""
    blocks = (
        f"### {compact.signature.strip()} -> {compact.returns.strip()}",
        compact.description.strip(),
        _titled("Parameters:", compact.parameters),
        _titled("Return fields:", compact.return_fields),
        f"Examples: {'; '.join(compact.examples)}" if compact.examples else "",
    )
    return "\n".join(filter(None, blocks))


@dataclass(frozen=True, slots=True)
class _Doc:
    """What is said of one parameter, or of one field of a result."""

    name: str
    label: str
    required: bool
    nullable: bool = False
    description: str = ""
    facts: dict[str, Json] = field(default_factory=dict)
    """`default`, `enum`, limits and `items`, where there are any."""

    @property
    def signature(self) -> str:
        words = [f"{self.name}{'' if self.required else '?'}: {self.label}"]
        if "enum" in self.facts and not self.label.startswith("enum["):
            words.append("in " + "|".join(map(display_value, self.facts["enum"])))
        words += [
            f"{word} {display_value(self.facts[limit])}" for limit, word in _LIMIT_WORDS.items() if limit in self.facts
        ]
        if "default" in self.facts:
            words.append(f"= {display_value(self.facts['default'])}")
        return " ".join(words)

    def as_json(self, key: str) -> Json:
        out = {key: self.name, "type": self.label, "required": self.required, "signature": self.signature, **self.facts}
        if self.nullable:
            out["nullable"] = True
        if self.description.strip():
            out["description"] = self.description
        return out


def _doc(name: str, schema: Json, *, required: bool) -> _Doc:
    given: dict[str, Any] = schema if isinstance(schema, dict) else {}
    description = given.get("description")
    return _Doc(
        name,
        shallow_label(schema),
        required,
        nullable(schema),
        description if isinstance(description, str) else "",
        dict(_facts(given)),
    )


def _facts(schema: dict[str, Any]) -> Iterator[tuple[str, Json]]:
    enum = schema.get("enum")
    values = [value for value in enum if value is not None] if isinstance(enum, list) else []
    if values:
        yield "enum", values
    for limit, keys in _LIMITS.items():
        found = next((schema[key] for key in keys if schema.get(key) is not None), None)
        if found is not None:
            yield limit, found
    if "items" in schema and (label := shallow_label(schema["items"])) != "any":
        yield "items", label


def _parameters(schema: Json) -> Iterator[_Doc]:
    """Required parameters in their declared order, then the others by name."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict):
        return
    required = [name for name in schema.get("required") or () if name in properties]
    for name in dict.fromkeys((*required, *sorted(properties))):
        doc = _doc(name, properties[name], required=name in required)
        has_default = isinstance(properties[name], dict) and "default" in properties[name]
        yield replace(doc, facts={**doc.facts, "default": properties[name]["default"]}) if has_default else doc


def _typed_by(output: object, doc: _Doc) -> _Doc:
    """The parameter that gives the type of the result is shown as a type and nothing else."""
    if not isinstance(output, FromInputSchemaContract) or doc.name != output.input_field:
        return doc
    return _Doc(doc.name, "TypeSpec<T>", doc.required, description=doc.description)


def _type_parameter(output: object) -> str:
    if not isinstance(output, FromInputSchemaContract):
        return ""
    default = "any" if output.default_schema is None else deep_label(resolve_refs(output.default_schema))
    return f"<T = {default}>"


def _return_fields(schema: Json) -> Iterable[_Doc]:
    merged: dict[str, _Doc] = {}
    for doc in _walked("", resolve_refs(schema), required=True):
        merged[doc.name] = _merged(merged[doc.name], doc) if doc.name in merged else doc
    return merged.values()


def _walked(path: str, schema: Json, *, required: bool) -> Iterator[_Doc]:
    """Leaves, and those records and lists that have something to say; the result itself has no line."""
    options, kind = schema_alternatives(schema), _single_type(schema)
    is_node = options is not None or kind in ("object", "array")
    if path and (not is_node or _is_noteworthy(schema)):
        yield _doc(path, schema, required=required)
    if options is not None:
        for option in options:
            yield from _walked(path, option, required=required)
    elif kind == "object":
        properties = schema.get("properties") or {}
        for name in sorted(properties):
            inner = f"{path}.{name}" if path else name
            yield from _walked(inner, properties[name], required=name in (schema.get("required") or ()))
    elif kind == "array" and "items" in schema:
        yield from _walked(f"{path}[]", schema["items"], required=True)


def _single_type(schema: Json) -> str | None:
    kind = schema.get("type") if isinstance(schema, dict) else None
    if isinstance(kind, list):
        named = [one for one in kind if one != "null"]
        kind = named[0] if len(named) == 1 else None
    return kind if isinstance(kind, str) else None


def _is_noteworthy(schema: dict[str, Any]) -> bool:
    return bool(str(schema.get("description") or "").strip()) or any(key in schema for key in _NOTEWORTHY)


def _merged(one: _Doc, other: _Doc) -> _Doc:
    """Two branches of a union that speak of the same place."""
    null = one.nullable or other.nullable or "null" in other.label.split(" | ")
    labels = dict.fromkeys(part for doc in (one, other) for part in doc.label.split(" | "))
    named = [label for label in labels if label not in ("any", "null")]
    has_null = null or "null" in labels
    enum = [*one.facts.get("enum", ()), *(v for v in other.facts.get("enum", ()) if v not in one.facts.get("enum", ()))]
    facts = {**other.facts, **one.facts, **({"enum": enum} if enum else {})}
    label = " | ".join((*named, "null") if has_null else named) or "any"
    return _Doc(
        one.name, label, one.required or other.required, null, one.description.strip() or other.description, facts
    )


def _examples(examples: Iterable[str]) -> Iterator[str]:
    kept = [example.strip() for example in examples if example.strip()]
    for example in kept[:_EXAMPLES]:
        yield example if len(example) <= _EXAMPLE_CHARS else f"{example[: _EXAMPLE_CHARS - 3]}..."


def _titled(title: str, docs: Iterable[Json]) -> str:
    lines = [f"- `{doc['signature']}`{_after_dash(doc.get('description'))}" for doc in docs]
    return "\n".join((title, *lines)) if lines else ""


def _after_dash(description: str | None) -> str:
    return f" — {description.strip()}" if description else ""
