"""The explorer in a real Chromium: three hundred thousand rows, searched, sorted, walked; its pictures go to `tests/_screens`."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from lash_nb.trace import Trace, read_trace
from lash_nb.views import TraceExplorerView, static_html
from tests.trace.lines import line, record
from tests.views import samples
from tests.views.harness import Mount, Mounted, state_bytes
from tests.views.injections import INJECTIONS, MARKER
from tests.views.many import many
from tests.views.test_hostile import hostile_trace

LIST = ".l-explorer-list"


@pytest.fixture(scope="module", name="big")
def _big(three_hundred_thousand: Path) -> Trace:
    """Three hundred thousand records."""
    return read_trace(three_hundred_thousand)


def broken_station() -> Trace:
    """The weather desk with three bad lines."""
    lines = (samples.DATA / "station.trace.jsonl").read_bytes().splitlines(keepends=True)
    data = [*lines[:47], b'{"no": json\n', *lines[47:129], b"<b>no record</b>\n", *lines[129:], b'{"half": ']
    return read_trace(b"".join(data), name="station.trace.jsonl")


def lines_shown(page: Page) -> list[int]:
    """Line numbers of the rows that can be seen, from the top."""
    script = """() => {
      const box = document.querySelector('.l-explorer-list').getBoundingClientRect();
      return [...document.querySelectorAll('.l-explorer-row')].filter((row) => {
        const { top, bottom } = row.getBoundingClientRect();
        return top >= box.top - 1 && bottom <= box.bottom + 1;
      }).map((row) => Number(row.querySelector('.l-col-line')?.textContent ?? -1));
    }"""
    shown: list[int] = page.evaluate(script)
    return shown


def settle(one: Mounted) -> None:
    """Carry messages until the page asks for nothing more."""
    one.pump()
    while one.pump():
        pass


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_looks_as_it_was_drawn(dark: bool, mount: Mount) -> None:
    """Bad lines open, two kinds, a search, a failed call selected: the picture of the design."""
    view = TraceExplorerView(broken_station())
    view.filter(kinds=["llm call", "tool call"], text="Perth")
    view.select(45)
    one = mount(view, dark=dark)
    one.root.locator(".l-bad-head").click()
    settle(one)
    one.screenshot(f"trace_explorer_perth_{'dark' if dark else 'light'}")

    expect(one.root.locator("mark").first).to_have_text("Perth")
    expect(one.root.get_by_role("row", selected=True)).to_contain_text("the station in Perth does not answer")
    expect(one.root.locator(".l-detail")).to_contain_text("station_offline")
    expect(one.root.locator(".l-hits")).to_have_text("61 of 203")


def test_the_first_rows_of_three_hundred_thousand_come_with_the_view(big: Trace, mount: Mount) -> None:
    """The display message, which is small, is enough for them, nothing has to be asked for; few elements, a true scroll bar."""
    view = TraceExplorerView(big)
    one = mount(view)
    asked = one.page.evaluate("() => window.sent.length")
    height = one.page.evaluate(f"() => document.querySelector('{LIST}').scrollHeight")

    assert asked == 0
    assert state_bytes(view) < 200_000
    assert height == 300_000 * 26
    assert one.page.evaluate("() => document.querySelectorAll('#view *').length") < 1_200
    assert lines_shown(one.page)[:3] == [1, 2, 3]


def test_one_scrolls_to_the_end_of_three_hundred_thousand(big: Trace, mount: Mount) -> None:
    """Rows that come late are grey bars until they are here; then the last ones are the last ones."""
    one = mount(TraceExplorerView(big))
    one.page.evaluate(f"() => {{ document.querySelector('{LIST}').scrollTop = 1e9; }}")
    expect(one.root.locator("[aria-busy=true]").nth(15)).to_be_attached()
    settle(one)

    assert lines_shown(one.page)[-1] == 300_000
    expect(one.root.locator("[aria-busy=true]")).to_have_count(0)


def test_a_long_drag_of_the_scroll_bar_asks_for_few_windows(big: Trace, mount: Mount) -> None:
    """While an answer is awaited only the newest window is asked for."""
    one = mount(TraceExplorerView(big))
    one.page.evaluate(f"""async () => {{
      const list = document.querySelector('{LIST}');
      for (let step = 1; step <= 50; step++) {{
        list.scrollTop = step * 100000;
        await new Promise(requestAnimationFrame);
      }}
    }}""")
    asked = [message for message in one.pump() if message["do"] == "rows"]
    settle(one)

    assert len(asked) == 1
    assert lines_shown(one.page)[0] in {192_308, 192_309}


def test_a_late_answer_of_an_older_question_is_not_shown(mount: Mount) -> None:
    """Rows carry the version that they were asked for."""
    view = TraceExplorerView(samples.station_trace())
    one = mount(view)
    row = {**view.first["rows"][0], "line": 77_777}
    one.page.evaluate("(rows) => window.deliver({ kind: 'rows', version: -5, from: 0, rows })", [row])

    assert lines_shown(one.page)[0] == 1


def test_a_search_shows_where_it_found_and_escape_leads_back(mount: Mount) -> None:
    """`/` goes to the search, rows come while one types, the cross clears it and stays there, Escape leaves it."""
    view = TraceExplorerView(samples.station_trace())
    one = mount(view)
    one.root.locator(LIST).focus()
    one.page.keyboard.press("/")
    one.page.keyboard.type("quito", delay=10)
    one.page.wait_for_timeout(250)
    settle(one)
    found = len(view.rows)
    faint = one.root.locator(".l-faint").count()
    one.root.get_by_role("button", name="Clear the search").click()
    settle(one)
    one.page.keyboard.press("Escape")
    focused = one.page.evaluate("() => document.activeElement.className")

    assert 0 < found < 203
    assert (faint, focused) == (2, "l-explorer-list")
    assert len(view.rows) == 203
    expect(one.root.locator("mark")).to_have_count(0)


def test_nothing_found_says_what_is_asked_and_clears(mount: Mount) -> None:
    """An empty table names its filters and takes them off."""
    view = TraceExplorerView(samples.station_trace())
    view.filter(text="nowhere to be found", status="failed")
    one = mount(view)
    expect(one.root.locator(".l-empty")).to_have_text("Nothing found for failed“nowhere to be found” clear")
    one.root.get_by_role("button", name="clear", exact=True).click()
    settle(one)

    assert len(view.rows) == 203
    expect(one.root.get_by_label("Find in records")).to_have_value("")


def test_chips_and_menus_filter(mount: Mount) -> None:
    """A chip goes off and stays, dashed; the menus narrow to a turn and a status; arrows go along the chips."""
    view = TraceExplorerView(samples.station_trace())
    one = mount(view)
    one.root.get_by_role("button", name="turn 46").click()
    settle(one)
    one.page.keyboard.press("ArrowRight")
    one.page.keyboard.press("Enter")
    settle(one)
    two_off = (view.query["kinds"], len(view.rows))
    one.root.get_by_label("status", exact=True).select_option("failed")
    settle(one)
    one.root.get_by_label("turn", exact=True).select_option("8")
    settle(one)

    assert two_off == (("llm call", "tool call"), 134)
    assert [view.trace[row]["type"] for row in view.rows] == ["tool_call_completed"]
    expect(one.root.get_by_role("button", name="turn 46")).to_have_attribute("aria-pressed", "false")
    expect(one.root.locator(".l-chips [tabindex='0']")).to_have_count(1)


def test_quick_clicks_are_all_obeyed(mount: Mount) -> None:
    """What is clicked and typed while an answer is awaited joins what was asked for before."""
    view = TraceExplorerView(samples.station_trace())
    one = mount(view)
    one.root.get_by_role("button", name="turn 46").click()
    one.root.get_by_role("button", name="prompt 23").click()
    one.root.get_by_role("button", name="Sort by took").click()
    one.root.get_by_label("Find in records").fill("Perth")
    expect(one.root.locator(".l-hits")).to_have_text("searching …")
    settle(one)

    assert (view.query["kinds"], view.query["sort"], view.query["text"]) == (("llm call", "tool call"), "took", "Perth")
    expect(one.root.locator(".l-hits")).to_have_text(f"{len(view.rows)} of 203")


def test_a_head_sorts_and_sorts_back(mount: Mount) -> None:
    """The first click sorts, the second turns it round; the head says so."""
    view = TraceExplorerView(samples.station_trace())
    one = mount(view)
    head = one.root.get_by_role("columnheader").filter(has_text="took")
    head.get_by_role("button").click()
    settle(one)
    up = view.rows
    head = one.root.get_by_role("columnheader").filter(has_text="took")
    expect(head).to_have_attribute("aria-sort", "ascending")
    head.get_by_role("button").click()
    settle(one)

    assert view.query["descending"]
    assert up != view.rows
    assert lines_shown(one.page)[0] == view.trace.index.line[view.rows[0]]


def test_it_is_walked_with_keys(mount: Mount) -> None:
    """Arrows move through the table, `]` to the next turn, Enter into the record, Escape out of it: Python knows each place."""
    view = TraceExplorerView(samples.station_trace())
    one = mount(view)
    one.root.get_by_role("row").nth(3).click()
    settle(one)
    visited = [view.selection]
    for key in ("ArrowDown", "]", "End", "Home", "PageDown", "["):
        one.page.keyboard.press(key)
        settle(one)
        visited.append(view.selection)
    one.page.keyboard.press("Enter")
    inside = one.page.evaluate("() => document.activeElement.className")
    one.page.keyboard.press("Escape")

    assert visited == [2, 3, 5, 202, 0, 19, 5]
    assert (inside, one.page.evaluate("() => document.activeElement.className")) == ("l-json", "l-explorer-list")
    assert one.root.locator(".l-selection").inner_text() == "_.selection = 5"
    expect(one.root.get_by_role("row", selected=True)).to_have_count(1)


def test_a_selection_of_python_is_scrolled_to(big: Trace, mount: Mount) -> None:
    """Setting `view.selection` shows the row and the record."""
    view = TraceExplorerView(big)
    one = mount(view)
    view.selection = 150_000
    settle(one)

    assert 150_001 in lines_shown(one.page)
    expect(one.root.get_by_role("row", selected=True)).to_have_count(1)
    expect(one.root.locator(".l-detail-head b")).to_have_text("line 150001 · trace[150000]")


def test_a_click_on_the_strip_goes_to_that_moment(mount: Mount) -> None:
    """What was found next after it is selected, and its turn framed."""
    view = TraceExplorerView(samples.station_trace())
    one = mount(view)
    box = one.root.locator(".l-strip").bounding_box()
    assert box is not None
    one.page.mouse.click(box["x"] + box["width"] - 40, box["y"] + 20)
    settle(one)

    assert view.detail["turn"] == "23"
    expect(one.root.locator(".l-strip-window")).to_have_count(1)
    expect(one.root.locator(".l-strip-number.l-bold")).to_have_text("23")


def test_bad_lines_are_a_bar_that_opens_and_leads_to_each(mount: Mount) -> None:
    """Closed it is one row of 32 pixels; `Show` gives the raw line and goes to where it stands."""
    one = mount(TraceExplorerView(broken_station()))
    bar = one.root.locator(".l-bad")
    closed = bar.bounding_box()
    one.root.get_by_role("button", name=re.compile("3 bad lines")).click()
    one.root.get_by_text("Show", exact=True).nth(1).click()
    settle(one)

    assert closed is not None
    assert closed["height"] == 33  # with the line below it
    expect(one.root.locator(".l-raw")).to_have_text("<b>no record</b>")
    assert 130 in lines_shown(one.page)


def test_a_trace_that_grows_stays_where_one_reads(tmp_path: Path, mount: Mount) -> None:
    """New records make the table longer; selection, filter and scroll position stay."""
    path = many(3_000, tmp_path / "run.jsonl")
    view = TraceExplorerView(read_trace(path))
    one = mount(view)
    one.page.evaluate(f"() => {{ document.querySelector('{LIST}').scrollTop = 1000 * 26; }}")
    settle(one)
    one.root.locator(".l-explorer-row").nth(12).click()
    settle(one)
    before = (lines_shown(one.page), view.selection)
    with path.open("ab") as out:
        out.write(line(record(0, "custom", name="late")) * 500)
    view.refresh()
    settle(one)

    assert (lines_shown(one.page), view.selection) == before
    one.page.evaluate(f"() => {{ document.querySelector('{LIST}').scrollTop = 0; }}")
    view.sort("time", descending=True)
    settle(one)
    one.page.evaluate(f"() => {{ document.querySelector('{LIST}').scrollTop = 2500 * 26; }}")
    settle(one)
    far = one.page.evaluate(f"() => document.querySelector('{LIST}').scrollTop")
    with path.open("ab") as out:
        out.write(line({**record(0, "custom", name="later"), "timestamp": "2027-01-01T00:00:00Z"}))
    view.refresh()
    settle(one)
    assert abs(one.page.evaluate(f"() => document.querySelector('{LIST}').scrollTop") - far) < 1
    assert one.page.evaluate(f"() => document.querySelector('{LIST}').scrollHeight") == 3_501 * 26


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_is_readable_in_any_width(dark: bool, mount: Mount) -> None:
    """Below 820 pixels the record is under the table, below 600 the table keeps what tells rows apart; nothing scrolls sideways."""
    one = mount(TraceExplorerView(broken_station(), selection=45), dark=dark)
    settle(one)
    for width in (1400, 960, 760, 560):
        one.resize(width)
        one.screenshot(f"trace_explorer_{'dark' if dark else 'light'}_{width}")
        table, detail = (one.root.locator(name).bounding_box() for name in (".l-explorer-table", ".l-detail"))

        assert table is not None
        assert detail is not None
        assert (detail["y"] > table["y"]) == (width < 820)
        assert (
            one.page.evaluate(
                "() => document.querySelector('#view').scrollWidth - document.querySelector('#view').clientWidth"
            )
            == 0
        )


def test_long_json_is_folded_and_opens(mount: Mount) -> None:
    """A record of many lines shows its upper levels; each fold opens alone."""
    deep = {"a": {"b": {"c": {f"key {number}": "x" * 60 for number in range(30)}}}}
    view = TraceExplorerView(read_trace([record(0, "custom", payload=deep, more=["y" * 60] * 60)]), selection=0)
    one = mount(view)
    expect(one.root.get_by_text("key 7")).to_have_count(0)
    one.root.get_by_text("… 32 lines").click()
    expect(one.root.get_by_text('"key 7"')).to_be_visible()
    one.root.get_by_text(re.compile("show .* more lines")).click()

    shown = "".join(one.root.locator(".l-json-line").all_inner_texts())
    assert json.loads(shown) == view.trace[0]


def test_no_injection_runs_and_no_request_leaves(browser: Browser, mount: Mount) -> None:
    """More than a hundred hostile texts in every place of a record, listed, searched and read; and in the static twin."""
    assert len(INJECTIONS) > 100
    view = TraceExplorerView(read_trace(b"".join(map(hostile_trace, INJECTIONS)), name=INJECTIONS[0]))
    one = mount(view)
    asked: list[str] = []
    one.page.on("request", lambda request: asked.append(request.url))
    one.page.evaluate("(name) => { document.querySelector(name).style.height = '4000px'; }", LIST)
    seen: set[int] = set()
    for start in range(0, len(view.rows), 140):
        one.page.evaluate("([name, row]) => { document.querySelector(name).scrollTop = row * 26; }", [LIST, start])
        settle(one)
        seen |= set(lines_shown(one.page))
    for number in range(0, len(view.rows), 31):  # each kind of record
        view.select(number)
        one.pump()
    view.filter(text="onerror")
    settle(one)
    page = browser.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.set_content(f"<!doctype html><body>{static_html(view)}</body>")
    page.wait_for_load_state("networkidle")
    foreign = "() => document.querySelectorAll('#view script, #view img, #view iframe, #view object, #view embed, #view style, #view link, #view [onerror], #view [onload], #view [onfocus]').length"

    assert len(seen) == 6 * len(INJECTIONS)
    assert [window.evaluate(f"() => {MARKER} === undefined") for window in (one.page, page)] == [True, True]
    assert one.page.evaluate(foreign) == 0
    assert [url for url in asked if not url.startswith(("blob:", "data:", "about:"))] == []
    page.close()
