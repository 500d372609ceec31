"""The explorer as a newcomer found it: searching from a selection, a trace that grows, files that are no trace."""

from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from lash_nb.trace import read_trace
from lash_nb.views import TraceExplorerView
from tests.trace.lines import line, record
from tests.views import samples
from tests.views.harness import Mount
from tests.views.test_trace_explorer_browser import settle


def turn(number: int, at: int) -> bytes:
    """A turn of two records, as lines."""
    return line(record(at, "turn_started", turn_index=number)) + line(
        record(at + 1, "turn_completed", turn_index=number)
    )


def test_an_answer_is_one_message(sent: list[dict[str, Any]]) -> None:
    """What was found and where the selection stands arrive together: apart, the page scrolls to where it stood before."""
    view = TraceExplorerView(samples.station_trace(), selection=100)
    sent.clear()
    view.filter(text="Perth")

    updates = [one["data"]["state"] for one in sent if one["data"].get("method") == "update"]
    assert [{"query", "first", "place"} <= set(state) for state in updates] == [True]


def test_enter_goes_from_hit_to_hit_and_escape_clears_then_leaves(mount: Mount) -> None:
    """Round from the last hit to the first, Shift back; the box stays where it is, the hint goes while one types."""
    view = TraceExplorerView(samples.station_trace())
    one = mount(view)
    search = one.root.get_by_label("Find in records")
    before = search.bounding_box()
    search.focus()
    one.page.keyboard.type("Quito")
    expect(one.root.locator(".l-find .l-kbd")).to_be_hidden()
    settle(one)
    after = search.bounding_box()
    hits, visited = view.rows, []
    view.selection = None
    settle(one)
    for key in ("Enter", "Enter", "Shift+Enter", "Shift+Enter", "Enter"):
        one.page.keyboard.press(key)
        settle(one)
        visited.append(view.selection)
    one.page.keyboard.press("Escape")
    settle(one)
    cleared = (view.query["text"], one.page.evaluate("() => document.activeElement.tagName"))
    one.page.keyboard.press("Escape")

    assert visited == [hits[0], hits[1], hits[0], hits[-1], hits[0]]
    assert before == after
    assert cleared == ("", "INPUT")
    assert one.page.evaluate("() => document.activeElement.className") == "l-explorer-list"


def test_the_frame_of_a_turn_follows_a_trace_that_grows(tmp_path: Path) -> None:
    """When more time goes onto the strip, the frame shrinks with its turn."""
    path = tmp_path / "run.jsonl"
    path.write_bytes(turn(1, 0))
    view = TraceExplorerView(read_trace(path), selection=0)
    before = view.window
    with path.open("ab") as out:
        out.write(turn(2, 100))
    view.refresh()

    assert view.window[:2] == list(view.strip["turns"][0][:2])
    assert view.window != before


def test_a_line_that_is_being_written_is_no_bad_line_while_one_follows(tmp_path: Path) -> None:
    """The page says so quietly; when nobody follows, a file that ends like this is cut off."""
    path = tmp_path / "run.jsonl"
    path.write_bytes(turn(1, 0) + b'{"half": ')
    view = TraceExplorerView(read_trace(path))
    assert (view.bad["count"], view.bad["writing"]) == (1, False)
    view.is_following = True
    assert (view.bad["count"], view.bad["lines"], view.bad["writing"]) == (0, [], True)
    view.is_following = False
    assert view.bad["count"] == 1
