"""How the events of OpenAI's Responses API become one response."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lash_nb.errors import LlmTransportError
from lash_nb.providers import UsageEvent, classify_failure
from lash_nb.providers._openai_responses_stream import ResponsesReader  # a reader knows no network
from lash_nb.wire import (
    LlmTerminalReason,
    LlmUsage,
    ProviderReasoningReplay,
    ProviderReplayMeta,
    ReasoningPart,
    ResponseTextMeta,
    TextPart,
    ToolCallPart,
)
from tests.providers.reading import calls_of, read_bytes, read_events, read_or_code, shown
from tests.providers.servers import Called, ResponsesDialect, Said

SAID = Said(
    text=("I ", "look."),
    thought=("hm", " …"),
    calls=(Called("c1", "look", ('{"q": ', '"wörld 🌍"}')), Called("c2", "now", ())),
    reason="tool_use",
)
MESSAGE = {"type": "message", "id": "m1", "role": "assistant"}
REASONING = {"type": "reasoning", "id": "r1"}
CALL = {"type": "function_call", "id": "f1", "call_id": "c1", "name": "look"}


def reader(*, expose: bool = True) -> ResponsesReader:
    """Return a reader for one answer."""
    return ResponsesReader(expose_thinking=expose)


def event(kind: str, **members: Any) -> dict[str, Any]:
    """Return an event."""
    return {"type": f"response.{kind}", **members}


def added(item: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Return the event that begins an item."""
    return event("output_item.added", item=item, **members)


def done(item: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Return the event that ends an item."""
    return event("output_item.done", item=item, **members)


def end(*output: dict[str, Any], kind: str = "completed", **members: Any) -> dict[str, Any]:
    """Return the event that ends an answer and tells it whole."""
    return event(kind, response={"status": kind, "output": list(output), **members})


def texts(*said: str) -> list[dict[str, Any]]:
    """Return the content of a message."""
    return [{"type": "output_text", "text": text} for text in said]


def parts_of(*events: dict[str, Any]) -> list[Any]:
    """Return what the parts of a response are."""
    return [part.variant for part in read_events(reader(), events)[0].parts]


def test_a_whole_answer() -> None:
    """Reasoning and text with what the provider wants back, calls; told as they came."""
    response, told = read_bytes(reader(), b"".join(ResponsesDialect().stream(SAID)))

    replay = ProviderReasoningReplay(item_id="rs_1", encrypted_content="for OpenAI's eyes only", summary=("hm …",))
    look = ToolCallPart(
        call_id="c1", tool_name="look", input_json='{"q": "wörld 🌍"}', replay=ProviderReplayMeta(item_id="fc_0")
    )
    now = ToolCallPart(call_id="c2", tool_name="now", input_json="{}", replay=ProviderReplayMeta(item_id="fc_1"))
    assert [part.variant for part in response.parts] == [
        ReasoningPart(text="hm …", replay=replay),
        TextPart(text="I look.", response_meta=ResponseTextMeta(id="msg_1", status="completed")),
        look,
        now,
    ]
    assert (response.full_text, response.terminal_reason) == ("I look.", "tool_use")
    assert shown(told) == ("I look.", "hm …", [look, now])
    assert response.usage == SAID.usage
    assert response.provider_usage == ResponsesDialect().whole(SAID)["usage"]


def test_an_answer_in_one_piece_says_the_same() -> None:
    """Asked for without a stream, or not streamed by the server."""
    streamed, _ = read_bytes(reader(), b"".join(ResponsesDialect().stream(SAID)))
    whole = reader()
    told = list(whole.feed_whole(json.dumps(ResponsesDialect().whole(SAID))))

    assert whole.finish() == streamed
    assert shown(told) == ("I look.", "hm …", calls_of(streamed))


def test_paragraphs_of_reasoning_are_told_as_they_are_given() -> None:
    """With a blank line between them; what `done` says beyond the pieces is taken, and nothing twice."""
    where = {"item_id": "r1"}
    summary = [{"type": "summary_text", "text": "one"}, {"type": "summary_text", "text": "two."}]
    whole = {**REASONING, "summary": summary, "encrypted_content": "xx"}
    response, told = read_events(
        reader(),
        [
            added(REASONING),
            event("reasoning_summary_part.added", **where),
            event("reasoning_summary_text.delta", **where, delta="o"),
            event("reasoning_summary_text.done", **where, text="one"),
            event("reasoning_summary_part.done", **where),
            event("reasoning_summary_part.added", **where),
            event("reasoning_summary_text.delta", **where, delta="two"),
            event("reasoning_summary_text.done", **where, text="else"),
            event("reasoning_summary_part.done", **where),
            done(whole),
            end(whole),
        ],
    )

    (part,) = response.parts
    assert part.variant == ReasoningPart(
        text="one\n\ntwo.",
        replay=ProviderReasoningReplay(item_id="r1", encrypted_content="xx", summary=("one", "two.")),
    )
    assert shown(told)[1] == "one\n\ntwo."


def test_reasoning_without_a_summary_is_not_shown() -> None:
    """There is nothing to see of it; pieces that come unannounced are taken."""
    hidden = {**REASONING, "summary": [], "encrypted_content": "xx"}

    assert parts_of(
        added(hidden),
        done(hidden),
        event("reasoning_summary_text.delta", item_id="r2", delta="unannounced"),
        event("reasoning_summary_text.delta", item_id="r2", delta=7),
        end(),
    ) == [ReasoningPart(text="unannounced")]


def test_reasoning_is_told_only_when_it_is_wanted() -> None:
    """The response has it all the same."""
    response, told = read_bytes(reader(expose=False), b"".join(ResponsesDialect().stream(SAID)))

    assert shown(told)[1] == ""
    assert response.parts[0].Reasoning is not None


def test_the_end_of_a_message_says_what_was_missing() -> None:
    """More at its end is told; a text that changed is replaced in silence."""
    response, told = read_events(
        reader(),
        [
            added(MESSAGE),
            event("output_text.delta", item_id="m1", delta="be"),
            done({**MESSAGE, "content": texts("be", "gun"), "phase": "commentary"}),
            event("output_text.delta", item_id="m2", delta="old"),
            end({**MESSAGE, "content": texts("begun")}, {**MESSAGE, "id": "m2", "content": texts("new")}),
        ],
    )

    assert [part.Text and part.Text.text for part in response.parts] == ["begun", "new"]
    assert response.full_text == "begunnew"
    assert shown(told)[0] == "begunold"


def test_a_refusal_is_text() -> None:
    """It may come in pieces or with the end of its message."""
    refused = {**MESSAGE, "content": [{"type": "refusal", "refusal": "No."}, {"type": "picture"}]}

    response, told = read_events(reader(), [added(MESSAGE), event("refusal.delta", delta="N"), done(refused), end()])

    assert (response.full_text, shown(told)[0]) == ("No.", "No.")


def test_pieces_that_say_of_nothing_whose_they_are() -> None:
    """Some servers leave ids and places out: a piece belongs to the last item of its kind."""
    nameless = {"type": "message"}
    said = parts_of(
        added(nameless), event("output_text.delta", delta="a"), event("output_text.delta", delta="b"), end()
    )

    assert said == [TextPart(text="ab")]


def test_only_the_end_tells_anything() -> None:
    """All of it is taken then; a bare `output_text` counts where no message says anything."""
    call = {**CALL, "arguments": {"q": 1}}
    nameless = {"type": "function_call", "call_id": "c2", "name": "now"}

    assert parts_of(end(call, nameless, {"type": "function_call"}, {"type": "search"}, output_text="hi")) == [
        ToolCallPart(call_id="c1", tool_name="look", input_json='{"q":1}', replay=ProviderReplayMeta(item_id="f1")),
        ToolCallPart(call_id="c2", tool_name="now", input_json="{}"),
        TextPart(text="hi"),
    ]
    assert parts_of(end({**MESSAGE, "content": texts("hi")}, output_text="other")) == [
        TextPart(text="hi", response_meta=ResponseTextMeta(id="m1", status="completed"))
    ]


def test_what_the_end_tells_again_is_not_there_twice() -> None:
    """A call is the same by the id of its item, by its place, or by its own id."""
    call = {**CALL, "arguments": "{}"}
    for again in (call, {**call, "id": "other"}, {"type": "function_call", "call_id": "c1", "name": "look"}):
        response, told = read_events(
            reader(), [added(CALL, output_index=0), done(call, output_index=0), end(MESSAGE, again)]
        )

        assert [one.replay for one in calls_of(response)] == [ProviderReplayMeta(item_id="f1")]
        assert shown(told)[2] == calls_of(response)


def test_two_calls_with_one_id() -> None:
    """The second gets an id of its own, since a session tells calls apart by it; what is told and what is given agree."""
    two = Said(calls=(Called("c", "a", ()), Called("c", "b", ())), reason="tool_use")

    response, told = read_bytes(reader(), b"".join(ResponsesDialect().stream(two)))

    first, second = calls_of(response)
    assert (first.call_id, first.tool_name, second.tool_name) == ("c", "a", "b")
    assert str(UUID(second.call_id)) == second.call_id
    assert shown(told)[2] == [first, second]


def test_a_call_that_the_token_limit_cuts_off() -> None:
    """It is kept as far as it came, and the diagnostic says what happened."""
    cut = Said(calls=(Called("c", "look", ('{"q": "lo',)),), reason="output_limit")

    response, _ = read_bytes(reader(), b"".join(ResponsesDialect().stream(cut)))

    assert [call.input_json for call in calls_of(response)] == ['{"q": "lo']
    assert response.terminal_reason == "output_limit"
    assert "within the call of look" in str(response.terminal_diagnostic)


def test_what_nobody_knows_is_left_out() -> None:
    """Events, items and members of other kinds."""
    assert parts_of(
        {},
        {"type": ["response"]},
        event("news", response=7),
        added(MESSAGE, output_index=True),
        added({"type": "web_search_call"}),
        event("output_item.added", item="message"),
        event("output_text.delta", item_id="m1", delta="hi"),
        event("output_text.delta", item_id=7, output_index="0", delta=None),
        event("output_text.done", item_id="m1", text="other"),
        event("function_call_arguments.delta", item_id="f9", delta="{}"),
        event("completed", response={"output": [7, {"type": "message", "content": "hi"}], "usage": []}),
    ) == [TextPart(text="hi", response_meta=None)]


@pytest.mark.parametrize(
    ("final", "reason"),
    [
        ({"incomplete_details": {"reason": "max_output_tokens"}}, "output_limit"),
        ({"incompleteDetails": {"reason": "max_tokens"}}, "output_limit"),
        ({"incomplete_details": {"reason": "content_filter"}}, "content_filter"),
        ({"incomplete_details": {"reason": "safety"}}, "content_filter"),
        ({"incomplete_details": {"reason": "other"}}, "provider_error"),
        ({"incomplete_details": None, "status": "completed"}, "stop"),
        ({"status": "cancelled"}, "cancelled"),
        ({"status": "incomplete"}, "stop"),
    ],
)
def test_why_an_answer_ended(final: dict[str, Any], reason: LlmTerminalReason) -> None:
    """What the answer says of it, else what is in it."""
    response, _ = read_events(reader(), [end(**{"output_text": "hi", **final})])

    assert response.terminal_reason == reason


def test_an_answer_of_nothing_is_a_failure() -> None:
    """Asking again may help; what came is kept."""
    with pytest.raises(LlmTransportError, match="empty_response") as raised:
        read_events(reader(), [added(MESSAGE), done({**MESSAGE, "content": texts("")}), end(MESSAGE)])

    assert (raised.value.provider_code, raised.value.retryable) == ("empty_response", True)
    assert json.loads(str(raised.value.raw))["status"] == "completed"


def test_counters_only_grow() -> None:
    """They may stand in any event, of the answer or by themselves."""
    usage = {"input_tokens": 5, "output_tokens": "2", "input_tokens_details": {"cached_tokens": 3}}
    response, told = read_events(
        reader(),
        [
            event("created", response={"usage": None}),
            event("news", usage={"input_tokens": 4}),
            end(usage=usage, output_text="hi"),
        ],
    )

    assert response.usage == LlmUsage(input_tokens=5, output_tokens=2, cached_input_tokens=3, reasoning_tokens=0)
    assert [one.usage.input_tokens for one in told if isinstance(one, UsageEvent)] == [4, 5]
    assert response.provider_usage == usage


@pytest.mark.parametrize(
    ("failure", "code", "passes"),
    [
        (event("failed", response={"error": {"code": "server_error", "message": "it broke"}}), "server_error", True),
        (event("failed", error={"code": "invalid_prompt", "message": "it broke"}), "invalid_prompt", False),
        ({"type": "error", "code": "rate_limit_exceeded", "message": "it broke"}, "rate_limit_exceeded", True),
        ({"type": "error", "error": {"type": "server_error", "code": None}, "message": "it broke"}, None, True),
        ({"type": "error", "message": "it broke"}, None, False),
        ({"type": "error", "code": "5" * 5_000, "message": "it broke"}, "5" * 5_000, False),
    ],
)
def test_a_failure_inside_the_stream(failure: dict[str, Any], code: str | None, *, passes: bool) -> None:
    """Its code or type says whether asking again may help."""
    with pytest.raises(LlmTransportError, match="OpenAI stream error: it broke") as raised:
        read_events(reader(), [event("output_text.delta", delta="hi"), failure])

    assert (raised.value.kind, raised.value.provider_code) == ("stream", code)
    assert classify_failure(raised.value).retryable is passes
    assert json.loads(str(raised.value.raw)) == failure


@pytest.mark.parametrize("answer", [{"status": "failed", "error": None}, {"type": "error"}])
def test_a_failure_in_one_piece(answer: dict[str, Any]) -> None:
    """Some servers send one with a status that says all is well."""
    with pytest.raises(LlmTransportError, match="no reason was given"):
        list(reader().feed_whole(json.dumps(answer)))


@given(data=st.data())
def test_an_answer_that_is_cut_off_is_an_error(data: st.DataObject) -> None:
    """Wherever the stream ends, unless only the line ends are missing: half an answer is never taken for one."""
    stream = b"".join(ResponsesDialect().stream(SAID))
    whole, _ = read_bytes(reader(), stream)
    cut = data.draw(st.integers(0, len(stream)), label="bytes that came")

    response = read_or_code(reader(), stream[:cut])

    assert response == whole if cut >= len(stream) - 2 else response in ("stream_incomplete", "no JSON")


@given(data=st.data())
def test_items_may_come_interleaved(data: st.DataObject) -> None:
    """In whatever order the pieces of different items arrive, the answer is the same: items stand as they began."""
    items = list(_items())
    rest = data.draw(st.permutations([place for place, pieces in enumerate(items) for _ in pieces[1:]]))
    queues = [iter(pieces[1:]) for pieces in items]
    begun = [pieces[0] for pieces in items]

    expected, _ = read_events(reader(), [*(one for pieces in items for one in pieces), end()])
    response, told = read_events(reader(), [*begun, *(next(queues[place]) for place in rest), end()])

    assert response == expected
    assert sorted(call.call_id for call in shown(told)[2]) == ["c3", "c4"]


def _items() -> Iterator[list[dict[str, Any]]]:
    yield [
        added(REASONING, output_index=0),
        *(event("reasoning_summary_text.delta", item_id="r1", output_index=0, delta=piece) for piece in ("h", "m")),
    ]
    for place, said in ((1, "ab"), (2, "cd")):
        message = {**MESSAGE, "id": f"m{place}"}
        yield [
            added(message, output_index=place),
            *(event("output_text.delta", item_id=f"m{place}", delta=piece) for piece in said),
            done({**message, "content": texts(said)}, output_index=place),
        ]
    for place in (3, 4):
        call = {**CALL, "id": f"f{place}", "call_id": f"c{place}"}
        pieces = ('{"q": ', f"{place}}}")
        yield [
            added(call, output_index=place),
            *(event("function_call_arguments.delta", item_id=f"f{place}", delta=piece) for piece in pieces),
            done({**call, "arguments": "".join(pieces)}, output_index=place),
        ]
