"""What every provider keeps that calls a model over HTTP: how answers are read. Faults are in `test_contract_faults`."""

import asyncio
import copy
import gc
import pickle

import pytest
from msgspec.structs import replace

from lash_nb.errors import LlmTransportError
from lash_nb.providers import (
    DeltaEvent,
    LlmProvider,
    LlmStreamEvent,
    PartEvent,
    ProviderOptions,
    ProviderThinking,
    ReasoningDeltaStream,
    UsageEvent,
)
from lash_nb.wire import LlmRequest, LlmResponse, ToolCallPart
from tests.providers.requests import image, request, tool, user
from tests.providers.servers import USAGE, Answer, Asked, Called, Dialect, ModelServer, Said, answered, pause

ASKED = request(user("hi"))
HELLO = Said(text=("Hel", "lo ", "wörld 🌍"))
LOOK = Called("call-1", "look", ('{"q"', ': "a ', 'b"}'))
FIND = Called("call-2", "find", ('{"deep": {"x": [1, ', "2]}}"))
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


async def ask(provider: LlmProvider, asked: LlmRequest = ASKED) -> tuple[LlmResponse, list[LlmStreamEvent]]:
    """Ask while somebody listens; return the response and all that was told."""
    told: list[LlmStreamEvent] = []
    return await provider.complete(asked, told.append), told


def said_by(response: LlmResponse) -> str:
    """The text of the parts."""
    return "".join(part.Text.text for part in response.parts if part.Text)


def calls_of(response: LlmResponse) -> list[ToolCallPart]:
    """The calls of the parts."""
    return [part.ToolCall for part in response.parts if part.ToolCall]


async def test_text_is_told_piece_by_piece_and_given_whole(dialect: Dialect) -> None:
    """All pieces in order; the whole text in one part; counters, reason, and what was exchanged."""
    async with ModelServer(answered(dialect, HELLO)) as server:
        response, told = await ask(dialect.provider(server.url))

    assert [event.text for event in told if isinstance(event, DeltaEvent)] == ["Hel", "lo ", "wörld 🌍"]
    assert response.full_text == said_by(response) == "Hello wörld 🌍"
    assert response.terminal_reason == "stop"
    assert response.http_summary == f"HTTP POST {server.url}{dialect.path} (stream)"
    assert response.request_body is None


async def test_usage_is_counted(dialect: Dialect) -> None:
    """The counters of the provider, and what it said itself."""
    async with ModelServer(answered(dialect, HELLO)) as server:
        response, told = await ask(dialect.provider(server.url))

    expected = USAGE if dialect.counts_reasoning else replace(USAGE, reasoning_tokens=0)
    assert response.usage == expected
    assert [event for event in told if isinstance(event, UsageEvent)][-1] == UsageEvent(expected)
    assert isinstance(response.provider_usage, dict)


async def test_calls_are_put_together_from_their_pieces(dialect: Dialect) -> None:
    """Each call is told once, when it is whole."""
    said = Said(text=("I look.",), calls=(LOOK, FIND), reason="tool_use")
    async with ModelServer(answered(dialect, said)) as server:
        response, told = await ask(dialect.provider(server.url), request(user("hi"), tools=[tool("look")]))

    assert [(call.call_id, call.tool_name, call.input_json) for call in calls_of(response)] == [
        ("call-1", "look", '{"q": "a b"}'),
        ("call-2", "find", '{"deep": {"x": [1, 2]}}'),
    ]
    assert [event.part for event in told if isinstance(event, PartEvent) and event.part.ToolCall] == [
        part for part in response.parts if part.ToolCall
    ]
    assert response.terminal_reason == "tool_use"
    assert response.full_text == "I look."


async def test_a_call_without_arguments_has_an_empty_object(dialect: Dialect) -> None:
    """What is parsed later is always JSON."""
    async with ModelServer(answered(dialect, Said(calls=(Called("c", "now", ()),), reason="tool_use"))) as server:
        response, _ = await ask(dialect.provider(server.url))

    assert [call.input_json for call in calls_of(response)] == ["{}"]


@pytest.mark.parametrize("expose", [True, False])
async def test_reasoning_is_kept_and_shown_only_when_it_is_wanted(dialect: Dialect, *, expose: bool) -> None:
    """The response always has it, for the next request; whoever listens hears it when the options say so."""
    options = ProviderOptions(thinking=ProviderThinking(expose=expose))
    async with ModelServer(answered(dialect, Said(thought=("I ", "think"), text=("so",)))) as server:
        response, told = await ask(dialect.provider(server.url, options=options))

    heard = "".join(event.text for event in told if isinstance(event, ReasoningDeltaStream))
    assert [part.Reasoning.text for part in response.parts if part.Reasoning] == ["I think"]
    assert heard == ("I think" if expose else "")
    assert response.full_text == "so"


async def test_nobody_listens(dialect: Dialect) -> None:
    """The same answer, asked for in one piece where the protocol has that."""
    said = Said(text=("Hello",), calls=(LOOK,), reason="tool_use")

    def answer(asked: Asked) -> Answer:
        return Answer(dialect.stream(said)) if asked.json.get("stream") else Answer.of_json(dialect.whole(said))

    async with ModelServer(answer) as server:
        response = await dialect.provider(server.url).complete(ASKED)

    assert (response.full_text, response.terminal_reason) == ("Hello", "tool_use")
    assert [call.input_json for call in calls_of(response)] == ['{"q": "a b"}']
    assert bool(server.asked[0].json.get("stream")) is not dialect.answers_whole


async def test_an_answer_in_one_piece_though_a_stream_was_asked_for(dialect: Dialect) -> None:
    """Some servers do not stream: what they say is told as well."""
    said = Said(thought=("hm",), text=("Hello",), calls=(LOOK,), reason="tool_use")
    async with ModelServer(Answer.of_json(dialect.whole(said))) as server:
        response, told = await ask(dialect.provider(server.url))

    assert "".join(event.text for event in told if isinstance(event, DeltaEvent)) == response.full_text == "Hello"
    assert [event.part for event in told if isinstance(event, PartEvent) and event.part.ToolCall] == [
        part for part in response.parts if part.ToolCall
    ]
    assert response.usage.input_tokens == USAGE.input_tokens


@pytest.mark.parametrize("content_type", [None, "application/octet-stream", "TEXT/EVENT-STREAM; charset=utf-8"])
async def test_a_stream_is_known_by_what_it_is(dialect: Dialect, content_type: str | None) -> None:
    """Servers that do not name the type of what they send are read all the same."""
    events = [line for event in dialect.stream(HELLO) for line in _bare(event)]
    async with ModelServer(Answer(events, content_type=content_type)) as server:
        response, _ = await ask(dialect.provider(server.url))

    assert response.full_text == "Hello wörld 🌍"


def _bare(event: bytes) -> list[bytes]:
    """The event without its name, which is the first line of some."""
    return [event[event.index(b"data:") :]]


async def test_a_stream_that_comes_byte_by_byte(dialect: Dialect) -> None:
    """Nothing changes, whatever the network cuts apart: lines, characters, JSON."""
    said = Said(text=("wörld 🌍",), calls=(LOOK,), reason="tool_use")
    stream = b"".join(dialect.stream(said))
    async with ModelServer(Answer([bytes([byte]) for byte in stream])) as server:
        response, _ = await ask(dialect.provider(server.url))

    assert (response.full_text, response.terminal_reason) == ("wörld 🌍", "tool_use")
    assert [call.input_json for call in calls_of(response)] == ['{"q": "a b"}']


async def test_a_stream_with_carriage_returns_comments_and_heartbeats(dialect: Dialect) -> None:
    """What servers and proxies put between events is no part of the answer."""
    events = [b": keep-alive\r\n\r\n", b"retry: 10\r\n\r\n", b"data:\n\n"]
    for event in dialect.stream(HELLO):
        events += [event.replace(b"\n", b"\r\n"), b":\n\n"]
    async with ModelServer(Answer(events)) as server:
        response, _ = await ask(dialect.provider(server.url))

    assert response.full_text == "Hello wörld 🌍"


async def test_a_huge_piece(dialect: Dialect) -> None:
    """A million characters in one event."""
    huge = "x" * 1_000_000
    async with ModelServer(Answer([b"".join(dialect.stream(Said(text=(huge,))))])) as server:
        response, _ = await ask(dialect.provider(server.url))

    assert response.full_text == huge


async def test_text_is_told_while_the_rest_is_on_its_way(dialect: Dialect) -> None:
    """The first piece is there long before the answer is."""
    stream, told = dialect.stream(HELLO), asyncio.Event()
    first = 1 + next(place for place, event in enumerate(stream) if b"Hel" in event)
    async with ModelServer(Answer([*stream[:first], pause(0.15), *stream[first:]])) as server:
        asking = asyncio.create_task(dialect.provider(server.url).complete(ASKED, lambda _: told.set()))
        await asyncio.wait_for(told.wait(), 1)
        was_done = asking.done()
        response = await asking

    assert not was_done
    assert response.full_text == "Hello wörld 🌍"


async def test_pictures_are_sent(dialect: Dialect) -> None:
    """The bytes, and what they are."""
    asked = request(user("look", image(0)), attachments=[{"mime": "image/png", "data": list(PNG)}])
    async with ModelServer(answered(dialect, HELLO)) as server:
        await ask(dialect.provider(server.url), asked)

    assert dialect.pictures(server.asked[0]) == [("image/png", PNG)]


async def test_pictures_that_no_model_reads_are_not_sent(dialect: Dialect) -> None:
    """The failure names the type; the server is not asked."""
    asked = request(user("look", image(0)), attachments=[{"mime": "image/bmp", "data": [66, 77]}])
    async with ModelServer(answered(dialect, HELLO)) as server:
        with pytest.raises(LlmTransportError, match="image/bmp") as raised:
            await ask(dialect.provider(server.url), asked)

    assert (raised.value.provider_code, raised.value.kind) == ("unsupported_image_format", "validation")
    assert server.asked == []


async def test_the_key_goes_into_its_header(dialect: Dialect) -> None:
    """There, and nowhere else."""
    async with ModelServer(answered(dialect, HELLO)) as server:
        await ask(dialect.provider(server.url, key="sk-planted-0001"))

    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", dialect.path)
    assert [name for name, value in asked.headers.items() if "sk-planted-0001" in value] == [dialect.key_header]
    assert b"sk-planted" not in asked.body


async def test_tools_are_offered(dialect: Dialect) -> None:
    """All of them, in order."""
    async with ModelServer(answered(dialect, HELLO)) as server:
        await ask(dialect.provider(server.url), request(user("hi"), tools=[tool("look"), tool("find")]))

    assert dialect.tool_names(server.asked[0]) == ["look", "find"]


async def test_one_connection_serves_many_calls(dialect: Dialect) -> None:
    """The second call waits for no handshake."""
    async with ModelServer(answered(dialect, HELLO)) as server:
        provider = dialect.provider(server.url)
        for _ in range(3):
            await ask(provider)

    assert (len(server.asked), server.connections) == (3, 1)


async def test_calls_at_the_same_time_are_kept_apart(dialect: Dialect) -> None:
    """Each gets its own answer, whichever comes first."""

    async def answer(asked: Asked) -> Answer:
        number = asked.json["model"]
        return Answer(dialect.stream(Said(text=(number,))), before=0.002 * (9 - int(number)))

    async with ModelServer(answer) as server:
        provider = dialect.provider(server.url)
        asked = [request(user("hi"), model=str(number)) for number in range(8)]
        responses = await asyncio.gather(*(ask(provider, one) for one in asked))

    assert [response.full_text for response, _ in responses] == list("01234567")


def test_a_provider_outlives_the_loop_that_it_was_used_in(dialect: Dialect) -> None:
    """Each loop gets a client of its own, and takes its connections with it when it ends: nothing is left open."""
    providers: dict[int, LlmProvider] = {}

    async def once(port: int = 0) -> int:
        async with ModelServer(answered(dialect, HELLO), port=port) as server:
            provider = providers.setdefault(server.port, dialect.provider(server.url))
            response, _ = await ask(provider)
            assert response.full_text == "Hello wörld 🌍"
            return server.port

    port = asyncio.run(once())
    assert asyncio.run(once(port)) == port
    gc.collect()  # a connection left open would be told of now


def test_a_provider_is_neither_pickled_nor_copied(dialect: Dialect) -> None:
    """It holds a key."""
    provider = dialect.provider("http://127.0.0.1:9", key="sk-planted-0002")

    for take in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="holds a key"):
            take(provider)
    assert "sk-planted" not in repr(provider)
