"""How the events of Anthropic's Messages API become one response."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lash_nb.errors import LlmTransportError
from lash_nb.providers import UsageEvent, classify_failure
from lash_nb.providers._anthropic_stream import MessagesReader  # a reader knows no network
from lash_nb.wire import (
    LlmTerminalReason,
    LlmUsage,
    ProviderReasoningReplay,
    ReasoningPart,
    TextPart,
    ToolCallPart,
)
from tests.providers.reading import calls_of, read_bytes, read_events, read_or_code, shown
from tests.providers.servers import Called, MessagesDialect, Said

SAID = Said(
    text=("I ", "look."),
    thought=("hm", " …"),
    calls=(Called("c1", "look", ('{"q":', '"wörld 🌍"}')), Called("c2", "now", ())),
    reason="tool_use",
)

STREAM = b"".join(MessagesDialect().stream(SAID))


def reader(*, expose: bool = True) -> MessagesReader:
    """Return a reader for one answer."""
    return MessagesReader(expose_thinking=expose)


def start(index: int, **block: Any) -> dict[str, Any]:
    """Return the event that begins a block."""
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **piece: Any) -> dict[str, Any]:
    """Return the event that adds a piece to a block."""
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **piece}}


def end(reason: str | None = "end_turn", **usage: int) -> list[dict[str, Any]]:
    """Return the events that end an answer."""
    return [{"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}, {"type": "message_stop"}]


def parts_of(*events: dict[str, Any]) -> list[Any]:
    """Return what the parts of a response are."""
    response, _ = read_events(reader(), [*events, *end()])
    return [part.variant for part in response.parts]


def test_a_whole_answer() -> None:
    """Thinking with its signature, text, calls; told as they came."""
    response, told = read_bytes(reader(), b"".join(MessagesDialect().stream(SAID)))

    look = ToolCallPart(call_id="c1", tool_name="look", input_json='{"q":"wörld 🌍"}')
    now = ToolCallPart(call_id="c2", tool_name="now", input_json="{}")
    assert [part.variant for part in response.parts] == [
        ReasoningPart(text="hm …", replay=ProviderReasoningReplay(signature="c2lnbmVk")),
        TextPart(text="I look."),
        look,
        now,
    ]
    assert (response.full_text, response.terminal_reason) == ("I look.", "tool_use")
    assert shown(told) == ("I look.", "hm …", [look, now])
    assert response.usage == replace(SAID.usage, reasoning_tokens=0)
    assert response.provider_usage == {
        "input_tokens": 24,
        "cache_read_input_tokens": 16,
        "cache_creation_input_tokens": 0,
        "output_tokens": 7,
    }


def test_an_answer_in_one_piece_says_the_same() -> None:
    """As other servers send it that speak the protocol without streaming."""
    streamed, _ = read_bytes(reader(), b"".join(MessagesDialect().stream(SAID)))
    whole = reader()
    told = list(whole.feed_whole(json.dumps(MessagesDialect().whole(SAID))))

    assert whole.finish() == streamed
    assert shown(told) == ("I look.", "hm …", calls_of(streamed))


def test_thinking_may_be_withheld() -> None:
    """Its signature is kept, which is all that the next request needs; what was redacted says so."""
    assert parts_of(
        start(0, type="thinking", thinking="", signature=""),
        delta(0, "signature_delta", signature="sig"),
        start(1, type="redacted_thinking", data="for Anthropic"),
        start(2, type="thinking", thinking=""),
        delta(2, "thinking_delta", thinking="unsigned"),
        start(3, type="thinking", thinking=""),
    ) == [
        ReasoningPart(text="", replay=ProviderReasoningReplay(signature="sig")),
        ReasoningPart(
            text="[Reasoning redacted]", replay=ProviderReasoningReplay(signature="for Anthropic", redacted=True)
        ),
        ReasoningPart(text="unsigned"),
    ]


def test_arguments_that_come_with_the_start_of_a_call() -> None:
    """They count where no pieces follow; a call without a name is none, one without an id gets a fresh one."""
    first, second, third = parts_of(
        start(0, type="tool_use", id="c0", name="look", input={"q": 1}),
        start(1, type="tool_use", id="c1", name="look", input={"q": 1}),
        delta(1, "input_json_delta", partial_json='{"q": 2}'),
        start(2, type="tool_use", id="c2", name=""),
        start(3, type="tool_use", name="look"),
    )

    assert [one.input_json for one in (first, second, third)] == ['{"q":1}', '{"q": 2}', "{}"]
    assert str(UUID(third.call_id)) == third.call_id


def test_two_calls_with_one_id() -> None:
    """The second gets an id of its own, since a session tells calls apart by it; what is told and what is given agree."""
    two = Said(calls=(Called("c", "a", ()), Called("c", "b", ())), reason="tool_use")

    response, told = read_bytes(reader(), b"".join(MessagesDialect().stream(two)))

    assert [call.tool_name for call in calls_of(response)] == ["a", "b"]
    assert len({call.call_id for call in calls_of(response)}) == 2
    assert shown(told)[2] == calls_of(response)


def test_what_nobody_knows_is_left_out() -> None:
    """Events, blocks and deltas of other kinds, pieces of blocks that never began, members of other types."""
    assert parts_of(
        {"type": "ping"},
        {"type": "news"},
        {},
        {"type": 7},
        start(0, type="server_tool_use", name="search"),
        delta(0, "text_delta", text="unseen"),
        start(1, type="text", text=None),
        delta(1, "citations_delta", citation={}),
        delta(1, "text_delta", text=7),
        delta(1, "text_delta", text="seen"),
        delta(9, "text_delta", text="unseen"),
        {"type": "content_block_stop", "index": 9},
        {"type": "content_block_start", "index": 10**30, "content_block": []},
        {"type": "content_block_delta", "index": 1, "delta": "text"},
    ) == [TextPart(text="seen")]


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("tool_use", "tool_use"),
        ("max_tokens", "output_limit"),
        ("refusal", "content_filter"),
        ("safety", "content_filter"),
        ("sensitive", "content_filter"),
        ("new_reason", "provider_error"),
        (None, "stop"),
    ],
)
def test_why_an_answer_ended(stop: str | None, reason: LlmTerminalReason) -> None:
    """A reason that nobody knows is told as it is."""
    response, _ = read_events(reader(), [start(0, type="text", text="hi"), *end(stop)])

    assert response.terminal_reason == reason
    assert response.terminal_diagnostic == ("Anthropic stopped for `new_reason`." if stop == "new_reason" else None)


def test_a_call_that_the_token_limit_cuts_off() -> None:
    """It is kept as far as it came, and the diagnostic says what happened."""
    cut = Said(calls=(Called("c", "look", ('{"q": "lo',)),), reason="output_limit")

    response, _ = read_bytes(reader(), b"".join(MessagesDialect().stream(cut)))

    assert [call.input_json for call in calls_of(response)] == ['{"q": "lo']
    assert response.terminal_reason == "output_limit"
    assert "within the call of look" in str(response.terminal_diagnostic)


def test_counters_only_grow() -> None:
    """Cached input counts as input; a later event replaces what it tells, and what it does not tell stays."""
    begun = {"usage": {"input_tokens": 5, "cache_read_input_tokens": 3, "cache_creation_input_tokens": "2"}}
    response, told = read_events(
        reader(), [{"type": "message_start", "message": begun}, *end(output_tokens=4), *end(output_tokens=0)]
    )

    assert response.usage == LlmUsage(input_tokens=10, output_tokens=4, cached_input_tokens=3, reasoning_tokens=0)
    assert told == [UsageEvent(replace(response.usage, output_tokens=0)), UsageEvent(response.usage)]


@pytest.mark.parametrize(
    ("kind", "passes"),
    [("overloaded_error", True), ("api_error", True), ("rate_limit_error", True), ("invalid_request_error", False)],
)
def test_a_failure_inside_the_stream(kind: str, *, passes: bool) -> None:
    """Its type says whether asking again may help."""
    with pytest.raises(LlmTransportError, match="Anthropic stream error: it broke") as raised:
        read_events(reader(), [{"type": "error", "error": {"type": kind, "message": "it broke"}}])

    assert (raised.value.kind, raised.value.provider_code) == ("stream", kind)
    assert classify_failure(raised.value).retryable is passes


def test_a_failure_in_one_piece() -> None:
    """Some proxies send one with a status that says all is well."""
    with pytest.raises(LlmTransportError, match="no reason was given"):
        list(reader().feed_whole('{"type": "error"}'))


@given(data=st.data())
def test_an_answer_that_is_cut_off_is_the_same_or_an_error(data: st.DataObject) -> None:
    """Wherever the stream ends: half an answer is never taken for one."""
    whole, _ = read_bytes(reader(), STREAM)
    cut = data.draw(st.integers(0, len(STREAM)), label="bytes that came")

    response = read_or_code(reader(), STREAM[:cut])

    assert response in (whole, "stream_incomplete", "no JSON")


@given(data=st.data())
def test_blocks_may_come_interleaved(data: st.DataObject) -> None:
    """In whatever order the pieces of different blocks arrive, the answer is the same."""
    stream = list(_events())
    inside = [event for event in stream if "index" in event]
    order = data.draw(st.permutations([event["index"] for event in inside]), label="whose piece is next")
    queues: dict[int, Iterator[dict[str, Any]]] = {
        index: iter([event for event in inside if event["index"] == index]) for index in set(order)
    }
    mixed = [stream[0], *(next(queues[index]) for index in order), *stream[-2:]]

    expected, _ = read_events(reader(), stream)
    response, told = read_events(reader(), mixed)

    assert response == expected
    assert sorted(call.call_id for call in shown(told)[2]) == ["c1", "c2"]


def _events() -> Iterator[dict[str, Any]]:
    yield {"type": "message_start", "message": {"usage": {"input_tokens": 1}}}
    yield start(0, type="thinking", thinking="")
    yield from (delta(0, "thinking_delta", thinking=piece) for piece in ("h", "m"))
    yield delta(0, "signature_delta", signature="sig")
    yield start(1, type="text", text="")
    yield from (delta(1, "text_delta", text=piece) for piece in ("a", "b"))
    for index, called in ((2, "c1"), (3, "c2")):
        yield start(index, type="tool_use", id=called, name="look")
        yield from (delta(index, "input_json_delta", partial_json=piece) for piece in ('{"q": ', f"{index}}}"))
        yield {"type": "content_block_stop", "index": index}
    yield from end("tool_use")
