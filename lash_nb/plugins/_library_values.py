"""What libraries hold, as a tool's result: tables are summed up, pictures become attachments. No library is imported for that."""

import json
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any, Final

from msgspec import UNSET

from lash_nb.plugins._context import AttachmentSink
from lash_nb.wire import AttachmentCreateMeta, AttachmentRef, Json, MediaType, image_dimensions, sniff_image

__all__ = ["library_value"]

SHOWN_ROWS: Final = 20
"""Rows of a table, and entries of an array, that go to the model; how many there are it is told, too."""
SHOWN_COLUMNS: Final = 50
"""Columns of a table that go to the model."""


def library_value(value: Any, attachments: AttachmentSink | None) -> Any:
    """Return what stands for a picture, a figure, a table or an array in a result; `UNSET` for everything else.

    Args:
        value: What a tool returned, or a part of it.
        attachments: Where pictures go; without it none can be in a result.

    Raises:
        LashError: the picture cannot be stored.
    """
    if isinstance(value, bytes | bytearray | memoryview):
        return _attached(bytes(value), attachments)
    for kind in type(value).__mro__:
        name = kind.__module__.partition(".")[0], kind.__name__
        if name in _TABLES:
            return _TABLES[name](value)
        if name in _DRAWN:
            return _attached(_png(value), attachments)
    return UNSET


def _attached(data: bytes, attachments: AttachmentSink | None) -> Any:
    kind = sniff_image(data)
    if kind is None or attachments is None:
        return UNSET
    width, height = image_dimensions(data) or (None, None)
    reference: AttachmentRef = attachments.put(
        data, AttachmentCreateMeta(media_type=MediaType(type=kind), width=width, height=height)
    )
    return reference


def _png(drawn: Any) -> bytes:
    """Draw a figure, or the figure in which something is drawn."""
    written = BytesIO()
    (drawn if hasattr(drawn, "savefig") else drawn.get_figure()).savefig(written, format="png")
    return written.getvalue()


def _table(frame: Any) -> Json:
    rows, columns = frame.shape
    head = frame.iloc[:SHOWN_ROWS, :SHOWN_COLUMNS]
    told = {"type": type(frame).__name__, "rows": rows, **_split(head), "dtypes": list(map(str, head.dtypes))}
    return told | _left_out(rows=rows - len(head), columns=columns - len(head.columns))


def _column(series: Any) -> Json:
    head = series.iloc[:SHOWN_ROWS]
    told = {"type": type(series).__name__, "rows": len(series), **_split(head), "dtype": str(series.dtype)}
    return told | _left_out(rows=len(series) - len(head))


def _labels(index: Any) -> Json:
    head = index[:SHOWN_ROWS]
    data = _split(head.to_series(index=range(len(head))))["data"]
    return {"type": type(index).__name__, "rows": len(index), "data": data} | _left_out(rows=len(index) - len(head))


def _split(head: Any) -> dict[str, Json]:
    """Columns, index and data; what has no value is null, times are ISO 8601. Rows that are only counted need no index."""
    split: dict[str, Json] = json.loads(head.to_json(orient="split", date_format="iso", default_handler=str))
    if split["index"] == list(range(len(head))):
        del split["index"]
    return split


def _array(array: Any) -> Json:
    if array.size <= SHOWN_ROWS:
        return array.tolist()
    told = {"type": type(array).__name__, "shape": list(array.shape), "dtype": str(array.dtype)}
    return told | {"data": array.ravel()[:SHOWN_ROWS].tolist()} | _left_out(entries=array.size - SHOWN_ROWS)


def _left_out(**counts: int) -> dict[str, Json]:
    return {f"omitted_{name}": count for name, count in counts.items() if count}


_TABLES: Final[Mapping[tuple[str, str], Callable[[Any], Json]]] = {
    ("pandas", "DataFrame"): _table,
    ("pandas", "Series"): _column,
    ("pandas", "Index"): _labels,
    ("numpy", "ndarray"): _array,
    ("numpy", "generic"): lambda scalar: scalar.item(),
    ("pandas", "NAType"): lambda _: None,
    ("pandas", "NaTType"): lambda _: None,
}
"""How each is summed up, by library and type."""
_DRAWN: Final = frozenset({("matplotlib", "Figure"), ("matplotlib", "Axes")})
"""What is drawn and kept as a picture."""
