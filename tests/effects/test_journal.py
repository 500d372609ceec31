"""The journal: what it says of each effect, how much it keeps, and that it changes nothing."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lash_nb.clock import ManualClock
from lash_nb.effects import InlineEffectHost, JournalEffectHost, effect_status
from lash_nb.errors import RuntimeEffectControllerError
from lash_nb.wire import (
    CheckpointOutcome,
    CheckpointResult,
    EffectEntry,
    EffectErrorRecord,
    EffectStatus,
    ExecOutcome,
    ExecResponse,
    ExecResult,
    LlmCallError,
    LlmOutcome,
    LlmResult,
    LlmTerminalReason,
    ProcessOutcome,
    ProcessTransferOutcome,
    RetryNever,
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
    SleepOutcome,
    SurfaceOutcome,
    SurfaceResult,
    ToolCallOutput,
    ToolCancellation,
    ToolCancelled,
    ToolFailed,
    ToolFailure,
)
from tests.effects.material import SCOPE, Gate, World, called, model_call, said, settle, sleep, tool_call
from tests.work import lines_run

START = 1_800_000_000_000_000_000


def journal(keep: int = 20_000) -> tuple[JournalEffectHost, ManualClock]:
    """A journal around an inline host, on a clock that stands still."""
    clock = ManualClock(START)
    return JournalEffectHost(InlineEffectHost(), clock, keep=keep), clock


async def test_an_entry_tells_what_was_asked_what_it_gave_and_how_long_it_took() -> None:
    """A performed effect is one entry with its envelope, outcome, start and duration."""
    host, clock = journal()

    async def slow(_: RuntimeEffectEnvelope) -> RuntimeEffectOutcome:
        clock.advance(0.34)
        return said("hi")

    outcome = await host.scoped(SCOPE).execute_effect(model_call(), World(slow))

    assert list(host.entries) == [
        EffectEntry(
            order=1,
            envelope=model_call(),
            status="ok",
            started_at="2027-01-15T08:00:00+00:00",
            duration_ms=340.0,
            outcome=outcome,
        )
    ]


async def test_an_effect_in_flight_is_an_entry_already() -> None:
    """While an effect runs its entry says so, in the place that it keeps."""
    host, _ = journal()
    gate = Gate()
    controller = host.scoped(SCOPE)
    running = [asyncio.create_task(controller.execute_effect(call, gate)) for call in (tool_call("a"), tool_call("b"))]
    await settle()
    gate.open(tool_call("b"))
    await settle()

    assert [(entry.order, entry.status) for entry in host.entries] == [(1, "running"), (2, "ok")]
    gate.open(tool_call("a"))
    await asyncio.gather(*running)
    assert [entry.status for entry in host.entries] == ["ok", "ok"]


async def test_a_controller_error_is_kept_and_goes_on() -> None:
    """An effect that could not be performed has status `error` with code and message, and the caller sees the same error."""
    host, _ = journal()

    async def refuse(_: RuntimeEffectEnvelope) -> RuntimeEffectOutcome:
        raise RuntimeEffectControllerError("runtime_effect_local_executor_mismatch", "not here")

    with pytest.raises(RuntimeEffectControllerError, match="not here"):
        await host.scoped(SCOPE).execute_effect(model_call(), World(refuse))

    assert host.entries[0].status == "error"
    assert host.entries[0].error == EffectErrorRecord(code="runtime_effect_local_executor_mismatch", message="not here")


async def test_an_unforeseen_error_is_kept_under_its_own_name() -> None:
    """A bug in an executor leaves a trace in the journal too."""
    host, _ = journal()

    async def stumble(_: RuntimeEffectEnvelope) -> RuntimeEffectOutcome:
        raise ZeroDivisionError("oops")

    with pytest.raises(ZeroDivisionError):
        await host.scoped(SCOPE).execute_effect(model_call(), World(stumble))

    assert host.entries[0].error == EffectErrorRecord(code="ZeroDivisionError", message="oops")


async def test_a_cancelled_effect_is_cancelled_in_the_journal() -> None:
    """Cancelling the turn settles the entry, and the cancellation goes on."""
    host, _ = journal()
    task = asyncio.create_task(host.scoped(SCOPE).execute_effect(tool_call(), Gate()))
    await settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert host.entries[0].status == "cancelled"
    assert host.entries[0].outcome is None


@pytest.mark.parametrize(
    ("reason", "status"), [("provider_error", "failed"), ("context_overflow", "failed"), ("cancelled", "cancelled")]
)
def test_a_model_call_that_failed_is_not_ok(reason: LlmTerminalReason, status: EffectStatus) -> None:
    """An error inside the outcome of a model call counts."""
    error = LlmCallError(message="gone", retryable=False, terminal_reason=reason)

    assert effect_status(LlmOutcome(result=LlmResult(Err=error), text_streamed=False)) == status


FAILURE = ToolFailure(class_="execution", code="x", message="y", source="tool", retry=RetryNever())
CANCELLATION = ToolCancellation(message="stop", source="runtime")


def executed(error: str | None) -> ExecResult:
    """A code block that ran, and perhaps failed."""
    response = ExecResponse(
        observations=(),
        observation_truncation=(),
        tool_calls=(),
        images=(),
        printed_images=(),
        error=error,
        duration_ms=1,
    )
    return ExecResult(Ok=response)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (called(), "ok"),
        (called(output=ToolCallOutput(outcome=ToolFailed(payload=FAILURE))), "failed"),
        (called(output=ToolCallOutput(outcome=ToolCancelled(payload=CANCELLATION))), "cancelled"),
        (ExecOutcome(result=executed(None)), "ok"),
        (ExecOutcome(result=executed("NameError")), "failed"),
        (ExecOutcome(result=ExecResult(Err="no executor")), "failed"),
        (CheckpointOutcome(result=CheckpointResult(Err=EffectErrorRecord(code="a", message="b"))), "failed"),
        (SurfaceOutcome(result=SurfaceResult(Ok=None)), "ok"),
        (SurfaceOutcome(result=SurfaceResult(Err="no prompt")), "failed"),
        (ProcessOutcome(result=ProcessTransferOutcome()), "ok"),
        (SleepOutcome(), "ok"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_the_status_tells_how_an_effect_of_any_kind_ended(outcome: RuntimeEffectOutcome, status: EffectStatus) -> None:
    """Every kind has its own place for failures."""
    assert effect_status(outcome) == status


@given(count=st.integers(0, 40), keep=st.integers(1, 9))
def test_the_journal_keeps_the_newest_and_counts_the_rest(count: int, keep: int) -> None:
    """However many effects pass, the last `keep` are there, numbered on, and `dropped` tells of the others."""
    host, _ = journal(keep)

    async def perform() -> None:
        for number in range(1, count + 1):
            await host.scoped(SCOPE).execute_effect(sleep(number), World())

    asyncio.run(perform())
    expected = list(range(max(0, count - keep) + 1, count + 1))

    assert orders(host.entries) == expected
    assert [host.entries[place].order for place in range(-len(expected), len(expected))] == expected * 2
    assert orders(host.entries[1:3]) == expected[1:3]
    assert (host.dropped, host.next_order) == (count - len(expected), count + 1)
    with pytest.raises(IndexError, match=f"the journal has {len(expected)}"):
        host.entries[len(expected)]


async def test_the_repr_of_a_journal_is_short() -> None:
    """It tells how many effects there are, and how many of them ended badly or run."""
    host, _ = journal()
    assert repr(host.entries) == "<EffectEntries: 0 effects>"
    task = asyncio.create_task(host.scoped(SCOPE).execute_effect(tool_call(), gate := Gate()))
    await settle()
    assert repr(host.entries) == "<EffectEntries: 1 effect, 1 running>"
    await host.scoped(SCOPE).execute_effect(sleep(1), World())
    gate.open(tool_call())
    await task
    assert repr(host.entries) == "<EffectEntries: 2 effects>"


async def test_looking_again_costs_what_is_new() -> None:
    """What was shown is kept, and to tell how many effects there are none is made."""
    host, _ = journal()
    for number in range(100):
        await host.scoped(SCOPE).execute_effect(sleep(number), World())
    told = lines_run(lambda: repr(host.entries))
    first, second = (lines_run(lambda: list(host.entries)) for _ in range(2))
    await host.scoped(SCOPE).execute_effect(sleep(100), World())
    third = lines_run(lambda: list(host.entries))

    assert max(told, second, third) < first / 2
    assert (third - second) * 50 < first


def orders(entries: Sequence[EffectEntry]) -> list[int]:
    """The orders of entries, each of which must be settled."""
    assert {entry.status for entry in entries} <= {"ok"}
    return [entry.order for entry in entries]


async def test_an_effect_that_ends_after_it_was_dropped_is_forgotten() -> None:
    """A long effect whose entry is no longer kept disturbs no other entry."""
    host, _ = journal(keep=2)
    gate = Gate()
    task = asyncio.create_task(host.scoped(SCOPE).execute_effect(tool_call(), gate))
    await settle()
    for number in range(10, 19):
        await host.scoped(SCOPE).execute_effect(sleep(number), World())
    gate.open(tool_call())
    await task

    assert [entry.envelope for entry in host.entries] == [sleep(17), sleep(18)]


async def test_listeners_hear_of_the_start_and_the_end() -> None:
    """Each effect is two changes; what was taken off hears nothing."""
    host, _ = journal()
    seen: list[str] = []
    off = host.subscribe(lambda: seen.append(host.entries[-1].status))
    gate = Gate()
    task = asyncio.create_task(host.scoped(SCOPE).execute_effect(tool_call(), gate))
    await settle()
    assert seen == ["running"]
    gate.open(tool_call())
    await task
    await settle()
    off()
    await host.scoped(SCOPE).execute_effect(sleep(), World())
    await settle()

    assert seen == ["running", "ok"]
