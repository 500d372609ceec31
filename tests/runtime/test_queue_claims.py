"""What a turn takes from the queue: held while it runs, completed by its commit, given back otherwise."""

import asyncio
import dataclasses

import pytest

from lash_nb.clock import ManualClock, SystemClock
from lash_nb.errors import LashRuntimeError, StoreError
from lash_nb.plugins import tool
from lash_nb.providers import call, reply
from lash_nb.runtime import LashRuntime, RuntimeSessionState, TurnOptions
from lash_nb.stores import InMemorySessionStore
from lash_nb.wire import (
    ImageRefItem,
    LlmRequest,
    LlmResponse,
    ProcessWakeDelivery,
    ProcessWakePayload,
    QueuedInputAccepted,
    QueuedWorkBatchDraft,
    QueuedWorkClaim,
    ResetSession,
    SessionCommandPayload,
    SessionPolicy,
    TurnActivity,
    TurnInput,
    TurnInputPayload,
)
from tests.runtime.desk import (
    START_NS,
    ActingHost,
    ActingStore,
    after,
    answers,
    builder,
    messages_of,
    open_session,
    roles,
    settle,
    texts,
    tool_then_answer,
    weather,
)
from tests.runtime.test_abort import aborted_before

WAKE = ProcessWakeDelivery(
    wake_id="wake:1",
    target_session_id="demo",
    target_scope_id="session:demo",
    process_id="p1",
    sequence=2,
    dedupe_key="p1:2",
    input="ring",
    created_at_ms=0,
)


@pytest.mark.parametrize("number", range(1, 4))
async def test_work_of_an_aborted_turn_waits_for_the_next(number: int) -> None:
    """It is not lost, and nobody has to wait for a lease to end."""
    store = ActingStore()
    session = await open_session(answers("done"), host=ActingHost(after(number, aborted_before)), store=store)
    batch = await session.queue("work")
    turn = asyncio.get_running_loop().create_task(session.next_queued_turn().run())
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert await session.queued_work() == (batch,)
    result = await session.next_queued_turn()
    assert result is not None
    assert await store.list_queued_work("demo") == ()


class Busy(InMemorySessionStore):
    """A store at which whoever gives work back has to wait, and is cancelled meanwhile.

    Attributes:
        patience: How often that goes well.
    """

    patience: int = 0

    async def abandon_claim(self, claim: QueuedWorkClaim) -> None:
        """Give it back, once the wait is over."""
        self.patience -= 1
        if self.patience == -1:
            waiting = asyncio.current_task()
            assert waiting is not None
            waiting.cancel()
            await asyncio.sleep(0)
        await super().abandon_claim(claim)


@pytest.mark.parametrize("patience", [0, 1])
async def test_who_is_cancelled_while_it_gives_work_back_gives_it_back(patience: int) -> None:
    """Be it what was looked at in search of a command, or what the turn holds: the whole queue would wait for the end of the lease."""
    store = Busy()
    store.patience = patience
    host = ActingHost(after(1, aborted_before)) if patience else None
    session = await open_session(answers("done"), host=host, store=store)
    await session.queue("work")
    turn = asyncio.get_running_loop().create_task(session.next_queued_turn().run())
    await asyncio.wait({turn})
    assert turn.cancelled()
    result = await session.next_queued_turn()

    assert result is not None
    assert texts(messages_of(session.graph)) == ["work", "done"]
    assert await session.queued_work() == ()


async def test_work_taken_at_a_checkpoint_of_an_aborted_turn_waits_for_the_next() -> None:
    """The turn's model never answered it."""
    store = ActingStore()
    host = ActingHost(after(5, aborted_before))
    session = await open_session(tool_then_answer, weather, host=host, store=store)
    await session.control.injection.inject_turn_input("and Rome")
    turn = session.start("hi")
    with pytest.raises(asyncio.CancelledError):
        await turn.wait()
    assert len(await session.queued_work()) == 1


async def test_work_is_completed_by_the_commit_of_its_turn_and_not_before() -> None:
    """When the store refuses the commit, the work is still there."""
    store = ActingStore()
    session = await open_session(answers("done"), store=store)
    batch = await session.queue("work")

    async def refuse(number: int) -> None:
        if number == 2:  # the first one keeps the user's message
            raise StoreError("Backend", "the disk is full")

    store.before = refuse
    with pytest.raises(LashRuntimeError, match="disk is full"):
        await session.next_queued_turn()
    assert await session.queued_work() == (batch,)
    await session.next_queued_turn()
    assert [len(commit.completed_queue_claims) for commit in store.commits] == [0, 1, 0, 1]
    assert await store.list_queued_work("demo") == ()
    assert texts(messages_of(session.graph)) == ["work", "ok 2"]


async def test_a_command_that_cannot_be_stored_is_obeyed_by_the_next_turn() -> None:
    """The session is what it was, and the command waits."""
    store = ActingStore()
    session = await open_session(answers("old", "new"), store=store)
    await session.turn("before")

    async def refuse(_: int) -> None:
        raise StoreError("Backend", "the disk is full")

    await session.control.commands.reset(reason="test")
    store.before = refuse
    with pytest.raises(LashRuntimeError, match="disk is full"):
        await session.turn("after")
    assert texts(messages_of(session.graph)) == ["before", "old"]
    store.before = ActingStore().before
    await session.turn("after")
    assert texts(messages_of(session.graph)) == ["after", "new"]


async def test_input_that_can_never_run_leaves_the_queue() -> None:
    """The turn says why; otherwise it would keep all others waiting for ever."""
    store = ActingStore()
    session = await open_session(answers("fine"), store=store)
    broken = TurnInputPayload(input=TurnInput(items=(ImageRefItem(id="gone"),)))
    for payload in (broken, TurnInputPayload(input=TurnInput.text("next"))):
        await store.enqueue_work(
            QueuedWorkBatchDraft(
                session_id="demo",
                delivery_policy="after_current_turn_commit",
                slot_policy="exclusive",
                payloads=(payload,),
            )
        )
    refused, result = await session.next_queued_turn(), await session.next_queued_turn()
    assert refused is not None
    assert refused.outcome.stopped == "invalid_input"
    assert result is not None
    assert result.reply == "fine"
    assert await store.list_queued_work("demo") == ()


@pytest.mark.parametrize(
    ("key", "told"),
    [("host:a", "a"), ("injection:b", "b"), ("mail-7", "mail-7"), ("host:host:a", "host:a"), (None, None)],
)
async def test_input_that_comes_in_is_told_with_the_id_of_its_source(key: str | None, told: str | None) -> None:
    """What the library puts before an id is left out; a key that somebody gave to the store himself is told as it is."""
    store = ActingStore()
    session = await open_session(answers("done"), store=store)
    await store.enqueue_work(
        QueuedWorkBatchDraft(
            session_id="demo",
            source_key=key,
            delivery_policy="earliest_safe_boundary",
            slot_policy="join",
            payloads=(TurnInputPayload(input=TurnInput.text("and Rome")),),
        )
    )
    seen: list[TurnActivity] = []
    await session.turn("hi").stream_to(seen.append)
    came_in = [activity.event.inputs for activity in seen if isinstance(activity.event, QueuedInputAccepted)]
    assert [accepted.id for inputs in came_in for accepted in inputs] == [told]


async def test_a_command_that_meets_a_running_turn_is_obeyed_before_the_next() -> None:
    """It changes the session as a whole, which the turn stands on."""
    store = ActingStore()

    @tool
    async def command() -> str:
        """Put a command where a turn may take work in."""
        await store.enqueue_work(
            QueuedWorkBatchDraft(
                session_id="demo",
                delivery_policy="earliest_safe_boundary",
                slot_policy="exclusive",
                payloads=(SessionCommandPayload(command=ResetSession(reason="test")),),
            )
        )
        return "put"

    def model(request: LlmRequest) -> LlmResponse:
        last = request.messages[-1].blocks[-1]
        return call("command", {}, id="c1") if last.Text and last.Text.text == "first" else reply("done")

    session = await open_session(model, command, store=store)
    await session.turn("first")
    assert texts(messages_of(session.graph))[0] == "first"
    assert len(await session.queued_work()) == 1
    await session.turn("second")
    assert "first" not in texts(messages_of(session.graph))


async def test_a_wake_begins_a_turn_with_an_event() -> None:
    """No user speaks."""
    store = ActingStore()
    session = await open_session(answers("heard"), store=store)
    await store.enqueue_work(
        QueuedWorkBatchDraft(
            session_id="demo",
            delivery_policy="earliest_safe_boundary",
            slot_policy="exclusive",
            payloads=(ProcessWakePayload(wake=WAKE),),
        )
    )
    await session.next_queued_turn()
    messages = messages_of(session.graph)
    assert roles(messages) == ["Event", "Assistant"]
    assert texts(messages)[0] == "Background process wake\nProcess: p1\nEvent: process.wake #2\nWake input:\nring"


async def test_a_lease_is_renewed_as_long_as_the_turn_runs() -> None:
    """Nobody else can take the work, however long a tool takes."""
    store = InMemorySessionStore(SystemClock())

    @tool
    async def dawdle() -> str:
        """Take longer than a lease."""
        await asyncio.sleep(0.15)
        claim = await store.claim_ready_work(session_id="demo", boundary="idle", owner="somebody else")
        return "free" if claim else "held"

    def model(request: LlmRequest) -> LlmResponse:
        last = request.messages[-1].blocks[-1]
        return reply(last.ToolResult.content) if last.ToolResult else call("dawdle", {}, id="c1")

    core = builder(model, dawdle, clock=SystemClock()).build()
    environment = dataclasses.replace(core.environment(core.parts.modes["standard"], None), queue_lease_ms=60)
    policy = SessionPolicy(model=core.parts.policy.model, provider_id="scripted", session_id="demo")
    state = RuntimeSessionState.fresh("demo", policy, SystemClock())
    runtime = await LashRuntime.from_environment(environment, policy, state, store)
    await runtime.enqueue_turn_input(TurnInput.text("work"))
    result = await runtime.stream_next_queued_turn(TurnOptions())
    assert result is not None
    assert result.reply == "held"
    assert await store.list_queued_work("demo") == ()
    await settle()
    assert len(asyncio.all_tasks()) == 1


async def test_a_queue_that_cannot_be_read_ends_the_turn_and_says_so() -> None:
    """The session takes the next turn."""

    class Deaf(ActingStore):
        """A store whose queue fails at checkpoints."""

        async def claim_ready_work(self, **terms: object) -> None:
            """Fail in a running turn."""
            if terms["boundary"] == "active_turn_checkpoint":
                raise StoreError("Backend", "the queue is broken")

    session = await open_session(answers("one"), store=Deaf(ManualClock(START_NS)))
    result = await session.turn("hi")
    assert not result.outcome.is_success
    assert "the queue is broken" in str(result.errors)
