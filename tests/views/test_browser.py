"""The browser halves in a real Chromium: drawn, driven by hand and by keys, taken away without a trace.

Pictures of every view in both themes go to `tests/_screens`, to be looked at next to the design.
"""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from lash_nb.trace import read_trace
from lash_nb.views import (
    AttachmentsView,
    SessionGraphView,
    StepperView,
    TraceExplorerView,
    TraceTimelineView,
    View,
    effects_html,
    envelope_html,
    static_html,
    trace_html,
    turn_html,
)
from tests.views import samples
from tests.views.harness import Mount
from tests.views.test_hostile import hostile_journal, hostile_trace, hostile_turn
from tests.views.test_live_turn import TURN, running_view

MAKERS: dict[str, Callable[[], View]] = {
    "stepper": lambda: StepperView(samples.RecordedSteppable(samples.journal())),
    "graph": lambda: SessionGraphView(
        samples.station_graph(), title="session main", names={"a8": "main", "a18": "quito"}
    ),
    "timeline": lambda: TraceTimelineView(samples.station_trace(), turn=3),
    "attachments": lambda: AttachmentsView(samples.station_listing(), title="in session main"),
    "trace_explorer": lambda: TraceExplorerView(samples.station_trace(), selection=45),
    "live_turn": lambda: running_view(*TURN)[0],
}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", MAKERS)
def test_a_view_is_drawn_and_leaves_nothing_behind(name: str, dark: bool, mount: Mount) -> None:
    """It stands in its width without scrolling sideways, and its cleanup takes every listener off the model."""
    one = mount(MAKERS[name](), dark=dark)
    for width in (960, 760, 560):
        one.resize(width)
        sideways = one.page.evaluate(
            "() => document.querySelector('#view').scrollWidth - document.querySelector('#view').clientWidth"
        )
        one.screenshot(f"{name}_{'dark' if dark else 'light'}_{width}")

        assert sideways <= 0
    one.page.evaluate("() => window.unmount()")
    assert one.page.evaluate("() => window.left()") == 0


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_view_in_two_cells_gives_its_twin_back(order: tuple[int, int], mount: Mount) -> None:
    """Both hide it; when both are gone it is seen again, whichever went first."""
    one = mount(MAKERS["timeline"]())
    twin = one.page.get_by_text("the twin")
    one.page.evaluate(
        "(twin) => document.body.insertAdjacentHTML('beforeend', `<p data-lash-static='${twin}'>the twin</p>`)",
        one.view.twin,
    )
    for cell in range(2):
        one.draw_again()
        one.page.evaluate("(cell) => { (window.ends ??= [])[cell] = window.unmount; }", cell)

    assert twin.is_hidden()
    for cell in order:
        one.page.evaluate("(cell) => window.ends[cell]()", cell)
    assert twin.is_visible()


def test_a_list_without_attachments_says_how_to_get_one_in_whole_words(mount: Mount) -> None:
    """The sample is as wide as its line, not as a card."""
    one = mount(AttachmentsView(samples.MemoryListing()))

    assert one.root.locator(".l-sample").bounding_box()["width"] > 300  # type: ignore[index]  # it is on the page


def test_a_narrow_stepper_cuts_no_name(mount: Mount) -> None:
    """As wide as a cell beside an open sidebar: all effects are named whole, the form with its buttons is there without scrolling."""
    one = mount(StepperView(samples.RecordedSteppable(samples.journal())), width=750)
    one.root.get_by_role("button", name="Edit", exact=True).click()
    one.pump()
    over = "(boxes) => boxes.filter((box) => box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight).length"

    assert one.root.locator(".l-what").count() > 8
    assert one.root.locator(".l-what").evaluate_all(over) == 0
    assert one.root.locator(".l-columns > :nth-child(2) > .l-scroll").evaluate_all(over) == 0


def test_a_failure_in_a_late_turn_of_the_rail_is_seen_whole(mount: Mount) -> None:
    """Beside a number of four digits and as many ticks as there are there is room for the mark and the count; the word is read to the blind."""
    view = StepperView(samples.RecordedSteppable(samples.journal()))
    late = {"label": "turn 1,501", "took": "279 ms", "open": False, "ticks": 4 * ["tool_call"], "failed": 2, "rows": []}
    view.rail = {**view.rail, "turns": [late, *view.rail["turns"]]}
    one = mount(view, width=750)
    row = one.root.get_by_role("button", name="turn 1,501")
    over = "(boxes) => boxes.filter((box) => box.scrollWidth > box.clientWidth).length"

    expect(row).to_have_accessible_name(re.compile("turn 1,501.*failed.*2"))
    assert row.locator("span").evaluate_all(over) == 0


def test_a_stepper_that_was_drawn_unseen_is_at_the_newest(mount: Mount) -> None:
    """A notebook lays a view out after it was drawn: where no height was nothing could scroll."""
    one = mount(StepperView(samples.RecordedSteppable(samples.journal())), width=960)
    one.page.add_style_tag(content=".lash-stepper .l-scroll { max-height: 90px !important; }")
    one.page.evaluate("() => { window.unmount(); view.replaceChildren(); view.style.display = 'none'; }")
    one.draw_again()
    one.page.evaluate("() => { view.style.display = ''; }")

    expect(one.root.locator(".l-conversation > :last-child")).to_be_in_viewport()
    expect(one.root.locator(".l-pending")).to_be_in_viewport()


def test_next_is_a_button_with_that_name(mount: Mount) -> None:
    """A click on Next performs the pending envelope, and the page shows the one that waits then."""
    steppable = samples.RecordedSteppable(samples.journal(), then=[samples.entry(12, samples.llm_command())])
    one = mount(StepperView(steppable))
    one.root.get_by_role("button", name="Next", exact=True).click()
    one.pump()

    assert steppable.asked == [("step", None)]
    expect(one.root.locator(".l-envelope b")).to_have_text("desk-model")
    expect(one.root.locator(".l-state")).to_contain_text("Paused")


def test_continue_runs_to_the_end_and_its_menu_to_a_kind(mount: Mount) -> None:
    """The button alone goes on to the end; the menu beside it stops at the next effect of a kind."""
    steppable = samples.RecordedSteppable(samples.journal(), then=[samples.entry(12, samples.llm_command())])
    one = mount(StepperView(steppable))
    one.root.get_by_role("button", name="Continue to", exact=True).click()
    one.root.get_by_role("menuitem", name="next tool_call").click()
    one.pump()
    one.root.get_by_role("button", name="Continue", exact=True).click()
    one.pump()

    assert steppable.asked == [("continue", "tool_call"), ("continue", None)]
    expect(one.root.locator(".l-state")).to_contain_text("Completed")


def test_keys_work_in_the_view_only(mount: Mount) -> None:
    """`n` steps when the view has the focus, and is a letter anywhere else."""
    steppable = samples.RecordedSteppable(samples.journal(), then=[samples.entry(12, samples.llm_command())])
    one = mount(StepperView(steppable))
    one.page.keyboard.press("n")
    one.pump()
    before = list(steppable.asked)
    one.root.locator(".l-column-head").first.click()
    one.page.keyboard.press("n")
    one.pump()

    assert (before, steppable.asked) == ([], [("step", None)])


def test_an_edited_argument_is_marked_and_run(mount: Mount) -> None:
    """A changed field says what it was, the head shows both hashes, and the edited envelope is what runs."""
    steppable = samples.RecordedSteppable(samples.journal())
    one = mount(StepperView(steppable))
    one.page.locator("#view").focus()
    one.page.keyboard.press("e")
    one.root.get_by_label("title", exact=True).fill("Hanoi, nine days")
    one.pump()
    expect(one.root.get_by_text("was Hanoi, ten days")).to_be_visible()
    expect(one.root.locator(".l-envelope")).to_contain_text("→")
    one.root.get_by_role("button", name="Run edited", exact=True).click()
    one.pump()

    assert steppable.asked[0][1].command.call.args["title"] == "Hanoi, nine days"


def test_a_wrong_value_is_told_under_its_field_and_kept(mount: Mount) -> None:
    """What was typed stays, Run is off until it is right, Escape closes the form and nothing ran."""
    steppable = samples.RecordedSteppable(samples.journal())
    one = mount(StepperView(steppable))
    one.root.get_by_role("button", name="Edit", exact=True).click()
    one.root.get_by_label("width", exact=True).fill("12")
    expect(one.root.get_by_text("at least 100")).to_be_visible()
    run = one.root.get_by_role("button", name="Run edited", exact=True)
    expect(run).to_be_disabled()
    expect(one.root.get_by_label("width", exact=True)).to_have_value("12")
    one.page.keyboard.press("Escape")
    expect(one.root.get_by_role("button", name="Next", exact=True)).to_be_enabled()

    assert steppable.asked == []


def test_an_outcome_is_injected_with_a_preview(mount: Mount) -> None:
    """While the payload is typed one sees what the model will see; Ctrl+Enter sends it."""
    steppable = samples.RecordedSteppable(samples.journal())
    one = mount(StepperView(steppable))
    one.root.get_by_role("button", name="Inject", exact=True).click()
    one.root.get_by_label("payload", exact=True).fill('{"chart": null')
    expect(one.root.get_by_text("not JSON")).to_be_visible()
    one.root.get_by_label("payload", exact=True).fill('{"chart": null}')
    one.pump()
    expect(one.root.get_by_text('{"chart":null}', exact=True)).to_be_visible()
    one.screenshot("stepper_inject_light_960")
    one.page.keyboard.press("Control+Enter")
    one.pump()

    assert steppable.asked[0][0] == "inject"


def test_fail_opens_the_form_of_a_failure(mount: Mount) -> None:
    """Fail is Inject with the status already chosen."""
    steppable = samples.RecordedSteppable(samples.journal())
    one = mount(StepperView(steppable))
    one.root.get_by_role("button", name="Fail", exact=True).click()
    one.root.get_by_label("code", exact=True).fill("too_cold")
    one.pump()
    one.root.get_by_role("button", name="Inject and go on", exact=True).click()
    one.pump()

    assert steppable.asked[0][1].result.output.outcome.payload.code == "too_cold"


def test_a_value_that_was_empty_is_called_so(mount: Mount) -> None:
    """What it was stands beside the way back to it."""
    one = mount(StepperView(samples.RecordedSteppable(samples.journal(samples.tool_command(title="")))))
    one.root.get_by_role("button", name="Edit", exact=True).click()
    one.root.get_by_label("title", exact=True).fill("Lima")

    expect(one.root.get_by_text("was empty")).to_be_visible()


def test_cancel_asks_once_more(mount: Mount) -> None:
    """One click on Cancel asks, the second one cancels."""
    steppable = samples.RecordedSteppable(samples.journal())
    one = mount(StepperView(steppable))
    one.root.get_by_role("button", name="Cancel", exact=True).click()
    one.pump()
    before = list(steppable.asked)
    one.root.get_by_role("button", name="Really cancel", exact=True).click()
    one.pump()

    assert (before, steppable.asked) == ([], [("cancel", None)])


def test_a_click_on_the_rail_shows_what_was(mount: Mount) -> None:
    """A finished effect is shown read-only with its outcome; a link leads back."""
    one = mount(StepperView(samples.RecordedSteppable(samples.journal())))
    one.root.get_by_text("station_history").first.click()
    one.pump()
    expect(one.root.get_by_text("Outcome, ok")).to_be_visible()
    expect(one.root.get_by_role("button", name="Edit", exact=True)).to_be_disabled()
    one.root.get_by_role("button", name="Back to the pending effect").click()
    one.pump()

    expect(one.root.locator(".l-envelope b")).to_have_text("draw_chart")


def test_ten_thousand_nodes_are_a_handful_of_elements(mount: Mount) -> None:
    """Only rows on the screen are in the page, at the top and in the middle alike; the scroll bar is real."""
    graph = samples.graph_of(
        [(number, number - 1 or None, f"Question {number}?") for number in range(1, 2_501)], leaf=2_500
    )
    view = SessionGraphView(graph)
    view.columns = {**view.columns, "folds": []}
    one = mount(view)
    count = "() => document.querySelectorAll('#view *').length"
    at_top = one.page.evaluate(count)
    one.page.evaluate("() => { document.querySelector('.l-graph-list').scrollTop = 1200 * 26; }")
    expect(one.root.get_by_text("Question 1300?", exact=True)).to_be_visible()

    assert max(at_top, one.page.evaluate(count)) < 1_500
    assert one.page.evaluate("() => document.querySelector('.l-graph-list').scrollHeight") == 2_500 * 26


def test_the_graph_is_walked_with_keys(mount: Mount) -> None:
    """Arrows move, right opens, left closes and goes to the parent; a fold opens when it is reached."""
    view = SessionGraphView(samples.station_graph())
    one = mount(view)
    one.root.get_by_text("A quick reading?").first.click()
    one.pump()
    one.page.keyboard.press("ArrowRight")
    one.pump()
    opened = one.root.get_by_text("Answer 18.").first.is_visible()
    one.page.keyboard.press("ArrowLeft")
    one.page.keyboard.press("ArrowDown")
    one.pump()

    assert opened
    assert view.chosen == 1
    expect(one.root.get_by_role("treeitem", selected=True)).to_have_count(1)


def test_a_search_finds_a_message_and_goes_there(mount: Mount) -> None:
    """`/` leads to the search, Enter goes to the first turn that says it."""
    view = SessionGraphView(samples.station_graph())
    one = mount(view)
    one.root.get_by_role("tree").focus()
    one.page.keyboard.press("/")
    one.page.keyboard.type("perth")
    one.page.keyboard.press("Enter")
    one.pump()
    one.pump()

    expect(one.root.get_by_text("1 found")).to_be_visible()
    assert view.rows.rows[view.chosen].text == "And Perth?"


def test_the_timeline_is_walked_by_turn_and_call(mount: Mount) -> None:
    """`]` goes to the next turn, a click to a call, and the footer says what is selected."""
    view = TraceTimelineView(samples.station_trace(), turn=3)
    one = mount(view)
    one.root.get_by_text("Quito").first.click()
    one.pump()
    first = one.root.locator(".l-selection").inner_text()
    one.page.locator(".l-waterfall").focus()
    one.page.keyboard.press("]")
    one.pump()

    assert first == '_.selection = "tool_call call_03"'
    assert view.waterfall["title"] == "turn 4"
    expect(one.root.get_by_text("turn 4").first).to_be_visible()


def test_a_timeline_names_what_is_drawn_in_it(mount: Mount) -> None:
    """The kinds and marks that are there, and the thin line that goes on from a bar to its record."""
    whole = samples.station_trace()
    plain = read_trace([record for record in whole if record["context"].get("turn_index") == 1])
    legends = [mount(TraceTimelineView(trace, turn=1)).root.locator(".l-legend") for trace in (whole, plain)]

    for words, is_plain in (("llm_call", True), ("direct", False), ("tool_call", False), ("failed", False)):
        expect(legends[0].get_by_text(words)).to_be_visible()
        expect(legends[1].get_by_text(words)).to_be_visible(visible=is_plain)
    expect(legends[1]).to_contain_text("until recorded")


def test_the_timeline_of_an_empty_trace_says_so(mount: Mount) -> None:
    """One line with its name, and nothing to click, walk or search."""
    one = mount(TraceTimelineView(read_trace([]).called("session new")))

    expect(one.root).to_contain_text("session new")
    expect(one.root).to_contain_text("empty, nothing has been written to it yet")
    expect(one.root.locator("button, input, svg.l-strip, .l-legend")).to_have_count(0)


def test_a_click_on_the_overview_goes_to_that_turn(mount: Mount) -> None:
    """The strip is a map: where one clicks is where one is."""
    view = TraceTimelineView(samples.station_trace(), turn=3)
    one = mount(view)
    box = one.root.locator(".l-strip").bounding_box()
    assert box is not None
    one.page.mouse.click(box["x"] + box["width"] - 20, box["y"] + 40)
    one.pump()

    assert view.waterfall["title"] == "turn 23"


def test_dragging_zooms_and_zero_fits_again(mount: Mount) -> None:
    """A drag over the bars shows that part of the turn; `0` shows all of it."""
    one = mount(TraceTimelineView(samples.station_trace(), turn=3))
    box = one.root.locator(".l-waterfall").bounding_box()
    assert box is not None
    labels = one.root.locator(".l-waterfall-bars .l-strip-time")
    before = labels.all_text_contents()
    one.page.mouse.move(box["x"] + 250, box["y"] + 60)
    one.page.mouse.down()
    one.page.mouse.move(box["x"] + 350, box["y"] + 60)
    one.page.mouse.up()
    zoomed = labels.all_text_contents()
    one.page.locator(".l-waterfall").focus()
    one.page.keyboard.press("0")

    assert zoomed != before
    assert labels.all_text_contents() == before


def test_hostile_attachments_are_pictures_or_text(mount: Mount) -> None:
    """An SVG with a script is an image, an HTML page is its text; neither runs, and nothing is fetched."""
    one = mount(AttachmentsView(samples.station_listing()))
    asked: list[str] = []
    one.page.on("request", lambda request: asked.append(request.url))
    for card in one.root.get_by_role("option").all():
        card.click()
        one.pump()

    assert one.page.title() == ""
    assert [url for url in asked if not url.startswith("blob:")] == []
    assert (
        one.page.evaluate(
            "() => document.querySelectorAll('#view iframe, #view object, #view embed, #view script, #view svg script').length"
        )
        == 0
    )
    expect(one.root.get_by_text("<html><script>").first).to_be_visible()


def test_an_attachment_is_saved_from_the_page(mount: Mount) -> None:
    """`Save as` downloads the bytes under the label's name."""
    view = AttachmentsView(samples.station_listing())
    one = mount(view)
    one.root.get_by_role("option").first.click()
    one.pump()
    with one.page.expect_download() as download:
        one.root.get_by_role("button", name="Save as", exact=True).click()

    assert download.value.suggested_filename == "Hanoi_ ten days.png"
    assert download.value.path().read_bytes() == samples.charts()[1]


def test_hostile_text_stays_text_in_every_view(mount: Mount) -> None:
    """What models, tools and traces say is shown, never run: no foreign element appears."""
    everything = " ".join(samples.HOSTILE)
    command = samples.tool_command(everything, "c", **{"a": everything, everything: 1})
    graph = samples.graph_of([(1, None, everything), (2, 1, everything)], leaf=2)
    views = [
        StepperView(samples.RecordedSteppable([samples.entry(1, command)])),
        SessionGraphView(graph, title=everything, names={"q1": everything}),
        AttachmentsView(samples.MemoryListing((everything.encode(), everything))),
        TraceExplorerView(read_trace(hostile_trace(everything), name=everything), selection=4),
    ]
    for view in views:
        one = mount(view)
        one.pump()

        assert (
            one.page.evaluate(
                "() => document.querySelectorAll('#view script, #view img[src=x], #view [onerror], #view [onload]').length"
            )
            == 0
        )


@pytest.mark.parametrize(
    "word", ["W" * 3000, "漢字" * 300, "/" * 3000, "a\u0351" * 2000], ids=["word", "wide", "slashes", "marks"]
)
def test_very_long_words_stay_in_their_box(word: str, mount: Mount) -> None:
    """A name, id or title without a gap is cut, not a page that scrolls sideways: in views and in their static twins."""
    trace, journal = read_trace(hostile_trace(word), name=word), hostile_journal(word)
    graph = samples.graph_of([(1, None, word), (2, 1, word)], leaf=2)
    views: list[View] = [
        SessionGraphView(graph, title=word, names={"q1": word}),
        TraceTimelineView(trace),
        StepperView(samples.RecordedSteppable(journal)),
        AttachmentsView(samples.MemoryListing((word.encode(), word)), title=word),
        TraceExplorerView(trace, selection=4),
    ]
    over = "() => [...document.querySelectorAll('.box, #view')].map((box) => box.scrollWidth - box.clientWidth)"
    live = [mount(view).page.evaluate(over) for view in views]
    faces = [turn_html(hostile_turn(word)), effects_html(journal, title=word), trace_html(trace)]
    faces += [*map(envelope_html, journal), *map(static_html, views)]
    page = mount(views[0]).page
    page.set_content("".join(f'<div class="box" style="width:900px;overflow:auto">{face}</div>' for face in faces))

    assert (live, page.evaluate(over)) == ([[0]] * 5, [0] * len(faces))
