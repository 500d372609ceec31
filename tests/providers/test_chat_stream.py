"""How answers of Chat Completions servers are read where they differ from each other."""

import json
from typing import Any

import pytest

from lash_nb.errors import LlmTransportError
from lash_nb.providers import LlmStreamEvent, ReasoningDeltaStream
from lash_nb.providers._openai_chat_stream import ChatReader  # JSON in, a response out: no socket is needed to see it
from lash_nb.wire import LlmResponse, LlmUsage

DONE: dict[str, Any] = {}
"""Stands for `[DONE]`."""


def read(*events: dict[str, Any]) -> LlmResponse:
    """Return the response that a stream becomes."""
    return told_by(*events)[0]


def told_by(*events: dict[str, Any], expose: bool = False) -> tuple[LlmResponse, list[LlmStreamEvent]]:
    """Return the response, and what was told on the way."""
    reader = ChatReader(who="OpenAI-compatible chat", expose_thinking=expose)
    told = list[LlmStreamEvent]()
    for event in events:
        if event is DONE:
            reader.end()
        else:
            told += reader.feed(json.dumps(event))
    return reader.finish(), told


def said(finish_reason: str | None = None, **delta: Any) -> dict[str, Any]:
    """Return a chunk."""
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}


def called(index: int | None, id: str | None = None, name: str | None = None, arguments: str = "") -> dict[str, Any]:
    """Return a piece of a call."""
    piece = {"index": index, "id": id, "function": {"name": name, "arguments": arguments}}
    return said(tool_calls=[{key: value for key, value in piece.items() if value is not None}])


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", "stop"),
        ("tool_calls", "tool_use"),
        ("function_call", "tool_use"),
        ("length", "output_limit"),
        ("max_tokens", "output_limit"),
        ("content_filter", "content_filter"),
        ("safety", "content_filter"),
        ("whatever", "provider_error"),
    ],
)
def test_why_an_answer_ended(reason: str, expected: str) -> None:
    """The server's word, as everybody's; one that nobody knows is an error that names it."""
    response = read(said(content="a"), said(reason), DONE)

    assert response.terminal_reason == expected
    assert response.terminal_diagnostic == (
        "OpenAI-compatible chat ended the answer with finish_reason 'whatever'." if reason == "whatever" else None
    )


def test_an_answer_that_does_not_say_why_it_ended() -> None:
    """A stream that is marked as complete is one; what is in it tells the rest."""
    assert read(said(content="a"), said(""), DONE).terminal_reason == "stop"
    assert read(called(0, "c1", "look"), DONE).terminal_reason == "tool_use"


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 2}, (9, 2, 0, 0)),
        ({"input_tokens": "9", "output_tokens": "2", "reasoning_tokens": "1"}, (9, 2, 0, 1)),
        ({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 2}}, (9, 0, 3, 0)),
        ({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 1, "cache_write_tokens": 2}}, (9, 0, 0, 0)),
        ({"prompt_tokens": 9, "prompt_cache_hit_tokens": 4}, (9, 0, 4, 0)),
        ({"prompt_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 4}}, (9, 0, 0, 4)),
        ({"prompt_tokens": 9, "completion_tokens": None, "cached_tokens": "many"}, (9, 0, 0, 0)),
        ({"prompt_tokens": 2**70, "completion_tokens": True}, (0, 0, 0, 0)),
    ],
)
def test_counters(usage: dict[str, Any], expected: tuple[int, int, int, int]) -> None:
    """Under all the names that servers have for them; what is no number counts nothing."""
    response = read(said("stop", content="a"), {"choices": [], "usage": usage}, DONE)

    names = ("input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens")
    assert response.usage == LlmUsage(**dict(zip(names, expected, strict=True)))
    assert response.provider_usage == usage


def test_counters_that_come_in_a_choice_and_one_after_the_other() -> None:
    """A later one replaces an earlier one, unless it is 0."""
    first = {"choices": [{"delta": {"content": "a"}, "usage": {"prompt_tokens": 9, "completion_tokens": 1}}]}
    response = read(first, {"choices": [], "usage": {"prompt_tokens": 0, "completion_tokens": 3}}, said("stop"), DONE)

    assert (response.usage.input_tokens, response.usage.output_tokens) == (9, 3)


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning", "reasoning_text"])
def test_reasoning_has_three_names(name: str) -> None:
    """All are read; whoever listens hears it when it is exposed."""
    response, told = told_by(said(**{name: "hm"}), said("stop", content="a"), DONE, expose=True)

    assert [part.Reasoning.text for part in response.parts if part.Reasoning] == ["hm"]
    assert ReasoningDeltaStream("hm") in told


def test_blank_reasoning_is_none() -> None:
    """Servers that do not think send blanks."""
    assert all(part.Reasoning is None for part in read(said(reasoning=" \n"), said("stop", content="a"), DONE).parts)


def test_calls_whose_pieces_are_mixed() -> None:
    """Pieces belong together by their index; the calls come in its order, those without a name not at all."""
    response = read(
        called(1, "c2", "find", "{"),
        called(0, "c1", "look", ""),
        called(1, None, None, "}"),
        called(0, "", "", '{"a":1}'),
        called(2, "c3", None, "{}"),
        said("tool_calls"),
        DONE,
    )

    calls = [part.ToolCall for part in response.parts if part.ToolCall]
    assert [(call.call_id, call.tool_name, call.input_json) for call in calls] == [
        ("c1", "look", '{"a":1}'),
        ("c2", "find", "{}"),
    ]


def test_calls_without_ids_get_their_own() -> None:
    """Each another one."""
    response = read(called(0, None, "look"), called(1, None, "look"), said("tool_calls"), DONE)

    assert len({part.ToolCall.call_id for part in response.parts if part.ToolCall} - {""}) == 2


def test_encrypted_reasoning_belongs_to_its_call() -> None:
    """Whether it comes before the call or behind it; all other details are nobody's."""
    detail = {"type": "reasoning.encrypted", "id": "c1", "data": "xyz", "index": 0}
    others = [{"type": "reasoning.text", "id": "c1", "text": "hm"}, {"type": "reasoning.encrypted", "data": "lost"}]
    for events in (
        [said(reasoning_details=[*others, detail]), called(0, "c1", "look")],
        [called(0, "c1", "look"), said(reasoning_details=[detail, *others, "odd"])],
    ):
        (part,) = read(*events, said("tool_calls"), DONE).parts
        assert part.ToolCall is not None
        assert part.ToolCall.replay is not None
        assert json.loads(part.ToolCall.replay.opaque or "") == detail


def test_an_event_may_be_the_whole_answer() -> None:
    """A server that streams one chunk with a message, its text in parts."""
    message = {"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "image"}]}
    response = read({"choices": [{"message": message, "finish_reason": "stop"}]}, DONE)

    assert response.full_text == "a"


def test_an_answer_that_says_nothing() -> None:
    """Asking again may help."""
    with pytest.raises(LlmTransportError) as raised:
        read(said("stop", content=""), DONE)

    assert (raised.value.provider_code, raised.value.retryable) == ("empty_response", True)
    assert raised.value.raw is not None


@pytest.mark.parametrize(
    ("error", "message", "retryable"),
    [
        ({"message": "busy", "code": 503}, "busy", True),
        ({"message": "busy", "type": "overloaded"}, "busy", True),
        ({"message": "no", "code": 400}, "no", False),
        ({}, "OpenAI-compatible chat stream error", False),
        ("odd", "OpenAI-compatible chat stream error", False),
    ],
)
def test_an_event_may_be_a_failure(error: object, message: str, *, retryable: bool) -> None:
    """With the server's message, and whether it may pass."""
    with pytest.raises(LlmTransportError) as raised:
        read(said(content="a"), {"error": error})

    assert (raised.value.message, raised.value.retryable) == (message, retryable)
