"""What libraries hold, as a tool's result: tables are summed up, pictures become attachments. No library is imported for that."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, time, timedelta
from types import NoneType
from typing import Any, Final

from msgspec import UNSET

from lash_nb.plugins._attachment_sink import AttachmentSink
from lash_nb.plugins._drawing import NoPictureError, drawn_png, image_png
from lash_nb.wire import (
    AttachmentCreateMeta,
    AttachmentRef,
    Json,
    MediaType,
    has_picture_header,
    image_dimensions,
    picture_fault,
    sniff_image,
)
from lash_nb.words import counted

__all__ = ["PictureFound", "figure_png", "library_value"]

SHOWN_ROWS: Final = 20
"""Rows of a table, and entries of an array, that go to the model; how many there are it is told, too."""
SHOWN_COLUMNS: Final = 50
"""Columns of a table that go to the model."""
_TEXT: Final = 10_000
"""Characters of a text in a cell, a label or an entry."""
_LEVELS: Final = 20
"""Levels of cells, and of what is in them: a cell may contain itself, and more often each time."""
_DEEPER: Final = "… [nested too deeply]"


class PictureFound(Exception):  # noqa: N818 - a way out and no error
    """A result holds a picture: to draw and to store it is no work for an event loop.

    Attributes:
        rest: The result, made JSON but for its pictures; what it was made of may be a generator, which gives its items once.
        pictures: Its pictures.
    """

    def __init__(self, rest: Any, pictures: Sequence[Any]) -> None:
        super().__init__("a picture is to be drawn or stored")
        self.rest: Final = rest
        self.pictures: Final = pictures


def library_value(value: Any, attachments: AttachmentSink | None, waiting: list[Any] | None = None) -> Any:
    """Return what stands for a picture, a figure, a table or an array in a result; `UNSET` for everything else.

    What stands for a table may hold values that are no JSON yet: a cell may be anything.

    Args:
        value: What a tool returned, or a part of it.
        attachments: Where pictures go; without it none can be in a result.
        waiting: Gets the pictures, which stay what they are, where an event loop waits for the answer.

    Raises:
        NoPictureError: the picture cannot be kept.
        LashError: the picture cannot be stored.
    """
    if isinstance(value, bytes | bytearray | memoryview):
        # a few words may begin like a picture, and an event loop may wait: the rest is looked at where it is stored
        return _attached(value, bytes, attachments, waiting) if has_picture_header(bytes(value)) else UNSET
    kind = _kind_of(value)
    if kind is None:
        return UNSET
    drawn = _DRAWN.get(kind)
    return _TABLES[kind](value) if drawn is None else _attached(value, drawn, attachments, waiting)


def figure_png(value: Any) -> bytes | None:
    """Return a figure of matplotlib, or that in which something is drawn, or an image of Pillow as PNG; None for everything else.

    Raises:
        NoPictureError: the figure cannot be drawn.
    """
    kind = _kind_of(value)
    drawn = None if kind is None else _DRAWN.get(kind)
    return None if drawn is None else drawn(value)


def _kind_of(value: Any) -> tuple[str, str] | None:
    """The library and the type by which a value is known, its own or one that it inherits from."""
    names = ((str(kind.__module__).partition(".")[0], kind.__name__) for kind in type(value).__mro__)
    return next((name for name in names if name in _TABLES or name in _DRAWN), None)


def _attached(
    picture: Any, drawn: Callable[[Any], bytes], attachments: AttachmentSink | None, waiting: list[Any] | None
) -> Any:
    if attachments is None:
        raise NoPictureError("is a picture, and no attachment can be stored here; return what it shows as text")
    if waiting is not None:
        waiting.append(picture)
        return picture
    data = drawn(picture)
    fault = picture_fault(data)
    if fault is not None:
        raise NoPictureError(f"is {fault}")
    width, height = image_dimensions(data) or (None, None)
    media_type = MediaType(type=sniff_image(data) or "png")
    return attachments.put(data, AttachmentCreateMeta(media_type=media_type, width=width, height=height))


def _table(frame: Any) -> Json:
    rows, columns = frame.shape
    head = frame.iloc[:SHOWN_ROWS, :SHOWN_COLUMNS]
    told = {"type": type(frame).__name__, "rows": rows, "columns": _cell(head.columns.tolist()), **_index(head.index)}
    told["data"] = _cell(list(head.itertuples(index=False, name=None)))
    told["dtypes"] = list(map(str, head.dtypes))
    return told | _left_out(rows=rows - len(head), columns=columns - len(head.columns))


def _column(series: Any) -> Json:
    head = series.iloc[:SHOWN_ROWS]
    told = {"type": type(series).__name__, "rows": len(series), "name": _cell(series.name), **_index(head.index)}
    told |= {"data": _cell(head.tolist()), "dtype": str(series.dtype)}
    return told | _left_out(rows=len(series) - len(head))


def _index(index: Any) -> dict[str, Json]:
    """The labels of rows, and what they are called; rows that are only counted need none."""
    labels = index.tolist()
    told: dict[str, Json] = {} if labels == list(range(len(labels))) else {"index": _cell(labels)}
    return told | ({"index_names": _cell(list(index.names))} if any(name is not None for name in index.names) else {})


def _labels(index: Any) -> Json:
    head = index[:SHOWN_ROWS]
    told = {"type": type(index).__name__, "rows": len(index), "data": _cell(head.tolist())}
    return told | _left_out(rows=len(index) - len(head))


def _array(array: Any) -> Json:
    """A short array is nested lists; one of records needs its names beside them, and an empty one may have a billion rows."""
    is_short = array.size <= SHOWN_ROWS and array.dtype.names is None
    if is_short and (array.size or array.ndim < 2):
        return _cell(_entries(array))
    told = {"type": type(array).__name__, "shape": list(array.shape), "dtype": str(array.dtype)}
    first = array.flat[:SHOWN_ROWS]  # copies these alone, where `ravel` may copy all
    return told | {"data": _cell(_entries(first))} | _left_out(entries=max(array.size - SHOWN_ROWS, 0))


def _entries(array: Any) -> Any:
    """Times as texts: the numbers that some units become would not say what they count."""
    return _times(array.astype(str).tolist()) if array.dtype.kind in _TIMES else array.tolist()


def _times(texts: Any) -> Any:
    if isinstance(texts, list):
        return [_times(text) for text in texts]
    return None if texts == "NaT" else texts


def _extension(array: Any) -> Json:
    return _cell(list(array)) if len(array) <= SHOWN_ROWS else _labels(array)


def _scalar(scalar: Any) -> Any:
    kind = scalar.dtype.kind
    if kind in _TIMES:
        return _times(str(scalar))
    return _EXACT[kind](scalar) if kind in _EXACT else scalar.item()  # of a long double `item` is itself


def _cell(value: Any, above: frozenset[int] = frozenset()) -> Any:
    """What has no value is null; what only its library knows is the text that a table shows; the rest is gone through as every result."""
    if isinstance(value, _HOLDERS):
        return _DEEPER if id(value) in above or len(above) == _LEVELS else _cells(value, above | {id(value)})
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None if math.isnan(value) else str(float(value))
    if isinstance(value, _PARTS) or (not isinstance(value, str) and _kind_of(value) is not None):
        return value
    return _cut(str(value))


def _cells(holder: Any, above: frozenset[int]) -> Any:
    if isinstance(holder, dict):
        return _fields(holder, above)
    # the order of a set differs from one process to the next, a result must not
    items = holder if isinstance(holder, list | tuple) else sorted(holder, key=repr)
    return [_cell(item, above) for item in items]


def _fields(holder: dict[Any, Any], above: frozenset[int]) -> dict[Any, Any]:
    """Of long keys that begin alike all but one are told whole: two values cannot stand under one key."""
    made: dict[Any, Any] = {}
    for key, item in holder.items():
        short = _cut(key) if isinstance(key, str) else key
        made[key if short in made else short] = _cell(item, above)
    return made


def _cut(text: str) -> str:
    left_out = len(text) - _TEXT
    return f"{text[:_TEXT]} … [{counted(left_out, 'character')} left out]" if left_out > 0 else text


def _moment(moment: Any) -> str:
    said: str = moment.isoformat()
    return said.replace("+00:00", "Z")


def _left_out(**counts: int) -> dict[str, Json]:
    return {f"omitted_{name}": count for name, count in counts.items() if count}


_TIMES: Final = "mM"
"""The kinds of numpy's durations and times."""
_EXACT: Final[Mapping[str, Callable[[Any], Any]]] = {"f": float, "c": complex}
_HOLDERS: Final = (list, tuple, dict, set, frozenset)
_PARTS: Final = (int, NoneType, bytes, bytearray, memoryview, AttachmentRef, date, time, timedelta)
"""What a cell may hold that is gone through as every result."""
_TABLES: Final[Mapping[tuple[str, str], Callable[[Any], Any]]] = {
    ("pandas", "DataFrame"): _table,
    ("pandas", "Series"): _column,
    ("pandas", "Index"): _labels,
    ("pandas", "ExtensionArray"): _extension,
    ("pandas", "Timestamp"): _moment,
    ("pandas", "Timedelta"): lambda duration: duration.isoformat(),
    ("pandas", "Period"): str,
    ("pandas", "Interval"): str,
    ("pandas", "NAType"): lambda _: None,
    ("pandas", "NaTType"): lambda _: None,
    ("numpy", "ndarray"): _array,
    ("numpy", "generic"): _scalar,
}
"""What stands for each, by library and type."""
_DRAWN: Final[Mapping[tuple[str, str], Callable[[Any], bytes]]] = {
    ("matplotlib", "Figure"): drawn_png,
    ("matplotlib", "SubFigure"): drawn_png,
    ("matplotlib", "Axes"): drawn_png,
    ("PIL", "Image"): image_png,
}
"""What is drawn and kept as a picture, and how."""
