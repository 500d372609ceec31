"""The official clients speak to the servers of these tests and understand them; so the servers are right, and what is posted to them is."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import anthropic
import openai
import pytest
from anthropic.types.message_create_params import MessageCreateParamsStreaming
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming
from pydantic import TypeAdapter

from lash_nb.providers import ProviderOptions, ProviderThinking
from lash_nb.providers._anthropic_request import messages_body
from lash_nb.providers._openai_responses_request import responses_body
from lash_nb.wire import LlmRequest
from tests.providers.requests import assistant, call, image, reasoning, request, result, system, tool, user
from tests.providers.servers import (
    USAGE,
    Answer,
    Called,
    MessagesDialect,
    ModelServer,
    ResponsesDialect,
    Said,
    answered,
)

pytestmark = pytest.mark.slow  # the clients take seconds to import

SAID = Said(
    text=("I ", "look."),
    thought=("hm", " …"),
    calls=(Called("c1", "look", ('{"q": ', '"wörld 🌍"}')), Called("c2", "now", ())),
    reason="tool_use",
)


@pytest.fixture
async def claude() -> AsyncIterator[anthropic.AsyncAnthropic]:
    """Anthropic's client of a server that always answers alike."""
    server = ModelServer(answered(MessagesDialect(), SAID))
    async with server, anthropic.AsyncAnthropic(base_url=server.url, api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture
async def gpt() -> AsyncIterator[openai.AsyncOpenAI]:
    """OpenAI's client of a server that always answers alike."""
    server = ModelServer(answered(ResponsesDialect(), SAID))
    async with server, openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        yield client


async def test_anthropics_client_understands_the_stream(claude: anthropic.AsyncAnthropic) -> None:
    """Thinking, text, calls, reason, counters."""
    async with claude.messages.stream(
        model="claude-test", max_tokens=9, messages=[{"role": "user", "content": "hi"}]
    ) as stream:
        told = [event.text async for event in stream if event.type == "text"]
        message = await stream.get_final_message()

    thinking, text, *calls = message.content
    assert told == ["I ", "look."]
    assert (thinking.type, text.type, message.stop_reason) == ("thinking", "text", "tool_use")
    assert [(one.id, one.name, one.input) for one in calls if one.type == "tool_use"] == [
        ("c1", "look", {"q": "wörld 🌍"}),
        ("c2", "now", {}),
    ]
    assert (message.usage.output_tokens, message.usage.cache_read_input_tokens) == (7, 16)


async def test_anthropics_client_understands_an_answer_in_one_piece() -> None:
    """The same, whole."""
    async with (
        ModelServer(Answer.of_json(MessagesDialect().whole(SAID))) as server,
        anthropic.AsyncAnthropic(base_url=server.url, api_key="none") as client,
    ):
        message = await client.messages.create(
            model="claude-test", max_tokens=9, messages=[{"role": "user", "content": "hi"}]
        )

    assert [block.type for block in message.content] == ["thinking", "text", "tool_use", "tool_use"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, anthropic.BadRequestError),
        (401, anthropic.AuthenticationError),
        (429, anthropic.RateLimitError),
        (529, anthropic.InternalServerError),
    ],
)
async def test_anthropics_client_understands_failures(status: int, kind: type[anthropic.APIStatusError]) -> None:
    """By their status, with the message inside."""
    failure = MessagesDialect().failure("it broke", "invalid_request_error", status)
    async with (
        ModelServer(Answer.of_json(failure, status)) as server,
        anthropic.AsyncAnthropic(base_url=server.url, api_key="none", max_retries=0) as client,
    ):
        with pytest.raises(kind, match="it broke"):
            await client.messages.create(model="claude-test", max_tokens=9, messages=[])


async def test_openais_client_understands_the_stream(gpt: openai.AsyncOpenAI) -> None:
    """Reasoning, text, calls, counters."""
    async with gpt.responses.stream(model="gpt-test", input="hi") as stream:
        told = [event.delta async for event in stream if event.type == "response.output_text.delta"]
        final = await stream.get_final_response()

    assert told == ["I ", "look."]
    assert [item.type for item in final.output] == ["reasoning", "message", "function_call", "function_call"]
    assert final.output_text == "I look."
    assert [item.arguments for item in final.output if item.type == "function_call"] == ['{"q": "wörld 🌍"}', ""]
    assert final.usage is not None
    assert final.usage.input_tokens_details.cached_tokens == USAGE.cached_input_tokens


async def test_openais_client_understands_an_answer_in_one_piece() -> None:
    """The same, whole; and one that the token limit ended."""
    short = Said(text=("I lo",), reason="output_limit")
    answers = [Answer.of_json(ResponsesDialect().whole(said)) for said in (SAID, short)]
    async with (
        ModelServer(answers) as server,
        openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none") as client,
    ):
        whole, cut = [await client.responses.create(model="gpt-test", input="hi") for _ in answers]

    assert whole.output_text == "I look."
    assert cut.incomplete_details is not None
    assert (cut.status, cut.incomplete_details.reason) == ("incomplete", "max_output_tokens")


def everything(**fields: Any) -> LlmRequest:
    """Return a request with all that one can have."""
    return request(
        system("be kind"),
        user("look", *([image(0)] if fields.get("attachments") else [])),
        assistant(
            reasoning("hm", signature="sig", encrypted_content="xx", item_id="rs_1", summary=["hm"]),
            reasoning("", signature="data", redacted=True),
            "I look.",
            call("c1", "look", '{"q": 1}', item_id="fc_1"),
        ),
        user(result("c1", "seen", "look"), "go on"),
        tools=[tool(), tool("take")],
        session_id="s1",
        output_spec={"JsonSchema": {"name": "form", "schema": {"type": "object"}, "strict": True}},
        **fields,
    )


@pytest.mark.parametrize(("model", "variant"), [("claude-opus-4-7", "xhigh"), ("claude-haiku-4-5", "low")])
@pytest.mark.parametrize("choice", ["Auto", "None", "Required"])
def test_what_is_posted_is_what_anthropics_client_would_post(model: str, variant: str, choice: str) -> None:
    """Its types know every member, and miss none; a temperature, which older models take that do not think, is no longer among them."""
    png = [{"mime": "image/png", "data": [1]}]
    asked = everything(model=model, model_variant=variant, tool_choice=choice, attachments=png)

    body = messages_body(asked, options=ProviderOptions(cache_retention="long", thinking=ProviderThinking(expose=True)))

    assert as_typed(MessageCreateParamsStreaming, body) == body


@pytest.mark.parametrize("choice", ["Auto", "None", "Required"])
def test_what_is_posted_is_what_openais_client_would_post(choice: str) -> None:
    """Its types know every member, and miss none; of pictures they want a detail that the API does not."""
    asked = everything(model="gpt-5.2", model_variant="high", tool_choice=choice)
    options = ProviderOptions(cache_retention="long", thinking=ProviderThinking(expose=True))

    body = responses_body(asked, options=options, base_url="https://api.openai.com/v1")

    assert as_typed(ResponseCreateParamsStreaming, body) == body


def as_typed(kind: Any, body: dict[str, Any]) -> Any:
    """Return what is left of a body when its type leaves out what it does not know."""
    adapter = TypeAdapter(kind)  # held while its lazy lists are read
    return _plain(adapter.validate_python(body))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | Iterator) else value
