"""Effects as a table: what `%lash effects` shows, and `session.effects` where it is the value of a cell."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from lash_nb import frames, views
from lash_nb.magics._table import Table
from lash_nb.plots import one_line
from lash_nb.plugins import left_replay_keys, tool_replay_key
from lash_nb.wire import EffectEntry, ToolCallCommand

__all__ = ["effects_table", "entries_table"]

_COLUMNS: Final = {
    "order": "",
    "turn_index": "turn",
    "kind": "kind",
    "what": "what",
    "status": "status",
    "origin": "origin",
    "duration_ms": "took",
    "effect_id": "effect",
}
_WRONG: Final = ("failed", "error")
_HOST_ERROR: Final = {"error_message": "host error"}
"""Stands there when a host failed; what tools and models fail with is their outcome."""
_LEFT: Final = {"now": "now"}
_STILL_RUNS: Final = "still running in its thread"
"""Stands there, in a column of its own, while the plain function of a call that was cancelled still runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _PicturedFace:
    """A table, and on a page below it what tools drew."""

    table: views.FrameFace
    entries: Sequence[EffectEntry]
    attachment_data: views.AttachmentBytes

    def html(self, frame: pd.DataFrame, /) -> str:
        """Return both as HTML."""
        return self.table.html(frame) + views.effect_pictures_html(self.entries, attachment_data=self.attachment_data)

    def text(self, frame: pd.DataFrame, /) -> str:
        """Return the table as text."""
        return self.table.text(frame)


def effects_table(
    entries: Sequence[EffectEntry],
    *,
    title: str,
    hint: str,
    attachment_data: views.AttachmentBytes,
    rest: str = "",
    is_all: bool = True,
) -> Table:
    """Return one row per effect.

    Args:
        entries: The effects.
        title: Whose they are.
        hint: What to type to see one in full.
        attachment_data: Gives the bytes of attachments.
        rest: What gives the earlier ones of many, as in `FrameFace`.
        is_all: Whether these are all that are kept, so that it is told how many came before them.
    """
    frame = frames.effects_df(entries)
    left = left_replay_keys()
    runs_on = [_runs_on(entry, left) for entry in entries] if left else []
    if any(runs_on):
        frame["now"] = [_STILL_RUNS if one else None for one in runs_on]
    earlier = entries[0].order - 1 if entries and is_all else 0
    wrong = int(frame["status"].isin(_WRONG).sum())
    face = views.FrameFace(
        columns=_COLUMNS
        | (_LEFT if any(runs_on) else {})
        | (_HOST_ERROR if frame["error_message"].notna().any() else {}),
        title=title,
        note=" · ".join(
            filter(None, (f"{wrong} failed" if wrong else "", f"{earlier:,} earlier no longer kept" if earlier else ""))
        ),
        empty="Nothing happened yet. Write a prompt below %%lash.",
        hint=hint,
        failures={"status": _WRONG},
        whole=tuple(_LEFT),
        is_latest=True,
        rest=rest,
    )
    return Table(frame, _PicturedFace(table=face, entries=tuple(entries), attachment_data=attachment_data))


def _runs_on(entry: EffectEntry, left: frozenset[str]) -> bool:
    command = entry.envelope.command
    if entry.status != "cancelled" or not isinstance(command, ToolCallCommand):
        return False
    session = entry.envelope.invocation.scope.session_id
    return tool_replay_key(session, command.call.call_id, command.call.tool_name) in left


def entries_table(entries: Sequence[EffectEntry], *, attachment_data: views.AttachmentBytes) -> Table:
    """Return the same of effects whose session is known by what they say alone."""
    session = entries[0].envelope.invocation.scope.session_id if entries else ""
    title = f"Effects of {one_line(session, 60)}" if session else "Effects"
    return effects_table(
        entries,
        title=title,
        hint="one in full: …[0] · all as a DataFrame: lash_nb.frames.effects_df(…)",
        attachment_data=attachment_data,
        rest="…[:{}]",
    )
