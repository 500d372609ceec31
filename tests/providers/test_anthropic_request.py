"""What is posted to Anthropic's Messages API, field by field."""

from typing import Any
from uuid import UUID

import pytest

from lash_nb.errors import LlmTransportError
from lash_nb.providers import CacheRetention, ProviderOptions, ProviderThinking
from lash_nb.providers._anthropic_request import messages_body  # a request is data, and needs no socket
from lash_nb.wire import LlmRequest
from tests.providers.requests import assistant, call, image, reasoning, request, result, system, text, tool, user

UNCACHED = ProviderOptions(cache_retention="none")
EPHEMERAL = {"type": "ephemeral"}


def asked(*messages: dict[str, Any], **fields: Any) -> LlmRequest:
    """Return a request to a model that is asked to think by an effort."""
    return request(*messages, **{"model": "claude-sonnet-4-6", **fields})


def body_of(request: LlmRequest, options: ProviderOptions = UNCACHED) -> dict[str, Any]:
    """Return the body for a request."""
    return messages_body(request, options=options)


def turns_of(*messages: dict[str, Any], **fields: Any) -> Any:
    """Return what the conversation becomes."""
    return body_of(asked(*messages, **fields))["messages"]


def said(words: str) -> dict[str, Any]:
    """Return a text as the endpoint has it."""
    return {"type": "text", "text": words}


def test_a_plain_request() -> None:
    """All that every request has; nothing more."""
    assert body_of(asked(system("be", "kind"), user("hi"))) == {
        "model": "claude-sonnet-4-6",
        "max_tokens": 32_768,
        "messages": [{"role": "user", "content": [said("hi")]}],
        "system": [said("be\n\nkind")],
        "temperature": 0,
        "stream": True,
    }


def test_only_the_first_word_of_the_system_is_the_prompt() -> None:
    """Later ones are told as the user's, joined with what stands beside them; an empty prompt is none."""
    later = turns_of(user("a"), system("prompt"), system("feedback"), user("b"))

    assert later == [{"role": "user", "content": [said("a"), said("feedback"), said("b")]}]
    assert "system" not in body_of(asked(system(""), user("hi")))


def test_roles_take_turns() -> None:
    """Neighbors of one role are one message; what is blank is left out, and a message of nothing else, too."""
    assert turns_of(assistant("a"), assistant(" ", "b"), user("  "), assistant("c"), user("d")) == [
        {"role": "assistant", "content": [said("a"), said("b"), said("c")]},
        {"role": "user", "content": [said("d")]},
    ]


def test_pictures_go_along_as_base64() -> None:
    """One that is not there is told as such."""
    picture = [{"mime": "image/png", "data": [1, 2, 3]}]

    assert turns_of(user(image(0), image(1)), attachments=picture)[0]["content"] == [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AQID"}},
        said("[Image attached]"),
    ]


def test_calls_and_results() -> None:
    """Arguments that are no JSON become none, and ids take the letters that the endpoint allows."""
    assert turns_of(
        assistant(call("c|1", "look", '{"q": 1}'), call("é" * 70, "look", '{"q": ')),
        user(result("c|1", "seen"), result("é" * 70, "")),
    ) == [
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "c_1", "name": "look", "input": {"q": 1}},
                {"type": "tool_use", "id": "_" * 64, "name": "look", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c_1", "content": "seen"},
                {"type": "tool_result", "tool_use_id": "_" * 64, "content": ""},
            ],
        },
    ]
    nameless = turns_of(assistant(call("", "look", "{}")))[0]["content"][0]["id"]
    assert str(UUID(nameless)) == nameless


def test_thinking_goes_back_with_its_signature_only() -> None:
    """Without one it is told as text; its text may have been withheld."""
    thoughts = assistant(
        reasoning("no proof"),
        reasoning("by another", encrypted_content="xx", summary=["s"]),
        reasoning(" "),
        reasoning("mine", signature="sig"),
        reasoning("", signature="withheld"),
        reasoning("[Reasoning redacted]", signature="data", redacted=True),
    )

    assert turns_of(thoughts)[0]["content"] == [
        said("no proof"),
        said("by another"),
        {"type": "thinking", "thinking": "mine", "signature": "sig"},
        {"type": "thinking", "thinking": "", "signature": "withheld"},
        {"type": "redacted_thinking", "data": "data"},
    ]


@pytest.mark.parametrize(("choice", "sent"), [("Auto", "auto"), ("None", "none"), ("Required", "any")])
def test_tools_with_a_choice(choice: str, sent: str) -> None:
    """A schema is cut down to the members that the endpoint takes."""
    schema = {"title": "Q", "properties": {"q": {"type": "string"}}, "required": ["q"], "allOf": []}

    body = body_of(asked(user("hi"), tools=[tool(schema=schema), tool("take", True)], tool_choice=choice))

    assert body["tools"] == [
        {
            "name": "look",
            "description": "looks",
            "input_schema": {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]},
        },
        {
            "name": "take",
            "description": "takes",
            "input_schema": {"type": "object", "properties": {}, "required": []},
        },
    ]
    assert body["tool_choice"] == {"type": sent}


@pytest.mark.parametrize(
    ("model", "variant", "sent"),
    [
        ("claude-opus-4-7", "xhigh", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "xhigh"}}),
        ("anthropic/claude-opus-4.6", "max", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}),
        ("Claude-Sonnet-4-6", "low", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
        ("claude-haiku-4-5", "low", {"thinking": {"type": "enabled", "budget_tokens": 1_024}}),
        ("claude-opus-4-1", "medium", {"thinking": {"type": "enabled", "budget_tokens": 4_096}}),
        ("claude-sonnet-4-5", "high", {"thinking": {"type": "enabled", "budget_tokens": 12_288}}),
        ("claude-sonnet-4-5", "none", {"temperature": 0}),
        ("claude-sonnet-4-6", "max", {"temperature": 0}),
        ("claude-3-opus", "high", {"temperature": 0}),
        ("claude-opus-4-7", None, {}),
        ("claude-sonnet-5", None, {}),
        ("claude-opus-5-5", "high", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}),
        ("kimi-k2", "high", {"temperature": 0}),
    ],
)
def test_a_variant_is_how_hard_to_think(model: str, variant: str | None, sent: dict[str, Any]) -> None:
    """By an effort or by a budget; the text of it comes when thinking is exposed."""
    wanted = asked(user("hi"), model=model, model_variant=variant)
    exposing = ProviderOptions(cache_retention="none", thinking=ProviderThinking(expose=True))
    names = ("thinking", "output_config", "temperature")

    for options, display in ((UNCACHED, "omitted"), (exposing, "summarized")):
        body = body_of(wanted, options)
        shown = {"thinking": {**sent["thinking"], "display": display}} if "thinking" in sent else {}
        assert {name: body[name] for name in names if name in body} == {**sent, **shown}


def test_a_form_of_the_answer_stands_beside_the_effort() -> None:
    """Any object, or a schema as it is."""
    spec = {"JsonSchema": {"name": "form", "schema": {"type": "object"}, "strict": True}}

    any_object = {"type": "json_schema", "schema": {"type": "object", "additionalProperties": True}}
    assert body_of(asked(user("hi"), output_spec="JsonObject"))["output_config"] == {"format": any_object}
    assert body_of(asked(user("hi"), output_spec=spec, model_variant="low"))["output_config"] == {
        "effort": "low",
        "format": {"type": "json_schema", "schema": {"type": "object"}},
    }


@pytest.mark.parametrize(
    ("retention", "control"), [("short", EPHEMERAL), ("long", {"type": "ephemeral", "ttl": "1h"}), ("none", None)]
)
def test_the_prompt_is_cached(retention: CacheRetention, control: dict[str, str] | None) -> None:
    """Up to the system's prompt, the last tool, and the end of the user's last message."""
    body = body_of(
        asked(system("be kind"), user("a", "b"), tools=[tool(), tool("take")]),
        ProviderOptions(cache_retention=retention),
    )

    ends = [body["system"][0], body["tools"][1], body["messages"][0]["content"][1]]
    others = [body["tools"][0], body["messages"][0]["content"][0]]
    assert [end.get("cache_control") for end in ends] == [control] * 3
    assert [other.get("cache_control") for other in others] == [None] * 2


def test_the_last_text_that_asks_for_it_is_cached_instead() -> None:
    """Wherever it stands, and whoever says it; a blank one cannot ask."""
    conversation = (
        user(text("a", is_marked=True)),
        assistant("b", text("c", is_marked=True), "d"),
        user("e", text(" ", is_marked=True)),
    )
    turns = body_of(asked(*conversation), ProviderOptions())["messages"]

    cached = [block["text"] for turn in turns for block in turn["content"] if "cache_control" in block]
    assert cached == ["c"]


def test_nothing_is_cached_after_the_models_own_words() -> None:
    """A conversation that the model ends has no end to cache."""
    assert body_of(asked(user("a"), assistant("b")), ProviderOptions())["messages"] == [
        {"role": "user", "content": [said("a")]},
        {"role": "assistant", "content": [said("b")]},
    ]


def test_a_picture_that_models_do_not_read_fails_the_call() -> None:
    """Before anything is sent."""
    with pytest.raises(
        LlmTransportError, match=r"Anthropic does not accept .* `image/bmp` \(attachment index 0\)"
    ) as error:
        body_of(asked(user("hi"), attachments=[{"mime": "image/bmp", "data": []}]))
    assert (error.value.kind, error.value.provider_code) == ("validation", "unsupported_image_format")
