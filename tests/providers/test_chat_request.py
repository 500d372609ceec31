"""What is posted to Chat Completions servers, field by field."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lash_nb.providers import CacheRetention, ProviderOptions
from lash_nb.providers._openai_chat_request import chat_body  # a request is data, and needs no socket
from lash_nb.wire import LlmRequest
from tests.providers.requests import assistant, call, image, reasoning, request, result, system, text, tool, user

LOCAL = "http://127.0.0.1:11434/v1"
OPENROUTER = "https://openrouter.ai/api/v1"
PICTURES = [{"mime": "image/png", "data": [1, 2, 3]}]
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AQID"}}


def body_of(
    asked: LlmRequest, options: ProviderOptions | None = None, base_url: str = LOCAL, *, stream: bool = True
) -> dict[str, Any]:
    """Return the body for a request."""
    return chat_body(asked, options or ProviderOptions(), base_url=base_url, stream=stream)


def messages_of(*messages: dict[str, Any], **fields: Any) -> Any:
    """Return what the conversation becomes."""
    return body_of(request(*messages, **fields))["messages"]


def test_a_plain_request() -> None:
    """All that every request has; nothing more."""
    assert body_of(request(system("be kind"), user("hi"))) == {
        "model": "gpt-5.2",
        "messages": [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hi"}],
        "stream": True,
        "max_tokens": 32_768,
        "stream_options": {"include_usage": True},
    }


def test_nobody_listens() -> None:
    """The answer is asked for in one piece."""
    assert body_of(request(user("hi")), stream=False) == {
        "model": "gpt-5.2",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": False,
        "max_tokens": 32_768,
    }


def test_the_cap_of_the_request_goes_before_that_of_the_options() -> None:
    """Then comes the default."""
    options = ProviderOptions(max_output_tokens=100)

    assert body_of(request(generation={"output_token_cap": 7}), options)["max_tokens"] == 7
    assert body_of(request(), options)["max_tokens"] == 100


@pytest.mark.parametrize(("choice", "sent"), [("Auto", "auto"), ("None", "none"), ("Required", "required")])
def test_tools(choice: str, sent: str) -> None:
    """Each a function with its schema, never strict; several may be called at once."""
    body = body_of(request(user("hi"), tools=[tool("look")], tool_choice=choice))

    assert body["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "look",
                "description": "looks",
                "parameters": {"type": "object", "properties": {"q": {"type": "string"}}},
                "strict": False,
            },
        }
    ]
    assert (body["tool_choice"], body["parallel_tool_calls"]) == (sent, True)


def test_a_schema_written_for_openai_is_sent_as_it_is() -> None:
    """A projection of the tool's own."""
    own = {"profile": "openai_tool_parameters", "schema": {"mine": True}}
    body = body_of(request(tools=[tool("look", projections=[own])]))

    assert body["tools"][0]["function"]["parameters"] == {"mine": True}


def test_texts_and_pictures() -> None:
    """One text is a text, more are parts; empty ones are left out; pictures are the user's alone."""
    assert messages_of(
        user("a", "", image(0)), user("b", image(7)), assistant("c", image(0)), attachments=PICTURES
    ) == [
        {"role": "user", "content": [{"type": "text", "text": "a"}, PICTURE]},
        {"role": "user", "content": "b"},
        {"role": "assistant", "content": "c"},
    ]
    assert messages_of(user(image(0)), attachments=PICTURES) == [{"role": "user", "content": [PICTURE]}]


def test_calls_and_their_results() -> None:
    """A call belongs to what the model said, a result is a message of its own."""
    assert messages_of(
        assistant("I look", call("c1", "look", '{"q":1}')),
        user(result("c1", "seen", "look"), result("c2", "lost"), "and now?"),
        assistant(call("c3", "find", "{}")),
    ) == [
        {
            "role": "assistant",
            "content": "I look",
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"q":1}'}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "seen", "name": "look"},
        {"role": "tool", "tool_call_id": "c2", "content": "lost"},
        {"role": "user", "content": "and now?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c3", "type": "function", "function": {"name": "find", "arguments": "{}"}}],
        },
    ]


def test_messages_that_say_nothing_are_left_out() -> None:
    """Blank ones, and reasoning, which these servers do not take back."""
    assert messages_of(user(""), assistant(reasoning("hm")), assistant(reasoning("hm"), "so")) == [
        {"role": "assistant", "content": "so"}
    ]


def test_encrypted_reasoning_goes_back_with_its_call() -> None:
    """What another protocol left beside a call does not."""
    detail = {"type": "reasoning.encrypted", "id": "c1", "data": "xyz"}
    (said,) = messages_of(
        assistant(
            call("c1", "look", "{}", opaque=json.dumps(detail)),
            call("c2", "look", "{}", opaque='{"type":"other"}'),
            call("c3", "look", "{}", opaque="no json"),
            call("c4", "look", "{}", item_id="fc_1"),
        )
    )

    assert said["reasoning_details"] == [detail]
    assert len(said["tool_calls"]) == 4


@pytest.mark.parametrize(
    ("model", "variant", "sent"),
    [
        ("openai/gpt-5.4", "high", {"effort": "high"}),
        ("openai/gpt-5.4", "minimal", {"effort": "low"}),
        ("openai/gpt-5", "minimal", {"effort": "minimal"}),
        ("anthropic/claude-opus-4.6", "xhigh", {"effort": "xhigh"}),
        ("google/gemini-3-pro", "low", {"effort": "low"}),
        ("openai/gpt-5.4", "none", None),
        ("openai/gpt-5.4", "huge", None),
        ("meta/llama-4", "high", None),
    ],
)
def test_efforts(model: str, variant: str, sent: object) -> None:
    """OpenRouter takes them for some models; everybody else gets none."""
    asked = request(model=model, model_variant=variant)

    assert body_of(asked, base_url=OPENROUTER).get("reasoning") == sent
    assert "reasoning" not in body_of(asked)


def test_structured_output() -> None:
    """Any object, or one of a schema, made strict as OpenAI wants it."""
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    spec = {"JsonSchema": {"name": "A", "schema": schema, "strict": True}}

    assert body_of(request(output_spec="JsonObject"))["response_format"] == {"type": "json_object"}
    assert body_of(request(output_spec=spec))["response_format"] == {
        "type": "json_schema",
        "json_schema": {
            "name": "A",
            "schema": {
                "type": "object",
                "properties": {"a": {"type": ["integer", "null"]}},
                "required": ["a"],
                "additionalProperties": False,
            },
            "strict": True,
        },
    }


CLAUDE = "anthropic/claude-sonnet-4.6"
SHORT = {"type": "ephemeral"}


def cached(retention: CacheRetention = "short", *messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return the body for a Claude behind OpenRouter."""
    return body_of(request(*messages, model=CLAUDE, **fields), ProviderOptions(cache_retention=retention), OPENROUTER)


@pytest.mark.parametrize(("retention", "control"), [("short", SHORT), ("long", {"type": "ephemeral", "ttl": "1h"})])
def test_a_prompt_is_cached_up_to_its_last_text(retention: CacheRetention, control: dict[str, str]) -> None:
    """And up to the system's text and the last tool."""
    body = cached(
        retention, system("be kind"), user("a"), assistant("b"), user(result("c", "r")), tools=[tool("x"), tool("y")]
    )

    assert body["messages"] == [
        {"role": "system", "content": [{"type": "text", "text": "be kind", "cache_control": control}]},
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [{"type": "text", "text": "b", "cache_control": control}]},
        {"role": "tool", "tool_call_id": "c", "content": "r"},
    ]
    assert [one.get("cache_control") for one in body["tools"]] == [None, control]


def test_a_prompt_is_cached_up_to_the_last_mark() -> None:
    """Where a text is marked, the last text is not."""
    body = cached("short", user(text("a", is_marked=True), "b"), user(text("c", is_marked=True)), user("d"))

    assert body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "user", "content": [{"type": "text", "text": "c", "cache_control": SHORT}]},
        {"role": "user", "content": "d"},
    ]


@pytest.mark.parametrize(("base_url", "retention"), [(LOCAL, "short"), (OPENROUTER, "none")])
def test_marks_are_nobody_elses_business(base_url: str, retention: CacheRetention) -> None:
    """Other servers find out themselves what to cache."""
    asked = request(system("s"), user(text("c", is_marked=True)), model=CLAUDE, tools=[tool()])
    body = body_of(asked, ProviderOptions(cache_retention=retention), base_url)

    assert "cache" not in json.dumps(body)
    assert body["messages"][1]["content"] == [{"type": "text", "text": "c"}]


BLOCKS = st.one_of(
    st.text().map(text),
    st.builds(call, st.text(), st.text(), st.text()),
    st.builds(result, st.text(), st.text()),
    st.integers(0, 3).map(image),
    st.text().map(reasoning),
)
MESSAGES = st.lists(
    st.builds(lambda who, blocks: who(*blocks), st.sampled_from([user, assistant, system]), st.lists(BLOCKS))
)


@given(MESSAGES)
def test_all_that_was_said_is_sent(messages: list[dict[str, Any]]) -> None:
    """The body is JSON, and has every text, call and result of the request, in order, each once."""
    body = json.loads(json.dumps(body_of(request(*messages, attachments=PICTURES * 2))))
    sent = body["messages"]
    blocks = [(one["role"], block) for one in messages for block in one["blocks"]]

    assert [text for one in sent if one["role"] != "tool" for text in _texts_of(one["content"])] == [
        block["Text"]["text"] for _, block in blocks if "Text" in block and block["Text"]["text"]
    ]
    assert [
        (one["id"], one["function"]["name"], one["function"]["arguments"])
        for message in sent
        for one in message.get("tool_calls", ())
    ] == [
        (made["call_id"], made["tool_name"], made["input_json"])
        for who, block in blocks
        if (made := block.get("ToolCall")) and who == "Assistant"
    ]
    assert [(one["tool_call_id"], one["content"]) for one in sent if one["role"] == "tool"] == [
        (given["call_id"], given["content"]) for _, block in blocks if (given := block.get("ToolResult"))
    ]


def _texts_of(content: Any) -> list[str]:
    if isinstance(content, list):
        return [part["text"] for part in content if part["type"] == "text"]
    return [] if content is None else [content]
