"""Hostile Markdown in a real Chromium: what the parser of our tests and the one of a browser read differently would show here."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser

from lash_nb.views import SessionGraphView, StepperView, View, turn_html, untypeset
from tests.views import samples
from tests.views.harness import SCREENS, Mount
from tests.views.injections import INJECTIONS, MARKER
from tests.views.markdown_reply import REPLY
from tests.views.test_markdown import TAGS, WAYS

OURS = TAGS | {"details", "summary"}
FOREIGN = """([place, ours]) => [...document.querySelectorAll(`${place} *`)].flatMap((one) => [
  ...(ours.includes(one.localName) ? [] : [one.localName]),
  ...[...one.attributes].filter(({ name }) => name.startsWith('on') || name === 'src').map(({ name }) => name),
  ...(one.localName === 'a' && !(['http:', 'https:', 'mailto:'].includes(one.protocol) && one.target === '_blank'
    && one.rel === 'noopener noreferrer nofollow') ? [one.href] : []),
])"""


@pytest.mark.browser
def test_no_injection_in_markdown_runs_or_asks(browser: Browser) -> None:
    """More than a hundred hostile texts in every place of Markdown, folds opened, every link looked at: text, and links to hosts that are read."""
    replies = [way.replace("{}", evil) for evil in INJECTIONS for way in WAYS]
    cards = "".join(untypeset(turn_html(samples.FinishedTurn(reply=reply))) for reply in replies)
    page = browser.new_page()
    asked: list[str] = []
    disturbed: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: disturbed.append(str(error)))
    page.on("popup", lambda popup: disturbed.append(popup.url))
    page.set_content(f"<!doctype html><body><main id='turns'>{cards}</main>")
    page.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true; one.focus(); })")
    page.wait_for_load_state("networkidle")

    assert page.locator("#turns > div").count() == len(replies) > 2_000
    assert page.evaluate(f"() => {MARKER} === undefined")
    assert page.evaluate(FOREIGN, ["#turns", sorted(OURS)]) == []
    assert (asked, disturbed) == ([], [])
    page.close()


def stepper_of(*replies: str) -> View:
    """A stepper whose model has said this."""
    said = [node.message for node in samples.replied(*replies).nodes if node.message]
    return StepperView(samples.RecordedSteppable(samples.journal(), said=said))


def graph_of(*replies: str) -> View:
    """A graph that shows the turn in which the model said this."""
    view = SessionGraphView(samples.replied(*replies))
    view.select(0)
    return view


@pytest.mark.parametrize("view_of", [stepper_of, graph_of])
def test_no_injection_in_a_reply_within_a_view_runs_or_asks(view_of: Callable[..., View], mount: Mount) -> None:
    """The same texts, each in some of the places, where a page makes their elements: no other element, no request, no link but to a host that is read."""
    replies = [way.replace("{}", evil) for evil in INJECTIONS for way in WAYS][::5]
    view = view_of("**the first**", *replies)
    asked: list[str] = []
    one = mount(view)
    one.page.on("request", lambda request: asked.append(request.url))
    one.draw_again()
    one.page.wait_for_load_state("networkidle")

    assert one.root.locator(".l-prose").count() > 200
    assert one.root.locator(".l-prose strong").first.inner_text() == "the first"
    assert one.page.evaluate(FOREIGN, [".l-prose", sorted(TAGS)]) == []
    assert one.page.evaluate(f"() => {MARKER} === undefined")
    assert ([url for url in asked if not url.startswith("blob:")], one.errors) == ([], [])


@pytest.mark.parametrize("view_of", [stepper_of, graph_of])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_reply_within_a_view_is_drawn(view_of: Callable[..., View], dark: bool, mount: Mount) -> None:
    """As in a card, in a column of its own width; what is cut is counted."""
    one = mount(view_of(REPLY, f"**much** {'more ' * 1_000}"), dark=dark)
    prose = one.root.locator(".l-prose")
    one.screenshot(f"{type(one.view).__name__}_prose_{'dark' if dark else 'light'}")
    prose.first.locator("table").scroll_into_view_if_needed()
    one.screenshot(f"{type(one.view).__name__}_prose_table_{'dark' if dark else 'light'}")

    assert prose.first.get_by_role("heading", name="Weather report").count() == 1
    assert prose.first.get_by_label("done").inner_text() == "☑"
    assert re.search(r"\d+ characters more$", prose.last.inner_text())
    assert one.root.evaluate("(element) => element.scrollWidth - element.clientWidth") <= 0


@pytest.mark.browser
@pytest.mark.parametrize("width", [960, 360])
def test_wide_code_and_tables_scroll_in_the_card(width: int, browser: Browser) -> None:
    """The card stays as wide as its page: what does not fit is scrolled where it stands, and words are not cut into letters."""
    page = browser.new_page(viewport={"width": width, "height": 1100})
    wide = "| " + " | ".join(f"column_{n}" for n in range(30)) + " |\n" + "|-" * 30 + "|\n"
    said = f"{REPLY}\n{wide}\n`{'W' * 300}`\n\n[{'l' * 300}](https://{'h' * 60}.example/{'p' * 300})\n\n{'#' * 3} {'T' * 300}"
    page.set_content(f"<!doctype html><body>{turn_html(samples.FinishedTurn(reply=said))}")
    page.screenshot(path=SCREENS / f"markdown_{width}.png")
    over = "(element) => element.scrollWidth > element.clientWidth"

    assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.locator("pre").first.evaluate(over)
    assert page.locator("div:has(> table)").last.evaluate(over)
    assert page.locator("th").last.evaluate("(cell) => cell.clientHeight") < 40
    page.close()
