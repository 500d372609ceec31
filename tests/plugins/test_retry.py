"""When a tool call is tried again."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from lash_nb.clock import CancellationToken, ManualClock, SystemClock
from lash_nb.errors import RuntimeEffectControllerError
from lash_nb.plugins import (
    PLUGINS_SOURCE,
    ToolCall,
    ToolContext,
    ToolDispatcher,
    ToolRegistry,
    ToolSurface,
    tool,
    tool_failure,
    tool_ok,
)
from lash_nb.providers import call
from lash_nb.wire import (
    CompletedToolCall,
    EffectSubject,
    PreparedToolCall,
    RetryExhausted,
    RetryNever,
    RetrySafe,
    SafeRetryPolicy,
    SleepCommand,
    ToolCallOutput,
    ToolFailed,
)
from tests.plugins.offered import Offered, definition
from tests.runtime.desk import open_session

CALL = PreparedToolCall(call_id="c1", tool_name="weather", args={})


class Flaky(Offered):
    """A tool that answers in order, the last answer for ever."""

    def __init__(self, policy: dict[str, Any], *answers: ToolCallOutput | BaseException) -> None:
        super().__init__(definition("weather", retry_policy=policy), answer=self._answer)
        self._answers: Iterator[ToolCallOutput | BaseException] = iter(answers)
        self._last: ToolCallOutput | BaseException = answers[-1]

    def _answer(self, _call: ToolCall) -> ToolCallOutput:
        given = next(self._answers, self._last)
        if isinstance(given, BaseException):
            raise given
        return given


def policy(kind: str, attempts: int = 3, base: int = 10, cap: int = 0) -> dict[str, Any]:
    """A retry policy in its wire form."""
    return {"type": kind, "max_attempts": attempts, "base_delay_ms": base, "max_delay_ms": cap}


def slow(after_ms: int | None = None) -> ToolCallOutput:
    """A failure that may be tried again."""
    return tool_failure("timeout", "slow", "too slow", source="tool", retry=RetrySafe(after_ms=after_ms))


async def run(
    provider: Offered, prepared: PreparedToolCall = CALL, **about: Any
) -> tuple[CompletedToolCall, list[int]]:
    """A call after all its attempts, and the milliseconds that were waited in between."""
    registry = ToolRegistry()
    registry.upsert_source(PLUGINS_SOURCE, [provider])
    waits: list[int] = []

    async def sleep(_call: PreparedToolCall, _attempt: int, delay_ms: int) -> None:
        waits.append(delay_ms)

    by = ToolDispatcher(ToolSurface(registry), registry, clock=ManualClock())
    context = ToolContext.of_call(prepared, session_id="s", agent_frame_id="f", cancellation=about.get("cancel"))
    return await by.execute(prepared, context, about.get("sleep", sleep)), waits


def retry_of(done: CompletedToolCall) -> object:
    """What the failure says about trying again."""
    assert isinstance(done.output.outcome, ToolFailed)
    return done.output.outcome.payload.retry


async def test_a_safe_failure_is_repeated_until_it_succeeds() -> None:
    """The wait doubles, and every attempt knows its number."""
    provider = Flaky(policy("safe"), slow(), slow(), tool_ok(1))

    done, waits = await run(provider)

    assert (done.output, waits) == (tool_ok(1), [10, 20])
    told = [(one.context.attempt_number, one.context.max_attempts) for one in provider.calls]
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert len({one.context.replay_key for one in provider.calls}) == 1


async def test_the_last_attempt_says_that_it_was_one() -> None:
    """When attempts are used up the failure tells how many there were."""
    done, waits = await run(Flaky(policy("idempotent", 2), slow()))

    assert (retry_of(done), waits) == (RetryExhausted(attempts=2), [10])


@pytest.mark.parametrize(
    ("given", "output", "attempts"),
    [
        ({"type": "never"}, slow(), 1),
        (policy("safe"), tool_failure("timeout", "slow", "too slow"), 1),
        (policy("safe", 0), slow(), 1),
        (policy("safe"), tool_ok(1), 1),
    ],
)
async def test_what_may_not_be_repeated_runs_once(given: dict[str, Any], output: ToolCallOutput, attempts: int) -> None:
    """A tool without a policy, a failure that is not safe to repeat, a success."""
    provider = Flaky(given, output)

    _, waits = await run(provider)

    assert (len(provider.calls), waits) == (attempts, [])


async def test_an_idempotent_tool_without_a_call_id_runs_once() -> None:
    """Nobody could recognize the repetition; the failure stays as it is."""
    provider = Flaky(policy("idempotent"), slow())

    done, _ = await run(provider, PreparedToolCall(call_id="", tool_name="weather", args={}))

    assert (len(provider.calls), retry_of(done)) == (1, RetrySafe())


@pytest.mark.parametrize(
    ("given", "after_ms", "waits"),
    [
        (policy("safe", 5, 10, 25), None, [10, 20, 25, 25]),
        (policy("safe", 2, 10, 25), 7, [7]),
        (policy("safe", 2, 10, 25), 70, [25]),
        (policy("safe", 2, 10, 0), 70, [70]),
        (policy("safe", 3, 0, 25), None, []),
        (policy("safe", 2, 2**63, 0), None, [2**63]),
    ],
)
async def test_the_wait_is_what_is_asked_for_up_to_a_cap(
    given: dict[str, Any], after_ms: int | None, waits: list[int]
) -> None:
    """A failure may ask for its own wait; no wait of 0 ms is waited."""
    assert (await run(Flaky(given, slow(after_ms))))[1] == waits


async def test_a_wait_never_leaves_its_64_bits() -> None:
    """However often it doubles."""
    waits = (await run(Flaky(policy("safe", 70, 2**60, 0), slow())))[1]

    assert waits[-1] == 2**64 - 1


@pytest.mark.parametrize(
    ("error", "retry"),
    [
        (TimeoutError(), RetryExhausted(attempts=3)),
        (ConnectionResetError(), RetryExhausted(attempts=3)),
        (ValueError(), RetryNever()),
    ],
)
async def test_a_world_that_was_not_there_is_tried_again(error: Exception, retry: object) -> None:
    """Timeouts and lost connections pass; any other exception is a fault of the call."""
    assert retry_of((await run(Flaky(policy("safe"), error)))[0]) == retry


async def test_a_wait_that_fails_ends_the_call() -> None:
    """A host that cannot wait leaves a failure that says so."""

    async def refused(_call: PreparedToolCall, _attempt: int, _delay_ms: int) -> None:
        raise RuntimeEffectControllerError("runtime_effect_sleep_cancelled", "the turn was cancelled")

    done, _ = await run(Flaky(policy("safe"), slow()), sleep=refused)

    assert isinstance(done.output.outcome, ToolFailed)
    failure = done.output.outcome.payload
    assert (failure.class_, failure.code) == ("internal", "tool_retry_sleep_failed")
    assert failure.message == (
        "retry sleep for tool `weather` failed after attempt 1: runtime_effect_sleep_cancelled: the turn was cancelled"
    )


async def test_a_cancelled_call_is_not_tried_again() -> None:
    """Nobody waits for it any more."""
    token = CancellationToken()
    token.cancel()
    provider = Flaky(policy("safe"), slow())

    await run(provider, cancel=token)

    assert len(provider.calls) == 1


async def test_without_a_host_it_waits_on_the_clock() -> None:
    """The whole way is in the call's duration."""
    registry = ToolRegistry()
    registry.upsert_source(PLUGINS_SOURCE, [Flaky(policy("safe"), slow(), slow(), tool_ok(1))])
    by = ToolDispatcher(ToolSurface(registry), registry, clock=ManualClock())

    done = await by.execute(CALL, ToolContext.of_call(CALL, session_id="s", agent_frame_id="f"))

    assert done.duration_ms == 30


def flaky_tool(failures: int) -> Any:
    """A function that times out a few times."""
    left = [failures]

    @tool(retry_policy=SafeRetryPolicy(max_attempts=3, base_delay_ms=5, max_delay_ms=0))
    async def fetch(page: int) -> int:
        """Fetch a page."""
        if left[0]:
            left[0] -= 1
            raise TimeoutError
        return page

    return fetch


def sleeps(session: Any) -> list[tuple[str, int]]:
    """The sleep effects of a session, by id and length."""
    found = []
    for entry in session.effects:
        if isinstance(entry.envelope.command, SleepCommand):
            subject = entry.envelope.invocation.subject
            assert isinstance(subject, EffectSubject)
            found.append((subject.effect_id, entry.envelope.command.duration_ms))
    return found


async def test_waits_are_effects_of_the_turn() -> None:
    """A host sees them, below the call that failed."""
    session = await open_session([call("fetch", {"page": 7}, id="c1"), "Done."], flaky_tool(2))

    assert (await session.turn("go").run()).is_success
    assert sleeps(session) == [("3:c1:fetch:attempt:1:sleep", 5), ("3:c1:fetch:attempt:2:sleep", 10)]


async def test_the_waits_of_two_calls_of_one_batch_are_two() -> None:
    """They carry the ids of the calls, so that no host takes one for the other."""
    asked = {"tool_calls": [{"tool": "fetch", "parameters": {"page": page}} for page in (1, 2)]}
    session = await open_session([call("batch", asked, id="b"), "Done."], flaky_tool(2))

    assert (await session.turn("go").run()).is_success
    assert sleeps(session) == [("3:b:b:00:fetch:attempt:1:sleep", 5), ("3:b:b:01:fetch:attempt:1:sleep", 5)]


async def test_a_cancel_ends_a_wait() -> None:
    """The turn does not sit out a long wait."""
    token = CancellationToken()

    @tool(retry_policy=SafeRetryPolicy(max_attempts=2, base_delay_ms=60_000, max_delay_ms=0))
    async def fetch() -> int:
        """Fetch."""
        asyncio.get_running_loop().call_soon(token.cancel)
        raise TimeoutError

    session = await open_session([call("fetch", {}, id="c1"), "Done."], fetch, clock=SystemClock())
    result = await asyncio.wait_for(session.turn("go").cancel(token).run(), 5)

    outcome = result.tool_calls[0].output.outcome
    assert isinstance(outcome, ToolFailed)
    assert outcome.payload.code == "tool_retry_sleep_failed"
