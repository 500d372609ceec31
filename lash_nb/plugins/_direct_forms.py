"""The forms that the answer of a direct completion may have: how each is asked for, and how it is read."""

import re
from typing import Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ValidationError

from lash_nb.errors import WireError
from lash_nb.wire import DirectOutput, Json, JsonSchemaSpec, OutputJsonSchema, from_json

__all__ = ["REPAIR", "Form", "UnfitAnswerError", "is_form", "output_of", "read_form"]

Form: TypeAlias = Literal["text", "json"] | type[BaseModel]
"""Text, any JSON object, or an instance of a model class."""

REPAIR: Final = "That does not fit: {fault}. Answer again, with nothing but JSON of the form that was asked for."
"""What the model is told about an answer that has not the form."""

_OUTPUTS: Final[dict[Any, Literal["Text", "JsonObject"]]] = {"text": "Text", "json": "JsonObject"}
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_-]+")
"""What providers refuse in the name of a schema: generic models have brackets."""


class UnfitAnswerError(ValueError):
    """An answer has another form than the one that was asked for."""


def is_form(output: object) -> bool:
    """Tell whether `output` names a form."""
    if isinstance(output, str):
        return output in _OUTPUTS
    return isinstance(output, type) and issubclass(output, BaseModel)


def output_of(form: Form) -> DirectOutput:
    """Return how the provider is asked for a form."""
    return _OUTPUTS.get(form) or _schema(form)


def read_form(text: str, form: Form) -> Any:
    """Return the value that `text` is in the form.

    Raises:
        UnfitAnswerError: it is none.
    """
    if isinstance(form, str):
        return text if form == "text" else _json_object(text)
    try:
        return form.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the answer"
        message = f"the answer is no {form.__name__} ({place}: {first['msg']})"
        raise UnfitAnswerError(message) from error


def _schema(model: Any) -> OutputJsonSchema:
    name = _NO_NAME.sub("_", model.__name__)
    return OutputJsonSchema(JsonSchema=JsonSchemaSpec(name=name, schema=model.model_json_schema(), strict=True))


def _json_object(text: str) -> dict[str, Json]:
    message = "the answer is no JSON object"
    try:
        value = from_json(text)
    except WireError as error:
        raise UnfitAnswerError(message) from error
    if not isinstance(value, dict):
        raise UnfitAnswerError(message)
    return value
