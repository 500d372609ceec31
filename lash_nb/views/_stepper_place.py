"""Where a stepper stands on the page: twin and widget as of every view, and below them the card of a turn that its buttons have ended."""

from IPython.display import DisplayHandle, display

from lash_nb.views._base import EMPTY_BUNDLE, View
from lash_nb.views._effect_words import last_turn
from lash_nb.views._markup import el, untypeset
from lash_nb.views._steppable import Steppable
from lash_nb.views._turn_card import turn_html
from lash_nb.views._turn_text import turn_text
from lash_nb.views._turn_words import TurnLike

__all__ = ["StepperPlace"]


class StepperPlace:
    """The outputs of one cell; what is drawn in them again is also what a saved notebook keeps.

    Args:
        view: The stepper, which is shown at once.
        cell: The number of the cell.
    """

    def __init__(self, view: View, *, cell: int) -> None:
        self.cell = cell
        self._twin = DisplayHandle()  # type: ignore[no-untyped-call]  # IPython types half of its functions
        self._card = DisplayHandle()  # type: ignore[no-untyped-call]  # as above
        self._twin.display(view.twin_bundle(), raw=True)  # type: ignore[no-untyped-call]  # as above
        display(view.widget_bundle(), raw=True)  # type: ignore[no-untyped-call]  # as above
        self._card.display(EMPTY_BUNDLE, raw=True)  # type: ignore[no-untyped-call]  # as above

    def draw_twin(self, view: View) -> None:
        """Draw the twin as the view is now."""
        self._twin.update(view.twin_bundle(), raw=True)  # type: ignore[no-untyped-call]  # as above

    def draw_card(self, steppable: Steppable) -> None:
        """Draw the card of the turn that has just ended, whose effects are the last ones."""
        result: TurnLike = steppable.result
        effects = last_turn(steppable.entries)
        card = turn_html(result, effects=effects, attachment_data=steppable.attachment_data)
        html = el("div", untypeset(card), style="margin-top:8px;")
        self._card.update({"text/html": str(html), "text/plain": turn_text(result)}, raw=True)  # type: ignore[no-untyped-call]  # as above
