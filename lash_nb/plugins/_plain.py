"""What a function returned, as the plain JSON that a tool result is made of."""

import dataclasses
import marshal
import math
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct
from pydantic_core import PydanticSerializationError, to_jsonable_python

from lash_nb.errors import WireError
from lash_nb.plugins._context import AttachmentSink
from lash_nb.plugins._library_values import library_value
from lash_nb.wire import AttachmentRef, Json, ToolValue, may_hold_long_integer, nests_deeper, to_builtins, to_json

__all__ = ["NotJsonError", "plain_json"]

_LEAST: Final = -(2**63)
_MOST: Final = 2**64 - 1
_DEPTH: Final = 123
"""Of the 127 levels that are read again, the record of an effect takes four."""


_HOLDERS: Final = (dict, list, tuple)
_NO_REFERENCES: Final = 2
"""The version of `marshal` in which equal values are written alike, whichever of their parts are one object."""
_LIST_FOR_TUPLE: Final = bytes.maketrans(b"(", b"[")
_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder()


class NotJsonError(ValueError):
    """A value that cannot be written as JSON; the text says where and what to return instead."""


def plain_json(value: Any, attachments: AttachmentSink | None = None) -> Json:
    """Return a copy of `value` as JSON in which `AttachmentRef` objects stand as they are.

    Pydantic models, dataclasses, enums, dates, sets and the like become what pydantic makes of them; tables of pandas are summed up, pictures
    and figures are stored in `attachments`.

    Raises:
        NotJsonError: something inside has no JSON form.
        WireError: a text holds half of a surrogate pair.
    """
    copied = value if type(value) is str and value.isascii() else _copied(value)
    if copied is not UNSET:
        return copied
    plain = _plain(value, "result", _DEPTH, attachments)
    to_json(ToolValue(plain))
    return plain


def _copied(value: Any) -> Any:
    """What JSON makes of `value`, when that is equal to it: nobody has to look at each item of what is JSON already."""
    try:
        written = _ENCODER.encode(value)
        copied = _DECODER.decode(written)
        is_same = _is_same(copied, value)
        if may_hold_long_integer(written):  # the codec takes any
            to_json(copied)
    except (TypeError, ValueError, OverflowError, RecursionError, WireError):
        return UNSET
    return copied if is_same and not nests_deeper(written, _DEPTH) else UNSET


def _is_same(copied: Json, value: Any) -> bool:
    """Compare as they are written by `marshal`: it knows the built-in types alone, where `==` asks whatever class comes from outside."""
    exact, given = _exact(copied), _exact(value) or _exact(_built_in(value))
    return exact == given or (exact is not None and given is not None and _untold(exact) == _untold(given))


def _exact(value: Any) -> bytes | None:
    try:
        return marshal.dumps(value, _NO_REFERENCES)
    except ValueError:
        return None


def _untold(exact: bytes) -> bytes:
    """Let a tuple be a list: JSON keeps texts and numbers to the bit, so that nothing else can differ in this one byte."""
    return exact.translate(_LIST_FOR_TUPLE)


def _built_in(value: Any) -> Any:
    """Return `value` with built-in holders in the place of their subclasses, named tuples above all."""
    if isinstance(value, dict):
        return {key: _built_in(item) if isinstance(item, _HOLDERS) else item for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_built_in(item) if isinstance(item, _HOLDERS) else item for item in value]
    return value


def _plain(value: Any, path: str, depth: int, attachments: AttachmentSink | None) -> Json:
    if value is None or isinstance(value, AttachmentRef) or type(value) in (str, bool):
        return value
    if not depth:
        raise NotJsonError(f"{path} is nested too deeply or contains itself; return a flatter value")
    if type(value) is int:
        return _short(value, path)
    if type(value) is float:
        return _finite(value, path)
    if isinstance(value, dict):
        return {
            _key(key, path): _plain(item, f"{path}[{key!r}]", depth - 1, attachments) for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_plain(item, f"{path}[{index}]", depth - 1, attachments) for index, item in enumerate(value)]
    return _plain(_converted(value, path, attachments), path, depth - 1, attachments)


def _short(value: int, path: str) -> int:
    if _LEAST <= value <= _MOST:
        return value
    raise NotJsonError(f"{path} is an integer of more than 64 bits, which JSON readers round; return it as text")


def _finite(value: float, path: str) -> float:
    if math.isfinite(value):
        return value
    raise NotJsonError(f"{path} is {value}, which JSON cannot carry; return None or a text instead")


def _key(key: Any, path: str) -> str:
    if isinstance(key, str):
        return str(key)
    if isinstance(key, int | float):
        return str(key)
    raise NotJsonError(f"{path} has the key {key!r} of type {type(key).__name__}; use text keys")


def _converted(value: Any, path: str, attachments: AttachmentSink | None) -> Any:
    """One step towards JSON, or an error that names the type."""
    name = type(value).__name__
    known = library_value(value, attachments)
    if known is not UNSET:
        return known
    if isinstance(value, bytes | bytearray | memoryview):
        raise NotJsonError(
            f"{path} is {name} and no picture that can be stored (PNG, JPEG, GIF, WebP or BMP); return what it says as text"
        )
    if dataclasses.is_dataclass(value) and not isinstance(
        value, type
    ):  # field by field: attachments inside stay references
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)  # the order of a set differs from one process to the next, a result must not
    try:
        return to_builtins(value) if isinstance(value, Struct) else to_jsonable_python(value, inf_nan_mode="constants")
    except (PydanticSerializationError, TypeError, ValueError, RecursionError) as error:
        # a struct names what in it is no JSON, a model what a serializer of its own said
        told = error if isinstance(error, TypeError) else error.__cause__
        why = f": {told}" if told else ""
        raise NotJsonError(
            f"{path} is of type {name}, which is not JSON{why}; return a dict, list, text or number, a dataclass or a pydantic model"
        ) from error
