"""The card of a turn: live and finished, as HTML without scripts and as text."""

from typing import Any

import msgspec
import pytest

from lash_nb.views import TurnDisplay, turn_html, turn_text
from lash_nb.views._turn_rows import TurnRows, shown_rows
from lash_nb.wire import TurnIssue, TurnOutcome
from tests.views import samples

OFFLINE = {
    "status": "failure",
    "payload": {
        "class": "external",
        "code": "station_offline",
        "message": "the station in Perth does not answer",
        "source": "tool",
        "retry": {"type": "never"},
    },
}
STOPPED = {"status": "cancelled", "payload": {"message": "cancelled by token", "source": "cancellation"}}
REQUEST = {"type": "model_request_started", "protocol_iteration": 0}


def ok(value: Any) -> dict[str, Any]:
    """A success."""
    return {"status": "success", "payload": value}


def prose(text: str) -> dict[str, Any]:
    """A piece of text."""
    return {"type": "assistant_prose_delta", "text": text}


MIXED = samples.activities(
    REQUEST,
    prose("Let me "),
    prose("look."),
    *samples.tool_events("call_02", "station_reading", {"station": "Lima"}, ok({"humidity": 52, "temp_c": 17.6})),
    *samples.tool_events("call_03", "station_reading", {"station": "Perth"}, OFFLINE, 41),
    REQUEST,
    {**prose("Lima is the warmest."), "call_id": "second text"},
)


def test_a_finished_turn_as_text() -> None:
    """Outcome, then what happened in its order, then the counters and the next command."""
    assert turn_text(samples.FinishedTurn(MIXED)).splitlines() == [
        "Completed, 1 tool failed  turn 3 · main · 694 ms",
        "Let me look.",
        '  station_reading(station="Lima") → humidity 52 · temp_c 17.6                              91 ms',
        '! station_reading(station="Perth") → station_offline: the station in Perth does not a…     41 ms',
        "Lima is the warmest.",
        "2 model calls  2 tool calls  1.4k in · 421 cached · 81 out · 16 reasoning  next: %lash effects",
    ]


def test_a_finished_turn_as_html_is_in_order_with_details() -> None:
    """Rows stand as they happened, a tool row opens to its arguments, result, effect, replay key and hash."""
    effects = samples.journal()
    html = turn_html(samples.FinishedTurn(MIXED), effects=effects)
    places = [
        html.index(text)
        for text in (
            "Completed, 1 tool failed",
            "Let me look.",
            "temp_c 17.6",
            "station_offline",
            "Lima is the warmest.",
            "2 model calls",
        )
    ]

    assert places == sorted(places)
    assert html.count("<details>") == 2
    assert effects[2].envelope.hash()[:8] in html
    assert "main:turn-02:2:0:tool_call:3" in html


def test_text_streams_into_one_row_with_a_caret() -> None:
    """Pieces of one text grow in place; the caret stands at the end while the turn runs, and goes with it."""
    display = TurnDisplay(session_id="main", turn_index=4, elapsed_ms=lambda: 632)
    seen = []
    for activity in samples.activities(REQUEST, prose("Hanoi stayed "), prose("within a band.")):
        display.apply(activity)
        seen.append(display.html())

    assert "Hanoi stayed <span>▌</span>" in seen[1]
    assert "Hanoi stayed within a band.<span>▌</span>" in seen[2]
    assert "Running" in seen[2]
    assert "model call 1" in seen[2]
    assert "632 ms" in seen[2]
    assert "Ctrl-C pauses before the next effect" in seen[2]
    display.finish(samples.FinishedTurn(MIXED))
    assert "▌" not in display.html()


def test_a_tool_row_is_completed_in_place() -> None:
    """The row that a start makes is the row that its end fills; text that comes between does not move it."""
    start, end = samples.tool_events("c", "draw_chart", {"title": "x"}, ok(1))
    display = TurnDisplay()
    for activity in samples.activities(start, prose("meanwhile"), end):
        display.apply(activity)

    assert [type(row).__name__ for row in display.rows.rows] == ["ToolRow", "ProseRow"]
    assert display.rows.running_tool is None


def test_the_first_interrupt_says_what_the_second_does() -> None:
    """While the effect in flight runs, the header names what another Ctrl-C would cancel."""
    display = TurnDisplay(session_id="main", turn_index=13)
    for activity in samples.activities(REQUEST, samples.tool_events("c", "station_reading", {}, ok(1))[0]):
        display.apply(activity)
    display.pause()

    assert display.state == "pausing"
    assert "Pausing after this effect" in display.html()
    assert "Ctrl-C again cancels station_reading" in display.html()
    assert display.text().startswith("Pausing after this effect")
    assert "Ctrl-C again cancels station_reading" in display.text()


def test_a_model_call_before_which_the_turn_pauses_is_not_counted() -> None:
    """It is announced before it is asked; one that was asked before the interrupt counts."""
    display = TurnDisplay(session_id="main", turn_index=13)
    first, started, ended, second = samples.activities(
        REQUEST, *samples.tool_events("c", "station_reading", {}, ok(1)), REQUEST
    )
    for activity in (first, started):
        display.apply(activity)
    display.pause()
    for activity in (ended, second):
        display.apply(activity)
    assert "1 model call " in display.text()
    display.cancel()
    assert "1 model call " in display.text()


def test_the_second_interrupt_says_what_the_third_does() -> None:
    """Something in the turn may not hear of the cancellation: the header says how to end it all the same."""
    display = TurnDisplay(session_id="main", turn_index=13)
    display.pause()
    display.cancel()

    assert display.state == "cancelling"
    assert "Ctrl-C again stops the turn at once; what it has not committed is lost" in display.html()
    assert display.text().startswith("Cancelling")
    assert "Ctrl-C again stops the turn at once; what it has not committed is lost" in display.text()


@pytest.mark.parametrize(
    ("outcome", "state", "words"),
    [
        (TurnOutcome.answered("x"), "completed", "Completed"),
        (TurnOutcome.stop("cancelled"), "cancelled", "Cancelled"),
        (TurnOutcome.stop("max_turns"), "failed", "Stopped at the turn limit"),
        (TurnOutcome.stop("provider_error"), "failed", "Failed, the model gave no answer"),
    ],
)
def test_each_end_has_its_words(outcome: TurnOutcome, state: str, words: str) -> None:
    """State and heading follow the outcome."""
    display = TurnDisplay()
    display.finish(samples.FinishedTurn(outcome=outcome))

    assert display.state == state
    assert f"<b>{words}</b>" in display.html()
    assert display.text().startswith(words)


def test_a_cancelled_turn_says_how_to_go_on() -> None:
    """The tool that was stopped is named as cancelled, and the next command stands on the card."""
    activities = samples.activities(
        prose("Watching."), *samples.tool_events("c", "station_reading", {"station": "Oslo"}, STOPPED, 0)
    )
    html = turn_html(samples.FinishedTurn(activities, outcome=TurnOutcome.stop("cancelled")))

    assert "cancelled by token" in html
    assert "Continue with <code>%%lash</code>" in html


def test_a_call_that_never_gave_anything_points_at_nothing() -> None:
    """It was under way when its turn was cancelled: neither face has an arrow with nothing behind it."""
    begun, _ = samples.tool_events("c", "slow", {"seconds": 20.0}, STOPPED)
    result = samples.FinishedTurn(samples.activities(begun), outcome=TurnOutcome.stop("cancelled"))

    assert turn_text(result).splitlines()[1].split("  ")[0] == "x slow(seconds=20.0)"
    assert "→" not in turn_html(result)


def test_issues_are_never_hidden() -> None:
    """What went wrong stands on the card with its code."""
    result = samples.FinishedTurn(
        outcome=TurnOutcome.stop("runtime_error"),
        errors=[TurnIssue(kind="runtime", code="missing_done", message="no end was seen")],
    )

    assert "missing_done" in turn_html(result)
    assert "! missing_done: no end was seen" in turn_text(result)


def test_a_long_issue_says_where_it_lies() -> None:
    """The reason is often the end of the message: it is wrapped, not cut, and no empty line of an answer stands above it."""
    message = (
        "LLM error: the request to http://127.0.0.1:11434/v1/chat/completions "
        + "failed, and then " * 6
        + "it was refused"
    )
    result = samples.FinishedTurn(
        outcome=TurnOutcome.stop("provider_error"),
        errors=[TurnIssue(kind="llm_provider", code="unreachable", message=message)],
        reply="",
    )

    assert "it was refused" in " ".join(turn_text(result).split("\n"))
    assert 'pre-wrap;"></div>' not in turn_html(result)


def test_an_issue_is_told_once() -> None:
    """An error that the turn told of while it ran, and that is one of its issues, has one line, the one with the code."""
    said = "LLM error: no reply is left"
    result = samples.FinishedTurn(
        samples.activities(REQUEST, {"type": "error", "message": said}),
        outcome=TurnOutcome.stop("provider_error"),
        errors=[TurnIssue(kind="llm_provider", message=said)],
    )

    assert turn_html(result).count(said) == 1
    assert turn_text(result).count(said) == 1


def test_a_tool_call_that_never_began_has_its_row() -> None:
    """A call of a tool that there is not announces nothing; it stands, failed, between what was called before and after it."""
    result = samples.FinishedTurn(MIXED)
    first, last = result.tool_calls
    unknown = msgspec.structs.replace(last, call_id="call_09", tool="no_such_tool")
    result.tool_calls = (first, unknown, last)

    lines = turn_text(result).splitlines()

    assert [line.split("(")[0] for line in lines[2:5]] == ["  station_reading", "! no_such_tool", "! station_reading"]
    result.tool_calls = (first, last, unknown)
    lines = turn_text(result).splitlines()
    assert [line.split("(")[0] for line in lines[3:6]] == [
        "! station_reading",
        "! no_such_tool",
        "Lima is the warmest.",
    ]
    assert "no_such_tool" in turn_html(result)


def test_many_tool_rows_fold_but_failures_do_not() -> None:
    """Of twenty calls one sees the first three, the failed one and the last two; the folds say how many."""
    events = [
        event
        for number in range(20)
        for event in samples.tool_events(
            f"c{number}", "station_reading", {"n": number}, OFFLINE if number == 9 else ok(number)
        )
    ]
    shown = shown_rows(TurnRows.of(samples.FinishedTurn(samples.activities(*events))).rows)
    html = turn_html(samples.FinishedTurn(samples.activities(*events)))

    assert [
        len(row) if isinstance(row, list) else row.args["n"]
        for row in shown
        if isinstance(row, list) or hasattr(row, "args")
    ] == [0, 1, 2, 6, 9, 8, 18, 19]
    assert "show 6 more" in html
    assert "show 8 more" in html


def looked(count: int, outcome: dict[str, Any], *, talking: bool) -> str:
    """The card of a turn of very many tool calls."""
    events = [
        event
        for number in range(count)
        for event in (
            *([{**prose("I look."), "call_id": f"text {number}"}] if talking else []),
            *samples.tool_events(f"c{number}", "station_reading", {"n": number}, outcome),
        )
    ]
    return turn_html(samples.FinishedTurn(samples.activities(*events)))


@pytest.mark.parametrize(
    ("outcome", "talking", "words"),
    [
        (ok(4), False, "945 tool calls not shown: result.tool_calls"),
        (OFFLINE, False, "940 rows not shown: result.activities, result.tool_calls"),
        (ok(4), True, "1,940 rows not shown: result.activities, result.tool_calls"),
    ],
    ids=["succeeded", "failed", "talked"],
)
def test_a_turn_of_very_many_calls_is_cut_aloud(outcome: dict[str, Any], talking: bool, words: str) -> None:
    """A thousand calls take as much of a notebook as a hundred, and the card says how many it leaves out and where they are."""
    html = looked(1_000, outcome, talking=talking)

    assert words in html
    assert len(html) < 300_000
    assert len(html) < 1.3 * len(looked(100, outcome, talking=talking))


def test_a_card_keeps_little_of_large_results() -> None:
    """What lies below a row says how much there is, and where."""
    events = [
        event
        for number in range(6)
        for event in samples.tool_events(f"c{number}", "read_file", {}, ok({"lines": ["x" * 40] * 9_000}))
    ]
    html = turn_html(samples.FinishedTurn(samples.activities(*events)))

    assert len(html) < 300_000
    assert html.count("first 4.0 kB, indented, of 387.0 kB; all of it: result.tool_calls") == 6


def test_what_was_said_to_the_running_turn_stands_where_it_came_in() -> None:
    """It is in no history, so the card is where a person sees why the answer changed."""
    said = {"id": "i", "message": {"role": "User", "content": "Use metric <units>."}}
    activities = samples.activities(
        prose("A first try."),
        {"type": "queued_input_accepted", "checkpoint": "after_work", "inputs": [said]},
        prose("Four degrees."),
    )
    html, plain = turn_html(samples.FinishedTurn(activities)), turn_text(samples.FinishedTurn(activities))

    assert "said meanwhile: Use metric &lt;units&gt;." in html
    assert "said meanwhile: Use metric <units>." in plain
    for face in (html, plain):
        assert face.index("A first try.") < face.index("said meanwhile") < face.index("Four degrees.")


def test_retries_and_errors_have_their_own_rows() -> None:
    """A model call that is tried again, and an error, are told where they happened."""
    retry = {"type": "retry_status", "wait_seconds": 2, "attempt": 1, "max_attempts": 3, "reason": "529"}
    text = turn_text(samples.FinishedTurn(samples.activities(REQUEST, retry, {"type": "error", "message": "gave up"})))

    assert "  attempt 1 of 3 failed: 529; next one after 2 s" in text
    assert "! gave up" in text


def test_a_tool_that_took_no_whole_millisecond_took_some_time() -> None:
    """Calls are recorded in whole milliseconds, so that none of them means less than one."""
    done = samples.activities(
        *samples.tool_events("c1", "quick", {}, {"status": "success", "payload": 1}, duration_ms=0)
    )
    turn = samples.FinishedTurn(done)

    assert "&lt; 1 ms" in turn_html(turn)
    assert "< 1 ms" in turn_text(turn)
    assert "0 ms" not in turn_html(turn) + turn_text(turn)
