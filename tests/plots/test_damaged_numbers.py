"""Numbers that cannot be: a plot leaves them out and draws the rest."""

from typing import Any

from lash_nb.plots import first_token_ms, latency, timeline
from lash_nb.trace import read_trace
from tests.trace.lines import llm_end, llm_start, record


def test_a_first_token_after_all_time_is_not_drawn() -> None:
    """A latency that no float holds, or that lies before the call, is no place in a picture."""
    bodies: list[dict[str, Any]] = [
        llm_end(1, "x", stream_summary={"first_visible_token_latency_ms": value}) for value in (12, -1, 10**400, "soon")
    ]

    assert [first_token_ms(body) for body in bodies] == [12, None, None, None]


def test_a_turn_that_ends_before_it_begins_has_its_words_in_the_picture() -> None:
    """What went wrong is written where the turn begins; a place far outside cannot be drawn at all."""
    began = record(2, "turn_started")
    ended = {
        **record(1, "turn_completed", status="failed", done_reason="max_turns"),
        "timestamp": "1970-01-01T00:00:00+00:00",
    }
    other = record(3, "turn_started", turn=2)

    for bodies in ([began, ended], [began, ended, other]):
        ax = timeline(read_trace(bodies))
        ax.figure.canvas.draw()
        assert [text.get_position()[0] for text in ax.texts if "max_turns" in text.get_text()] == [0.0]


def test_two_calls_of_no_time_and_of_much() -> None:
    """A call of no time has no place on an axis of magnitudes: the axis is an even one."""
    bodies = [
        body
        for number, took in enumerate((0, 10**9))
        for body in (
            llm_start(number, f"c{number}"),
            llm_end(number, f"c{number}", response={"text": "", "duration_ms": took}),
        )
    ]

    assert latency(read_trace(bodies)).get_xscale() == "linear"
