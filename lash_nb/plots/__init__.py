"""Plots: records and graphs as matplotlib pictures, in the one visual language of tables, plots and views."""

from typing import TYPE_CHECKING

from lash_nb.lazy import lazy_face

if TYPE_CHECKING:
    from lash_nb.plots._cache_share import cache_share
    from lash_nb.plots._canvas import style
    from lash_nb.plots._cost import cost
    from lash_nb.plots._format import (
        byte_size,
        counted,
        duration,
        one_line,
        printable,
        recorded_duration,
        short_id,
        tick_time,
        token_count,
    )
    from lash_nb.plots._labels import argument_hint, first_token_ms, turn_name
    from lash_nb.plots._latency import latency
    from lash_nb.plots._layout import GraphLayout, lay_out
    from lash_nb.plots._session_graph import session_graph
    from lash_nb.plots._style import DARK, KIND_COLORS, LIGHT, MARKS, TOKEN_COLORS, Theme
    from lash_nb.plots._timeline import timeline
    from lash_nb.plots._tokens import tokens
    from lash_nb.plots._tool_outcomes import tool_outcomes

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
    "cache_share",
    "cost",
    "counted",
    "duration",
    "first_token_ms",
    "latency",
    "lay_out",
    "one_line",
    "printable",
    "recorded_duration",
    "session_graph",
    "short_id",
    "style",
    "tick_time",
    "timeline",
    "token_count",
    "tokens",
    "tool_outcomes",
    "turn_name",
]

_HOMES = {
    "DARK": "_style",
    "GraphLayout": "_layout",
    "KIND_COLORS": "_style",
    "LIGHT": "_style",
    "MARKS": "_style",
    "TOKEN_COLORS": "_style",
    "Theme": "_style",
    "argument_hint": "_labels",
    "byte_size": "_format",
    "cache_share": "_cache_share",
    "cost": "_cost",
    "counted": "_format",
    "duration": "_format",
    "first_token_ms": "_labels",
    "latency": "_latency",
    "lay_out": "_layout",
    "one_line": "_format",
    "printable": "_format",
    "recorded_duration": "_format",
    "session_graph": "_session_graph",
    "short_id": "_format",
    "style": "_canvas",
    "tick_time": "_format",
    "timeline": "_timeline",
    "token_count": "_format",
    "tokens": "_tokens",
    "tool_outcomes": "_tool_outcomes",
    "turn_name": "_labels",
}

if not TYPE_CHECKING:  # or every name that is not there would be one for type checkers
    __getattr__, __dir__ = lazy_face(__name__, _HOMES)
