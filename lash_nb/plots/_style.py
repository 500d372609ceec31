"""The visual language of tables, plots and views, as data.

`widgets/src/theme.css` mirrors it for the browser; a test compares the two. Nothing here imports a drawing library, so a view can
take its colors from here. Rules that the numbers cannot say: kind colors are fills, never text, and every fill has a thin edge;
failure is never told by color alone, it has a mark and a word; the accent means "act here" and colors no data.
"""

from dataclasses import dataclass
from typing import Final

__all__ = ["DARK", "KIND_COLORS", "LIGHT", "MARKS", "TOKEN_COLORS", "Theme"]

KIND_COLORS: Final[dict[str, str]] = {
    "llm_call": "#0072B2",
    "direct": "#56B4E9",
    "tool_call": "#E69F00",
    "exec_code": "#009E73",
    "process": "#CC79A7",
    "sleep": "#F0E442",
    "checkpoint": "#8A9099",
    "sync_execution_surface": "#B6BBC2",
    "failure": "#D55E00",
}
"""One color-blind safe fill per effect kind, and one for failure."""

TOKEN_COLORS: Final[dict[str, str]] = {"input": "#0072B2", "cached": "#8FC1E3", "output": "#59616B"}
"""Tints of the model's blue for input, grey for output; reasoning is the output grey, hatched."""

MARKS: Final[dict[str, str]] = {
    "success": "✓",
    "failed": "✕",
    "cancelled": "⊘",
    "retried": "↻",
    "running": "○",
    "waiting": "◌",
    "paused": "‖",
    "commit": "◆",
    "start": "○",
    "end": "●",
}
"""The sign of each state where only text can be drawn; the shape says it, color only repeats it."""


@dataclass(frozen=True, kw_only=True)
class Theme:
    """Colors of text and surfaces for one brightness; views take the host's own variables first and these as fallback."""

    surface: str
    """What everything lies on."""
    sunk: str
    """Code, table heads, hovered rows."""
    selected: str
    """The selected row."""
    line: str
    """Hair lines and grid."""
    line_strong: str
    """Edges of inputs and buttons."""
    ink: str
    """Text."""
    muted: str
    """Secondary text; at least 4.5 : 1 on every surface."""
    failure_text: str
    """Text that tells of a failure."""
    failure_surface: str
    """What the bar of bad lines lies on."""
    accent: str
    """Act here: primary button, pending envelope, current leaf, focus ring."""
    accent_text: str
    """Text on the accent."""
    json_string: str
    """Strings in JSON."""
    json_number: str
    """Numbers in JSON."""
    json_literal: str
    """`true`, `false` and `null` in JSON."""
    edge: str
    """The thin edge around every fill, as `#RRGGBBAA`."""


LIGHT: Final = Theme(
    surface="#ffffff",
    sunk="#f5f6f7",
    selected="#e9ebee",
    line="#e0e2e5",
    line_strong="#b9bec5",
    ink="#1f2328",
    muted="#59616b",
    failure_text="#a84300",
    failure_surface="#fdf3ec",
    accent="#1976d2",
    accent_text="#ffffff",
    json_string="#ba2121",
    json_number="#00701a",
    json_literal="#7b1fa2",
    edge="#0000004d",
)
"""Dark text on a light page."""

DARK: Final = Theme(
    surface="#111111",
    sunk="#1b1c1e",
    selected="#2a2d31",
    line="#34373b",
    line_strong="#5b6067",
    ink="#e4e6e8",
    muted="#a2a8b0",
    failure_text="#ff9d57",
    failure_surface="#2a1a10",
    accent="#2196f3",
    accent_text="#0b0b0b",
    json_string="#ff8a80",
    json_number="#7bc67e",
    json_literal="#ce93d8",
    edge="#ffffff47",
)
"""Light text on a dark page."""
