"""An envelope as form fields, from the tool's own schema, and back.

A value travels to the page and back as JSON text, so that no number is rounded by a browser. The page sends what was changed; decoding
and checking is done here.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from lash_nb.errors import WireError
from lash_nb.plots import counted
from lash_nb.views._json import inline, pretty, pretty_capped
from lash_nb.wire import LlmMessage, RuntimeEffectEnvelope, ToolCallCommand, from_json, to_builtins

__all__ = ["Field", "edited_envelope", "fields_of"]


class Field(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One control of a form."""

    path: tuple[str, ...]
    """Where the value stands; the last step is its name."""
    label: str
    """What stands before the control."""
    type: str
    """Which control: `readonly string text number integer boolean enum array json`."""
    value: str
    """The value as JSON text; empty when there is none."""
    hint: str = ""
    """A line under the control."""
    group: str = ""
    """Heading that it belongs to."""
    options: tuple[str, ...] | None = None
    """Choices of an enum, as JSON texts."""
    minimum: float | None = None
    """Least number allowed."""
    maximum: float | None = None
    """Greatest number allowed."""
    required: bool = False
    """Whether a value is needed."""
    items: str | None = None
    """Type of an array's items."""


_SCALARS: Final = {"string": "string", "number": "number", "integer": "integer", "boolean": "boolean"}
_DEPTH: Final = 3
_WORDS: Final = 2_000
"""Characters of what a person said last."""


def fields_of(envelope: RuntimeEffectEnvelope, schema: Mapping[str, Any] | None) -> list[Field]:
    """Return the fields of an envelope's command; a tool call's arguments by `schema`, which may be None."""
    command = envelope.command
    if isinstance(command, ToolCallCommand):
        call = command.call
        head = [_readonly("tool_name", call.tool_name), _readonly("call_id", call.call_id)]
        args = _argument_fields(call.args, schema or {}, (), "args")
        return [*head, *(args or [Field(path=(), label="args", type="json", value=pretty(call.args), group="")])]
    return [_readonly(name, value) for name, value in _unfolded(command)]


def edited_envelope(envelope: RuntimeEffectEnvelope, edited: Mapping[str, Any]) -> RuntimeEffectEnvelope:
    """Return the envelope as it was edited in a form.

    Args:
        envelope: What it was.
        edited: `{"json": text}` of a whole envelope, or `{"changes": [[path, JSON text], …]}` of a tool call's arguments.

    Raises:
        WireError: the text is no JSON or no envelope; `path` says where.
        RuntimeEffectControllerError: the envelope contradicts itself.
    """
    if "json" in edited:
        whole: RuntimeEffectEnvelope = from_json(str(edited["json"]), RuntimeEffectEnvelope)
        return whole.validate()
    command = envelope.command
    if not isinstance(command, ToolCallCommand):
        message = f"a {envelope.kind} effect has no argument fields; edit it in its JSON tab"
        raise WireError(message)
    args = command.call.args
    for path, text in edited.get("changes", ()):
        args = _with(args, list(path), _value(path, text))
    call = msgspec.structs.replace(command.call, args=args)
    return msgspec.structs.replace(envelope, command=msgspec.structs.replace(command, call=call))


def _value(path: Sequence[str], text: str) -> Any:
    try:
        return from_json(text)
    except WireError as error:
        where = ".".join(path)
        message = f"{where}: {error.message}"
        raise WireError(message, path=where) from error


def _with(value: Any, path: list[str], new: Any) -> Any:
    if not path:
        return new
    step, *rest = path
    base = dict(value) if isinstance(value, dict) else {}
    return {**base, step: _with(base.get(step), rest, new)}


def _readonly(name: str, value: Any) -> Field:
    return Field(
        path=(name,), label=name, type="readonly", value=value if isinstance(value, str) else inline(value, 2000)
    )


def _unfolded(command: Any) -> Iterator[tuple[str, Any]]:
    """A model request is shown by its parts: what a person reads first, and counts of the long lists."""
    plain: dict[str, Any] = to_builtins(command, shared=lambda _items: [])
    for name, value in plain.items():
        if name == "request":
            yield from _request(command.request, value)
        elif name != "type":
            yield name, value


def _request(request: Any, plain: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "model", request.model
    yield from _last_words(request.messages)
    yield "messages", counted(len(request.messages), "message")
    yield "tools", ", ".join(tool.name for tool in request.tools) or "none"
    rest = ("tool_choice", "model_variant", "generation", "output_spec")
    yield from ((key, plain[key]) for key in rest if plain.get(key))
    if request.attachments:
        yield "attachments", counted(len(request.attachments), "attachment")


def _last_words(messages: Sequence[LlmMessage]) -> Iterator[tuple[str, str]]:
    for message in reversed(messages):
        texts = [block.Text.text[:_WORDS] for block in message.blocks if block.Text]
        if message.role == "User" and texts:
            yield "last user text", "\n".join(texts)[:_WORDS]
            return


def _argument_fields(value: Any, schema: Mapping[str, Any], path: tuple[str, ...], group: str) -> list[Field]:
    """Fields of an object: those of the schema first, then arguments that it does not name."""
    properties = schema.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    given = value if isinstance(value, dict) else {}
    required = schema.get("required") or ()
    fields: list[Field] = []
    for name in [*properties, *(name for name in given if name not in properties)]:
        part = properties.get(name)
        part = part if isinstance(part, dict) else {}
        here = (*path, name)
        if part.get("type") == "object" and part.get("properties") and len(here) < _DEPTH:
            fields += _argument_fields(given.get(name), part, here, ".".join(here))
        else:
            fields.append(_argument_field(given, part, here, group=group, required=name in required))
    return fields


def _argument_field(
    given: Mapping[str, Any], schema: Mapping[str, Any], path: tuple[str, ...], *, group: str, required: bool
) -> Field:
    name = path[-1]
    text, cut = pretty_capped(given[name], whole="….envelope.command.call.args") if name in given else ("", "")
    if cut:
        hint = f"{cut}; too long for a form, edit it in Python: session.step(edited)"
        return Field(path=path, label=name, type="readonly", value=text, hint=hint, group=group)
    control = _control(schema, given.get(name))
    value = text if control == "json" or name not in given else inline(given[name])
    choices = schema.get("enum")
    items = schema.get("items")
    return Field(
        path=path,
        label=name,
        type=control,
        value=value,
        hint=_hint(schema, given.get(name), required),
        group=group,
        options=tuple(inline(choice) for choice in choices) if isinstance(choices, list) else None,
        minimum=_bound(schema.get("minimum")),
        maximum=_bound(schema.get("maximum")),
        required=required,
        items=_SCALARS.get(str(items.get("type"))) if isinstance(items, dict) else None,
    )


def _control(schema: Mapping[str, Any], value: Any) -> str:
    if isinstance(schema.get("enum"), list):
        return "enum"
    kind = schema.get("type")
    if kind == "string":
        return "text" if isinstance(value, str) and ("\n" in value or len(value) > 80) else "string"
    if kind == "array":
        return "array"
    return _SCALARS.get(str(kind), "json")


def _hint(schema: Mapping[str, Any], value: Any, required: bool) -> str:
    """The type in words; the range of a number, the length of an array."""
    kind = str(schema.get("type") or "any JSON")
    if kind == "array":
        items = schema.get("items")
        inner = str(items.get("type", "any JSON")) if isinstance(items, dict) else "any JSON"
        kind = f"array of {inner}" + (f", {counted(len(value), 'item')}" if isinstance(value, list | tuple) else "")
    low, high = schema.get("minimum"), schema.get("maximum")
    span = (
        f", {low}–{high}"
        if low is not None and high is not None
        else f", from {low}"
        if low is not None
        else f", to {high}"
        if high is not None
        else ""
    )
    return f"{kind}{span}, {'required' if required else 'optional'}"


def _bound(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
