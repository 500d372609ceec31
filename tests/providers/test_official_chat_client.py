"""OpenAI's own client speaks to the Chat Completions server of the tests and understands it, so what the server says is what OpenAI's says."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import openai
import pytest

from tests.providers.requests import assistant, call, image, request, result, system, tool, user
from tests.providers.servers import USAGE, Answer, Called, ChatDialect, ModelServer, Said, answered

CHAT: Final = ChatDialect()
SAID: Final = Said(
    thought=("hm",),
    text=("Hel", "lo 🌍"),
    calls=(Called("call-1", "look", ('{"q"', ": 1}")), Called("call-2", "find", ("{}",))),
    reason="tool_use",
)
HI: Final[list[Any]] = [{"role": "user", "content": "hi"}]
CONVERSATION: Final = request(
    system("be kind"),
    user("look", image(0)),
    assistant("I look", call("c1", "look", '{"q":1}')),
    user(result("c1", "seen", "look")),
    tools=[tool("look")],
    attachments=[{"mime": "image/png", "data": [1, 2, 3]}],
    generation={"output_token_cap": 100},
    output_spec={"JsonSchema": {"name": "A", "schema": {"type": "object", "properties": {}}, "strict": True}},
)
"""A request with something of everything."""


@asynccontextmanager
async def talking(answer: Answer) -> AsyncIterator[tuple[openai.AsyncOpenAI, ModelServer]]:
    """Give OpenAI's client, and the server that it asks."""
    async with (
        ModelServer(answer) as server,
        openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="sk-test", max_retries=0) as client,
    ):
        yield client, server


async def test_it_reads_a_stream() -> None:
    """Text, calls, counters and the end."""
    async with (
        talking(answered(CHAT, SAID)) as (client, _),
        client.chat.completions.stream(model="m", messages=HI) as stream,
    ):
        deltas = [event.delta async for event in stream if event.type == "content.delta"]
        given = await stream.get_final_completion()

    _check(given)
    assert "|".join(filter(None, deltas)) == "Hel|lo 🌍"


async def test_it_reads_an_answer_in_one_piece() -> None:
    """The same answer."""
    async with talking(Answer.of_json(CHAT.whole(SAID))) as (client, _):
        _check(await client.chat.completions.create(model="m", messages=HI))


def _check(given: Any) -> None:
    (choice,) = given.choices
    assert (choice.message.content, choice.finish_reason) == ("Hello 🌍", "tool_calls")
    assert [(call.id, call.function.name, call.function.arguments) for call in choice.message.tool_calls] == [
        ("call-1", "look", '{"q": 1}'),
        ("call-2", "find", "{}"),
    ]
    assert (given.usage.prompt_tokens, given.usage.completion_tokens) == (USAGE.input_tokens, USAGE.output_tokens)
    assert given.usage.prompt_tokens_details.cached_tokens == USAGE.cached_input_tokens
    assert given.usage.completion_tokens_details.reasoning_tokens == USAGE.reasoning_tokens


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
    ],
)
async def test_it_knows_the_refusals(status: int, expected: type[openai.APIStatusError]) -> None:
    """Each as its own error, with the server's code."""
    async with talking(Answer.of_json(CHAT.failure("they said no", "some_code", status), status)) as (client, _):
        with pytest.raises(expected, match="they said no") as raised:
            await client.chat.completions.create(model="m", messages=HI)

    assert raised.value.code == "some_code"


async def test_it_knows_a_failure_inside_a_stream() -> None:
    """It ends the stream with the server's message."""
    pieces = [*CHAT.stream(SAID)[:3], CHAT.failure_event("it broke", passes=True)]
    async with talking(Answer(pieces)) as (client, _):
        stream = await client.chat.completions.create(model="m", messages=HI, stream=True)
        with pytest.raises(openai.APIError, match="it broke"):
            [chunk async for chunk in stream]


async def test_it_would_send_the_same() -> None:
    """Every member of a body is an argument that it knows, and what it makes of them is the same body."""
    async with talking(answered(CHAT, SAID)) as (client, server):
        await CHAT.provider(server.url, key="sk-test").complete(CONVERSATION, lambda _: None)
        body = server.asked[0].json
        await (await client.chat.completions.create(**body)).close()
        ours, theirs = server.asked

    assert theirs.json == body
    assert (ours.path, ours.headers["authorization"]) == (theirs.path, theirs.headers["authorization"])
