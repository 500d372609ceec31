"""A DataFrame that is the value of a cell and looks as our tables do; whatever is made of it is a plain one."""

from typing import Any, Protocol

import pandas as pd

from lash_nb import views

__all__ = ["Table", "TableFace"]


class TableFace(Protocol):
    """How a table looks, e.g. a `views.FrameFace`."""

    def html(self, frame: pd.DataFrame, /) -> str:
        """Return it as HTML."""
        ...

    def text(self, frame: pd.DataFrame, /) -> str:
        """Return it as text."""
        ...


class Table(pd.DataFrame):
    """A table with a face of ours: one line per row.

    Args:
        frame: The table.
        face: How it looks.
    """

    _metadata = ("_face",)
    _face: TableFace

    def __init__(self, frame: pd.DataFrame, face: TableFace) -> None:
        super().__init__(frame)  # type: ignore[call-arg]  # pandas is not typed here
        object.__setattr__(self, "_face", face)

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame

    def __repr__(self) -> str:
        return self._face.text(self)

    def _repr_html_(self) -> str:
        return views.untypeset(self._face.html(self))

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(repr(self))
