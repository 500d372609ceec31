"""The timeline of a trace: all turns above, one turn as a waterfall, one call in detail. Reads yesterday's file; nothing has to run."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import traitlets as t

from lash_nb.errors import CallerError
from lash_nb.plots import counted
from lash_nb.trace import Span, Trace, Turn, given_trace
from lash_nb.views._base import View
from lash_nb.views._sources import module, stylesheet
from lash_nb.views._timeline_rows import ABSENT, detail, overview, selection_of, waterfall
from lash_nb.views._timeline_static import nothing_words, timeline_html, timeline_svg, timeline_text, waterfall_svg

__all__ = ["TraceTimelineView"]


class TraceTimelineView(View):
    """When each model and tool call of a trace ran."""

    _esm = module("timeline")
    _css = stylesheet("timeline")
    _hints: ClassVar[Mapping[str, str]] = {"path": "open the file first: TraceTimelineView(read_trace(path))"}

    title = t.Unicode("").tag(sync=True)
    """Name of the trace."""
    counts = t.Unicode("").tag(sync=True)
    """How much there is, in words."""
    shown = t.Unicode("").tag(sync=True)
    """What is shown and what is not."""
    overview = t.Dict().tag(sync=True)
    """All turns and calls as times."""
    place = t.Int(-1).tag(sync=True)
    """Position of the turn that is shown as a waterfall; -1 when the trace has none."""
    waterfall = t.Dict().tag(sync=True)
    """The rows of that turn."""
    chosen = t.Int(-1).tag(sync=True)
    """First record of the selected call; -1 for none."""
    detail = t.Dict().tag(sync=True)
    """The selected call in full."""

    def __init__(self, trace: Trace, *, turn: int | None = None, before: str = "", **traits: Any) -> None:
        """Read the times of a trace.

        Args:
            trace: The trace.
            turn: Number of the turn to start with; the newest one otherwise.
            before: What to type to see what came before the trace of a fork; said as long as the trace is empty.
            traits: Options of every view.

        Raises:
            CallerError: the trace has no such turn.
        """
        given_trace(trace)
        super().__init__(**traits)
        self.trace: Final = trace
        self._asked = turn
        self._before: Final = before
        self._spans: dict[int, Span] = {}
        summary = trace.summary()
        self.title = trace.name
        self.counts = (
            nothing_words(trace, before)
            or f"{_sessions(trace)}{counted(summary.turns, 'turn')} · {counted(summary.llm_calls, 'model call')} · {counted(summary.tool_calls, 'tool call')}"
        )
        self.shown = self._shown_words()
        self.overview = overview(trace)
        self.on_msg(self._receive)
        if trace.turns:
            self.show_turn(len(trace.turns) - 1 if turn is None else self._place_of(turn))

    def static_html(self) -> str:
        """Return the timeline as an SVG picture with a table of its turns."""
        return timeline_html(self.trace, self._asked_turn(), before=self._before)

    def static_svg(self) -> str:
        """Return the timeline as an SVG picture: all turns, or the waterfall of the one that was asked for."""
        turn = self._asked_turn()
        return timeline_svg(self.trace) if turn is None else waterfall_svg(self.trace, turn)

    def text(self) -> str:
        """Return the turns as aligned text."""
        return timeline_text(self.trace, before=self._before)

    def show_turn(self, place: int) -> None:
        """Show the turn at this position, counted from 0, as the waterfall."""
        if not 0 <= place < len(self.trace.turns):
            return
        turn = self.trace.turns[place]
        self._spans = {span.order: span for span in (*turn.llm_calls, *turn.tool_calls)}
        self._spans.setdefault(turn.order, turn)
        with self.hold_trait_notifications():
            self.place, self.waterfall = place, waterfall(self.trace, turn)
            self.select(turn.order)

    def select(self, order: int) -> None:
        """Select the call of the shown turn whose first record has this number."""
        span = self._spans.get(order)
        if span is None:
            return
        self.chosen, self.detail, self.selection = order, detail(self.trace, span), selection_of(span)

    def find(self, words: str) -> None:
        """Go to the next turn in which a tool, model or call id holds `words`."""
        needle = words.casefold()
        turns = self.trace.turns
        for step in range(1, len(turns) + 1):
            place = (self.place + step) % len(turns)
            if needle and any(needle in text.casefold() for text in _names(turns[place])):
                self.show_turn(place)
                return

    def _asked_turn(self) -> Turn | None:
        return None if self._asked is None else self.trace.turns[self._place_of(self._asked)]

    def _place_of(self, number: int) -> int:
        for place, turn in enumerate(self.trace.turns):
            if turn.turn_index == number:
                return place
        known = [turn.turn_index for turn in self.trace.turns if turn.turn_index is not None]
        span = f"{known[0]} to {known[-1]}" if known else "none at all"
        message = f"{self.trace.name} has no turn {number}; it has {span}"
        raise CallerError(message)

    def _shown_words(self) -> str:
        bad = f"; {counted(self.trace.bad_lines, 'bad line')} skipped: trace.errors" if self.trace.errors else ""
        return f"{self.trace.summary().records:,} records{bad}; {ABSENT}"

    def _receive_turn(self, command: Any) -> None:
        self.show_turn(int(command["place"]))

    def _receive_select(self, command: Any) -> None:
        self.select(int(command["order"]))

    def _receive_find(self, command: Any) -> None:
        self.find(str(command["words"]))

    def _receive(self, _widget: object, command: Any, _buffers: object) -> None:
        verbs = {"turn": self._receive_turn, "select": self._receive_select, "find": self._receive_find}
        verb = verbs.get(command.get("do"))
        if verb is not None:
            verb(command)


def _names(turn: Turn) -> list[str]:
    tools = [name for call in turn.tool_calls for name in (call.name, call.call_id) if name]
    return [*tools, *(name for call in turn.llm_calls for name in (call.model, call.llm_call_id) if name)]


def _sessions(trace: Trace) -> str:
    """The first sessions of a file; the trace of a session is called after it already."""
    return "".join(f"{name} · " for name in trace.sessions[:3] if trace.name != f"session {name}")
