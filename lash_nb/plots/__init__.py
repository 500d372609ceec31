"""Plots: records and graphs as matplotlib pictures, in the one visual language of tables, plots and views."""

from lash_nb.plots._format import byte_size, counted, duration, one_line, short_id, token_count
from lash_nb.plots._style import DARK, KIND_COLORS, LIGHT, MARKS, TOKEN_COLORS, Theme

__all__ = [
    "DARK",
    "KIND_COLORS",
    "LIGHT",
    "MARKS",
    "TOKEN_COLORS",
    "Theme",
    "byte_size",
    "counted",
    "duration",
    "one_line",
    "short_id",
    "token_count",
]
