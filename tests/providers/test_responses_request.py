"""What is posted to OpenAI's Responses API, field by field."""

from typing import Any

import pytest

from lash_nb.errors import LlmTransportError
from lash_nb.providers import CacheRetention, ProviderOptions, ProviderThinking
from lash_nb.providers._openai_responses_request import responses_body  # a request is data, and needs no socket
from lash_nb.wire import LlmRequest
from tests.providers.requests import assistant, call, image, reasoning, request, result, system, text, tool, user

OPENAI = "https://api.openai.com/v1"


def body_of(asked: LlmRequest, options: ProviderOptions | None = None, base_url: str = OPENAI) -> dict[str, Any]:
    """Return the body for a request."""
    return responses_body(asked, options=options or ProviderOptions(), base_url=base_url)


def input_of(*messages: dict[str, Any], **fields: Any) -> Any:
    """Return what the conversation becomes."""
    return body_of(request(*messages, **fields))["input"]


def test_a_plain_request() -> None:
    """All that every request has; nothing more."""
    asked = request(system("be kind"), user("hi"), session_id="s1")

    assert body_of(asked) == {
        "model": "gpt-5.2",
        "instructions": "be kind",
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "hi"}]}],
        "tools": [],
        "stream": True,
        "max_output_tokens": 32_768,
        "include": ["reasoning.encrypted_content"],
        "store": False,
        "parallel_tool_calls": False,
        "text": {"verbosity": "medium"},
        "prompt_cache_key": "s1",
    }


@pytest.mark.parametrize(
    "base_url", ["http://localhost:8000/v1", "http://127.0.0.1:1/v1", "http://0.0.0.0/v1", "https://OLLAMA.example/v1"]
)
def test_a_server_of_ones_own_gets_no_fields_that_only_openai_knows(base_url: str) -> None:
    """What others would refuse is left out."""
    body = body_of(request(user("hi"), session_id="s1"), ProviderOptions(cache_retention="long"), base_url=base_url)

    assert sorted(body) == [
        "input",
        "instructions",
        "max_output_tokens",
        "model",
        "prompt_cache_key",
        "stream",
        "tools",
    ]


def test_everything_the_system_says_is_instructions() -> None:
    """Wherever it stands; empty texts do not count."""
    asked = request(system("one", "", "two"), user("hi"), system("three"))

    assert body_of(asked)["instructions"] == "one\n\ntwo\n\nthree"
    assert len(body_of(asked)["input"]) == 1


def test_tools_are_functions_with_a_choice() -> None:
    """Their schemas are projected, unless one was written for the endpoint."""
    by_hand = [{"profile": "openai_tool_parameters", "schema": {"by": "hand"}}]
    tools = [tool("look", {"properties": {"q": {"const": 1}}}), tool("take", projections=by_hand)]

    body = body_of(request(user("hi"), tools=tools, tool_choice="Required"))

    assert body["tools"] == [
        {
            "type": "function",
            "name": "look",
            "description": "looks",
            "parameters": {"type": "object", "properties": {"q": {"enum": [1], "type": "integer"}}},
            "strict": False,
        },
        {"type": "function", "name": "take", "description": "takes", "parameters": {"by": "hand"}, "strict": False},
    ]
    assert (body["tool_choice"], body["parallel_tool_calls"]) == ("required", True)


def test_neighboring_messages_of_the_user_are_one() -> None:
    """Their texts and pictures stand in one list; an empty text is left out."""
    picture = [{"mime": "image/png", "data": [1, 2, 3]}]

    assert input_of(user("a", "", image(0)), user("b", image(7)), attachments=picture) == [
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "a"},
                {"type": "input_image", "image_url": "data:image/png;base64,AQID"},
                {"type": "input_text", "text": "b"},
            ],
        }
    ]


def test_what_the_model_said_goes_back_as_it_came() -> None:
    """With id, status and phase, and with ids made up where the provider gave none; a text with an id of its own is a message of its own."""
    known = {"id": "msg_1", "status": "in_progress", "phase": "final_answer"}
    answer = assistant("old", text("new", meta=known), image(0), "more")

    assert input_of(user("hi"), answer, assistant(text("bare", meta={}))) == [
        {"role": "user", "content": [{"type": "input_text", "text": "hi"}]},
        said("old", id="msg_lash_1_0"),
        {**said("new", id="msg_1"), "status": "in_progress", "phase": "final_answer"},
        said("more", id="msg_lash_1_3"),
        said("bare", id="msg_lash_2_0"),
    ]


def test_texts_around_a_call_have_ids_of_their_own() -> None:
    """Two items with one id would be refused."""
    items = input_of(assistant("before", call("c1", "look", "{}"), "after"))

    assert [item.get("id") for item in items] == ["msg_lash_0_0", None, "msg_lash_0_2"]


def test_calls_and_results_are_items() -> None:
    """A call has the id of its item where there is one; arguments go back as they were written."""
    asked = input_of(
        assistant(call("c1", "look", '{"q": ', item_id="fc_1"), call("c2", "look", "{}")),
        user(result("c1", "seen", "look"), "go on", result("c2", "")),
    )

    assert asked == [
        {"type": "function_call", "call_id": "c1", "name": "look", "arguments": '{"q": ', "id": "fc_1"},
        {"type": "function_call", "call_id": "c2", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "seen"},
        {"role": "user", "content": [{"type": "input_text", "text": "go on"}]},
        {"type": "function_call_output", "call_id": "c2", "output": ""},
    ]


def test_only_reasoning_that_the_endpoint_can_read_goes_back() -> None:
    """A summary goes along as its texts, else as the whole text."""
    asked = input_of(
        assistant(
            reasoning("plain"),
            reasoning("signed", signature="by another provider"),
            reasoning("a\n\nb", item_id="rs_1", encrypted_content="xx", summary=["a", "b"]),
            reasoning("c", encrypted_content="yy"),
            reasoning("", encrypted_content="zz", item_id=""),
        )
    )

    assert asked == [
        {"type": "reasoning", "summary": [summary("a"), summary("b")], "encrypted_content": "xx", "id": "rs_1"},
        {"type": "reasoning", "summary": [summary("c")], "encrypted_content": "yy"},
        {"type": "reasoning", "summary": [], "encrypted_content": "zz"},
    ]


@pytest.mark.parametrize(
    ("model", "variant", "sent"),
    [
        ("gpt-5.2", "medium", {"effort": "medium"}),
        ("openai/gpt-5.4-mini", "minimal", {"effort": "low"}),
        ("gpt-5", "minimal", {"effort": "minimal"}),
        ("gpt-6-sol", "minimal", {"effort": "low"}),
        ("o3", "xhigh", {"effort": "xhigh"}),
        ("gpt-5", "none", None),
        ("gpt-5", "max", None),
        ("gpt-4o", "high", None),
        ("gpt-5", None, None),
    ],
)
def test_a_variant_is_a_reasoning_effort(model: str, variant: str | None, sent: dict[str, str] | None) -> None:
    """For models that reason; the summary is asked for when reasoning is exposed."""
    asked = request(user("hi"), model=model, model_variant=variant)
    exposing = ProviderOptions(thinking=ProviderThinking(expose=True))

    assert body_of(asked).get("reasoning") == sent
    assert body_of(asked, exposing).get("reasoning") == (sent and {**sent, "summary": "auto"})


def test_a_form_of_the_answer_is_asked_for() -> None:
    """Any object, or a schema made strict."""
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    spec = {"JsonSchema": {"name": "form", "schema": schema, "strict": True}}

    assert body_of(request(user("hi"), output_spec="JsonObject"))["text"] == {
        "verbosity": "medium",
        "format": {"type": "json_object"},
    }
    assert body_of(request(user("hi"), output_spec=spec), base_url="http://localhost")["text"] == {
        "format": {
            "type": "json_schema",
            "name": "form",
            "schema": {
                "type": "object",
                "properties": {"a": {"type": ["string", "null"]}},
                "required": ["a"],
                "additionalProperties": False,
            },
            "strict": True,
        }
    }


@pytest.mark.parametrize(
    ("retention", "sent"),
    [
        ("none", {}),
        ("short", {"prompt_cache_key": "s1"}),
        ("long", {"prompt_cache_key": "s1", "prompt_cache_retention": "24h"}),
    ],
)
def test_prompts_are_cached_by_session(retention: CacheRetention, sent: dict[str, str]) -> None:
    """As long as the options say."""
    body = body_of(request(user("hi"), session_id="s1"), ProviderOptions(cache_retention=retention))

    assert {name: value for name, value in body.items() if "cache" in name} == sent


def test_how_long_an_answer_may_be() -> None:
    """The request decides, then the options."""
    options = ProviderOptions(max_output_tokens=9_999)

    assert body_of(request(user("hi")), options)["max_output_tokens"] == 9_999
    assert body_of(request(user("hi"), generation={"output_token_cap": 7}), options)["max_output_tokens"] == 7


def test_what_cannot_be_sent_fails_the_call() -> None:
    """A picture in a format that models do not read, and a schema that cannot be projected."""
    with pytest.raises(
        LlmTransportError, match=r"OpenAI Responses does not accept .* `image/bmp` \(attachment index 1\)"
    ) as error:
        body_of(request(user("hi"), attachments=[{"mime": "image/JPG", "data": []}, {"mime": "image/bmp", "data": []}]))
    assert (error.value.kind, error.value.provider_code) == ("validation", "unsupported_image_format")

    with pytest.raises(LlmTransportError, match="allOf") as error:
        body_of(request(user("hi"), tools=[tool(schema={"allOf": []})]))
    assert error.value.kind == "validation"


def said(words: str, *, id: str) -> dict[str, Any]:
    """Return a message of the model as the endpoint has it."""
    content = [{"type": "output_text", "text": words, "annotations": []}]
    return {"type": "message", "role": "assistant", "id": id, "status": "completed", "content": content}


def summary(words: str) -> dict[str, str]:
    """Return a paragraph of a summary."""
    return {"type": "summary_text", "text": words}
