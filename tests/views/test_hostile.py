"""Hostile text in every place where a model, a tool or a trace can put it: shown as text, never as markup."""

import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lash_nb.stores import AttachmentListing, StoredAttachment
from lash_nb.trace import read_trace
from lash_nb.views import (
    AttachmentsView,
    SessionGraphView,
    StepperView,
    TraceExplorerView,
    TraceTimelineView,
    effects_html,
    effects_text,
    envelope_html,
    envelope_text,
    session_graph_text,
    static_html,
    static_svg,
    text,
    trace_text,
    turn_html,
    turn_text,
)
from lash_nb.views._markup import PICTURE_STYLE, el, table
from lash_nb.wire import AttachmentRef, AttachmentRow, MediaType, to_json
from lash_nb.words import unmasked
from tests.views import samples
from tests.views.injections import INJECTIONS

TAGS: Final = {
    *("div", "span", "b", "i", "code", "pre", "details", "summary", "table", "thead", "tbody", "tr", "th", "td", "img"),
    *("svg", "rect", "path", "circle", "text", "tspan", "title", "p", "em"),
}
ATTRIBUTES: Final = {
    *(
        "style",
        "role",
        "aria-label",
        "title",
        "open",
        "src",
        "alt",
        "xmlns",
        "viewbox",
        "width",
        "height",
        "font-family",
        "font-size",
    ),
    *(
        "fill",
        "stroke",
        "stroke-width",
        "stroke-opacity",
        "stroke-dasharray",
        "x",
        "y",
        "cx",
        "cy",
        "r",
        "rx",
        "d",
        "text-anchor",
        "font-weight",
    ),
}


class Seen(HTMLParser):
    """Notes every tag and attribute that is not one of ours, and every source that is not a picture's bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.foreign: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Compare with what we write."""
        self.foreign += [tag] * (tag not in TAGS)
        self.foreign += [f"{tag} {name}" for name, _ in attrs if name not in ATTRIBUTES]
        self.foreign += [
            f"{name}={value}" for name, value in attrs if name == "src" and not (value or "").startswith("data:image/")
        ]
        self.foreign += [
            f"style {value}"
            for name, value in attrs
            if name == "style" and ("url(" in (value or "") or "expression" in (value or ""))
        ]


def foreign(html: str) -> list[str]:
    """What stands in `html` that we did not write."""
    seen = Seen()
    seen.feed(html.replace(PICTURE_STYLE, ""))
    return seen.foreign


def hostile_turn(evil: str) -> samples.FinishedTurn:
    """A turn in which everything is hostile."""
    failure = {"class": "external", "code": evil, "message": evil, "source": "tool", "retry": {"type": "never"}}
    turn = samples.FinishedTurn(
        samples.activities(
            {"type": "assistant_prose_delta", "text": evil},
            *samples.tool_events(evil, evil, {evil: evil}, {"status": "success", "payload": {evil: [evil]}}),
            *samples.tool_events("c2", evil, evil, {"status": "failure", "payload": failure}),
            {"type": "error", "message": evil},
            {"type": "code_block_started", "language": evil, "code": evil},
        )
    )
    turn.session_id = turn.turn_id = evil
    return turn


def hostile_journal(evil: str) -> list[Any]:
    """Effects in which names, arguments and results are hostile."""
    command = samples.tool_command(evil, evil, **{evil: evil})
    outcome = samples.tool_outcome(command, {"status": "success", "payload": {evil: evil}})
    return [
        samples.entry(1, command, outcome, effect_id=evil or "1"),
        samples.entry(2, samples.llm_command(evil), samples.llm_outcome(evil)),
        samples.entry(3, command),
    ]


def hostile_trace(evil: str) -> bytes:
    """A trace in which every text is hostile."""
    head: dict[str, Any] = {
        "schema_version": 2,
        "id": evil,
        "context": {"session_id": evil, "turn_id": evil, "turn_index": 1, "protocol_iteration": 0, "llm_call_id": evil},
    }
    events: list[dict[str, Any]] = [
        {"type": "turn_started"},
        {
            "type": "llm_call_started",
            "request": {"model": evil, "messages": [{"role": evil, "blocks": [{"kind": "text", "text": evil}]}]},
        },
        {"type": "llm_call_completed", "response": {"text": evil, "duration_ms": 1}},
        {"type": "tool_call_started", "call_id": evil, "name": evil, "args": {"a": evil}},
        {
            "type": "tool_call_completed",
            "call_id": evil,
            "name": evil,
            "args": {"a": evil},
            "output": {"outcome": {"status": "failure", "payload": {"code": evil}}},
            "duration_ms": 1,
        },
        {"type": "turn_completed", "status": evil, "done_reason": evil},
    ]
    return b"".join(
        to_json({**head, "timestamp": f"2026-11-21T15:07:4{place}Z", **event}) + b"\n"
        for place, event in enumerate(events)
    )


@pytest.mark.parametrize("evil", samples.HOSTILE)
def test_every_static_face_shows_hostile_text_as_text(evil: str) -> None:
    """Turn cards, effect tables, envelopes, graph, timeline and attachments hold only the markup that is ours."""
    journal = hostile_journal(evil)
    graph = samples.graph_of([(1, None, evil), (2, 1, evil)], leaf=2)
    trace = read_trace(hostile_trace(evil))
    views = [
        SessionGraphView(graph, title=evil, names={"q1": evil}),
        TraceTimelineView(trace),
        TraceTimelineView(trace, turn=1),
        StepperView(samples.RecordedSteppable(journal)),
        AttachmentsView(samples.MemoryListing((evil.encode(), evil), (None, evil)), title=evil),
    ]
    faces = [
        turn_html(hostile_turn(evil)),
        effects_html(journal, title=evil),
        *map(envelope_html, journal),
        *map(static_html, views),
    ]
    faces += [static_svg(views[0]), static_svg(views[1]), static_svg(views[2])]

    assert [found for face in faces for found in foreign(face)] == []
    assert len(trace) == 6


@pytest.mark.parametrize("mask", ["\u202e", "\u2066", "\u200f", "\x1b[2J", "\x9b", "\U000e0041", "\u2060"], ids=ascii)
def test_no_static_face_turns_or_hides_text(mask: str) -> None:
    """What makes a text read as something else becomes `�`, in pictures and attributes too; letters, joiners and blanks stay as they are."""
    text = f"שלום {mask}مرحبا 👩\u200d🚀 नमस्\u200cते"
    views = [
        SessionGraphView(samples.graph_of([(1, None, text)], leaf=1), title=text),
        TraceTimelineView(read_trace(hostile_trace(text)), turn=1),
    ]
    faces = [
        turn_html(hostile_turn(text)),
        *map(envelope_html, hostile_journal(text)),
        *map(static_html, views),
        *map(static_svg, views),
        el("span", text, title=text),
    ]

    assert [face for face in faces if mask[0] in face] == []
    assert unmasked(text) == text.replace(mask[0], "\ufffd")
    assert all(unmasked(text) in face for face in (faces[0], faces[1], faces[-1]))


@pytest.mark.parametrize("evil", INJECTIONS)
def test_the_explorer_shows_every_injection_as_text(evil: str) -> None:
    """Its table, with and without a search for the injection itself, holds only the markup that is ours, its text no control character."""
    view = TraceExplorerView(read_trace(hostile_trace(evil), name=evil))
    faces = [static_html(view)]
    words = [text(view)]
    view.filter(text=evil)
    faces.append(static_html(view))
    words.append(text(view))

    assert [found for face in faces for found in foreign(face)] == []
    assert [line for face in words for line in face.splitlines() if not line.isprintable()] == []
    assert not evil.strip() or len(view.rows) == 6


@pytest.mark.parametrize("evil", samples.HOSTILE)
def test_pictures_stay_pictures(evil: str) -> None:
    """An SVG with hostile text in it is still XML, without which a browser shows nothing of it."""
    trace = read_trace(hostile_trace(evil))
    views = [
        SessionGraphView(samples.graph_of([(1, None, evil)], leaf=1), names={"q1": evil}),
        TraceTimelineView(trace),
        TraceTimelineView(trace, turn=1),
    ]

    roots = [ET.fromstring(static_svg(view)) for view in views]  # noqa: S314 - our own picture

    assert [root.tag for root in roots] == ["{http://www.w3.org/2000/svg}svg"] * 3


@pytest.mark.parametrize("evil", samples.HOSTILE)
def test_text_faces_hold_no_control_characters(evil: str) -> None:
    """A terminal is not recolored, and a label does not read backwards."""
    graph, journal = samples.graph_of([(1, None, evil)], leaf=1), hostile_journal(evil)
    faces = [
        turn_text(hostile_turn(evil)),
        effects_text(journal, title=evil),
        *map(envelope_text, journal),
        trace_text(read_trace(hostile_trace(evil), name=evil)),
        session_graph_text(graph),
        text(SessionGraphView(graph, title=evil, names={"q1": evil})),
        text(TraceTimelineView(read_trace(hostile_trace(evil), name=evil))),
        text(StepperView(samples.RecordedSteppable(journal))),
        text(AttachmentsView(samples.MemoryListing((b"x", evil)), title=evil)),
    ]

    assert [line for face in faces for line in face.splitlines() if not line.isprintable()] == []


@given(st.text(), st.text())
def test_an_element_never_closes_early(content: str, attribute: str) -> None:
    """Whatever text is given, an element has one tag and one attribute, and reads as what was given."""
    seen: list[tuple[str, Any]] = []

    class One(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.append((tag, attrs))

    One().feed(el("b", content, title=attribute))

    assert [(tag, [name for name, _ in attrs]) for tag, attrs in seen] == [("b", ["title"])]


def test_a_table_escapes_its_cells_and_heads() -> None:
    """Cells and heads are text unless they are markup already."""
    assert foreign(table([("<x>", "")], [["<script>"], [el("b", "<y>")]])) == []


@pytest.mark.parametrize("evil", samples.HOSTILE)
def test_an_id_that_is_no_hash_stays_inside_its_picture(evil: str) -> None:
    """A listing of somebody else's may call its attachments anything."""
    ref = AttachmentRef(id=evil, media_type=MediaType(type="png"), byte_len=10)
    picture = StoredAttachment(meta=ref, data=samples.charts()[0])
    listing = AttachmentListing([AttachmentRow(ref=ref, state="committed")], lambda _: picture)
    html = static_html(AttachmentsView(listing))

    assert "<img " in html
    assert foreign(html) == []


@pytest.mark.parametrize("said", ['say "yes" ' * 20_000, "\\" * 200_001])
def test_a_text_that_is_cut_is_colored_as_one(said: str) -> None:
    """Its end is not looked for from each quote in it, which took minutes of a long one."""
    red = [
        str(envelope_html(samples.entry(1, samples.tool_command(said=one)))).count("#d04040") for one in (said, "yes")
    ]

    assert red[0] <= red[1]
