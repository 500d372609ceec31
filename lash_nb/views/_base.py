"""What every view is: an anywidget half, a static twin, and plain text.

JupyterLab prefers a live widget to anything else in the same output, and when the notebook is opened again without its kernel it prints
"model not found" instead of falling back. So a view shows itself as **two outputs**: first the static twin, then the widget.

* While the widget lives, the twin is hidden: by the rule that the twin carries (`:has`), and by the widget itself where such a rule does
  not reach (VS Code, classic pages).
* When the widget is dead, the same rule hides the line that says so, and the twin is what one sees.
* Where outputs are not trusted, on GitHub and on nbviewer, rules and widgets are both dropped, and the twin is all that is left.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import anywidget
import traitlets as t
from IPython.core.getipython import get_ipython
from IPython.display import display

from lash_nb.clock import RandomIds
from lash_nb.views._markup import THEME_RULE, Html, el, joined, untypeset

__all__ = ["EMPTY_BUNDLE", "View", "static_html", "static_svg", "text"]

_WIDGET: str = "application/vnd.jupyter.widget-view+json"
_CHILD: str = ".jp-OutputArea-child"
EMPTY_BUNDLE: Mapping[str, str] = {"text/html": el("span", style="display:none"), "text/plain": ""}
"""An output that shows nothing."""


class View(anywidget.AnyWidget):
    """The common part of all views.

    Subclasses give `_esm`, `_css`, `static_html()` and `text()`; JavaScript only draws what traits hold and sends commands.
    """

    _hints: ClassVar[Mapping[str, str]] = {}

    selection = t.Unicode("").tag(sync=True)
    """What is selected, as a word and an id, e.g. `tool_call call_03`; empty when nothing is. Readable and settable."""
    twin = t.Unicode("").tag(sync=True)
    """Name of the static twin on the page, so that the widget can hide it."""

    def __init__(self, **traits: Any) -> None:
        allowed = {name for name in self.trait_names() if not name.startswith("_")}
        for name in traits:
            if name not in allowed:
                known = ", ".join(sorted(allowed & set(self._options())))
                hint = self._hints.get(name, f"it takes {known}")
                message = f"{type(self).__name__} has no option {name!r}; {hint}"
                raise TypeError(message)
        super().__init__(twin=RandomIds().hex(), **traits)

    @classmethod
    def _options(cls) -> tuple[str, ...]:
        """Names that a caller may give to the constructor."""
        return ("selection", "layout")

    def static_html(self) -> str:
        """Return the view as HTML that needs no script, style block or kernel."""
        raise TypeError(type(self).__name__)

    def text(self) -> str:
        """Return the view as aligned text, at most 100 columns and 40 rows."""
        raise TypeError(type(self).__name__)

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return untypeset(self.static_html())

    def _repr_mimebundle_(self, **_kwargs: Any) -> tuple[dict[Any, Any], dict[Any, Any]]:
        """Return the three faces in one bundle, for front ends and tools that choose by themselves."""
        return {_WIDGET: self._widget_reference(), "text/html": self._repr_html_(), "text/plain": self.text()}, {}

    def _ipython_display_(self, **_kwargs: Any) -> None:
        """Show the static twin, then the widget; see the module's docstring for why these are two outputs."""
        display(self.twin_bundle(), raw=True)  # type: ignore[no-untyped-call]  # IPython leaves it untyped
        if getattr(get_ipython(), "kernel", None) is not None:
            display(self.widget_bundle(), raw=True)  # type: ignore[no-untyped-call]  # as above

    def twin_bundle(self) -> dict[str, str]:
        """Return the static twin as the first of the two outputs: it hides while the widget below it lives."""
        return {"text/html": str(self._twin_html()), "text/plain": self.text()}

    def widget_bundle(self) -> dict[str, Any]:
        """Return the widget as the second of the two outputs."""
        return {_WIDGET: self._widget_reference(), **EMPTY_BUNDLE}

    def _widget_reference(self) -> dict[str, Any]:
        return {"version_major": 2, "version_minor": 0, "model_id": self.model_id}

    def _twin_html(self) -> Html:
        mark = f'[data-lash-static="{self.twin}"]'
        hidden_twin = f"{_CHILD}:has({mark}):has(+ {_CHILD} .lash){{display:none}}"
        hidden_corpse = f"{_CHILD}:has({mark}) + {_CHILD}:not(:has(.lash)){{display:none}}"
        rule = Html(f"<style>{hidden_twin}{hidden_corpse}</style>")  # holds nothing but our own random token
        return joined(rule, THEME_RULE, el("div", untypeset(self.static_html()), data_lash_static=self.twin))


def static_html(view: View) -> str:
    """Return `view` as HTML that needs no script, style block or kernel."""
    return view.static_html()


def static_svg(view: Any) -> str:
    """Return `view` as an SVG picture; views with a picture are the graph and the timeline.

    Raises:
        TypeError: this view has no picture.
    """
    draw = getattr(view, "static_svg", None)
    if draw is None:
        message = f"{type(view).__name__} has no SVG form; use static_html(view)"
        raise TypeError(message)
    return str(draw())


def text(view: View) -> str:
    """Return `view` as aligned text, at most 100 columns and 40 rows."""
    return view.text()
