"""Words for how things end: which there are, which of them tell of a failure, of a good end, of no end. Nothing else decides that.

A word that a record uses and that is not here stays as it is: it is neither a failure nor good, and is counted with `unknown`.
"""

from collections.abc import Mapping
from typing import Final

__all__ = [
    "AS_OF_TURNS",
    "ENDED_STATUSES",
    "FAILED_STATUSES",
    "GOOD_STATUSES",
    "LLM_STATUSES",
    "OF_ENDS",
    "OF_RECEIPTS",
    "OPEN_STATUSES",
    "TOOL_STATUSES",
    "TURN_STATUSES",
]

TURN_STATUSES: Final = ("completed", "switched", "failed", "cancelled", "open", "unknown")
"""How a turn ends: `switched` when it went on in another frame, `unknown` when its end does not say it."""
LLM_STATUSES: Final = ("completed", "failed", "cancelled", "open")
"""How a model call ends."""
TOOL_STATUSES: Final = ("success", "failure", "cancelled", "open", "unknown")
"""How a tool call ends: `unknown` when its end does not say it, as a receipt alone (version 36)."""

GOOD_STATUSES: Final = frozenset({"completed", "success", "switched"})
"""It did what it was there for."""
FAILED_STATUSES: Final = frozenset({"failed", "failure"})
"""It failed; what was cancelled did not."""
OPEN_STATUSES: Final = frozenset({"open", "waiting"})
"""It has no end yet."""
ENDED_STATUSES: Final = frozenset({"completed", "failed", "cancelled"})
"""Ends of executions and their steps."""

AS_OF_TURNS: Final[Mapping[str, str]] = {
    **{status: status for status in TURN_STATUSES},
    **dict.fromkeys(("success", "resolved", "ok"), "completed"),
    **dict.fromkeys(("failure", "error", "timeout"), "failed"),
    **dict.fromkeys(("turn_cancelled", "session_revoked"), "cancelled"),
    "agent_frame_switch": "switched",
}
"""What records of all kinds say about an end, in the words of `TURN_STATUSES`: one vocabulary where they stand side by side."""

OF_ENDS: Final[Mapping[tuple[str, str | None], str]] = {
    ("completed", "agent_frame_switch"): "switched",
    ("agent_frame_switch", None): "switched",
    ("failed", "cancelled"): "cancelled",
}
"""What the end of a turn or call tells by status and reason, where the status alone does not."""
OF_RECEIPTS: Final[Mapping[str | None, str]] = {
    "denied": "failure",
    "cancelled": "cancelled",
    "aborted": "cancelled",
    "final": "unknown",
    None: "open",
}
"""How a tool call ended that has no other end than its receipt; one that is `final` does not say how."""
