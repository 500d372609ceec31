"""The turn loop under hosts that fail, lie or answer by themselves."""

import pytest

from lash_nb.errors import LashRuntimeError, RuntimeEffectControllerError
from lash_nb.wire import (
    AssistantProseDelta,
    DurabilityTier,
    LlmCallCommand,
    LlmOutcome,
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
    SleepOutcome,
    SurfaceOutcome,
    SurfaceResult,
    ToolFailed,
    llm_reply,
    messages_are_prompt_resume_safe,
)
from tests.runtime.desk import (
    ActingHost,
    ActingStore,
    Perform,
    after,
    answers,
    kinds_of,
    legal,
    messages_of,
    open_session,
    roles,
    texts,
    tool_then_answer,
    two_tools_then_answer,
    weather,
)

ONE_TOOL_TURN = [
    "sync_execution_surface",
    "llm_call",
    "tool_call",
    "checkpoint",
    "sync_execution_surface",
    "llm_call",
    "checkpoint",
]


async def performed(_: RuntimeEffectEnvelope, perform: Perform) -> RuntimeEffectOutcome:
    """Perform the effect."""
    return await perform()


async def refused(_: RuntimeEffectEnvelope, __: Perform) -> RuntimeEffectOutcome:
    """Fail as a host fails that has lost its journal."""
    raise RuntimeEffectControllerError("journal_lost", "the journal is gone")


async def mistaken(envelope: RuntimeEffectEnvelope, _: Perform) -> RuntimeEffectOutcome:
    """Answer with an outcome of another kind."""
    return SurfaceOutcome(result=SurfaceResult(Ok=None)) if envelope.kind == "sleep" else SleepOutcome()


async def test_a_turn_with_a_tool_crosses_the_boundary_seven_times() -> None:
    """Effects come in the reference's order, with its effect ids and replay keys."""
    host = ActingHost(performed)
    session = await open_session(tool_then_answer, weather, host=host)
    await session.turn("hi").turn_id("t1").run()
    assert kinds_of(host.seen) == ONE_TOOL_TURN
    invocations = [envelope.invocation for envelope in host.seen]
    assert [invocation.effect_id for invocation in invocations] == ["1", "2", "3:c2", "4", "5", "6", "7"]
    assert [invocation.replay_key for invocation in invocations] == [
        "demo:t1:1:0:sync_execution_surface:1",
        "demo:t1:1:0:llm_call:2",
        "demo:t1:1:0:tool_call:3:c2",
        "demo:t1:1:1:checkpoint:4",
        "demo:t1:1:1:sync_execution_surface:5",
        "demo:t1:1:1:llm_call:6",
        "demo:t1:1:1:checkpoint:7",
    ]


@pytest.mark.parametrize("number", range(1, 8))
async def test_an_inline_host_that_fails_ends_the_turn_with_its_error(number: int) -> None:
    """At each effect: the turn stops with the host's code, is committed, and the session takes the next turn."""
    host = ActingHost(after(number, refused))
    session = await open_session(tool_then_answer, weather, host=host)
    result = await session.turn("hi").run()
    assert result.outcome.stopped == "runtime_error"
    assert [(issue.kind, issue.code) for issue in result.errors][-1] == ("runtime_effect_controller", "journal_lost")
    legal(session.graph)
    assert texts(messages_of(session.graph))[0] == "hi"
    assert (await session.turn("again").run()).is_success
    assert session.turn_index == 2


@pytest.mark.parametrize("number", range(1, 8))
async def test_a_durable_host_that_fails_leaves_the_turn_to_be_run_again(number: int) -> None:
    """At each effect: the caller gets the host's error, what was committed stays, and the turn can be run under its own id."""
    host = ActingHost(after(number, refused), tier="durable")
    session = await open_session(tool_then_answer, weather, host=host)
    with pytest.raises(LashRuntimeError, match="the journal is gone") as error:
        await session.turn("hi").turn_id("t1").run()
    assert error.value.code == "journal_lost"
    result = await session.turn("hi").turn_id("t1").run()
    assert (result.is_success, result.turn_id) == (True, "t1")
    legal(session.graph)


@pytest.mark.parametrize("tier", ["inline", "durable"])
@pytest.mark.parametrize("number", range(1, 8))
async def test_an_outcome_of_the_wrong_kind_is_never_taken(number: int, tier: DurabilityTier) -> None:
    """The loop names what it expected and what it got."""
    session = await open_session(tool_then_answer, weather, host=ActingHost(after(number, mistaken), tier=tier))
    expected = ONE_TOOL_TURN[number - 1]
    if tier == "durable":
        with pytest.raises(LashRuntimeError) as error:
            await session.turn("hi").run()
        code, message = error.value.code, error.value.message
    else:
        issue = (await session.turn("hi").run()).errors[-1]
        code, message = str(issue.code), issue.message
    assert (code, message) == ("runtime_effect_wrong_outcome", f"expected {expected} outcome, got sleep")
    assert (await session.turn("again").run()).is_success


async def test_a_failed_turn_keeps_what_was_committed_on_its_way() -> None:
    """A durable failure late in the turn leaves the question, the tool call and its result; without a store it leaves nothing."""
    stored = await open_session(tool_then_answer, weather, host=ActingHost(after(6, refused), tier="durable"))
    with pytest.raises(LashRuntimeError):
        await stored.turn("hi").run()
    await stored.turn("again").run()
    assert roles(messages_of(stored.graph)) == ["User", "Assistant", "User", "User", "Assistant", "User", "Assistant"]

    bare = await open_session(
        tool_then_answer, weather, host=ActingHost(after(6, refused), tier="durable"), stored=False
    )
    with pytest.raises(LashRuntimeError):
        await bare.turn("hi").run()
    assert (bare.graph.nodes, bare.turn_index) == ((), 0)
    assert (await bare.turn("again").run()).turn_index == 1


async def test_an_outcome_from_a_record_needs_no_model() -> None:
    """What a host answers by itself is shown, counted and committed as if the model had said it."""

    async def recorded(envelope: RuntimeEffectEnvelope, perform: Perform) -> RuntimeEffectOutcome:
        if isinstance(envelope.command, LlmCallCommand):
            return LlmOutcome(result=llm_reply("from the record"), text_streamed=False)
        return await perform()

    session = await open_session([], host=ActingHost(recorded))
    result = await session.turn("hi").run()
    assert result.reply == "from the record"
    assert AssistantProseDelta(text="from the record") in [item.event for item in result.activities]
    assert texts(messages_of(session.graph)) == ["hi", "from the record"]


async def test_a_host_that_raises_something_else_does_not_kill_the_session() -> None:
    """A bug of a host reaches the caller as it is, and the next turn runs."""

    async def buggy(_: RuntimeEffectEnvelope, __: Perform) -> RuntimeEffectOutcome:
        raise ZeroDivisionError

    session = await open_session(answers("a"), host=ActingHost(after(2, buggy)), store=ActingStore())
    with pytest.raises(ZeroDivisionError):
        await session.turn("hi").run()
    assert (await session.turn("again").run()).is_success
    assert texts(messages_of(session.graph)) == ["hi", "again", "a"]


async def test_a_blank_turn_id_is_refused() -> None:
    """The host's own scope check reaches the caller, and nothing is kept."""
    session = await open_session(answers("a"))
    with pytest.raises(LashRuntimeError) as error:
        await session.turn("hi").turn_id(" ").run()
    assert error.value.code == "missing_effect_scope_id"
    assert session.graph.nodes == ()
    assert (await session.turn("hi").run()).turn_index == 1


async def test_a_tool_call_that_the_host_cannot_perform_still_has_a_result() -> None:
    """The model learns in the next turn what failed and what was therefore not run; no call is left without a result."""
    host = ActingHost(after(4, refused))  # the second of the two calls
    session = await open_session(two_tools_then_answer, weather, host=host)
    result = await session.turn("hi").run()
    assert result.outcome.stopped == "runtime_error"
    assert [record.output.status for record in result.tool_calls] == ["success", "failure"]
    failure = result.tool_calls[1].output.outcome
    assert isinstance(failure, ToolFailed)
    assert (failure.payload.code, failure.payload.message) == ("journal_lost", "the journal is gone")
    assert messages_are_prompt_resume_safe(messages_of(session.graph))
    assert roles(messages_of(session.graph)) == ["User", "Assistant", "User"]
    assert (await session.turn("again").run()).is_success
