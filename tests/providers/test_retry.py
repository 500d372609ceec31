"""Calls that are tried again, and calls that wait for their place."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from lash_nb.clock import CancellationToken, ManualClock, SystemClock
from lash_nb.errors import LlmTransportError
from lash_nb.providers import (
    DeltaEvent,
    LlmStreamEvent,
    ProviderHandle,
    ProviderOptions,
    RetryStatusStream,
    ScriptedProvider,
    StreamSink,
    UnconfiguredProvider,
    reply,
)
from lash_nb.wire import LlmMessage, LlmRequest, LlmResponse, TurnOutcome, from_builtins
from tests.runtime.desk import builder, messages_of, texts

REQUEST = LlmRequest(model="m", messages=(), attachments=(), tools=(), tool_choice="None")


def options(**reliability: Any) -> ProviderOptions:
    """Options with these settings of reliability."""
    return ProviderOptions.model_validate({"reliability": reliability})


def busy(**facts: Any) -> LlmTransportError:
    """A failure that may pass."""
    return LlmTransportError("busy", **{"status": 503, **facts})


def seconds(clock: ManualClock) -> float:
    """How long the clock went."""
    return clock.monotonic_ns() / 1e9


async def test_what_may_pass_is_tried_again() -> None:
    """By default after two and four seconds; whoever listens is told before each wait."""
    clock, told = ManualClock(), list[LlmStreamEvent]()
    provider = ScriptedProvider([busy(), busy(), "Hello."])

    assert await ProviderHandle(provider).complete(REQUEST, told.append, clock=clock) == reply("Hello.")
    assert (len(provider.requests), seconds(clock)) == (3, 6)
    assert told[:2] == [
        RetryStatusStream(wait_seconds=2, attempt=1, max_attempts=4, reason="busy"),
        RetryStatusStream(wait_seconds=4, attempt=2, max_attempts=4, reason="busy"),
    ]


async def test_the_last_failure_is_the_one_that_counts() -> None:
    """When attempts are used up it says that it might have passed."""
    clock, provider = ManualClock(), ScriptedProvider([busy(), LlmTransportError("gone", kind="transport")])

    with pytest.raises(LlmTransportError, match="gone"):
        await ProviderHandle(ScriptedProvider([busy()] * 3 + [LlmTransportError("gone", kind="transport")])).complete(
            REQUEST, clock=clock
        )

    assert seconds(clock) == 2 + 4 + 8
    assert len(provider.requests) == 0


@pytest.mark.parametrize(
    ("error", "retry"),
    [
        (LlmTransportError("no", status=400), {}),
        (LlmTransportError("quota used up", status=429), {}),
        (LlmTransportError("who knows"), {}),
        (busy(), {"enabled": False}),
        (busy(), {"max_attempts": 1}),
    ],
)
async def test_what_will_not_pass_is_told_at_once(error: LlmTransportError, retry: dict[str, Any]) -> None:
    """Nor is anything tried again that is not to be."""
    clock, told = ManualClock(), list[LlmStreamEvent]()
    provider = ScriptedProvider([error, "Never."], options=options(retry=retry))

    with pytest.raises(LlmTransportError, match=error.message):
        await ProviderHandle(provider).complete(REQUEST, told.append, clock=clock)

    assert (len(provider.requests), seconds(clock), told) == (1, 0, [])


@pytest.mark.parametrize(
    ("retry", "error", "waited"),
    [
        ({"base_delay_ms": 100, "max_delay_ms": 150, "max_attempts": 4}, busy(), 0.1 + 0.15 + 0.15),
        ({"retry_after_cap_ms": 500, "max_attempts": 2}, busy(retry_after_ms=300), 0.3),
        ({"retry_after_cap_ms": 500, "max_attempts": 2}, busy(retry_after_ms=30_000), 0.5),
        ({"retry_after_cap_ms": None, "max_attempts": 2}, busy(retry_after_ms=300_000), 300),
        ({"max_attempts": 2}, busy(retry_after_ms=0), 0),
        ({"base_delay_ms": 1, "max_delay_ms": 5, "max_attempts": 200}, busy(), 0.001 + 0.002 + 0.004 + 196 * 0.005),
    ],
)
async def test_the_wait_has_a_cap(retry: dict[str, Any], error: LlmTransportError, waited: float) -> None:
    """A provider's own wish comes first, up to a cap of its own."""
    clock = ManualClock()
    provider = ScriptedProvider(lambda _: error, options=options(retry=retry))

    with pytest.raises(LlmTransportError):
        await ProviderHandle(provider).complete(REQUEST, clock=clock)

    assert seconds(clock) == pytest.approx(waited)


async def test_jitter_lengthens_a_wait() -> None:
    """By no more than was allowed."""
    clock = ManualClock()
    retry = {"base_delay_ms": 100, "jitter_ms": 50, "max_attempts": 2}

    await ProviderHandle(ScriptedProvider([busy(), "ok"], options=options(retry=retry))).complete(REQUEST, clock=clock)

    assert 0.1 <= seconds(clock) <= 0.15


@pytest.mark.parametrize("error", [TimeoutError("slow"), ConnectionResetError("reset")])
async def test_a_lost_connection_may_come_back(error: Exception) -> None:
    """What Python itself raises when the world is not there is tried again."""
    provider = ScriptedProvider([error, "Hello."])

    assert await ProviderHandle(provider).complete(REQUEST, clock=ManualClock()) == reply("Hello.")


class Counting(UnconfiguredProvider):
    """A provider that counts how many calls it has at once."""

    def __init__(self, settings: ProviderOptions) -> None:
        self.options = settings  # type: ignore[misc]  # of this provider alone
        self.running = 0
        self.most = 0

    async def complete(self, request: LlmRequest, stream: StreamSink | None = None) -> LlmResponse:  # type: ignore[override]  # it does answer
        """Answer after letting others come."""
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        return reply(f"{request.model} {stream is None}")


async def test_no_more_calls_at_once_than_allowed() -> None:
    """The others wait; a call that waits to be tried again holds no place."""
    provider = Counting(options(rate_limits={"max_concurrency": 2}))
    handle = ProviderHandle(provider)

    await asyncio.gather(*(handle.complete(REQUEST) for _ in range(7)))

    assert provider.most == 2


async def test_no_more_calls_in_a_window_than_allowed() -> None:
    """Five calls, two per ten seconds: the fifth begins after twenty."""
    clock = ManualClock()
    handle = ProviderHandle(Counting(options(rate_limits={"requests_per_window": 2, "request_window_ms": 10_000})))

    for _ in range(5):
        await handle.complete(REQUEST, clock=clock)

    assert seconds(clock) == 20


async def test_no_more_tokens_in_a_window_than_allowed() -> None:
    """Four characters count as a token; what is too much for any window waits for an empty one."""
    clock = ManualClock()
    handle = ProviderHandle(Counting(options(rate_limits={"tokens_per_window": 300})))
    message = from_builtins(
        {"role": "User", "blocks": [{"Text": {"text": "x" * 800, "cache_breakpoint": False}}]}, LlmMessage
    )
    request = LlmRequest(model="m", messages=(message,), attachments=(), tools=(), tool_choice="None")
    huge = LlmRequest(model="m", messages=(message,) * 9, attachments=(), tools=(), tool_choice="None")

    for asked, at in ((request, 0), (request, 60), (huge, 120), (request, 180)):
        await handle.complete(asked, clock=clock)
        assert seconds(clock) == at


def turns_of(replies: Callable[[LlmRequest], Any] | list[Any], **retry: Any) -> Any:
    """A core over a provider with these retry options."""
    provider = ScriptedProvider(replies, options=options(retry=retry))
    return builder([]).provider(provider).build()


async def test_a_turn_shows_the_wait_and_goes_on() -> None:
    """The session tells of the retry, and the turn ends well."""
    core = turns_of([busy(), "Hello."], base_delay_ms=3_000)
    session = await core.session("demo").open()
    seen = [one.event async for one in session.turn("hi").stream()]

    told = [(one.attempt, one.wait_seconds) for one in seen if type(one).__name__ == "RetryStatus"]
    assert told == [(1, 3)]
    assert texts(messages_of(session.graph)) == ["hi", "Hello."]


class CutOff(UnconfiguredProvider):
    """A provider whose first answer breaks off in the middle."""

    def __init__(self) -> None:
        self.calls = 0

    async def complete(self, request: LlmRequest, stream: StreamSink | None = None) -> LlmResponse:  # type: ignore[override]  # it does answer
        """Break off once; say the second answer without streaming it."""
        self.calls += 1
        if self.calls == 1 and stream is not None:
            stream(DeltaEvent("Half "))
            raise busy()
        return reply(f"Whole for {request.model}.")


async def test_what_a_failed_attempt_said_is_no_part_of_the_answer() -> None:
    """The history has the second answer alone."""
    session = await builder([]).provider(CutOff()).build().session("demo").open()

    result = await session.turn("hi").run()

    assert result.assistant_output.raw_text == "Whole for scripted-model."
    assert texts(messages_of(session.graph)) == ["hi", "Whole for scripted-model."]


async def test_a_cancel_ends_the_wait() -> None:
    """Nobody sits out a long wait."""
    token = CancellationToken()

    def answer(_request: LlmRequest) -> Exception:
        asyncio.get_running_loop().call_later(0.01, token.cancel)
        return busy()

    provider = ScriptedProvider(answer, options=options(retry={"base_delay_ms": 10_000}))
    session = await builder([], clock=SystemClock()).provider(provider).build().session("demo").open()
    result = await asyncio.wait_for(session.turn("hi").cancel(token).run(), 5)

    assert result.outcome == TurnOutcome.stop("cancelled")
