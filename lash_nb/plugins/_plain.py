"""What a function returned, as the plain JSON that a tool result is made of."""

import dataclasses
import marshal
import math
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, Struct
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_jsonable_python

from lash_nb.errors import LashError, WireError, exception_text
from lash_nb.plugins._attachment_sink import AttachmentSink
from lash_nb.plugins._drawing import NoPictureError
from lash_nb.plugins._library_values import PictureFound, library_value
from lash_nb.wire import AttachmentRef, Json, ToolValue, may_hold_long_integer, nests_deeper, to_builtins, to_json

__all__ = ["NotJsonError", "plain_json"]

_LEAST: Final = -(2**63)
_MOST: Final = 2**64 - 1
_DEPTH: Final = 123
"""Of the 127 levels that are read again, the record of an effect takes four."""


_BYTES: Final = frozenset({bytes, bytearray, memoryview})
_HOLDERS: Final = (dict, list, tuple)
_NO_REFERENCES: Final = 2
"""The version of `marshal` in which equal values are written alike, whichever of their parts are one object."""
_LIST_FOR_TUPLE: Final = bytes.maketrans(b"(", b"[")
_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder()
_Known: TypeAlias = Callable[[Any], Any]
"""Gives what stands for a value of some library, or `UNSET`."""


class NotJsonError(ValueError):
    """A value that cannot be written as JSON; the text says where and what to return instead."""


def plain_json(value: Any, attachments: AttachmentSink | None = None, *, on_loop: bool = False) -> Json:
    """Return a copy of `value` as JSON in which `AttachmentRef` objects stand as they are.

    Pydantic models, dataclasses, enums, dates, sets and the like become what pydantic makes of them; tables of pandas are summed up, pictures
    and figures are stored in `attachments`.

    Args:
        value: What a tool returned.
        attachments: Where pictures go.
        on_loop: Whether an event loop waits for the answer.

    Raises:
        PictureFound: there is a picture, and an event loop waits; from the rest of the result, which it holds, this goes on elsewhere.
        NotJsonError: something inside has no JSON form.
        WireError: a text holds half of a surrogate pair.
    """
    copied = value if type(value) is str and value.isascii() else _copied(value)
    if copied is not UNSET:
        return copied
    waiting: list[Any] | None = [] if on_loop else None
    plain = _plain(value, "result", _DEPTH, partial(library_value, attachments=attachments, waiting=waiting))
    if waiting:
        raise PictureFound(plain, waiting)
    to_json(ToolValue(plain))
    return plain


def _copied(value: Any) -> Any:
    """What JSON makes of `value`, when that is equal to it: nobody has to look at each item of what is JSON already."""
    if type(value) in _BYTES:  # the codec would make a text of them, which takes seconds of a large picture
        return UNSET
    try:
        written = _ENCODER.encode(value)
        copied = _DECODER.decode(written)
        is_same = _is_same(copied, value)
        if may_hold_long_integer(written):  # the codec takes any
            to_json(copied)
    except (TypeError, ValueError, OverflowError, RecursionError, BufferError, WireError):
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


def _plain(value: Any, path: str, depth: int, known: _Known) -> Json:
    if value is None or isinstance(value, AttachmentRef) or type(value) in (str, bool):
        return value
    if not depth:
        raise NotJsonError(f"{path} is nested too deeply or contains itself; return a flatter value")
    if type(value) is int:
        return _short(value, path)
    if type(value) is float:
        return _finite(value, path)
    if isinstance(value, dict):
        return _object(value, path, depth, known)
    if isinstance(value, list | tuple):
        return [_plain(item, f"{path}[{index}]", depth - 1, known) for index, item in enumerate(value)]
    step = _converted(value, path, known)
    return value if step is value else _plain(step, path, depth - 1, known)


def _object(value: dict[Any, Any], path: str, depth: int, known: _Known) -> Json:
    made: dict[str, Json] = {}
    for key, item in value.items():
        name = _key(key, path)
        if name in made:
            raise NotJsonError(f"{path} has two keys that are both {name!r} as text; use text keys")
        made[name] = _plain(item, f"{path}[{key!r}]", depth - 1, known)
    return made


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


def _converted(value: Any, path: str, known: _Known) -> Any:
    """One step towards JSON, or an error that names the type."""
    name = type(value).__name__
    found = _known(value, path, known)
    if found is not UNSET:
        return found
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
        return _dumped(value)
    except (PydanticSerializationError, TypeError, ValueError, RecursionError) as error:
        # a struct names what in it is no JSON, a model what a serializer of its own said
        told = error if isinstance(error, TypeError) else error.__cause__
        why = f": {told}" if told else ""
        raise NotJsonError(
            f"{path} is of type {name}, which is not JSON{why}; return a dict, list, text or number, a dataclass or a pydantic model"
        ) from error


def _known(value: Any, path: str, known: _Known) -> Any:
    """What stands for a value of a library; a class of somebody's own may raise whatever it likes."""
    try:
        return known(value)
    except LashError:
        raise
    except NoPictureError as error:
        raise NotJsonError(f"{path} {error}") from error
    except Exception as error:
        raise NotJsonError(
            f"{path} is of type {type(value).__name__} and cannot be read: {type(error).__name__}: {exception_text(error)};"
            " return a dict, list, text or number"
        ) from error


def _dumped(value: Any) -> Any:
    if isinstance(value, Struct):
        return to_builtins(value)
    try:
        return _jsonable(value)
    except ValueError:
        if not isinstance(value, BaseModel):
            raise
        return {name: _jsonable_or_same(part) for name, part in value.model_dump(by_alias=True).items()}


def _jsonable(value: Any) -> Any:
    return to_jsonable_python(value, inf_nan_mode="constants")


def _jsonable_or_same(part: Any) -> Any:
    """A part of a model may be what pydantic does not know and this module does."""
    try:
        return _jsonable(part)
    except ValueError:
        return part
