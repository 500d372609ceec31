"""What stands before a provider."""

import asyncio
from typing import Any

import pytest

from lash_nb.errors import LlmTransportError
from lash_nb.providers import (
    DeltaEvent,
    LlmStreamEvent,
    PartEvent,
    ProviderHandle,
    ProviderOptions,
    ScriptedProvider,
    StreamSink,
    UnconfiguredProvider,
    call,
    reply,
)
from lash_nb.wire import LlmOutputPart, LlmRequest, LlmResponse, TextPart


class Mute(Exception):  # noqa: N818 - as somebody may name it
    """An exception that cannot be written."""

    def __str__(self) -> str:
        raise RuntimeError


REQUEST = LlmRequest(model="m", messages=(), attachments=(), tools=(), tool_choice="None")


async def test_a_response_goes_through() -> None:
    """A handle gives what the provider gives, and shows the provider's own facts."""
    options = ProviderOptions(max_output_tokens=7)
    handle = ProviderHandle(ScriptedProvider(["Hello."], kind="mine", options=options))

    assert await handle.complete(REQUEST) == reply("Hello.")
    assert (handle.kind, handle.options, handle.requires_streaming) == ("mine", options, False)


async def test_an_exception_of_a_script_is_a_failed_call() -> None:
    """Whatever a function of the user raises becomes a transport error that names it."""

    def broken(_request: LlmRequest) -> str:
        return str(1 / 0)

    with pytest.raises(LlmTransportError, match="'scripted' raised ZeroDivisionError: division by zero") as caught:
        await ProviderHandle(ScriptedProvider(broken)).complete(REQUEST)

    assert caught.value.provider_code == "provider_raised"


class Plain(UnconfiguredProvider):
    """Somebody forgot the `async`."""

    def complete(self, request: LlmRequest, stream: object = None) -> Any:  # noqa: ARG002 - the port's signature
        """Answer at once."""
        return reply(request.model)


async def test_a_plain_complete_is_told_to_be_async() -> None:
    """The error says what to write, and where."""
    told = (
        rf"complete \(line {Plain.complete.__code__.co_firstlineno} of its cell or file\) .* write `async def complete"
    )

    with pytest.raises(LlmTransportError, match=told) as caught:
        await ProviderHandle(Plain()).complete(REQUEST)

    assert caught.value.provider_code == "provider_response"


@pytest.mark.parametrize("error", [asyncio.CancelledError("inside"), Mute()], ids=repr)
async def test_whatever_a_provider_raises_is_a_failed_call(error: BaseException) -> None:
    """Something cancelled inside the provider, an exception without a text: none of them ends the turn."""

    async def broken(_request: LlmRequest) -> str:
        raise error

    with pytest.raises(LlmTransportError, match=f"raised {type(error).__name__}"):
        await ProviderHandle(ScriptedProvider(broken)).complete(REQUEST)


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()], ids=repr)
async def test_an_exit_and_an_interrupt_are_no_failed_calls(error: BaseException) -> None:
    """Whoever pressed Ctrl-C while the provider's own code ran wants the cell to end."""

    def broken(_request: LlmRequest) -> str:
        raise error

    with pytest.raises(type(error)):
        await ProviderHandle(ScriptedProvider(broken)).complete(REQUEST)


async def test_something_else_than_a_response_is_a_failed_call() -> None:
    """A provider that returns no response is told what to return."""

    class Careless(UnconfiguredProvider):
        async def complete(self, request: LlmRequest, stream: object = None) -> str:  # type: ignore[override]  # the fault under test
            return f"{request.model} {stream}"

    with pytest.raises(LlmTransportError, match="returned str; `complete` must return an LlmResponse"):
        await ProviderHandle(Careless()).complete(REQUEST)  # type: ignore[arg-type]  # as above


async def test_without_a_provider_the_error_tells_how_to_give_one() -> None:
    """The unconfigured provider fails every call with the next step."""
    with pytest.raises(LlmTransportError, match=r"no provider answers model 'm'; give one") as caught:
        await ProviderHandle(UnconfiguredProvider()).complete(REQUEST)

    assert not caught.value.retryable


class Streaming(UnconfiguredProvider):
    """Streams one thing, and remembers where to."""

    def __init__(self, event: Any) -> None:
        super().__init__()
        self._event = event
        self.sinks: list[StreamSink] = []

    async def complete(self, request: LlmRequest, stream: StreamSink | None = None) -> Any:  # noqa: ARG002 - always the same
        """Stream it, then answer."""
        assert stream is not None
        self.sinks.append(stream)
        stream(self._event)
        return reply("Well.")


async def test_what_is_streamed_after_the_answer_is_nobodys() -> None:
    """A task that a provider left behind streams on, and the pieces would stand between the tool calls that the answer asks for."""
    heard: list[LlmStreamEvent] = []
    provider = Streaming(DeltaEvent("Well."))

    await ProviderHandle(provider).complete(REQUEST, heard.append)
    provider.sinks[0](DeltaEvent(" And on."))

    assert heard == [DeltaEvent("Well.")]


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ("Well.", r"TypeError: a stream takes DeltaEvent\(text\) and its like, not str"),
        (DeltaEvent(b"Well."), "TypeError: the text of DeltaEvent is a str, not bytes"),  # type: ignore[arg-type]  # the fault
        (DeltaEvent("\ud83d"), "WireError: .* half of a surrogate pair"),
        (PartEvent(LlmOutputPart(Text=TextPart(text="\ude00"))), "WireError: .* half of a surrogate pair"),
    ],
    ids=str,
)
async def test_what_is_no_piece_is_refused_where_it_is_streamed(event: object, told: str) -> None:
    """The call fails with words for whoever wrote the provider; further on it would have ended the turn, without any."""
    with pytest.raises(LlmTransportError, match=told) as caught:
        await ProviderHandle(Streaming(event)).complete(REQUEST, lambda _: None)

    assert caught.value.provider_code == "provider_raised"


@pytest.mark.parametrize("event", [DeltaEvent("Größe 😀"), PartEvent(LlmOutputPart(Text=TextPart(text="😀")))], ids=str)
async def test_every_text_is_a_piece(event: LlmStreamEvent) -> None:
    """Whatever its characters."""
    heard: list[LlmStreamEvent] = []
    await ProviderHandle(Streaming(event)).complete(REQUEST, heard.append)

    assert heard == [event]


@pytest.mark.parametrize("made", [reply("half \ud83d"), call("look", {}, id="\ud83d")], ids=["text", "call"])
async def test_an_answer_that_is_no_text_is_a_failed_call(made: LlmResponse) -> None:
    """No store takes half of a surrogate pair: the turn would have ended with the store's words."""

    class Answering(UnconfiguredProvider):
        async def complete(self, request: LlmRequest, stream: object = None) -> Any:  # noqa: ARG002 - always the same
            return made

    with pytest.raises(LlmTransportError, match=r"returned what is no text: .*surrogate") as caught:
        await ProviderHandle(Answering()).complete(REQUEST)

    assert caught.value.provider_code == "provider_response"
