"""Small pictures of attachments: in every card, of content and never of a name, and bounded in what a notebook keeps."""

import base64
import re
import struct
from typing import Any

import pytest

from lash_nb.errors import AttachmentStoreError
from lash_nb.plots import byte_size
from lash_nb.stores import InMemoryAttachmentStore
from lash_nb.views import (
    SessionGraphView,
    StepperView,
    TurnDisplay,
    effect_pictures_html,
    effects_html,
    envelope_html,
    static_html,
    tool_trial_html,
    turn_html,
    turn_text,
)
from lash_nb.views._stepper_rows import envelope
from lash_nb.wire import (
    AttachmentCreateMeta,
    AttachmentRef,
    CompletedToolCall,
    MediaType,
    SessionGraph,
    from_builtins,
    to_builtins,
)
from tests.views import samples
from tests.views.harness import Mount

LIMA = samples.charts()[0]
PICTURE = f"data:image/png;base64,{base64.b64encode(LIMA).decode()}"
BOMB = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 60_000, 60_000) + bytes(20)


def frame(width: int, height: int) -> bytes:
    """A frame of a GIF that says so of itself, and holds nothing."""
    return b"," + struct.pack("<HHHHBB", 0, 0, width, height, 0, 2) + b"\x00"


class Shelf:
    """A store and what is in it."""

    def __init__(self, *kept: bytes, label: str | None = None) -> None:
        self.store = InMemoryAttachmentStore()
        meta = AttachmentCreateMeta(media_type=MediaType(type="png"), label=label)
        self.references = [self.store.put(data, meta) for data in kept]

    def data(self, attachment_id: str) -> bytes:
        """The bytes."""
        return self.store.get(attachment_id).data

    def output(self) -> dict[str, Any]:
        """What a tool gives that returns them all."""
        tagged = [{"$lash_tool_value": "attachment", "ref": to_builtins(one)} for one in self.references]
        return {"status": "success", "payload": {"charts": tagged}}

    def effect(self) -> Any:
        """The effect of such a tool."""
        command = samples.tool_command("draw_chart", "c1", title="Lima")
        return samples.entry(1, command, samples.tool_outcome(command, self.output()))

    def turn(self) -> samples.FinishedTurn:
        """A turn in which it was called."""
        return samples.FinishedTurn(samples.activities(*samples.tool_events("c1", "draw_chart", {}, self.output())))


def faces(shelf: Shelf) -> dict[str, str]:
    """Every card in which what a tool gave can be seen."""
    entry, display = shelf.effect(), TurnDisplay(attachment_data=shelf.data)
    display.finish(shelf.turn())
    done: CompletedToolCall = entry.outcome.result
    return {
        "turn": turn_html(shelf.turn(), attachment_data=shelf.data),
        "given": turn_html(samples.FinishedTurn(pictures=shelf.references), attachment_data=shelf.data),
        "live": display.html(),
        "effect": envelope_html(entry, attachment_data=shelf.data),
        "effects": effects_html([entry], attachment_data=shelf.data),
        "below effects": effect_pictures_html([entry], attachment_data=shelf.data),
        "trial": tool_trial_html(done, attachment_data=shelf.data),
        "stepper": static_html(StepperView(steppable_of(shelf))),
    }


def test_the_card_of_a_direct_completion_shows_what_the_model_looked_at() -> None:
    """As that of every other model call does."""
    shelf, command = Shelf(LIMA), samples.llm_command("What is this?") | {"type": "direct", "usage_source": "direct"}
    command["request"]["attachments"] = [{"reference": to_builtins(shelf.references[0])}]

    assert PICTURE in envelope_html(samples.entry(1, command), attachment_data=shelf.data)


def test_every_card_shows_the_picture_that_a_tool_gave() -> None:
    """Once, with what it is beside it, also when the result names it twice."""
    shelf = Shelf(LIMA)
    shelf.references *= 2

    for name, html in faces(shelf).items():
        assert html.count(PICTURE) == 1, name
        assert "png 320 × 180 · " in html, name


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "svg"),
        (b"<script>alert(1)</script>", "html"),
        (b"\x89PNG\r\n\x1a\n<script>alert(1)</script>", "png · "),
        (BOMB, "png 60000 × 60000, cut off · "),
        (LIMA[:-1], "png 320 × 180, cut off · "),
        (b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0) + frame(60_000, 600) + b";", "gif 60000 × 600 · "),
        (LIMA + bytes(75_000), "png, declared · "),
        (b"plain words", "text · "),
    ],
)
def test_what_is_no_small_picture_is_told_of(data: bytes, words: str) -> None:
    """Whatever it is declared to be: the words say what was found, how large it is, and how to get it."""
    shelf = Shelf(data)
    told = shelf.references[0].id[:8]

    for name, html in faces(shelf).items():
        assert "<img" not in html, name
        assert f"session.save_attachment(&quot;{told}&quot;, &quot;FILE&quot;)" in html, name
        assert words in html, name


def test_a_picture_is_what_its_bytes_are() -> None:
    """A GIF that is declared to be PNG is shown as GIF."""
    gif = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0) + frame(2, 3) + b";"

    assert "data:image/gif;base64," in turn_html(Shelf(gif).turn(), attachment_data=Shelf(gif).data)


def test_bytes_that_are_gone_leave_words() -> None:
    """A card is drawn without its pictures; so it is where nobody gives bytes."""
    shelf = Shelf(LIMA)

    def gone(attachment_id: str) -> bytes:
        """Raise what stores raise."""
        raise AttachmentStoreError("NotFound", attachment_id)

    def broken(attachment_id: str) -> bytes:
        """Raise what a store of somebody's own might."""
        raise OSError(attachment_id)

    for html in (turn_html(shelf.turn(), attachment_data=data) for data in (gone, broken, None)):
        assert "<img" not in html
        assert f"{shelf.references[0].id[:8]}</span> png, declared · " in html


def test_what_a_turn_was_given_stands_above_what_came_of_it() -> None:
    """Its name with it; a text face names it, too."""
    shelf = Shelf(LIMA, label="photo.png")
    turn = samples.FinishedTurn(
        samples.activities(*samples.tool_events("c1", "look", {}, {"status": "success", "payload": 1})),
        pictures=shelf.references,
    )
    html = turn_html(turn, attachment_data=shelf.data)

    assert html.index(PICTURE) < html.index("look")
    assert "photo.png" in html
    assert turn_text(turn).splitlines()[1] == f"  given: photo.png, png, {byte_size(len(LIMA))}"


def test_what_was_said_to_fifty_pictures_is_in_the_text() -> None:
    """They would fill it, and the answer would have no place."""
    shelf = Shelf(*(LIMA + bytes([number]) for number in range(50)))
    lines = turn_text(samples.FinishedTurn([], reply="All alike.", pictures=shelf.references)).splitlines()

    assert [line for line in lines if "given:" in line][-1] == "  given: 38 more: session.attachments"
    assert "All alike." in lines


def test_one_card_keeps_no_more_than_some_pictures() -> None:
    """A notebook does not grow by megabytes: what finds no room is told of."""
    shelf = Shelf(*(LIMA + bytes([number]) * 60_000 for number in range(20)))

    for name, html in faces(shelf).items():
        assert 1 <= html.count("<img") <= 4, name
        assert sum(map(len, re.findall(r'src="([^"]*)"', html))) < 345_000, name
        assert "8 more" in html, name


@pytest.mark.parametrize("evil", ["<img src=x onerror=alert(1)>", '" onload="alert(1)', "a\u202eb\x1b[0m"])
def test_labels_are_text(evil: str) -> None:
    """Whoever names an attachment writes no markup."""
    shelf = Shelf(LIMA, label=evil)

    for name, html in faces(shelf).items():
        assert "<img src=x" not in html, name
        assert ' onload="' not in html, name
        assert "\u202e" not in html, name


async def test_a_stepper_shows_the_pictures_of_the_effect_in_the_middle() -> None:
    """Those that its tool gave."""
    shelf = Shelf(LIMA)
    view = StepperView(steppable_of(shelf))
    await view.perform({"do": "show", "order": 1})

    (picture,) = view.envelope["pictures"]
    assert (picture["id"], picture["source"], picture["note"]) == (shelf.references[0].id, PICTURE, "")


def test_a_graph_shows_the_pictures_of_the_turn_in_detail() -> None:
    """Each with its words; none before a turn is chosen."""
    shelf = Shelf(LIMA, b"no picture")
    view = SessionGraphView(graph_of(shelf.references), attachment_data=shelf.data)
    view.select(0)

    first, second = view.detail["attachments"]
    assert (first["source"], first["note"]) == (PICTURE, "")
    assert (second["source"], second["words"]) == ("", "text · 10 B")
    assert second["note"].startswith("session.save_attachment(")


def test_a_stepper_draws_them_on_the_page(mount: Mount) -> None:
    """Whole and not wider than its place; what is none has its words."""
    steppable = steppable_of(Shelf(LIMA, b"no picture"))
    view = StepperView(steppable)
    view.envelope = envelope(steppable.entries[0], steppable)
    one = mount(view)

    assert one.root.locator(".l-picture img").evaluate_all("(all) => all.map((one) => one.naturalWidth)") == [320]
    assert "session.save_attachment(" in one.root.locator(".l-picture").last.inner_text()


def test_a_graph_draws_no_source_that_python_did_not_make(mount: Mount) -> None:
    """An address, an SVG or anything else that stands in its place."""
    view = SessionGraphView(graph_of(Shelf(LIMA).references))
    view.select(0)
    for source in ("https://example.org/a.png", "data:image/svg+xml;base64,PHN2Zy8+", "javascript:alert(1)"):
        view.detail = {**view.detail, "attachments": [{**view.detail["attachments"][0], "source": source}]}
        one = mount(view)

        assert one.root.locator(".l-picture").count() == 1
        assert one.root.locator(".l-picture img").count() == 0


def steppable_of(shelf: Shelf) -> samples.RecordedSteppable:
    """A turn in which the tool was called."""
    steppable = samples.RecordedSteppable([shelf.effect()])
    steppable.attachment_data = shelf.data  # type: ignore[method-assign]  # another shelf than that of the charts
    return steppable


def graph_of(references: list[AttachmentRef]) -> SessionGraph:
    """A graph of one message with these pictures."""
    raw = samples.node("m1", None, "User", *(("Image", "") for _ in references))
    for part, reference in zip(raw["event"]["Conversation"]["parts"], references, strict=True):
        part["attachment"] = {"reference": to_builtins(reference)}
    return from_builtins({"nodes": [raw], "leaf_node_id": "m1"}, SessionGraph)
