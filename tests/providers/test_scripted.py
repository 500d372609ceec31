"""The provider that follows a script."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lash_nb.clock import ManualClock
from lash_nb.errors import CallerError, LlmTransportError
from lash_nb.plugins import tool
from lash_nb.providers import (
    DeltaEvent,
    LlmStreamEvent,
    ProviderHandle,
    ReasoningDeltaStream,
    ScriptedProvider,
    UsageEvent,
    call,
    calls,
    reply,
)
from lash_nb.wire import LlmOutputPart, LlmRequest, LlmResponse, LlmUsage, ReasoningPart, to_builtins

REQUEST = LlmRequest(model="m", messages=(), attachments=(), tools=(), tool_choice="None")


async def test_replies_are_given_in_order() -> None:
    """A list is used up from its beginning, whatever the form of a reply."""
    provider = ScriptedProvider(["one", reply("two"), {"full_text": "three", "terminal_reason": "stop"}])

    texts = [(await provider.complete(REQUEST)).full_text for _ in range(3)]

    assert texts == ["one", "two", "three"]
    assert provider.requests == [REQUEST] * 3


async def test_one_text_is_one_reply() -> None:
    """A bare text is a script of one reply, not of its letters."""
    assert (await ScriptedProvider("Hello.").complete(REQUEST)).full_text == "Hello."


async def test_a_script_that_runs_out_says_what_to_do() -> None:
    """The call after the last reply fails, is not worth a retry, and its message names the next step."""
    provider = ScriptedProvider(["one"])
    await provider.complete(REQUEST)

    with pytest.raises(
        LlmTransportError, match="no reply left for call 2; give ScriptedProvider more replies"
    ) as caught:
        await provider.complete(REQUEST)

    assert not caught.value.retryable


async def test_a_function_answers_each_request() -> None:
    """A plain function of the request is a script."""
    provider = ScriptedProvider(lambda request: f"I am {request.model}.")

    assert (await provider.complete(REQUEST)).full_text == "I am m."


async def test_an_async_function_answers_each_request() -> None:
    """So is an async one."""

    async def answer(request: LlmRequest) -> LlmResponse:
        return reply(request.model)

    assert (await ScriptedProvider(answer).complete(REQUEST)).full_text == "m"


async def test_a_scripted_exception_is_raised() -> None:
    """A reply that is an exception is what the call ends with."""
    provider = ScriptedProvider([LlmTransportError("busy", status=503)])

    with pytest.raises(LlmTransportError, match="busy"):
        await provider.complete(REQUEST)


async def test_text_is_streamed_word_by_word() -> None:
    """Who listens gets the text in pieces, reasoning as reasoning, and the usage at the end."""
    told: list[LlmStreamEvent] = []
    thinking = LlmOutputPart(Reasoning=ReasoningPart(text="hm"))
    said = LlmResponse(
        full_text="Hello you.",
        parts=(thinking, *reply("Hello you.").parts),
        usage=reply("").usage,
        terminal_reason="stop",
    )

    await ScriptedProvider([said]).complete(REQUEST, told.append)

    assert told == [ReasoningDeltaStream("hm"), DeltaEvent("Hello "), DeltaEvent("you."), UsageEvent(said.usage)]


@given(text=st.text())
async def test_what_is_streamed_is_the_text(text: str) -> None:
    """The pieces together are the whole answer, blanks and line ends included."""
    told: list[LlmStreamEvent] = []

    await ScriptedProvider([text]).complete(REQUEST, told.append)

    assert "".join(event.text for event in told if isinstance(event, DeltaEvent)) == text


async def test_a_delay_passes_on_the_clock() -> None:
    """Each word takes the given time of the provider's own clock."""
    clock = ManualClock()

    await ScriptedProvider(["three words here"], delay=0.5, clock=clock).complete(REQUEST, lambda _event: None)

    assert clock.now_ns() == 1_500_000_000


def test_a_call_is_a_response_with_tool_calls() -> None:
    """`call` and `calls` write what a model would: canonical arguments, ids, and text before."""
    one = to_builtins(call("weather", {"b": 1, "a": "é"}, id="c1", say="Let me look."))
    two = calls(("c1", "weather", {}), ("c2", "clock", {}))

    assert one["parts"][1]["ToolCall"]["input_json"] == '{"a":"é","b":1}'
    assert (one["full_text"], one["terminal_reason"]) == ("Let me look.", "tool_use")
    assert [part.tag for part in two.parts] == ["ToolCall", "ToolCall"]


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def test_a_tool_may_stand_for_its_name() -> None:
    """Whoever has the tool at hand gives it; the model would say its name."""
    assert call(add, {"a": 1}) == call("add", {"a": 1})
    assert calls(("c1", add, {}), ("c2", "add", {})) == calls(("c1", "add", {}), ("c2", add, {}))


@pytest.mark.parametrize("wrong", [None, 5, len])
def test_what_is_no_tool_cannot_be_called(wrong: Any) -> None:
    """It is refused where it is written, not in the turn."""
    with pytest.raises(CallerError, match=f"the name of a tool .* belongs here, not {type(wrong).__name__}: call"):
        call(wrong, {})


@pytest.mark.parametrize(
    "make", [lambda usage: reply("Hello.", usage=usage), lambda usage: call("add", {}, usage=usage)]
)
def test_what_is_no_usage_is_refused_where_it_is_written(make: Any) -> None:
    """A plain dict would end the turn, far from the line that has it; what to write instead can be written so."""
    with pytest.raises(
        CallerError, match=r"an LlmUsage belongs here, not dict: reply\('Hello.', usage=LlmUsage\(input_tokens=0, "
    ):
        make({"input_tokens": 1})
    given = LlmUsage(input_tokens=1, output_tokens=2, cached_input_tokens=0, reasoning_tokens=0)
    assert make(given).usage is given


@pytest.mark.parametrize("wrong", [5, None, ["Hello."]])
def test_what_is_no_text_cannot_be_said(wrong: Any) -> None:
    """It would be traced and stored as what no model says."""
    with pytest.raises(CallerError, match="a text belongs here"):
        reply(wrong)


def test_an_id_is_a_text() -> None:
    """So is what stands where the id belongs."""
    with pytest.raises(CallerError, match="is not such a triple"):
        calls((1, "add", {}))  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [[1, 2], ["Hello.", None], [("c1", "add", {})]], ids=repr)
def test_a_script_of_what_is_no_reply_is_refused_at_once(wrong: Any) -> None:
    """Not in the turn that comes to it; the message says which one it is."""
    with pytest.raises(CallerError, match=r"a reply as number [12] .* belongs here, not \w+: ScriptedProvider"):
        ScriptedProvider(wrong)


async def forgetful(request: LlmRequest) -> Any:
    """Forget to return."""


@pytest.mark.parametrize("function", [forgetful, lambda _request: None, lambda _request: 5])
async def test_a_function_that_returns_no_reply_is_told(function: Any) -> None:
    """Its name and its line, and what it may return."""
    line = function.__code__.co_firstlineno
    told = rf"{function.__name__} \(line {line} of its cell or file\) returned (None|int); return a text, call"

    with pytest.raises(LlmTransportError, match=told) as caught:
        await ProviderHandle(ScriptedProvider(function)).complete(REQUEST)

    assert caught.value.provider_code == "provider_response"


@pytest.mark.parametrize("wrong", [{}, {"full_text": "Hi."}, {"Who?": "Ann."}])
def test_a_dict_is_no_script(wrong: Any) -> None:
    """Its keys are no replies: whether it is a reply as JSON or replies by question, the error says what to write."""
    with pytest.raises(CallerError) as refused:
        ScriptedProvider(wrong)

    assert str(refused.value) == (
        "a list of replies or a function of the request belongs here, not dict: ScriptedProvider([{…}]) of a reply as JSON,"
        " ScriptedProvider(lambda request: …) to choose one by what is asked"
    )


def test_a_set_is_no_script() -> None:
    """It has no order."""
    with pytest.raises(CallerError, match="not set: ScriptedProvider"):
        ScriptedProvider({"One.", "Two."})


def test_variants_are_the_declared_ones() -> None:
    """A variant is offered when the script declares it."""
    provider = ProviderHandle(ScriptedProvider(variants=["high"]))

    assert provider.supports_variant("m", "high")
    assert not provider.supports_variant("m", "low")
