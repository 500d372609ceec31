"""The report in a real Chromium: read without a network or a script, light and dark, narrow and on paper, whatever a trace says.

Pictures go to `tests/_screens`, to be looked at next to the design.
"""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, Request

from lash_nb.trace import Trace, read_trace
from lash_nb.views import write_trace_report
from tests.trace.lines import STATION
from tests.views.harness import SCREENS
from tests.views.injections import INJECTIONS, MARKER
from tests.views.report_samples import hostile_trace, long_trace


class Opened:
    """A report in a browser.

    Attributes:
        page: The page.
        asked: Addresses that it asked for, but for its own.
        disturbed: Dialogs that it opened, errors of scripts, and what the browser complained about.
    """

    def __init__(self, browser: Browser, file: Path, *, dark: bool = False) -> None:
        self.page: Page = browser.new_page(
            color_scheme="dark" if dark else "light", viewport={"width": 1120, "height": 900}
        )
        self.asked: list[str] = []
        self.disturbed: list[str] = []
        self._own = file.as_uri()
        self.page.on("request", self._note)
        self.page.on("dialog", self._refuse)
        self.page.on("pageerror", lambda error: self.disturbed.append(str(error)))
        self.page.on("console", lambda message: self.disturbed.append(message.text))
        self.page.goto(self._own)

    def open_again(self, width: int) -> None:
        """Open it anew in this width."""
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.goto(self._own)

    def open_all(self) -> None:
        """Open every turn and everything in it."""
        self.page.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true; })")

    def _refuse(self, dialog: Dialog) -> None:
        self.disturbed.append(dialog.message)
        dialog.dismiss()

    def _note(self, request: Request) -> None:
        if request.url != self._own:
            self.asked.append(request.url)


def written(folder: Path, trace: Trace, **wanted: object) -> Path:
    """The report of a trace as a file."""
    write_trace_report(folder / "report.html", trace, **wanted)  # type: ignore[arg-type]  # passed through
    return folder / "report.html"


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_report_reads_in_any_width(dark: bool, browser: Browser, tmp_path: Path) -> None:
    """It stands in its width without scrolling sideways, and a turn opens with a click or a key."""
    file = written(tmp_path, read_trace(STATION), files=["station.trace.jsonl"])
    opened = Opened(browser, file, dark=dark)
    for width in (1120, 700, 420):
        opened.open_again(width)
        opened.page.locator("#t3 > summary").click()
        opened.page.locator("#t5 > summary").press("Enter")
        sideways = opened.page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
        opened.page.screenshot(path=SCREENS / f"report_{'dark' if dark else 'light'}_{width}.png", full_page=True)

        assert opened.page.locator("details.turn[open]").count() == 2
        assert "station_offline" in opened.page.locator("#t5").inner_text()
        assert sideways <= 0
        assert (opened.asked, opened.disturbed) == ([], [])


@pytest.mark.browser
def test_a_failure_leads_to_its_turn(browser: Browser, tmp_path: Path) -> None:
    """The link beside a cause goes to the turn that failed."""
    opened = Opened(browser, written(tmp_path, read_trace(STATION)))
    opened.page.get_by_role("link", name="8", exact=True).click()

    assert opened.page.locator("details.turn:target > summary").inner_text().split()[0] == "8"


@pytest.mark.browser
def test_a_long_report_is_open_at_once(browser: Browser, tmp_path: Path) -> None:
    """A page of megabytes with hundreds of turns is there with its last line, and says what it leaves out."""
    file = written(tmp_path, long_trace(2_500, filler="word " * 600))
    opened = Opened(browser, file)
    opened.page.screenshot(path=SCREENS / "report_long.png")

    assert 1_500_000 < file.stat().st_size <= 5_000_000
    assert opened.page.locator("#t2500").count() == 1
    assert opened.page.locator(".gap").count() > 0


@pytest.mark.browser
def test_nothing_that_a_trace_says_runs_or_asks(browser: Browser, tmp_path: Path) -> None:
    """More than a hundred injections in every text of a trace: no script runs, no request leaves, nothing else is shown than text."""
    opened = Opened(browser, written(tmp_path, hostile_trace(INJECTIONS), title=INJECTIONS[0], files=INJECTIONS[:20]))
    opened.open_all()
    opened.page.mouse.move(400, 400)
    opened.page.wait_for_timeout(300)

    assert opened.page.locator("details.turn").count() == len(INJECTIONS)
    assert opened.page.evaluate(f"() => {MARKER}") is None
    assert (opened.asked, opened.disturbed) == ([], [])
    assert opened.page.locator("script, img, iframe, object, embed, link, base, form, input").count() == 0


@pytest.mark.browser
def test_hostile_text_is_neutralized_by_the_page_not_only_by_its_policy(browser: Browser, tmp_path: Path) -> None:
    """The same page without its policy is as harmless."""
    file = written(tmp_path, hostile_trace(INJECTIONS))
    page = file.read_text(encoding="utf-8")
    policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    assert policy in page
    file.write_text(page.replace(policy, ""), encoding="utf-8")
    opened = Opened(browser, file)
    opened.open_all()
    opened.page.wait_for_timeout(300)

    assert opened.page.evaluate(f"() => {MARKER}") is None
    assert (opened.asked, opened.disturbed) == ([], [])


@pytest.mark.browser
def test_the_report_prints_light(browser: Browser, tmp_path: Path) -> None:
    """On paper the page is dark on white for a reader of dark pages too, and an opened turn is printed open."""
    opened = Opened(browser, written(tmp_path, read_trace(STATION)), dark=True)
    opened.page.locator("#t3 > summary").click()
    opened.page.emulate_media(media="print")
    surface = opened.page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    opened.page.set_viewport_size({"width": 718, "height": 1000})
    sideways = opened.page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
    opened.page.screenshot(path=SCREENS / "report_print.png", full_page=True)

    assert surface == "rgb(255, 255, 255)"
    assert sideways <= 0
    assert opened.page.get_by_text("Lima is the warmest of the three").is_visible()
