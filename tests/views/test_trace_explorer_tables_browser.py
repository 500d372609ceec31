"""The explorer's other tables in a real Chromium: chosen, sorted, scrolled, left by a click on a turn; pictures go to `tests/_screens`."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from lash_nb.trace import read_trace
from lash_nb.views import TraceExplorerView
from tests.trace.lines import record
from tests.views import samples
from tests.views.harness import Mount, Mounted
from tests.views.injections import INJECTIONS, MARKER
from tests.views.many import many
from tests.views.test_trace_explorer_browser import settle

SHEET = ".l-sheet-list"
TABLES = ("Records", "Turns", "Tools", "Usage")


def choose(one: Mounted, table: str) -> None:
    """Press the button of a table."""
    one.root.get_by_role("button", name=table, exact=True).click()
    settle(one)


def first_cells(page: Page) -> list[str]:
    """What stands in the first column of the rows that can be seen."""
    script = """(name) => {
      const box = document.querySelector(name).getBoundingClientRect();
      return [...document.querySelectorAll('.l-sheet-row')].filter((row) => {
        const { top, bottom } = row.getBoundingClientRect();
        return top >= box.top - 1 && bottom <= box.bottom + 1;
      }).map((row) => row.firstElementChild.textContent);
    }"""
    shown: list[str] = page.evaluate(script, SHEET)
    return shown


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_four_buttons_switch_the_table(dark: bool, mount: Mount) -> None:
    """One of them is pressed; the filters of records go with the records; nothing scrolls sideways at any width."""
    view = TraceExplorerView(samples.station_trace())
    one = mount(view, dark=dark)
    for width in (960, 560):
        one.resize(width)
        for table in TABLES:
            choose(one, table)
            one.screenshot(f"trace_explorer_{table.lower()}_{'dark' if dark else 'light'}_{width}")
            pressed = one.root.locator(".l-tables [aria-pressed=true]").all_inner_texts()

            assert (view.table, pressed) == (table.lower(), [table])
            assert one.root.get_by_label("Find in records").is_visible() == (table == "Records")
            assert one.root.locator(SHEET).is_visible() == (table != "Records")
            assert one.page.evaluate("() => document.querySelector('#view').scrollWidth") <= width


def test_a_click_on_a_turn_shows_its_records(mount: Mount) -> None:
    """All of them, whatever was filtered before; the table of turns is still whole when one comes back."""
    view = TraceExplorerView(samples.station_trace())
    view.filter(text="Perth", status="failed")
    one = mount(view)
    choose(one, "Turns")
    one.root.locator(".l-sheet-row").nth(7).click()
    settle(one)
    records = [row["turn"] for row in view.first["rows"]]

    assert (view.table, view.query["turn"], view.query["text"]) == ("records", "8", "")
    assert set(records) == {"8"}
    expect(one.root.get_by_label("turn", exact=True)).to_have_value("8")
    expect(one.root.locator(".l-explorer-row")).to_have_count(len(records))
    choose(one, "Turns")
    assert len(first_cells(one.page)) == 20


def test_turns_are_walked_with_keys(mount: Mount) -> None:
    """Arrows move, Enter opens the turn, and the keys are then in the table of records."""
    view = TraceExplorerView(samples.station_trace())
    one = mount(view)
    choose(one, "Turns")
    one.root.locator(SHEET).focus()
    for key in ("ArrowDown", "ArrowDown", "End", "Home", "PageDown", "ArrowDown"):
        one.page.keyboard.press(key)
    expect(one.root.locator(f"{SHEET} [aria-selected=true]")).to_contain_text("completed")
    one.page.keyboard.press("Enter")
    settle(one)

    assert view.query["turn"] == "21"
    assert one.page.evaluate("() => document.activeElement.getAttribute('aria-label')") == "Records"


def test_heads_sort_and_say_so(mount: Mount) -> None:
    """The first click sorts, the second turns it round; `what` of the records is no button, as it cannot be sorted by."""
    view = TraceExplorerView(samples.station_trace())
    one = mount(view)
    expect(one.root.get_by_role("columnheader").filter(has_text="what").get_by_role("button")).to_have_count(0)
    choose(one, "Turns")
    for order in ("ascending", "descending"):
        one.root.get_by_role("button", name="Sort by tokens in").click()
        settle(one)
        head = one.root.locator(".l-sheet-heads [role=columnheader]").filter(has_text="tokens in")
        expect(head).to_have_attribute("aria-sort", order)

    assert first_cells(one.page)[:2] == ["23", "22"]


def test_fifty_thousand_turns_are_scrolled(three_hundred_thousand: Path, mount: Mount) -> None:
    """Only those on the screen are in the page, the bar is true, and both ends are reached."""
    one = mount(TraceExplorerView(read_trace(three_hundred_thousand)))
    choose(one, "Turns")
    height = one.page.evaluate("(name) => document.querySelector(name).scrollHeight", SHEET)
    one.page.evaluate("(name) => { document.querySelector(name).scrollTop = 1e9; }", SHEET)
    settle(one)

    assert height == 50_000 * 26
    assert first_cells(one.page)[-1] == "50000"
    assert one.page.evaluate("() => document.querySelectorAll('.l-sheet-row').length") < 60


def test_a_session_is_chosen_for_all_tables(mount: Mount) -> None:
    """Its select stands where the filters are, also over the other tables."""
    turns = [record(at, "turn_started", session=key, turn=at) for at, key in enumerate(("blue", "red", "red"))]
    view = TraceExplorerView(read_trace(turns))
    one = mount(view)
    choose(one, "Turns")
    assert len(first_cells(one.page)) == 3
    one.root.get_by_label("session", exact=True).select_option("red")
    settle(one)
    narrowed = first_cells(one.page)
    choose(one, "Records")

    assert (narrowed, view.rows) == (["1", "2"], (1, 2))
    expect(one.root.get_by_label("session", exact=True)).to_have_value("red")


def test_a_table_follows_a_trace_that_grows(tmp_path: Path, mount: Mount) -> None:
    """New turns are there, the order and the place stay."""
    path = many(3_000, tmp_path / "run.jsonl")
    view = TraceExplorerView(read_trace(path))
    one = mount(view)
    choose(one, "Turns")
    one.page.evaluate("(name) => { document.querySelector(name).scrollTop = 100 * 26; }", SHEET)
    settle(one)
    before = first_cells(one.page)
    many(6_000, path)
    view.refresh()
    settle(one)

    assert (before, first_cells(one.page)[0]) == (first_cells(one.page), "101")
    assert view.sheet["found"] == 1_000


def test_hostile_names_are_text(mount: Mount) -> None:
    """Tools, models, sessions and turns may be called anything: nothing of it runs or becomes an element."""
    records = []
    for at, text in enumerate(INJECTIONS):
        context = {"turn_id": text, "session_id": text, "llm_call_id": str(at)}
        records += [
            record(0, "turn_started", turn=None, context=context),
            record(0, "tool_call_started", turn=None, context=context, name=text, call_id=text),
            record(0, "llm_call_started", turn=None, context=context, request={"model": text}),
            record(1, "turn_completed", turn=None, context=context, status=text, done_reason=text),
        ]
    view = TraceExplorerView(read_trace(records))
    one = mount(view)
    for table in ("Turns", "Tools", "Usage"):
        choose(one, table)
        one.page.evaluate("(name) => { document.querySelector(name).style.height = '6000px'; }", SHEET)
        settle(one)
        assert one.page.evaluate("() => document.querySelectorAll('.l-sheet-row').length") > 90
        foreign = "() => document.querySelectorAll('#view script, #view img, #view iframe, #view [onerror], #view [onload]').length"
        assert one.page.evaluate(foreign) == 0

    assert one.page.evaluate(f"() => {MARKER} === undefined")


def test_long_times_and_turns_have_room(three_hundred_thousand: Path, mount: Mount) -> None:
    """Hours after the first record, and in turn 50,000, no cell runs into the next one or is cut."""
    view = TraceExplorerView(read_trace(three_hundred_thousand))
    view.sort("line", descending=True)
    one = mount(view)
    row = one.root.locator(".l-explorer-row").first
    cut = "(cell) => cell.scrollWidth > cell.clientWidth"

    expect(row).to_contain_text("8:19:59.900")
    assert [row.locator(name).evaluate(cut) for name in (".l-col-time", ".l-col-turn")] == [False, False]


@pytest.mark.parametrize("width", [960, 840, 700, 620])
def test_heads_are_whole_words_at_every_width(mount: Mount, width: int) -> None:
    """A head that has no room on one line takes two; the widest fonts of a system are no exception."""
    view = TraceExplorerView(samples.station_trace())
    one = mount(view)
    one.page.add_style_tag(content='body { --jp-ui-font-family: "DejaVu Sans"; }')
    one.resize(width)
    for table in ("turns", "tools", "usage"):
        view.table = table
        one.pump()
        one.pump()
        cut = one.page.evaluate(CUT)
        one.screenshot(f"trace_explorer_heads_{table}_{width}")

        assert cut == []


CUT = """() => [...document.querySelectorAll(".l-sheet-heads .l-cut")].filter((head) => head.offsetWidth &&
  (getComputedStyle(head).overflow !== "visible" || head.getBoundingClientRect().right > head.closest("#view").getBoundingClientRect().right))
  .map((head) => head.textContent)"""
