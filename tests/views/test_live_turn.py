"""A running turn on a page: rows told once and then only what changed in them."""

from typing import Any, Final

from playwright.sync_api import expect

from lash_nb.errors import CallerError
from lash_nb.views import LiveTurnView, TurnDisplay
from tests.views import samples
from tests.views.harness import Mount, Mounted

EVIL: Final = "<img src=x onerror=\"document.title='hurt'\">"
REQUEST: Final = {"type": "model_request_started", "protocol_iteration": 0}
RETRY: Final = {"type": "retry_status", "wait_seconds": 2, "attempt": 1, "max_attempts": 4, "reason": "overloaded"}
STARTED: Final = {"type": "tool_call_started", "call_id": "c1", "name": "station_reading", "args": {"station": "Oslo"}}
TURN: Final[tuple[dict[str, Any], ...]] = (
    REQUEST,
    {"type": "assistant_prose_delta", "text": "I look at both stations."},
    *samples.tool_events(
        "c0", "station_reading", {"station": "Rome"}, {"status": "success", "payload": {"celsius": 17}}
    ),
    STARTED,
)


class Desk:
    """A turn that notes what is asked of it."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def pause(self) -> None:
        """Note it."""
        self.asked.append("pause")

    def cancel(self) -> None:
        """Note it."""
        self.asked.append("cancel")

    async def say(self, text: str) -> str:
        """Note it, or refuse."""
        if text == "No.":
            raise CallerError("nobody listens; run a turn first")
        self.asked.append(text)
        return "It is heard."

    def doing(self) -> str:
        """Nothing beside."""
        return ""


def running_view(*events: dict[str, Any]) -> tuple[LiveTurnView, TurnDisplay, Desk]:
    """A view of a turn of which this has happened."""
    card = TurnDisplay(session_id="main", turn_index=7, elapsed_ms=lambda: 1200.0)
    for activity in samples.activities(*events):
        card.apply(activity)
    desk = Desk()
    return LiveTurnView(card, desk), card, desk


def grown(view: LiveTurnView, card: TurnDisplay, *events: dict[str, Any]) -> None:
    """Let more happen."""
    for activity in samples.activities(*events):
        card.apply(activity)
    view.refresh()


def pumped(one: Mounted) -> None:
    """Carry what the page sent to the view, and what the view answers, on its loop, back to the page."""
    one.pump()
    one.pump()


def test_text_grows_in_its_row(mount: Mount) -> None:
    """The element stays, with the selection in it; what came is added to it."""
    view, card, _ = running_view(REQUEST, {"type": "assistant_prose_delta", "text": "Both are "})
    one = mount(view)
    pumped(one)
    prose = one.root.locator(".l-live-prose")
    prose.evaluate("(element) => { window.first = element; }")
    grown(view, card, {"type": "assistant_prose_delta", "text": "fine."})
    pumped(one)

    expect(prose).to_have_text("Both are fine.")
    assert one.page.evaluate("() => window.first === document.querySelector('.l-live-prose')")
    assert one.errors == []


def test_text_that_grows_keeps_no_mask(mount: Mount) -> None:
    """What turns a text around is seen, as in the finished card; Markdown is drawn there, not here."""
    view, card, _ = running_view(REQUEST, {"type": "assistant_prose_delta", "text": "**a**\u202e"})
    one = mount(view)
    pumped(one)
    grown(view, card, {"type": "assistant_prose_delta", "text": "txt.exe\u2066"})
    pumped(one)

    expect(one.root.locator(".l-live-prose")).to_have_text("**a**\ufffdtxt.exe\ufffd")


def test_what_was_said_to_the_turn_has_a_mark_of_its_own(mount: Mount) -> None:
    """No ring, which stands for what is not known."""
    said = {"id": "i1", "message": {"role": "User", "content": "And in Rome?"}}
    view, _, _ = running_view(REQUEST, {"type": "queued_input_accepted", "checkpoint": "after_work", "inputs": [said]})
    one = mount(view)
    pumped(one)

    expect(one.root.locator(".l-live-note")).to_have_text("said meanwhile: And in Rome?")
    expect(one.root.locator(".l-live-note .l-mark-said path")).to_have_count(1)
    one.screenshot("live_turn_said")


def test_a_retry_tells_the_future_until_something_comes(mount: Mount) -> None:
    """Then it is history."""
    view, card, _ = running_view(REQUEST, RETRY)
    one = mount(view)
    pumped(one)
    expect(one.root.locator(".l-live-note")).to_have_text("retrying in 2 s (attempt 2 of 4): overloaded")
    one.screenshot("live_turn_retry")
    grown(view, card, {"type": "assistant_prose_delta", "text": "Here I am."})
    pumped(one)

    expect(one.root.locator(".l-live-note")).to_have_text("attempt 1 of 4 failed: overloaded; next one after 2 s")


def test_buttons_and_words_reach_the_turn(mount: Mount) -> None:
    """Pause, cancel, a line of text; what is refused is said in the place of the answer."""
    view, _, desk = running_view(*TURN)
    one = mount(view)
    pumped(one)
    field = one.root.get_by_label("Say something to this turn")
    field.fill("Use metric units.")
    field.press("Enter")
    pumped(one)
    expect(one.root.get_by_role("status")).to_have_text("It is heard.")
    expect(field).to_have_value("")
    field.fill("No.")
    field.press("Enter")
    pumped(one)
    expect(one.root.get_by_role("status")).to_have_text("nobody listens; run a turn first")
    one.root.get_by_role("button", name="Pause", exact=True).click()
    pumped(one)
    expect(one.root.locator(".l-title")).to_have_text("Pausing after this effect")
    one.root.get_by_role("button", name="Cancel", exact=True).click()
    pumped(one)

    assert desk.asked == ["Use metric units.", "pause", "cancel"]


def test_rows_of_a_running_turn_are_text(mount: Mount) -> None:
    """Never markup."""
    view, *_ = running_view(
        REQUEST,
        {"type": "assistant_prose_delta", "text": EVIL},
        *samples.tool_events(EVIL, EVIL, {EVIL: EVIL}, {"status": "success", "payload": {EVIL: EVIL}}),
        {**RETRY, "reason": EVIL},
    )
    one = mount(view)
    pumped(one)

    assert one.root.locator("img").count() == 0
    assert one.page.title() == ""
    assert EVIL in one.root.inner_text()


def test_a_page_that_comes_late_gets_all(mount: Mount) -> None:
    """Whatever was told before it was there."""
    view, card, _ = running_view(*TURN)
    grown(view, card, {"type": "assistant_prose_delta", "text": "So far."})
    one = mount(view)
    pumped(one)

    expect(one.root.locator(".l-live-rows > *")).to_have_count(4)
    expect(one.root.locator(".l-foot")).to_contain_text("2 tool calls")
