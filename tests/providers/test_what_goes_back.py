"""Whole turns against servers: what a provider wants back reaches it with the next request."""

from collections.abc import Sequence
from typing import Any

import pytest

from lash_nb.core import LashSession
from lash_nb.providers import LlmProvider, ProviderOptions, ProviderThinking, ReplayProvider
from lash_nb.trace import MemoryTraceSink
from tests.providers.servers import (
    Answer,
    Called,
    Dialect,
    MessagesDialect,
    ModelServer,
    ResponsesDialect,
    Said,
    answered,
    messages_event,
)
from tests.runtime.desk import builder, weather

ASKS = Said(
    thought=("hm",), text=("I look.",), calls=(Called("c1", "weather", ('{"city": ', '"Oslo"}')),), reason="tool_use"
)
DONE = Said(text=("Clear.",))


async def turn(provider: LlmProvider) -> LashSession:
    """Run a turn with a tool, and return its session."""
    core = builder([], weather).provider(provider).model("some-model").trace_sink(MemoryTraceSink()).build()
    session = await core.session("demo").open()
    result = await session.turn("Weather?").run()
    assert result.reply == "Clear."
    return session


async def second_request(dialect: Any, answers: Sequence[Answer], *, expose: bool = False) -> Any:
    """Return the body of the second request of a turn whose first answer calls a tool."""
    options = ProviderOptions(thinking=ProviderThinking(expose=expose))
    async with ModelServer(answers) as server:
        await turn(dialect.provider(server.url, options=options))
    assert len(server.asked) == 2
    return server.asked[1].json


@pytest.mark.parametrize("expose", [True, False])
async def test_openai_gets_its_items_back(*, expose: bool) -> None:
    """Reasoning with its encrypted content, the message with its id, the call with the id of its item, and what came of it; shown or not."""
    dialect = ResponsesDialect()
    body = await second_request(dialect, [answered(dialect, ASKS), answered(dialect, DONE)], expose=expose)

    reasoning, message, call, output = body["input"][1:]
    assert reasoning == {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "hm"}],
        "encrypted_content": "for OpenAI's eyes only",
    }
    assert (message["id"], message["status"], message["content"][0]["text"]) == ("msg_1", "completed", "I look.")
    assert (call["id"], call["call_id"], call["arguments"]) == ("fc_0", "c1", '{"city": "Oslo"}')
    assert output == {"type": "function_call_output", "call_id": "c1", "output": '{"city":"Oslo","sky":"clear"}'}


@pytest.mark.parametrize(("thought", "expose"), [("hm", True), ("hm", False), ("", False)])
async def test_anthropic_gets_its_thinking_back(thought: str, *, expose: bool) -> None:
    """With its signature, before what was said and called; shown or not, also where its text was withheld."""
    dialect = MessagesDialect()
    first = [event for event in dialect.stream(ASKS) if thought or b"thinking_delta" not in event]
    body = await second_request(dialect, [Answer(first), answered(dialect, DONE)], expose=expose)

    model, results = body["messages"][1:]
    assert model == {
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": thought, "signature": "c2lnbmVk"},
            {"type": "text", "text": "I look."},
            {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Oslo"}},
        ],
    }
    (result,) = results["content"]
    assert (result["type"], result["tool_use_id"]) == ("tool_result", "c1")


async def test_anthropic_gets_back_what_it_hid() -> None:
    """Thinking that was redacted, as it came."""
    dialect = MessagesDialect()
    hidden = {"type": "redacted_thinking", "data": "for Anthropic"}
    events = dialect.stream(Said(calls=ASKS.calls, reason="tool_use"))
    shifted = [event.replace(b'"index": 0', b'"index": 1') for event in events[2:]]
    start = messages_event({"type": "content_block_start", "index": 0, "content_block": hidden})

    body = await second_request(dialect, [Answer([*events[:2], start, *shifted]), answered(dialect, DONE)])

    assert body["messages"][1]["content"][0] == hidden


@pytest.mark.parametrize("dialect", [ResponsesDialect(), MessagesDialect()], ids=lambda dialect: dialect.kind)
async def test_a_recorded_turn_needs_no_server(dialect: Dialect) -> None:
    """Its trace answers it again, though what only the provider can read is not in a trace."""
    async with ModelServer([answered(dialect, ASKS), answered(dialect, DONE)]) as server:
        recorded = await turn(dialect.provider(server.url))
    assert recorded.trace is not None
    replay = ReplayProvider(recorded.trace)

    again = await turn(replay)

    assert replay.left == 0
    assert again.usage_report() == recorded.usage_report()
