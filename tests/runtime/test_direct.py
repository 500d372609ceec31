"""Direct completions as effects: beside turns, inside tools, and what they cost."""

import asyncio
from typing import Any

import pytest

from lash_nb.clock import ManualClock, SystemClock
from lash_nb.core import LashSession
from lash_nb.errors import CallerError, DirectCompletionError, LlmTransportError, StoreError
from lash_nb.plugins import ToolContext, tool, tool_replay_key
from lash_nb.providers import ScriptedProvider, call, reply
from lash_nb.trace import MemoryTraceSink
from lash_nb.wire import (
    AttachmentRef,
    CausalToolCall,
    DirectCommand,
    DirectMessage,
    DirectOutcome,
    DirectPart,
    DirectRequest,
    EffectEntry,
    LlmAttachment,
    LlmCallCompleted,
    LlmCallFailed,
    LlmCallStarted,
    LlmRequest,
    LlmResponse,
    MediaType,
    Octets,
    RuntimeOperationScope,
    TurnScope,
    content_id,
    llm_reply,
    to_json,
)
from tests.runtime.desk import ActingHost, ActingStore, Perform, builder, open_session
from tests.stores.material import png


@tool
async def ask(context: ToolContext, what: str) -> str:
    """Ask a small model.

    Args:
        context: Who answers.
        what: The question.
    """
    return (await context.direct(what, model="small-model", usage_source="helper")).value


def model(request: LlmRequest) -> LlmResponse:
    """The small model answers; the big one asks it by its tool, in reply to the user."""
    if request.model == "small-model":
        return reply("small answer")
    if any(block.ToolResult for block in request.messages[-1].blocks):
        return reply("All done.")
    return call("ask", {"what": "Why?"}, id=f"c{len(request.messages)}")


def rows(session: LashSession) -> dict[str, int]:
    """Output tokens by source."""
    return {source: totals.output_tokens for source, totals in session.usage_report().by_source.items()}


def directs(session: LashSession) -> list[EffectEntry]:
    """The direct completions among the effects."""
    return [entry for entry in session.effects if entry.envelope.kind == "direct"]


async def test_a_tool_s_completion_is_an_effect_caused_by_its_call() -> None:
    """Session and turn in its scope; key and id say who asked, and what."""
    session = await open_session(model, ask)
    assert (await session.turn("hi").run()).is_success
    [entry] = directs(session)
    invocation = entry.envelope.invocation
    assert invocation.caused_by == CausalToolCall(session_id="demo", call_id="c2")
    assert (invocation.scope.turn_id, invocation.scope.turn_index) == (
        session.effects[0].envelope.invocation.scope.turn_id,
        None,
    )
    assert str(invocation.effect_id).startswith("cause:tool_call:demo:c2:sha256:")
    assert invocation.replay_key == f"demo:{invocation.scope.turn_id}:direct:helper:{invocation.effect_id}"
    assert rows(session) == {"helper": 10, "turn": 30}


async def test_a_call_of_a_batch_is_told_apart_from_its_batch() -> None:
    """What the inner call asks is caused by the inner call."""

    def batching(request: LlmRequest) -> LlmResponse:
        if request.model == "small-model" or any(block.ToolResult for block in request.messages[-1].blocks):
            return reply("done")
        inner = [{"tool": "ask", "parameters": {"what": what}} for what in ("a", "b")]
        return call("batch", {"tool_calls": inner}, id="b")

    session = await open_session(batching, ask)
    assert (await session.turn("hi").run()).is_success
    causes = [entry.envelope.invocation.caused_by for entry in directs(session)]
    assert causes == [CausalToolCall(session_id="demo", call_id=f"b:0{number}") for number in (0, 1)]


async def test_what_a_tool_used_is_committed_with_its_turn() -> None:
    """Once, before the row of the turn; nothing is left over for the next turn."""
    store = ActingStore()
    session = await open_session(model, ask, store=store)
    await session.turn("hi").run()
    await session.turn("again").run()
    used = [[(row.source, row.model) for row in commit.usage_deltas] for commit in store.commits]
    assert [rows for rows in used if rows] == [[("helper", "small-model"), ("turn", "scripted-model")]] * 2


async def test_what_a_session_asks_between_turns_is_committed_at_once() -> None:
    """A commit of its own, which a reopened session reads."""
    store = ActingStore()
    session = await open_session(model, store=store)
    await session.direct("Why?", model="small-model")
    assert [[row.source for row in commit.usage_deltas] for commit in store.commits] == [["direct"]]
    await session.close()
    again = await open_session(model, store=store)
    assert rows(again) == {"direct": 10}


async def test_without_a_store_the_ledger_has_it_all_the_same() -> None:
    """In memory alone."""
    session = await open_session(model, ask, stored=False)
    await session.direct("Why?", model="small-model")
    await session.turn("hi").run()
    assert rows(session) == {"direct": 10, "helper": 10, "turn": 30}


async def test_a_turn_does_not_hold_up_a_completion_beside_it() -> None:
    """It is answered while the turn runs, and its cost goes with the commit of the turn."""
    begun, going = asyncio.Event(), asyncio.Event()

    async def waiting(request: LlmRequest) -> LlmResponse:
        if request.model != "small-model":
            begun.set()
            await going.wait()
        return reply("ok")

    store = ActingStore()
    session = await open_session(waiting, store=store)
    running = session.start("hi")
    await begun.wait()
    assert (await session.direct("Why?", model="small-model")).value == "ok"
    assert rows(session) == {"direct": 10}
    assert len(store.commits) == 1
    going.set()
    await running.settled()
    assert [row.source for row in store.commits[-1].usage_deltas] == ["direct", "turn"]


async def test_a_tool_may_ask_by_the_handle_of_its_session() -> None:
    """It waits for no turn, so not for its own."""
    opened: list[LashSession] = []

    @tool(name="ask")
    async def by_handle(what: str) -> str:
        """Ask.

        Args:
            what: The question.
        """
        return (await opened[0].direct(what, model="small-model")).value

    opened.append(await open_session(model, by_handle))
    assert (await opened[0].turn("hi").run()).is_success
    assert rows(opened[0]) == {"direct": 10, "turn": 30}


async def test_an_aborted_turn_leaves_the_bill() -> None:
    """What its tool asked was paid for: the next commit has it, once."""
    calls = 0

    async def aborting(request: LlmRequest) -> LlmResponse:
        nonlocal calls
        calls += 1
        if calls == 3:
            turn.abort()
            await asyncio.Event().wait()
        return model(request)

    store = ActingStore()
    session = await open_session(aborting, ask, store=store)
    turn = session.start("hi")
    await turn.settled()
    assert isinstance(turn.error, asyncio.CancelledError)
    assert rows(session) == {"helper": 10}
    await session.turn("again").run()
    assert rows(session)["helper"] == 20
    committed = [row for commit in store.commits for row in commit.usage_deltas if row.source == "helper"]
    assert sum(row.usage.output_tokens for row in committed) == 20


async def test_a_store_that_refuses_does_not_take_the_answer_away() -> None:
    """The answer comes, the cost waits for the next commit; closing tries once more."""
    store = ActingStore()

    async def refuse(_: int) -> None:
        raise StoreError("Backend", "the disk is full")

    session = await open_session(model, store=store)
    store.before = refuse
    assert (await session.direct("Why?", model="small-model")).value == "small answer"
    assert rows(session) == {"direct": 10}

    async def accept(_: int) -> None:
        """Let it pass."""

    store.before = accept
    await session.close()
    assert [row.source for row in store.commits[-1].usage_deltas] == ["direct"]
    assert rows(await open_session(model, store=store)) == {"direct": 10}


async def test_both_records_come_when_the_answer_is_there() -> None:
    """Session, an id of their own and the cause; no turn, no stream summary; how long it took."""
    sink = MemoryTraceSink()
    session = await builder(model, ask).trace_sink(sink).build().session("demo").open()
    await session.turn("hi").run()
    told = [
        r for r in sink.records if isinstance(r.event, LlmCallStarted | LlmCallCompleted) and r.context.turn_id is None
    ]
    started, completed = told
    assert started.context == completed.context
    assert started.context.metadata == {"caused_by": {"type": "tool_call", "session_id": "demo", "call_id": "c2"}}
    assert isinstance(started.event, LlmCallStarted)
    assert isinstance(completed.event, LlmCallCompleted)
    assert (started.event.request.model, completed.event.response.text) == ("small-model", "small answer")
    assert completed.event.stream_summary is None
    trace = session.trace
    assert trace is not None
    assert [one.is_direct for one in trace.llm_calls] == [False, True, False]


async def test_a_failed_call_is_traced_and_the_tool_may_go_on() -> None:
    """The tool sees one error with the provider's words."""
    caught: list[DirectCompletionError] = []

    @tool(name="ask")
    async def careful(context: ToolContext, what: str) -> str:
        """Ask.

        Args:
            context: Who answers.
            what: The question.
        """
        try:
            return (await context.direct(what, model="small-model")).value
        except DirectCompletionError as error:
            caught.append(error)
            return "nobody knows"

    def failing(request: LlmRequest) -> Any:
        return LlmTransportError("busy", kind="http", status=503) if request.model == "small-model" else model(request)

    sink = MemoryTraceSink()
    session = await builder(failing, careful).trace_sink(sink).build().session("demo").open()
    assert (await session.turn("hi").run()).is_success
    assert [(error.detail, error.retryable) for error in caught] == [("busy", True)]
    [failed] = [record.event for record in sink.records if isinstance(record.event, LlmCallFailed)]
    assert failed.error.message == "busy"
    assert "helper" not in rows(session)


async def test_a_stepped_turn_can_stop_before_it_and_answer_it() -> None:
    """An injected answer is used, traced and paid for as any other."""
    session = await open_session(model, ask)
    session.stepper.stop_at = frozenset({"direct"})
    stop = await session.step("hi")
    assert isinstance(stop, EffectEntry)
    assert stop.envelope.kind == "direct"
    await session.inject(DirectOutcome(result=llm_reply("made up")))
    while session.stepper.state == "paused":
        await session.step()
    [entry] = directs(session)
    assert entry.origin == "injected"
    assert "made up" in to_json(session.graph).decode()


async def test_a_stepped_turn_does_not_hold_up_a_completion_beside_it() -> None:
    """Only the effects of turns stop; this one is in the journal all the same."""
    session = await open_session(model, ask)
    await session.step("hi")
    session.stepper.stop_at = frozenset({"llm_call", "direct"})
    assert (await session.direct("Why?", model="small-model")).value == "small answer"
    assert [entry.status for entry in directs(session)] == ["ok"]
    await session.continue_()


async def test_the_scope_of_a_call_between_turns_is_its_own_unless_it_is_named() -> None:
    """So that a durable host repeats an answer only to a caller who gave the key."""
    scopes: list[Any] = []

    class Listening(ActingHost):
        def scoped(self, scope: Any) -> Any:
            scopes.append(scope)
            return super().scoped(scope)

    async def act(_: Any, perform: Perform) -> Any:
        return await perform()

    session = await open_session(model, ask, host=Listening(act))
    for key in (None, None, "mine", "mine"):
        await session.direct("Why?", model="small-model", replay_key=key)
    assert all(isinstance(scope, RuntimeOperationScope) for scope in scopes)
    ids = [scope.operation_id for scope in scopes]
    assert (ids[0] != ids[1], ids[2], ids[3]) == (True, "demo:direct:direct:mine", "demo:direct:direct:mine")
    keys = [entry.envelope.invocation.replay_key for entry in directs(session)]
    assert keys[2:] == ["demo:direct:direct:request:mine"] * 2
    await session.turn("hi").run()
    assert isinstance(scopes[-1], TurnScope)


async def test_a_cancelled_turn_does_not_wait_for_it() -> None:
    """The call is given up with its tool."""
    asked = asyncio.Event()

    async def hanging(request: LlmRequest) -> LlmResponse:
        if request.model == "small-model":
            asked.set()
            await asyncio.Event().wait()
        return model(request)

    session = await builder(hanging, ask, clock=SystemClock()).build().session("demo").open()
    running = session.start("hi")
    await asked.wait()
    running.cancel()
    await running.settled()
    assert running.result is not None
    assert running.result.outcome.reason == "cancelled"
    assert [entry.status for entry in directs(session)] == ["cancelled"]


async def test_a_context_without_a_session_says_so() -> None:
    """A tool that is tried out by hand."""
    context = ToolContext(session_id="s", agent_frame_id="f", replay_key=tool_replay_key("s", "c", "ask"))
    with pytest.raises(CallerError) as caught:
        await ask(context, "Why?")
    assert caught.value.code == "direct_detached"


async def test_how_long_it_took_is_traced() -> None:
    """Measured, though both records are written at its end."""
    clock = ManualClock()

    def slow(_: LlmRequest) -> LlmResponse:
        clock.advance(1.5)
        return reply("at last")

    sink = MemoryTraceSink()
    session = await builder(slow, clock=clock).trace_sink(sink).build().session("demo").open()
    await session.direct("Why?")
    [completed] = [record.event for record in sink.records if isinstance(record.event, LlmCallCompleted)]
    assert completed.response.duration_ms == 1500
    assert session.trace is not None
    assert [one.duration_ms for one in session.trace.llm_calls] == [1500]


def by_reference(reference: AttachmentRef) -> DirectRequest:
    """A request that shows a picture which is stored already."""
    shown = LlmAttachment(mime="image/png", data=Octets(), reference=reference)
    message = DirectMessage(role="user", parts=(DirectPart(Image=0),))
    return DirectRequest(model="m", messages=(message,), attachments=(shown,), output="JsonObject")


async def test_a_picture_by_reference_gets_its_bytes() -> None:
    """The record has its length, and the form of the answer."""
    sink, provider, picture = MemoryTraceSink(), ScriptedProvider(["a dot", "{}"]), png(3, 2)
    session = await builder([]).provider(provider).trace_sink(sink).build().session("demo").open()
    await session.direct("What is it?", pictures=[picture])
    await session.direct.complete(by_reference(session.attachments[0].ref))
    assert [bytes(request.attachments[0].data) for request in provider.requests] == [picture, picture]
    asked = [record.event.request for record in sink.records if isinstance(record.event, LlmCallStarted)]
    assert [one.attachments[0].bytes_len for one in asked] == [len(picture)] * 2
    assert [one.output_spec for one in asked] == [None, {"type": "json_object"}]


async def test_a_picture_whose_bytes_are_gone_is_a_failure_of_the_call() -> None:
    """The provider is not asked."""
    session = await open_session(model)
    gone = AttachmentRef(id=content_id(b"gone"), media_type=MediaType(type="png"), byte_len=4)
    with pytest.raises(DirectCompletionError) as caught:
        await session.direct.complete(by_reference(gone))
    assert (caught.value.failure_code, caught.value.retryable) == ("attachment_resolution_failed", False)


async def test_work_that_outlives_its_turn_may_ask() -> None:
    """It still counts as inside the turn, so it commits nothing itself; who closes the session does."""
    opened: list[LashSession] = []
    late: list[asyncio.Task[str]] = []
    over = asyncio.Event()

    async def later() -> str:
        await over.wait()
        return (await opened[0].direct("Why?", model="small-model")).value

    @tool(name="ask")
    async def begin(what: str) -> str:
        """Begin to ask.

        Args:
            what: The question.
        """
        late.append(asyncio.create_task(later()))
        return what

    store = ActingStore()
    opened.append(await open_session(model, begin, store=store))
    await opened[0].turn("hi").run()
    over.set()
    assert await late[0] == "small answer"
    assert rows(opened[0]) == {"direct": 10, "turn": 30}
    await opened[0].close()
    assert rows(await open_session(model, begin, store=store)) == {"direct": 10, "turn": 30}


async def test_a_request_says_for_whom_it_is_asked_and_leaves_nothings_out() -> None:
    """Its session and its cause go before those of who asks; texts of nothing are not sent."""
    session = await open_session(model)
    cause = CausalToolCall(session_id="other", call_id="c9")
    said = (
        DirectMessage(role="system", parts=(DirectPart(Text=""),)),
        DirectMessage(role="user", parts=(DirectPart(Text="Why?"),)),
    )
    request = DirectRequest(model="small-model", messages=said, session_id="other", caused_by=cause)
    await session.direct.complete(request)
    [entry] = directs(session)
    assert entry.envelope.invocation.caused_by == cause
    assert isinstance(entry.envelope.command, DirectCommand)
    spec = entry.envelope.command.request
    assert (spec.session_id, [message.role for message in spec.messages]) == ("other", ["User"])


async def test_a_variant_that_is_not_offered_is_refused_before_the_effect() -> None:
    """As a turn's is."""
    session = await open_session(model)
    with pytest.raises(DirectCompletionError) as error:
        await session.direct("Why?", model="small-model", model_variant="huge")
    assert (error.value.failure_code, directs(session)) == ("invalid_model_variant", [])
