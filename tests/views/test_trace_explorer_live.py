"""The explorer as a newcomer found it: searching from a selection, a trace that grows, files that are no trace."""

from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from lash_nb.trace import read_trace
from lash_nb.views import TraceExplorerView
from tests.trace.lines import line, llm_end, llm_start, record
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
    hits = view.rows
    visited: list[int | None] = []
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
        out.write(turn(2, 50))
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


def test_records_of_several_files_and_sessions_say_whence_they_are(tmp_path: Path, mount: Mount) -> None:
    """Line numbers begin anew in each file: the record names its file; rows of several sessions name theirs."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.jsonl").write_bytes(line(record(0, "custom", session=f"session-{name}", name="x")))
    trace = read_trace([tmp_path / "one.jsonl", tmp_path / "two.jsonl"])
    view = TraceExplorerView(trace, selection=1)
    one = mount(view)

    assert [trace.source_of(row) for row in range(2)] == ["one.jsonl", "two.jsonl"]
    assert [row["session"] for row in view.first["rows"]] == ["session-one", "session-two"]
    expect(one.root.locator(".l-detail-head b")).to_have_text("two.jsonl, line 1 · trace[1]")
    expect(one.root.get_by_title("two.jsonl, line 1").first).to_have_text("1")
    expect(one.root.locator(".l-session-tag").nth(1)).to_have_text("session-two")


def test_a_file_that_is_no_trace_is_called_so(tmp_path: Path, mount: Mount) -> None:
    """Its true size, and why its first line is no record."""
    path = tmp_path / "table.csv"
    path.write_bytes(b"city,degrees\nQuito,14\n")
    view = TraceExplorerView(read_trace(path))
    one = mount(view)

    assert view.counts.endswith("22 B")
    expect(one.root.locator(".l-empty")).to_contain_text("This is no lash trace: no line of it is a record. line 1: ")
    assert "this is no lash trace" in view.text()


def test_what_took_less_than_nothing_is_not_shown_as_a_time() -> None:
    """A clock that went back: a dash in the table, the number in the record's head."""
    view = TraceExplorerView(read_trace([llm_start(5, "a"), {**llm_end(1.1, "a"), "response": {"text": "hi"}}]))
    ends = [row for row in view.first["rows"] if row["phase"] == "end"]
    view.selection = ends[0]["record"]

    assert ends[0]["took"] == "–"
    assert view.detail["warning"].startswith("it took -3,900 ms")


def test_a_step_of_a_graph_names_its_node_first() -> None:
    """Label, what the node is, what happened, how often by then; a changed prompt says how long it is and how many tools it has."""
    event = {"kind": "node_completed", "event_key": "k", "node_id": "n:1", "node_kind": "call", "label": "weather"}
    prompt: dict[str, Any] = {"fingerprint": "ab", "rendered_system_prompt": "Be short.", "tool_schemas": [{}, {}]}
    records = [
        record(0, "lashlang_execution", event={**event, "occurrence": 2}),
        {**record(1, "composition_changed", **prompt), "schema_version": 5},
    ]
    said = ["".join(row["what"]) for row in TraceExplorerView(read_trace(records)).first["rows"]]

    assert said[0] == "weather · call · node_completed · no. 2 · n:1"
    assert said[1].startswith("9 characters, 2 tools")
