"""The provider that answers from a trace."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from lash_nb.core import LashSession
from lash_nb.errors import CallerError, LlmTransportError, TraceReadError
from lash_nb.providers import (
    DeltaEvent,
    LlmProvider,
    ProviderHandle,
    ReplayProvider,
    ReplayWarning,
    ScriptedProvider,
    UsageEvent,
    classify_failure,
    reply,
)
from lash_nb.trace import JsonlTraceSink, LlmTraceMapper, MemoryTraceSink
from lash_nb.wire import LlmRequest, LlmResponse, LlmUsage, from_builtins, to_json
from tests.providers.requests import assistant, image, reasoning, request, system, text, tool, user
from tests.providers.requests import call as call_block
from tests.providers.requests import result as result_block
from tests.runtime.desk import builder, tool_then_answer, weather
from tests.trace.golden import golden, golden_files
from tests.work import lines_run

ASKED = request(system("be kind"), user("hi"), model="m", tools=[tool()])
RICH = {
    "full_text": "so",
    "parts": [
        {
            "Reasoning": {
                "text": "a\n\nb",
                "replay": {"item_id": "rs", "encrypted_content": "xx", "summary": ["a", "b"]},
            }
        },
        {"Reasoning": {"text": "[Reasoning redacted]", "replay": {"signature": "yy", "redacted": True}}},
        {"Reasoning": {"text": "plain", "replay": None}},
        {"Text": {"text": "so", "response_meta": {"id": "msg"}}},
        {"ToolCall": {"call_id": "c1", "tool_name": "look", "input_json": '{"q": ', "replay": {"item_id": "fc"}}},
    ],
    "usage": {"input_tokens": 9, "output_tokens": 5, "cached_input_tokens": 4, "reasoning_tokens": 3},
    "terminal_reason": "output_limit",
    "provider_usage": {"total": 17},
}


async def open_session(provider: LlmProvider, sink: MemoryTraceSink | JsonlTraceSink) -> LashSession:
    """Return a session whose model and tools always do the same."""
    core = builder([], weather).provider(provider).trace_sink(sink).build()
    return await core.session("demo").open()


def recorded(*calls: tuple[LlmRequest, Any]) -> list[dict[str, Any]]:
    """Return the records of these requests and what came of each; None is a call without an end."""
    mapper, records = LlmTraceMapper(), []
    for number, (asked, outcome) in enumerate(calls):
        context = {"session_id": "s", "llm_call_id": str(number)}
        about = {"schema_version": 2, "timestamp": "2026-01-01T00:00:00Z", "context": context}
        started = json.loads(to_json(mapper.request(asked)))
        records.append({**about, "id": f"a{number}", "type": "llm_call_started", "request": started})
        if outcome is not None:
            records.append({**about, "id": f"b{number}", **ended(outcome, mapper)})
    return records


def from_plain(response: dict[str, Any]) -> LlmResponse:
    """Return a response that is given as plain JSON."""
    made: LlmResponse = from_builtins(response, LlmResponse)
    return made


def ended(outcome: Any, mapper: LlmTraceMapper) -> dict[str, Any]:
    """Return what the end of a call tells."""
    if not isinstance(outcome, LlmResponse):
        return {"type": "llm_call_failed", "error": outcome}
    response = json.loads(to_json(mapper.response(outcome, 1)))
    usage = json.loads(to_json(outcome.usage))
    return {
        "type": "llm_call_completed",
        "response": response,
        "usage": usage,
        "provider_usage": outcome.provider_usage,
    }


async def test_a_recorded_session_runs_again(tmp_path: Path) -> None:
    """Turn by turn, tools for real, models from the file: the same results, the same tokens, nothing left."""
    path = tmp_path / "run.jsonl"
    first = await open_session(ScriptedProvider(tool_then_answer), JsonlTraceSink(path))
    results = [await first.turn(prompt).run() for prompt in ("Weather?", "And now?")]

    provider = ReplayProvider(path)
    again = await open_session(provider, MemoryTraceSink())
    replayed = [await again.turn(prompt).run() for prompt in ("Weather?", "And now?")]

    assert [turn.outcome for turn in replayed] == [turn.outcome for turn in results]
    assert [turn.usage for turn in replayed] == [turn.usage for turn in results]
    assert (provider.left, repr(provider)) == (0, "ReplayProvider(4 of 4 recorded calls answered)")


async def test_a_live_session_is_a_recording_too() -> None:
    """What a replay records is what it was given: it can be replayed in turn."""
    provider: LlmProvider = ScriptedProvider(tool_then_answer)
    outcomes = []
    for _ in range(3):
        session = await open_session(provider, MemoryTraceSink())
        outcomes.append((await session.turn("Weather?").run()).outcome)
        assert session.trace is not None
        provider = ReplayProvider(session.trace)

    assert outcomes[0] == outcomes[1] == outcomes[2]


async def test_an_answer_comes_back_as_far_as_a_trace_holds_it() -> None:
    """All parts and counters; what only the provider can read is not in a trace. Text is streamed."""
    whole = from_plain(RICH)
    told: list[Any] = []

    response = await ReplayProvider(recorded((ASKED, whole))).complete(ASKED, told.append)

    expected = from_plain(
        {
            **RICH,
            "parts": [
                {"Reasoning": {"text": "a\n\nb", "replay": {"item_id": "rs", "summary": ["a", "b"]}}},
                {"Reasoning": {"text": "[Reasoning redacted]", "replay": {"redacted": True}}},
                {"Reasoning": {"text": "plain", "replay": None}},
                {"Text": {"text": "so", "response_meta": None}},
                {
                    "ToolCall": {
                        "call_id": "c1",
                        "tool_name": "look",
                        "input_json": '{"q": ',
                        "replay": {"item_id": "fc"},
                    }
                },
            ],
        }
    )
    assert response == expected
    assert "".join(event.text for event in told if isinstance(event, DeltaEvent)) == "so"
    assert told[-1] == UsageEvent(expected.usage)


async def test_requests_are_answered_in_whatever_order_they_are_asked() -> None:
    """By the first call left that asked the same; each call answers once."""
    one, two = request(user("one")), request(user("two"))
    provider = ReplayProvider(recorded((one, reply("1a")), (two, reply("2")), (one, reply("1b"))))

    said = [(await provider.complete(asked)).full_text for asked in (two, one, one)]

    assert said == ["2", "1a", "1b"]
    with pytest.raises(LlmTransportError, match="all 3 recorded calls are answered") as raised:
        await provider.complete(one)
    assert raised.value.provider_code == "replay_exhausted"


@pytest.mark.parametrize(
    ("asked", "difference"),
    [
        (request(user("hi"), model="n"), "model: 'm' was recorded, 'n' is asked"),
        (request(user("hi"), model="m", model_variant="high"), "model_variant: nothing was recorded, 'high' is asked"),
        (request(user("ho"), model="m"), "messages[0].blocks[0].text: 'hi' was recorded, 'ho' is asked"),
        (request(user("hi", "you"), model="m"), "messages[0].blocks: 1 were recorded, 2 are asked"),
        (request(assistant("hi"), model="m"), "messages[0].role: 'user' was recorded, 'assistant' is asked"),
        (
            request(user("hi"), model="m", tool_choice="None"),
            "tool_choice: 'auto' was recorded, 'none' is asked",
        ),
        (
            request(user("hi"), model="m", output_spec="JsonObject"),
            'output_spec: nothing was recorded, {"type":"json_object"} is asked',
        ),
        (
            request(user(text("hi", is_marked=True)), model="m"),
            "messages[0].blocks[0].cache_breakpoint: nothing was recorded, true is asked",
        ),
    ],
)
async def test_a_request_that_was_not_recorded_says_what_differs(asked: LlmRequest, difference: str) -> None:
    """From the call that is next; nothing is answered by chance."""
    provider = ReplayProvider(recorded((request(user("hi"), model="m"), reply("hello"))))

    with pytest.raises(LlmTransportError) as raised:
        await provider.complete(asked)

    assert f"it differs from recorded call 1: {difference}. Ask the same as then" in raised.value.message
    assert (raised.value.provider_code, raised.value.retryable, provider.left) == ("replay_mismatch", False, 1)


async def test_words_of_a_request_do_not_say_what_failed() -> None:
    """A prompt may speak of context windows and quotas; the failure is that it was not recorded."""
    provider = ReplayProvider(recorded((request(user("hi")), reply("hello"))))

    with pytest.raises(LlmTransportError) as raised:
        await provider.complete(request(user("What is a context window, and what a quota?")))

    meaning = classify_failure(raised.value)
    assert "context window" in raised.value.message
    assert (meaning.kind, meaning.retryable, meaning.terminal_reason) == ("validation", False, "provider_error")


@pytest.mark.parametrize(
    "asked",
    [
        None,
        {"model": "quota"},
        LlmRequest(model="\ud800", messages=(), attachments=(), tools=(), tool_choice="Auto"),
        LlmRequest(model="m", messages=(object(),), attachments=(), tools=(), tool_choice="Auto"),  # type: ignore[arg-type]  # the fault under test
        LlmRequest(model="m", messages=None, attachments=(), tools=(), tool_choice="Auto"),  # type: ignore[arg-type]  # as above
    ],
    ids=["nothing", "a dict", "half a surrogate pair", "a message that is none", "no messages"],
)
async def test_what_is_no_request(asked: Any) -> None:
    """It is told from a request that was not recorded, with what the recording has; no recorded call is used up."""
    provider = ReplayProvider(recorded((ASKED, reply("a")), (ASKED, reply("b"))))
    with pytest.raises(LlmTransportError, match=r"it has 2 calls, 2 of them left\. Ask with an LlmRequest") as raised:
        await ProviderHandle(provider).complete(asked)

    assert (raised.value.provider_code, classify_failure(raised.value).kind) == ("replay_request", "validation")
    assert provider.left == 2


@pytest.mark.parametrize("content", [b"", b'{"a": 1}\n' * 900], ids=["cut short", "replaced"])
async def test_a_recording_that_was_changed_since(tmp_path: Path, content: bytes) -> None:
    """Its calls cannot be read any more; the message says so."""
    path = tmp_path / "quota.jsonl"
    path.write_text("".join(f"{json.dumps(record)}\n" for record in recorded((ASKED, reply("a")))))
    provider = ReplayProvider(path)
    path.write_bytes(content)
    with pytest.raises(LlmTransportError, match=r"cannot be read any more.*it has 1 call, 1 of them left") as raised:
        await ProviderHandle(provider).complete(ASKED)

    assert (raised.value.provider_code, classify_failure(raised.value).kind) == ("replay_unreadable", "validation")


@pytest.mark.parametrize("told", [7, "x", True, {"role": "user"}, [7, None]], ids=repr)
async def test_a_recording_with_messages_of_another_form(told: Any) -> None:
    """It is a call that asked something else."""
    records = recorded((ASKED, reply("a")))
    records[0]["request"]["messages"] = told
    with pytest.raises(LlmTransportError, match="differs from recorded call 1: messages") as raised:
        await ProviderHandle(ReplayProvider(records)).complete(ASKED)

    assert raised.value.provider_code == "replay_mismatch"


async def test_long_texts_are_shown_where_they_differ() -> None:
    """And of many differences the first."""
    long = "word " * 100
    told = request(user(f"{long}one", "a", "b", "c"))
    asked = request(user(f"{long}two", "x", "y", "z"))

    with pytest.raises(LlmTransportError) as raised:
        await ReplayProvider(recorded((told, reply("hello")))).complete(asked)

    assert "word word word one' was recorded" in raised.value.message
    assert "word two' is asked (from character 481)" in raised.value.message
    assert "; and more" in raised.value.message
    assert len(raised.value.message) < 700


async def test_recorded_answers_may_be_taken_in_order() -> None:
    """What fits is still preferred; what does not is told aloud."""
    one, two = request(user("one")), request(user("two"))
    provider = ReplayProvider(recorded((one, reply("1")), (two, reply("2"))), in_order=True)

    assert (await provider.complete(two)).full_text == "2"
    with pytest.warns(ReplayWarning, match="'one' was recorded, 'three' is asked"):
        assert (await provider.complete(request(user("three")))).full_text == "1"


async def test_what_a_trace_only_tells_to_be_there_does_not_count() -> None:
    """A request that brings back a replayed answer has no signatures, and is the same all the same."""
    conversation = (
        user("look", image(0)),
        assistant(
            reasoning("hm", signature="sig", item_id="rs"),
            call_block("c1", "look", '{"q": 1}', item_id="fc", opaque="zz"),
        ),
        user(result_block("c1", "seen")),
    )
    bare = (
        user("look", image(0)),
        assistant(reasoning("hm", item_id="rs"), call_block("c1", "look", '{"q":1}', item_id="fc")),
        user(result_block("c1", "seen")),
    )
    png = [{"mime": "image/png", "data": [1]}]
    provider = ReplayProvider(recorded((request(*conversation, attachments=png), reply("ok"))))

    assert (await provider.complete(request(*bare, attachments=png))).full_text == "ok"


async def test_a_recorded_failure_fails_again() -> None:
    """Once, without retries: those are in the recording."""
    error = {"message": "busy", "retryable": True, "terminal_reason": "provider_error", "code": "503", "raw": "{}"}
    handle = ProviderHandle(ReplayProvider(recorded((ASKED, error), (ASKED, reply("ok")))))

    with pytest.raises(LlmTransportError, match="busy") as raised:
        await handle.complete(ASKED)
    assert (raised.value.provider_code, raised.value.raw, raised.value.retryable) == ("503", "{}", True)
    assert (await handle.complete(ASKED)).full_text == "ok"


async def test_a_call_without_an_end_has_no_answer() -> None:
    """The recording was cut off, or its host kept the texts back."""
    with pytest.raises(LlmTransportError, match="recorded call 1 has no answer to give: the recording ends") as raised:
        await ReplayProvider(recorded((ASKED, None))).complete(ASKED)
    assert raised.value.provider_code == "replay_unanswered"

    records = recorded((ASKED, reply("ok")))
    records[1]["content"] = "omitted"
    with pytest.raises(LlmTransportError, match="kept texts out"):
        await ReplayProvider(records).complete(ASKED)


def test_what_cannot_be_replayed(tmp_path: Path) -> None:
    """A trace without model calls, and none at all."""
    with pytest.raises(CallerError, match="'records' has no model calls") as raised:
        ReplayProvider([])
    assert raised.value.code == "replay_empty"
    with pytest.raises(TraceReadError):
        ReplayProvider(tmp_path / "gone.jsonl")


def test_a_call_costs_as_much_in_a_long_recording_as_in_a_short_one() -> None:
    """A session that asks as it was recorded pays for its own requests, not for the whole trace at each."""

    def lines(count: int) -> int:
        calls = [(request(user(str(number))), reply(str(number))) for number in range(count)]
        provider = ReplayProvider(recorded(*calls))
        asyncio.run(provider.complete(calls[0][0]))
        return lines_run(lambda: asyncio.run(provider.complete(calls[1][0])))

    assert lines(200) <= 1.2 * lines(10)


WITH_CALLS = sorted(name for name, content in golden_files().items() if b'"llm_call_started"' in content)


@pytest.mark.parametrize("name", WITH_CALLS[::5])
async def test_traces_of_all_releases_are_replayed(name: str) -> None:
    """Each of their calls is answered or fails as it did then."""
    trace = golden(name)
    provider = ReplayProvider(trace, in_order=True)

    for status in [one.status for one in trace.llm_calls if one.start_row is not None]:
        with pytest.warns(ReplayWarning):
            outcome = await _outcome(provider)
        if isinstance(outcome, LlmTransportError):
            assert status != "completed" or outcome.provider_code == "replay_unanswered"
        else:
            assert (status, type(outcome.usage)) == ("completed", LlmUsage)
    assert provider.left == 0


async def _outcome(provider: ReplayProvider) -> LlmResponse | LlmTransportError:
    try:
        return await provider.complete(request(user("something else")))
    except LlmTransportError as error:
        return error
