"""From a Python function to the schemas of a tool, and from a model's arguments back to a call."""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model
from pydantic.errors import PydanticUserError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticSerializationError, to_jsonable_python

from lash_nb.errors import CallerError, WireError
from lash_nb.plugins._context import ToolContext
from lash_nb.plugins._docstring import read_docstring
from lash_nb.wire import AttachmentRef, Json, ToolCallOutput, ToolValue, from_json, to_json

__all__ = ["Signature", "read_signature"]

_NAMED: Final = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_UNTYPED_RESULTS: Final = (Any, inspect.Signature.empty, ToolCallOutput, ToolValue, AttachmentRef, bytes)
"""Results of which a schema would say nothing, or nothing true."""
_TOOL_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
"""What the model providers accept."""


@dataclass(frozen=True, slots=True)
class Signature:
    """How a function is called as a tool."""

    name: str
    """Name of the function."""
    description: str
    """What its docstring says."""
    input_schema: Json
    """JSON Schema of the arguments."""
    output_schema: Json
    """JSON Schema of the result; null when the function does not say."""
    validate: Callable[..., Any]
    """Checks and converts arguments; gives an instance of a model with one field for each."""
    parameters: Mapping[str, str]
    """The function's names of what it takes, by the model's."""
    context_parameter: str | None
    """The parameter that takes the `ToolContext`."""

    def arguments(self, args: Json, context: ToolContext) -> dict[str, Any]:
        """Return keyword arguments for the function; what the model left out keeps the function's own default.

        Raises:
            pydantic.ValidationError: an argument does not have its type.
        """
        is_flat = isinstance(args, dict) and not any(isinstance(value, dict | list) for value in args.values())
        own = args if is_flat else from_json(to_json(args))  # for validators and the function to change
        given = self.validate(own, by_alias=True)
        named = {self.parameters[name]: getattr(given, name) for name in given.model_fields_set}
        if self.context_parameter is not None:
            named[self.context_parameter] = context
        return named


def read_signature(function: Callable[..., Any], *, name: str | None = None) -> Signature:
    """Read the type hints and the docstring of `function`.

    Raises:
        CallerError: a parameter has no type hint, or one that cannot be written as JSON Schema.
    """
    title = name or str(getattr(function, "__name__", ""))
    if not _TOOL_NAME.fullmatch(title):
        raise CallerError(f"{title!r} is no tool name; give one of letters, digits and _: @tool(name='…')")
    hints = _hints(function, title)
    docs = read_docstring(function.__doc__)
    parameters = inspect.signature(function).parameters
    context = next((key for key in parameters if hints.get(key) is ToolContext), None)
    taken = {key: parameter for key, parameter in parameters.items() if key != context}
    for parameter in taken.values():
        _check(parameter, hints, title)
    model = _model(title, taken, hints, docs.parameters)
    return Signature(
        name=title,
        description=docs.description,
        input_schema=_input_schema(model, title),
        output_schema=_output_schema(hints.get("return", Any)),
        validate=TypeAdapter(model).validator.validate_python,
        parameters={field: str(info.alias) for field, info in model.model_fields.items()},
        context_parameter=context,
    )


def _hints(function: Callable[..., Any], title: str) -> dict[str, Any]:
    try:
        return get_type_hints(inspect.unwrap(function), include_extras=True)
    except (NameError, TypeError) as error:
        raise CallerError(f"tool {title}: a type hint cannot be resolved ({error}); define the type first") from error


def _check(parameter: inspect.Parameter, hints: Mapping[str, Any], title: str) -> None:
    if parameter.kind not in _NAMED:
        raise CallerError(f"tool {title}: {parameter} cannot be filled by a model; use parameters with names and types")
    if parameter.name not in hints:
        raise CallerError(
            f"tool {title}: parameter {parameter.name} has no type hint; write {title}({parameter.name}: str)"
        )


def _model(
    title: str, parameters: Mapping[str, inspect.Parameter], hints: Mapping[str, Any], docs: Mapping[str, str]
) -> type[BaseModel]:
    """Fields get neutral names and the parameters' names as aliases, so that no name can clash with pydantic's own."""
    fields: dict[str, Any] = {
        f"argument_{index}": (hints[name], _field(parameter, hints[name], docs.get(name)))
        for index, (name, parameter) in enumerate(parameters.items())
    }
    try:
        return create_model(title, __config__=ConfigDict(extra="forbid"), **fields)
    except PydanticUserError as error:
        raise _no_schema(title, error) from error


def _field(parameter: inspect.Parameter, hint: Any, description: str | None) -> Any:
    settings: dict[str, Any] = {"alias": parameter.name}
    if description and not _is_described(hint):
        settings["description"] = description
    if parameter.default is inspect.Parameter.empty:
        return Field(**settings)
    try:
        to_json(to_jsonable_python(parameter.default))
    except (PydanticSerializationError, WireError):
        return Field(default_factory=lambda: None, **settings)  # optional, with a default that no schema can show
    return Field(default=parameter.default, **settings)


def _is_described(hint: Any) -> bool:
    notes = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return any(isinstance(note, FieldInfo) and note.description for note in notes)


def _input_schema(model: type[BaseModel], title: str) -> Json:
    try:
        schema = _untitled(model.model_json_schema(by_alias=True))
        to_json(schema)
    except (PydanticUserError, WireError) as error:
        raise _no_schema(title, error) from error
    return schema


def _output_schema(hint: Any) -> Json:
    if hint in _UNTYPED_RESULTS:
        return None
    try:
        return _untitled(TypeAdapter(hint).json_schema(mode="serialization"))
    except PydanticUserError:  # a result of any type may still turn out to be JSON
        return None


def _no_schema(title: str, error: Exception) -> CallerError:
    reason = str(error).splitlines()[0].partition(". ")[0]
    return CallerError(f"tool {title}: a parameter has a type without a JSON Schema ({reason}); use JSON-like types")


def _untitled(schema: Json) -> Json:
    """Drop the titles that pydantic makes of names: they say nothing twice."""
    if isinstance(schema, list):
        return [_untitled(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _untitled(item) for name, item in value.items()}
        if key in ("properties", "$defs") and isinstance(value, dict)
        else value
        if key in ("default", "const", "enum", "examples")
        else _untitled(value)
        for key, value in schema.items()
        if key != "title"
    }
