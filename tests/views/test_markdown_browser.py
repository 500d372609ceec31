"""Hostile Markdown in a real Chromium: what the parser of our tests and the one of a browser read differently would show here."""

import pytest
from playwright.sync_api import Browser

from lash_nb.views import turn_html, untypeset
from tests.views import samples
from tests.views.harness import SCREENS
from tests.views.injections import INJECTIONS, MARKER
from tests.views.markdown_reply import REPLY
from tests.views.test_markdown import TAGS, WAYS

OURS = TAGS | {"details", "summary"}
FOREIGN = """(ours) => [...document.querySelectorAll('#turns *')].flatMap((one) => [
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
    assert page.evaluate(FOREIGN, sorted(OURS)) == []
    assert (asked, disturbed) == ([], [])
    page.close()


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
