"""A turn that runs, as a card that is drawn again after each change; when it is over it is the card of the finished turn."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from lash_nb.plots import duration
from lash_nb.views._markup import MUTED, el
from lash_nb.views._small_pictures import AttachmentBytes, SmallPictures
from lash_nb.views._text import clipped
from lash_nb.views._turn_card import card, card_body, card_foot, card_head, turn_html
from lash_nb.views._turn_rows import TurnRows
from lash_nb.views._turn_text import text_rows, turn_text
from lash_nb.views._turn_words import TurnLike, TurnState, counts_words, turn_state
from lash_nb.wire import EffectEntry, ModelRequestStarted, TurnActivity
from lash_nb.words import ABORTS

__all__ = ["TurnDisplay", "turn_head"]


_HEADS: Final[Mapping[TurnState, tuple[str, str]]] = {
    "running": ("Running", "Ctrl-C pauses before the next effect"),
    "pausing": ("Pausing after this effect", "Ctrl-C again cancels {}"),
    "cancelling": ("Cancelling", ABORTS),
}
"""Title and hint of a turn that is not over."""


class TurnDisplay:
    """A turn that runs, as a card that is drawn again after each change.

    Args:
        session_id: The session, for the header.
        turn_index: Number of the turn, if it is known already.
        elapsed_ms: Tells how long the turn has run, in milliseconds.
        attachment_data: Gives the bytes of attachments, for the pictures of the turn that is over: until then it is drawn again and again.
    """

    def __init__(
        self,
        *,
        session_id: str = "",
        turn_index: int | None = None,
        elapsed_ms: Callable[[], float] | None = None,
        attachment_data: AttachmentBytes | None = None,
    ) -> None:
        self.session_id = session_id
        self.turn_index = turn_index
        self.rows = TurnRows()
        self.state: TurnState = "running"
        self._elapsed = elapsed_ms
        self._attachment_data = attachment_data
        self._result: TurnLike | None = None
        self._effects: Sequence[EffectEntry] = ()
        self._raised: Mapping[str, str] = {}

    def apply(self, activity: TurnActivity) -> None:
        """Take in what happened; a model call that is announced to a turn that pauses or is cancelled is not asked yet, and does not count."""
        if self.state == "running" or not isinstance(activity.event, ModelRequestStarted):
            self.rows.apply(activity)

    def pause(self) -> None:
        """Show that the turn stops after the effect in flight."""
        if self.state == "running":
            self.state = "pausing"

    def cancel(self) -> None:
        """Show that the turn is cancelled, and what ends it though something in it does not hear of that."""
        if self._result is None:
            self.state = "cancelling"

    def finish(
        self,
        result: TurnLike,
        *,
        effects: Sequence[EffectEntry] = (),
        raised: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Show the end of the turn; `effects` and `raised` add to its tool rows what `turn_html` says."""
        self._result, self._effects, self._raised = result, effects, raised
        self.state = turn_state(result)

    def html(self) -> str:
        """Return the card as HTML without scripts."""
        if self._result is not None:
            return turn_html(
                self._result, effects=self._effects, raised=self._raised, attachment_data=self._attachment_data
            )
        told = turn_head(self)
        head = card_head(self.state, told["title"], told["place"], el("span", told["hint"], style=MUTED))
        took = duration(self.elapsed_ms)
        return card(
            head, card_body(self.rows, {}, SmallPictures(), running=True), card_foot(told["counts"], el("span", took))
        )

    def text(self) -> str:
        """Return the card as text."""
        if self._result is not None:
            return turn_text(self._result, raised=self._raised)
        told = turn_head(self)
        return clipped([f"{told['title']}  {told['place']}", told["hint"], *text_rows(self.rows), told["counts"]])

    @property
    def elapsed_ms(self) -> float | None:
        """How long the turn has run, in milliseconds; None where nobody counts."""
        return self._elapsed() if self._elapsed else None

    @property
    def place(self) -> str:
        """Which turn it is: of which session, and how often the model was asked."""
        turn = f"turn {self.turn_index}" if self.turn_index is not None else ""
        calls = f"model call {self.rows.model_calls}" if self.rows.model_calls and self.state == "running" else ""
        return " · ".join(filter(None, (turn, self.session_id, calls)))


def turn_head(live: TurnDisplay) -> dict[str, str]:
    """Return what stands above and below the rows of a running turn: state, title, place, hint, counts."""
    tool = live.rows.running_tool
    title, hint = _HEADS[live.state]
    return {
        "state": live.state,
        "title": title,
        "place": live.place,
        "hint": hint.format(tool.name if tool else "the model call"),
        "counts": counts_words(live.rows.model_calls, len(live.rows.tools), live.rows.usage),
    }
