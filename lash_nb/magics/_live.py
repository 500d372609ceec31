"""What a cell shows while a turn runs: in a notebook a live view of it, in whose place its card comes; in a terminal lines one by one.

Telling and drawing happen in the waiting cell, as soon as something happens, but at most twenty times a second, and always below that cell. The last
picture is the result's own card: it stays, and the cell's value is not shown a second time.
"""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from html import escape
from typing import Final, Protocol

from IPython.core.interactiveshell import InteractiveShell
from IPython.display import DisplayHandle

from lash_nb.core import LashSession, RunningTurn
from lash_nb.plots import printable, recorded_duration
from lash_nb.runtime import TurnResult
from lash_nb.views import EMPTY_BUNDLE, LiveTurnView, TurnDesk, TurnDisplay, turn_text
from lash_nb.wire import (
    AssistantProseDelta,
    EffectEntry,
    RetryStatus,
    ToolCallActivityCompleted,
    ToolCallActivityStarted,
    TurnEvent,
)
from lash_nb.words import ABORTS

__all__ = ["NEXT", "CardDisplay", "LiveDisplay", "NoDisplay", "TerminalDisplay", "live_display"]

NEXT: Final = ", nothing is lost. Next: %lash step, %lash continue or %lash cancel"
"""What to do about a turn that waits, behind where it does."""
_REST: Final = 1.0
"""Seconds after which a card is drawn again although nothing happened, because it counts the time."""
_HIDDEN_REST: Final = 5.0
"""The same of one that nobody sees."""
_PACE: Final = 1_000_000
"""Characters of cards that are drawn in a second, at most: the card of a thousand tool calls is not sent with each of them."""


class LiveDisplay(Protocol):
    """Shows a running turn."""

    def beat(self) -> None:
        """Show what happened since the last time."""
        ...

    def pausing(self) -> None:
        """Say that the turn stops after the effect in flight."""
        ...

    def cancelling(self) -> None:
        """Say that the turn is cancelled, and how to end it though something in it does not hear of that."""
        ...

    def finish(
        self, result: TurnResult | None, effects: Sequence[EffectEntry], *, raised: Mapping[str, str], words: str
    ) -> None:
        """Show the end of it: of the turn, with where its tools raised by the id of the call, or (None) of watching it, when `words` say what it does now."""
        ...

    @property
    def shows_result(self) -> bool:
        """Whether the finished turn is on the page by now."""
        ...

    @property
    def shows_pause(self) -> bool:
        """Whether it says what to do about a turn that waits, for as long as that waits."""
        ...


class NoDisplay:
    """Shows nothing: the turn is stepped through, or nobody wants to see it."""

    shows_result: bool = False
    shows_pause: bool = False

    def beat(self) -> None:
        """Show nothing."""

    def pausing(self) -> None:
        """Show nothing."""

    def cancelling(self) -> None:
        """Show nothing."""

    def finish(
        self, result: TurnResult | None, effects: Sequence[EffectEntry], *, raised: Mapping[str, str], words: str
    ) -> None:
        """Show nothing."""


class CardDisplay:
    """The turn's card in a notebook: a view that lives while the turn runs, and above it its static twin, which is the finished card at the end.

    While a page shows the view, the twin is hidden and drawn now and then, for a notebook that is saved meanwhile; where no page does, it is
    drawn as often as something happens.
    """

    def __init__(self, running: RunningTurn, card: TurnDisplay, desk: TurnDesk) -> None:
        self._running = running
        self._card = card
        self._seen = 0
        self._drawn = time.monotonic()
        self._pause = 0.0
        self._twin = DisplayHandle()  # type: ignore[no-untyped-call]  # IPython types half of its functions
        self._live = DisplayHandle()  # type: ignore[no-untyped-call]  # as above
        self._take_in()
        self._view = LiveTurnView(card, desk)
        self._twin.display(self._view.twin_bundle(), raw=True)  # type: ignore[no-untyped-call]
        self._live.display(self._view.widget_bundle(), raw=True)  # type: ignore[no-untyped-call]
        self.shows_result = False
        self.shows_pause = False

    def beat(self) -> None:
        """Tell the page what happened, and draw the twin again when it is time."""
        changed = self._take_in()
        if changed:
            self._view.refresh()
        waited = time.monotonic() - self._drawn
        due = waited > (_HIDDEN_REST if self._view.is_seen else _REST) or (changed and not self._view.is_seen)
        if due and waited > self._pause:
            self._draw()

    def pausing(self) -> None:
        """Draw what the next Ctrl-C would do, on top of what happened before this one."""
        self._take_in()
        self._card.pause()
        self._view.refresh()
        self._draw()

    def cancelling(self) -> None:
        """Draw it, and write it where the page tells what became of its buttons."""
        self._card.cancel()
        self._view.said = {"message": f"Cancelling … {ABORTS}.", "problem": False}
        self._view.refresh()
        self._draw()

    def finish(
        self, result: TurnResult | None, effects: Sequence[EffectEntry], *, raised: Mapping[str, str], words: str
    ) -> None:
        """Draw the last picture, and take the view off the page."""
        self._take_in()
        if result is None:
            self.shows_pause = not self._running.done
            last = self._line(f"is {words}{NEXT if self.shows_pause else ''}")
            if self.shows_pause:
                self._running.subscribe(partial(self._went_on, words))
        else:
            self._card.finish(result, effects=effects, raised=raised)
            self.shows_result = True
            last = self._view.twin_bundle()
        self._twin.update(last, raw=True)  # type: ignore[no-untyped-call]
        self._live.update(EMPTY_BUNDLE, raw=True)  # type: ignore[no-untyped-call]
        self._view.close()

    def _line(self, said: str) -> Mapping[str, str]:
        text = f"Turn {self._card.turn_index} of {self._card.session_id} {said}."
        return {"text/html": f"<div>{escape(text)}</div>", "text/plain": text}

    def _went_on(self, words: str) -> None:
        """Tell in the cell that was interrupted what became of the turn at last."""
        if self._running.done:
            self._twin.update(self._line(f"was {words}; it went on and {_end(self._running.result)}"), raw=True)  # type: ignore[no-untyped-call]

    def _take_in(self) -> bool:
        new = self._running.activities[self._seen :]
        self._seen += len(new)
        for activity in new:
            self._card.apply(activity)
        return bool(new)

    def _draw(self) -> None:
        bundle = self._view.twin_bundle()
        self._twin.update(bundle, raw=True)  # type: ignore[no-untyped-call]
        self._drawn, self._pause = time.monotonic(), sum(map(len, bundle.values())) / _PACE


def _end(result: TurnResult | None) -> str:
    if result is None:
        return "ended without a result"
    if result.is_success:
        return "completed"
    return "was cancelled" if result.outcome.reason == "cancelled" else "failed"


class TerminalDisplay:
    """Lines in a terminal: text as it comes, a line for each tool call, the counters at the end."""

    def __init__(self, running: RunningTurn) -> None:
        self._running = running
        self._seen = 0
        self._in_line = False
        self.shows_result = False
        self.shows_pause = False

    def beat(self) -> None:
        """Print what came."""
        new = self._running.activities[self._seen :]
        self._seen += len(new)
        for activity in new:
            self._print(activity.event)

    def pausing(self) -> None:
        """Say what the next Ctrl-C would do."""
        self._line("Pausing after this effect; Ctrl-C again cancels it.")

    def cancelling(self) -> None:
        """Say what the next Ctrl-C would do."""
        self._line(f"Cancelling; {ABORTS}.")

    def finish(
        self,
        result: TurnResult | None,
        effects: Sequence[EffectEntry],  # noqa: ARG002 - the port's signature
        *,
        raised: Mapping[str, str],
        words: str,  # noqa: ARG002
    ) -> None:
        """Print how it ended: the result's own text, without what stands there already."""
        self.beat()
        if result is None:
            return
        text = turn_text(result, raised=raised)
        first, *_, last = text.splitlines()
        self._line("\n".join([first, *raised.values(), last]) if not result.errors else text)
        self.shows_result = True

    def _print(self, event: TurnEvent) -> None:
        match event:
            case AssistantProseDelta(text=text):
                print(printable(text), end="", flush=True)  # noqa: T201 - a terminal is written to
                self._in_line = not text.endswith("\n")
            case ToolCallActivityStarted(name=name):
                self._line(f"→ {name}")
            case RetryStatus(wait_seconds=wait, attempt=attempt, max_attempts=most, reason=reason):
                self._line(f"retrying in {wait} s (attempt {attempt + 1} of {most}): {reason}")
            case ToolCallActivityCompleted(name=name, output=output, duration_ms=took):
                self._line(f"← {name} {output.status}, {recorded_duration(took)}")

    def _line(self, text: str) -> None:
        print(printable(f"\n{text}" if self._in_line else text), flush=True)  # noqa: T201 - a terminal is written to
        self._in_line = False


def live_display(
    shell: InteractiveShell, running: RunningTurn, desk: TurnDesk, *, session: LashSession, turn_index: int
) -> LiveDisplay:
    """Return the display that fits the front end."""
    if not hasattr(shell, "kernel"):
        return TerminalDisplay(running)
    started = time.monotonic()
    card = TurnDisplay(
        session_id=session.session_id,
        turn_index=turn_index,
        elapsed_ms=lambda: (time.monotonic() - started) * 1000,
        attachment_data=session.attachment_data,
    )
    return CardDisplay(running, card, desk)
