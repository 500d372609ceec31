"""What all views share: three faces, options with hints, a selection that can be read."""

import base64
import re
from typing import Any

import pytest
from IPython.core.formatters import DisplayFormatter
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from lash_nb.trace import read_trace
from lash_nb.views import (
    AttachmentsView,
    SessionGraphView,
    StepperView,
    TraceExplorerView,
    TraceTimelineView,
    View,
    static_html,
    static_svg,
    text,
    untypeset,
)
from lash_nb.wire import SessionGraph
from tests.views import samples


def every_view() -> list[View]:
    """One of each."""
    return [
        SessionGraphView(samples.station_graph(), turns=samples.station_trace()),
        TraceTimelineView(samples.station_trace()),
        StepperView(samples.RecordedSteppable(samples.journal())),
        AttachmentsView(samples.station_listing()),
        TraceExplorerView(samples.station_trace()),
    ]


def empty_views() -> list[View]:
    """One of each with nothing in it."""
    return [
        SessionGraphView(SessionGraph(nodes=())),
        TraceTimelineView(read_trace(b"")),
        StepperView(samples.RecordedSteppable([])),
        AttachmentsView(samples.MemoryListing()),
        TraceExplorerView(read_trace(b"")),
    ]


def test_every_view_has_three_faces() -> None:
    """The bundle of a view holds the widget, HTML without scripts, and text."""
    for view in every_view():
        bundle, _ = view._repr_mimebundle_()

        assert set(bundle) == {"application/vnd.jupyter.widget-view+json", "text/html", "text/plain"}
        assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == view.model_id
        assert bundle["text/html"] == untypeset(static_html(view)) == view._repr_html_()
        assert bundle["text/plain"] == text(view) == repr(view)
        assert "<script" not in bundle["text/html"]


def test_text_fits_a_terminal_and_ends_with_the_next_command() -> None:
    """Text has at most 100 columns and 40 rows, and its last line names a command or a call."""
    for view in [*every_view(), *empty_views()]:
        lines = text(view).splitlines()

        assert max(map(len, lines)) <= 100
        assert len(lines) <= 40
        assert "%" in lines[-1]


def test_an_empty_view_says_what_fills_it() -> None:
    """A view of nothing is no error: each face says so."""
    for view in empty_views():
        assert static_html(view)
        assert text(view)


def test_an_unknown_option_is_refused_with_a_hint() -> None:
    """A misspelled keyword names the view, the option and what may be given."""
    with pytest.raises(TypeError, match=r"TraceTimelineView has no option 'path'; open the file first"):
        TraceTimelineView(samples.station_trace(), path="x")
    with pytest.raises(TypeError, match=r"StepperView has no option 'colour'; it takes layout, selection"):
        StepperView(samples.RecordedSteppable([]), colour="red")


def test_pictures_are_asked_of_views_that_have_one() -> None:
    """The graph and the timeline are pictures too; the others name the HTML instead."""
    graph, timeline, stepper, *_ = every_view()

    assert static_svg(graph).startswith("<svg ")
    assert static_svg(timeline).startswith("<svg ")
    with pytest.raises(TypeError, match="StepperView has no SVG form; use static_html"):
        static_svg(stepper)


def test_a_picture_in_a_saved_notebook_is_an_image() -> None:
    """Pages that nobody trusts, GitHub's among them, take SVG out and leave its texts: in an image there are none to be left."""
    graph, timeline, *_ = every_view()
    whole_turn = TraceTimelineView(samples.station_trace(), turn=3)

    for view, label in ((graph, "session graph, 18 turns"), (timeline, "timeline of 23 turns"), (whole_turn, "turn 3")):
        html = static_html(view)
        (found,) = re.findall(r'<img src="data:image/svg\+xml;base64,([^"]+)" alt="([^"]+)"', html)
        assert base64.b64decode(found[0]).decode() == static_svg(view)
        assert found[1] == label
        assert "<svg" not in html
    assert "<pre" in static_html(graph)


def test_a_selection_is_a_word_and_an_id() -> None:
    """What is selected can be read, and copied from the footer."""
    timeline = TraceTimelineView(samples.station_trace(), turn=3)
    timeline.select(timeline.trace.turns[2].tool_calls[1].order)
    attachments = AttachmentsView(samples.station_listing())
    attachments.select("c3887a16")

    assert timeline.selection == "tool_call call_03"
    assert attachments.selection.startswith("attachment c3887a1627e4")


def test_outside_of_a_kernel_a_view_prints_its_text_once() -> None:
    """In plain IPython, where no widget can live, showing a view prints its text and nothing about widgets."""
    shell = InteractiveShell.instance()
    view = TraceTimelineView(samples.station_trace())
    with capture_output() as captured:
        DisplayFormatter(parent=shell).format(view)  # type: ignore[no-untyped-call]  # IPython leaves it untyped
        view._ipython_display_()

    assert [list(output.data) for output in captured.outputs] == [["text/html", "text/plain"]] * 2
    assert captured.outputs[0].data["text/plain"] == text(view)
    InteractiveShell.clear_instance()


def test_the_twin_is_named_on_both_sides(sent: list[dict[str, Any]]) -> None:
    """The widget knows the name of its static twin, which is random and nothing else."""
    view = TraceTimelineView(samples.station_trace())
    opened = next(message for message in sent if message["type"] == "comm_open" and "twin" in message["data"]["state"])

    assert f'data-lash-static="{opened["data"]["state"]["twin"]}"' in view._twin_html()
    assert len(view.twin) == 32
