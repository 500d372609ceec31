"""Stream hooks change what is seen of an answer while it comes, and may end it; nothing of the call goes on behind them."""

import asyncio
from collections.abc import Sequence
from typing import Any

from lash_nb.clock import CancellationToken
from lash_nb.core import LashSession
from lash_nb.errors import LlmTransportError
from lash_nb.plugins import AssistantStreamHookContext, AssistantStreamTransform, StaticPlugin
from lash_nb.providers import (
    DeltaEvent,
    LlmStreamEvent,
    ProviderOptions,
    ReasoningDeltaStream,
    StreamSink,
    UsageEvent,
    reply,
)
from lash_nb.wire import (
    AssistantProseDelta,
    LlmOutcome,
    LlmRequest,
    LlmResponse,
    LlmUsage,
    ReasoningDelta,
    TurnActivity,
)
from tests.runtime.desk import builder, settle

USAGE = LlmUsage(input_tokens=4, output_tokens=2, cached_input_tokens=0, reasoning_tokens=0)


class Streaming:
    """A provider that streams these events, then hangs, fails or answers.

    Attributes:
        stopped: How many calls were ended from outside.
    """

    kind = "streaming"
    options = ProviderOptions()
    requires_streaming = True

    def __init__(self, *events: LlmStreamEvent, end: LlmResponse | Exception | None = None) -> None:
        self._events = events
        self._end = end
        self.stopped = 0

    def supports_variant(self, model: str, variant: str) -> bool:  # noqa: ARG002 - it has none
        """None."""
        return False

    async def complete(self, request: LlmRequest, stream: StreamSink | None = None) -> LlmResponse:  # noqa: ARG002 - always the same
        """Stream, then end."""
        try:
            for event in self._events:
                assert stream is not None
                stream(event)
                await asyncio.sleep(0)
            if self._end is None:
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        if isinstance(self._end, LlmResponse):
            return self._end
        raise self._end or AssertionError


async def _session(provider: Any, hook: Any) -> LashSession:
    plugin = StaticPlugin("helper", lambda plugins: plugins.assistant_stream(hook))
    return await builder([]).provider(provider).plugin(plugin).build().session("demo").open()


def _until_stop(context: AssistantStreamHookContext) -> AssistantStreamTransform:
    return AssistantStreamTransform(chunk=context.chunk, abort_stream="stop" in context.chunk)


def _seen(activities: Sequence[TurnActivity], kind: type[AssistantProseDelta | ReasoningDelta]) -> list[str]:
    return [item.event.text for item in activities if isinstance(item.event, kind)]


def test_hook_masks_text() -> None:
    """What a hook makes of a piece is what is seen and kept; a hook may wait."""

    async def mask(context: AssistantStreamHookContext) -> AssistantStreamTransform:
        await asyncio.sleep(0)
        shown = context.chunk.replace("secret", "***")
        return AssistantStreamTransform(chunk=shown, reasoning_deltas=("hm",) if shown != context.chunk else ())

    async def run() -> None:
        provider = Streaming(DeltaEvent("a secret "), DeltaEvent("word"), end=reply("a secret word"))
        result = await (await _session(provider, mask)).turn("Hi.")
        assert _seen(result.activities, AssistantProseDelta) == ["a *** ", "word"]
        assert _seen(result.activities, ReasoningDelta) == ["hm"]
        assert result.reply == "a *** word"

    asyncio.run(run())


def test_hook_ends_the_call() -> None:
    """What was said so far is the answer, with the usage that came in time; the provider's call is ended."""

    async def run() -> None:
        provider = Streaming(DeltaEvent("keep "), DeltaEvent("stop"), UsageEvent(USAGE))
        result = await (await _session(provider, _until_stop)).turn("Hi.")
        assert (result.reply, result.usage.input_tokens, provider.stopped) == ("keep stop", 4, 1)

    asyncio.run(run())


def test_trailing_usage_is_waited_for_two_seconds() -> None:
    """A provider that says nothing more is left after two seconds."""

    async def run() -> None:
        provider = Streaming(DeltaEvent("stop"))
        result = await (await _session(provider, _until_stop)).turn("Hi.")
        assert (result.reply, result.duration_ms, provider.stopped) == ("stop", 2000, 1)

    asyncio.run(run())


def test_failure_of_the_provider_comes_through() -> None:
    """A call that fails while hooks listen fails as it does without them; the session takes the next turn."""

    async def run() -> None:
        provider = Streaming(DeltaEvent("a"), end=LlmTransportError("gone", kind="transport", code="gone"))
        session = await _session(provider, _until_stop)
        result = await session.turn("Hi.")
        assert [issue.code for issue in result.errors] == ["gone"]
        assert (await session.turn("Again.").provider(Streaming(end=reply("Hello.")))).reply == "Hello."

    asyncio.run(run())


def test_cancel_while_a_hook_waits() -> None:
    """A hook that never ends does not hold up a cancelled turn; the provider's call is ended with it."""

    async def hang(_: AssistantStreamHookContext) -> AssistantStreamTransform:
        await asyncio.Event().wait()
        raise AssertionError

    async def run() -> None:
        provider, token = Streaming(DeltaEvent("a")), CancellationToken()
        running = asyncio.ensure_future((await _session(provider, hang)).turn("Hi.").cancel(token).run())
        await settle()
        token.cancel()
        result = await running
        assert result.outcome.reason == "cancelled"
        assert provider.stopped == 1

    asyncio.run(run())


def test_hook_that_fails_ends_the_call() -> None:
    """The call of a provider is ended when a hook fails in the middle of its stream."""

    async def run() -> None:
        provider = Streaming(DeltaEvent("a"))
        result = await (await _session(provider, lambda _: 1)).turn("Hi.")
        assert [issue.code for issue in result.errors] == ["plugin_assistant_stream"]
        assert provider.stopped == 1

    asyncio.run(run())


def test_pieces_of_nothing_are_no_pieces() -> None:
    """A stream that begins with an empty piece has the answer of what follows; no hook sees it."""

    async def run() -> None:
        events = (DeltaEvent(""), ReasoningDeltaStream(""), DeltaEvent("well"))
        heard: list[str] = []

        async def hear(context: AssistantStreamHookContext) -> AssistantStreamTransform:
            heard.append(context.chunk)
            return AssistantStreamTransform(chunk=context.chunk)

        plain = await builder([]).provider(Streaming(*events, end=reply("well"))).build().session("demo").open()
        assert (await plain.turn("Hi.")).reply == "well"
        result = await (await _session(Streaming(*events, end=reply("well")), hear)).turn("Hi.")
        assert (result.reply, heard) == ("well", ["well"])

    asyncio.run(run())


def test_what_a_hook_takes_away_is_no_part() -> None:
    """A call that a hook ends with nothing to be seen has no part; its text was streamed all the same."""

    async def run() -> None:
        session = await _session(
            Streaming(DeltaEvent("x")), lambda _: AssistantStreamTransform(chunk="", abort_stream=True)
        )
        await session.turn("Hi.")
        [call] = [entry.outcome for entry in session.effects if entry.envelope.kind == "llm_call"]
        assert isinstance(call, LlmOutcome)
        assert isinstance(call.result.Ok, LlmResponse)
        assert (call.result.Ok.parts, call.text_streamed) == ((), True)

    asyncio.run(run())
