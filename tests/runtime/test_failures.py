"""Models and tools that fail, and stores that refuse: one line says why, and the session goes on."""

from typing import Any

import pytest

from lash_nb.errors import LashRuntimeError, LlmTransportError, StoreError
from lash_nb.plugins import tool
from lash_nb.providers import call, calls
from lash_nb.stores import FullGraph
from lash_nb.wire import ModelLimits, ModelSpec, ToolCallActivityStarted, ToolFailed, TurnOutcome
from tests.runtime.desk import (
    ActingStore,
    answers,
    builder,
    legal,
    messages_of,
    open_session,
    roles,
    texts,
    tool_then_answer,
    weather,
)
from tests.stores.material import png


@tool
def broken() -> None:
    """Raise."""
    message = "the sensor is wet"
    raise OSError(message)


@tool
def strange() -> Any:
    """Return what is no JSON."""
    return {"socket": object()}


@tool
def leaving() -> None:
    """Call exit."""
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("failure", "says"),
    [
        (LlmTransportError("this key opens nothing", kind="auth"), "this key opens nothing"),
        (ZeroDivisionError("oops"), "ZeroDivisionError: oops"),
    ],
)
@pytest.mark.parametrize("stored", [True, False])
async def test_a_model_that_fails_stops_the_turn(failure: Exception, says: str, stored: bool) -> None:
    """The turn is committed with its question; the next one has the history and an answer."""
    session = await open_session([failure, "better"], stored=stored)
    result = await session.turn("hi").run()
    assert result.outcome == TurnOutcome.stop("provider_error")
    assert says in result.errors[0].message
    assert (await session.turn("again").run()).reply == "better"
    assert texts(messages_of(session.graph)) == ["hi", "again", "better"]


async def test_a_script_that_runs_out_says_what_to_do() -> None:
    """The message names the number of the call and the way on."""
    session = await open_session(["one"])
    await session.turn("hi").run()
    result = await session.turn("again").run()
    assert result.outcome == TurnOutcome.stop("provider_error")
    assert "no reply left for call 2; give ScriptedProvider more replies" in result.errors[0].message


async def test_a_session_without_a_provider_says_so() -> None:
    """The turn fails with `llm_provider` and the way on; the question is not lost."""
    core = builder([]).build()
    parts = {name: getattr(core.parts, name) for name in type(core.parts).__dataclass_fields__}
    bare = type(core)(
        type(core.parts)(**{**parts, "provider": None, "policy": parts["policy"].replace(provider_id="")})
    )
    session = await bare.session("demo").open()
    with pytest.raises(LashRuntimeError, match=r"give one to the core with \.provider") as error:
        await session.turn("hi").run()
    assert error.value.code == "llm_provider"
    assert texts(messages_of(session.graph)) == ["hi"]


async def test_a_variant_that_the_model_does_not_have_ends_the_turn() -> None:
    """The model is not asked; the issue names model and variant."""
    limits = ModelLimits(context_window_tokens=1000)
    session = await open_session(["never"])
    result = await session.turn("hi").model(ModelSpec(id="m", variant="loud", limits=limits)).run()
    assert [(issue.kind, issue.code) for issue in result.errors] == [("llm_provider", "invalid_model_variant")]
    assert "'loud'" in result.errors[0].message
    assert result.model_calls == 0
    assert (await session.turn("again").run()).reply == "never"


@pytest.mark.parametrize(
    ("function", "code", "says"),
    [
        (broken, "tool_error", "OSError: the sensor is wet"),
        (strange, "tool_result_not_json", "object"),
        (leaving, "tool_error", "SystemExit: 3"),
    ],
)
async def test_a_tool_that_fails_tells_the_model(function: Any, code: str, says: str) -> None:
    """The turn goes on: the model reads the failure as the call's result and answers."""
    session = await open_session([call(function.name), "sorry"], function)
    result = await session.turn("hi").run()
    assert (result.reply, result.is_success) == ("sorry", True)
    outcome = result.tool_calls[0].output.outcome
    assert isinstance(outcome, ToolFailed)
    assert outcome.payload.code == code
    assert says in outcome.payload.message
    assert [entry.status for entry in session.effects if entry.envelope.kind == "tool_call"] == ["failed"]
    assert roles(messages_of(session.graph)) == ["User", "Assistant", "User", "Assistant"]


async def test_a_tool_that_is_not_there_tells_the_model_and_is_no_effect() -> None:
    """A call that cannot be prepared has a result, and never reaches the host."""
    session = await open_session([call("oracle"), "sorry"], weather)
    result = await session.turn("hi").run()
    assert result.reply == "sorry"
    assert result.tool_calls[0].output.status == "failure"
    assert "tool_call" not in {entry.envelope.kind for entry in session.effects}
    assert ToolCallActivityStarted not in {type(item.event) for item in result.activities}


async def test_every_call_of_a_reply_has_its_own_result() -> None:
    """One of three calls fails; the model gets three results, in order."""
    made = calls(("a", "weather", {"city": "Oslo"}), ("b", "broken", {}), ("c", "weather", {"city": 7}))
    session = await open_session([made, "done"], weather, broken)
    result = await session.turn("hi").run()
    assert [record.output.status for record in result.tool_calls] == ["success", "failure", "failure"]
    [results] = [m for m in messages_of(session.graph) if any(p.kind == "ToolResult" for p in m.parts)]
    assert [part.tool_call_id for part in results.parts] == ["a", "b", "c"]


async def test_the_turn_limit_ends_a_turn_that_calls_for_ever() -> None:
    """The outcome is `max_turns`, and the session takes the next turn."""
    core = builder(lambda request: call("weather", {"city": "Oslo"}, id=f"c{len(request.messages)}"), weather)
    session = await core.max_turns(2).build().session("demo").open()
    result = await session.turn("hi").run()
    assert result.outcome == TurnOutcome.stop("max_turns")
    assert result.model_calls == 2
    assert (await session.turn("again").run()).turn_index == 2
    legal(session.graph)


async def test_an_input_that_cannot_be_used_leaves_no_trace_in_the_session() -> None:
    """Nothing is counted, kept or asked; the result says why."""
    store = ActingStore()
    session = await open_session(answers("a"), store=store)
    turn = session.turn("look").image(png(1, 1), label="shot")
    broken_input = turn_input_without_bytes(turn)
    result = await session.turn(broken_input).run()
    assert result.outcome == TurnOutcome.stop("invalid_input")
    assert [(issue.kind, issue.code) for issue in result.errors] == [("input_validation", "invalid_turn_input")]
    assert (session.turn_index, session.graph.nodes, store.commits, len(session.effects)) == (0, (), [], 0)
    assert (await session.turn("hi").run()).turn_index == 1


def turn_input_without_bytes(turn: Any) -> Any:
    """The input of a turn whose picture has lost its bytes."""
    return type(turn._input)(items=turn._input.items)  # an input as a person may build it by hand


async def refuse(_: int) -> None:
    """Refuse a commit as a full disk would."""
    raise StoreError("Backend", "no space left")


class Refusing(ActingStore):
    """A store that refuses the commits of these numbers."""

    def __init__(self, *numbers: int) -> None:
        super().__init__()
        self.numbers = numbers
        self.before = self._refuse

    async def _refuse(self, number: int) -> None:
        if number in self.numbers:
            await refuse(number)


async def test_a_store_that_refuses_the_question_ends_the_turn() -> None:
    """The caller gets `store_commit_failed`; nothing is asked, nothing is kept, the next turn runs."""
    session = await open_session(answers("a"), store=Refusing(1))
    with pytest.raises(LashRuntimeError, match="no space left") as error:
        await session.turn("hi").run()
    assert error.value.code == "store_commit_failed"
    assert (session.graph.nodes, session.turn_index, len(session.effects)) == ((), 0, 0)
    assert (await session.turn("again").run()).turn_index == 1
    assert texts(messages_of(session.graph)) == ["again", "a"]


async def test_a_store_that_refuses_progress_does_not_stop_the_turn(caplog: pytest.LogCaptureFixture) -> None:
    """The log says that it was not stored; the final commit stores it all."""
    store = Refusing(2)
    session = await open_session(tool_then_answer, weather, store=store)
    result = await session.turn("hi").run()
    assert "was not stored" in caplog.text
    assert result.is_success
    read = await store.load_session(FullGraph())
    assert read is not None
    assert read.graph == session.graph
    assert roles(messages_of(read.graph)) == ["User", "Assistant", "User", "Assistant"]


async def test_a_store_that_refuses_the_end_keeps_what_was_there() -> None:
    """The caller gets the error, usage that was not stored is not reported, and the next turn goes on from the store."""
    store = Refusing(2)
    session = await open_session(answers("a", "b"), store=store)
    with pytest.raises(LashRuntimeError) as error:
        await session.turn("hi").run()
    assert error.value.code == "store_commit_failed"
    assert session.usage_report().usage.total_tokens == 0
    result = await session.turn("again").run()
    assert texts(messages_of(session.graph)) == ["hi", "again", "b"]
    assert session.usage_report().usage.total_tokens == result.usage.total
    read = await store.load_session(FullGraph())
    assert read is not None
    assert read.graph == session.graph
    assert sum(row.usage.total for row in read.token_ledger) == result.usage.total


async def test_a_turn_id_that_was_used_is_refused_at_the_end() -> None:
    """A second turn under one id conflicts; the first one's answer stays."""
    session = await open_session(answers("a", "b", "c"))
    await session.turn("hi").turn_id("t").run()
    with pytest.raises(LashRuntimeError) as error:
        await session.turn("again").turn_id("t").run()
    assert error.value.code == "store_commit_failed"
    await session.turn("more").run()
    assert texts(messages_of(session.graph)) == ["hi", "a", "again", "more", "c"]
