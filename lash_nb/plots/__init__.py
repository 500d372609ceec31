"""Plots: records and graphs as matplotlib pictures, in the one visual language of tables, plots and views."""

from lash_nb.plots._canvas import style
from lash_nb.plots._format import byte_size, counted, duration, one_line, printable, short_id, token_count
from lash_nb.plots._labels import argument_hint, turn_name
from lash_nb.plots._layout import GraphLayout, lay_out
from lash_nb.plots._session_graph import session_graph
from lash_nb.plots._style import DARK, KIND_COLORS, LIGHT, MARKS, TOKEN_COLORS, Theme
from lash_nb.plots._timeline import timeline

__all__ = [
    "DARK",
    "KIND_COLORS",
    "LIGHT",
    "MARKS",
    "TOKEN_COLORS",
    "GraphLayout",
    "Theme",
    "argument_hint",
    "byte_size",
    "counted",
    "duration",
    "lay_out",
    "one_line",
    "printable",
    "session_graph",
    "short_id",
    "style",
    "timeline",
    "token_count",
    "turn_name",
]
