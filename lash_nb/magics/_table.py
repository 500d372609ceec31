"""A DataFrame that is the value of a cell and looks as our tables do; whatever is made of it is a plain one."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from lash_nb import views

__all__ = ["Table"]


class Table(pd.DataFrame):
    """A table with a face of ours: one line per row.

    Args:
        frame: The table.
        columns: What is shown of it: names of columns and what stands above them.
        title: What it is.
        note: What a person should know about all of it.
    """

    _metadata = ("_face",)

    def __init__(self, frame: pd.DataFrame, *, columns: Mapping[str, str], title: str, note: str = "") -> None:
        super().__init__(frame)  # type: ignore[call-arg]  # pandas is not typed here
        object.__setattr__(self, "_face", {"columns": columns, "title": title, "note": note})

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame

    def __repr__(self) -> str:
        return views.frame_text(self, **self._face)

    def _repr_html_(self) -> str:
        return views.frame_html(self, **self._face)

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(repr(self))
