"""The two streams of a turn."""

import asyncio
import gc
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from lash_nb.clock import CancellationToken, CountingIds
from lash_nb.runtime._assembler import TurnAssembler
from lash_nb.runtime._turn_stream import TurnStreamHub
from lash_nb.runtime._writer import Writer
from lash_nb.wire import (
    DoneEvent,
    ErrorEvent,
    LlmRequestEvent,
    RetryStatusEvent,
    SessionEvent,
    SubmittedValueFinish,
    TextDeltaEvent,
    TokenUsage,
    TokenUsageEvent,
    ToolValueFinish,
    TurnActivity,
    TurnFinish,
    TurnOutcome,
    TurnOutcomeEvent,
)

USAGE = TokenUsage(input_tokens=1, output_tokens=1, cached_input_tokens=0)


class Ears:
    """Hears both streams, in one list."""

    def __init__(self) -> None:
        self.heard: list[TurnActivity | SessionEvent] = []

    def hub(self, *sinks: Callable[[Any], Any]) -> TurnStreamHub:
        """A hub that these ears listen to, after the given sinks."""
        heard = (*sinks, self.heard.append)
        return TurnStreamHub(CountingIds(), TurnAssembler(), Writer(), activities=heard, events=heard)

    @property
    def kinds(self) -> list[str]:
        """What was heard, by type."""
        return [
            type(item.event).__name__ if isinstance(item, TurnActivity) else type(item).__name__ for item in self.heard
        ]


@pytest.mark.parametrize(
    ("event", "activity"),
    [
        (TokenUsageEvent(protocol_iteration=0, usage=USAGE, cumulative=USAGE), "UsageActivity"),
        (LlmRequestEvent(protocol_iteration=0, message_count=1, tool_list=""), "ModelRequestStarted"),
        (RetryStatusEvent(wait_seconds=1, attempt=1, max_attempts=2, reason="r"), "RetryStatus"),
        (ErrorEvent(message="m"), "ErrorActivity"),
        (
            TurnOutcomeEvent(
                outcome=TurnOutcome(finished=TurnFinish(submitted_value=SubmittedValueFinish(value={"a": 1})))
            ),
            "SubmittedValue",
        ),
        (
            TurnOutcomeEvent(
                outcome=TurnOutcome(finished=TurnFinish(tool_value=ToolValueFinish(tool_name="t", value="v")))
            ),
            "ToolValueSubmitted",
        ),
    ],
)
def test_an_events_activity_goes_out_just_before_it(event: SessionEvent, activity: str) -> None:
    """Events that have a counterpart are heard as activity, then as event."""
    ears = Ears()
    ears.hub().emit(event)
    assert ears.kinds == [activity, type(event).__name__]


@pytest.mark.parametrize(
    "event", [DoneEvent(), TextDeltaEvent(content="x"), TurnOutcomeEvent(outcome=TurnOutcome.answered("x"))]
)
def test_other_events_have_no_activity(event: SessionEvent) -> None:
    """They are heard as events alone."""
    ears = Ears()
    ears.hub().emit(event)
    assert ears.kinds == [type(event).__name__]


async def test_a_listener_that_raises_does_not_stop_the_turn() -> None:
    """The others hear everything; the failure is reported where the loop reports such things."""

    def broken(_: object) -> None:
        raise ZeroDivisionError

    reports: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, report: reports.append(report))
    ears = Ears()
    ears.hub(broken).emit(ErrorEvent(message="m"))
    assert ears.kinds == ["ErrorActivity", "ErrorEvent"]
    assert [type(report["exception"]) for report in reports] == [ZeroDivisionError] * 2


async def test_a_listener_that_is_broken_off_before_it_began_leaves_nothing() -> None:
    """Python does not complain of a coroutine that nobody awaited, and whoever waits is not cancelled with it."""

    async def late(_: object) -> None:
        raise AssertionError

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        hub = Ears().hub(late)
        hub.emit(ErrorEvent(message="m"))
        hub.break_off()
        await hub.settled(CancellationToken())
        del hub
        gc.collect()
    assert told == []
