"""Input for later and for the running turn, and commands, as a user of a session sees them."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from lash_nb.clock import CancellationToken
from lash_nb.core import InjectedTurnInput, LashSession
from lash_nb.errors import CallerError, LashRuntimeError
from lash_nb.plugins import tool
from lash_nb.providers import call, reply
from lash_nb.wire import (
    EffectEntry,
    ImageRefItem,
    LlmRequest,
    LlmResponse,
    Octets,
    PluginMessage,
    QueuedWorkStarted,
    TurnInput,
)
from tests.runtime.desk import answers, builder, legal, messages_of, open_session, roles, settle, texts
from tests.stores.material import png
from tests.work import lines_run

PNG = Octets(png(1, 1))


class Model:
    """A model that calls `look` once, then answers, and remembers what it was asked.

    Attributes:
        asked: Role and texts of the messages of each request, without the system prompt.
    """

    def __init__(self) -> None:
        self.asked: list[list[tuple[str, str]]] = []

    def answer(self, request: LlmRequest) -> LlmResponse:
        """Call the tool, then answer."""
        self.asked.append([(m.role, "".join(b.Text.text for b in m.blocks if b.Text)) for m in request.messages[1:]])
        return call("look", {}, id="c1") if len(self.asked) == 1 else reply(f"answer {len(self.asked)}")


async def session_with_tool(act: Callable[[LashSession], Any]) -> tuple[LashSession, Model]:
    """A session whose tool `look` does what the test wants with the session that runs it."""
    model = Model()
    opened: list[LashSession] = []

    @tool
    async def look() -> str:
        """Look around."""
        await act(opened[0])
        return "seen"

    opened.append(await open_session(model.answer, look))
    return opened[0], model


async def test_queued_inputs_become_turns_in_their_order() -> None:
    """Each takes a turn of its own; when none is left, there is no turn."""
    session = await open_session(answers("one", "two"))
    await session.queue("first")
    await session.queue("second").send()
    assert [batch.delivery_policy for batch in await session.queued_work()] == ["after_current_turn_commit"] * 2
    results = [await session.next_queued_turn() for _ in range(3)]
    assert [result and result.reply for result in results] == ["one", "two", None]
    assert texts(messages_of(session.graph)) == ["first", "one", "second", "two"]
    assert await session.queued_work() == ()


async def test_a_picture_comes_with_the_input_of_a_turn() -> None:
    """A queued input takes no picture of its own, and who asks it for that is told how to give one."""
    session = await open_session(answers("seen"))
    with pytest.raises(AttributeError, match=r"session\.turn\('…'\)\.image\(picture\)\.turn_input"):
        session.queue("look").image(png(1, 1))  # type: ignore[attr-defined]
    await session.queue(session.turn("look").image(png(1, 1)).turn_input)
    result = await session.next_queued_turn()

    assert result is not None
    assert len(result.pictures) == 1


async def test_inputs_that_may_join_share_a_turn() -> None:
    """Their texts are one input."""
    session = await open_session(answers("both"))
    for text in ("first ", "second"):
        await session.queue(text).slot_policy("join")
    result = await session.next_queued_turn()
    assert result is not None
    assert texts(messages_of(session.graph)) == ["first second", "both"]


async def test_a_name_is_queued_once_while_it_waits() -> None:
    """The first one stays; without a name each is another one."""
    session = await open_session(answers())
    first = await session.queue("as it was").id("a")
    assert await session.queue("changed").id("a") == first
    await session.queue("changed")
    assert len(await session.queued_work()) == 2


async def test_queued_work_can_be_cancelled_once() -> None:
    """What is not there is None."""
    session = await open_session(answers())
    batch = await session.queue("later")
    assert await session.cancel_queued_work_batch(batch.batch_id) == batch
    assert await session.cancel_queued_work_batch(batch.batch_id) is None
    await session.await_queued_work_batch(batch.batch_id)


async def test_named_batches_run_only_when_the_queue_would_give_just_them() -> None:
    """The head first; anything else is None and stays."""
    session = await open_session(answers("one"))
    first, second = await session.queue("first"), await session.queue("second")
    assert await session.next_queued_turn([second.batch_id]) is None
    result = await session.next_queued_turn().batch_ids([first.batch_id]).run()
    assert result is not None
    assert await session.queued_work() == (second,)


async def test_waiting_for_a_batch_ends_with_the_turn_that_completes_it() -> None:
    """Not before: while the turn runs the batch is held, and still there."""
    waits: list[bool] = []

    async def look(running: LashSession) -> None:
        await settle()
        waits.append(not waiting.done())
        assert await running.queued_work() == ()

    session, _ = await session_with_tool(look)
    batch = await session.queue("later")
    waiting = asyncio.get_running_loop().create_task(session.await_queued_work_batch(batch.batch_id))
    watched: list[str] = []
    await session.next_queued_turn().stream_to(lambda activity: watched.append(activity.type))
    await waiting
    assert waits == [True]
    assert watched[0] == "queued_work_started"


@pytest.mark.parametrize("is_stored", [False, True])
async def test_a_look_at_a_batch_costs_the_same_however_long_the_queue_is(tmp_path: Path, is_stored: bool) -> None:
    """Whether one batch waits is asked again and again, while others may be queued by the thousand."""
    made = builder(answers())
    core = (made.stored_in(tmp_path) if is_stored else made.in_memory()).build()
    session = await core.session("demo").open()
    costs = []
    for count in (2, 60):
        for number in range(count):
            await session.queue(f"{number} of many")
        costs.append(lines_run(lambda: run_through(session.await_queued_work_batch("gone"))))

    assert costs[0] == costs[1]


def run_through(work: Coroutine[Any, Any, None]) -> None:
    """Do what never waits."""
    with pytest.raises(StopIteration):
        work.send(None)


async def test_queued_work_outlives_the_process_that_queued_it(tmp_path: Path) -> None:
    """A core on the same folder finds and runs it, and its commands too."""
    cores = [builder(answers("done")).stored_in(tmp_path).build() for _ in range(2)]
    first = await cores[0].session("demo").open()
    await first.control.commands.reset(reason="test")
    batch = await first.queue("later")
    await first.close()
    second = await cores[1].session("demo").open()
    assert (await second.queued_work())[1:] == (batch,)
    assert await second.next_queued_turn() is None
    result = await second.next_queued_turn()
    assert result is not None
    assert texts(messages_of(second.graph)) == ["later", "done"]
    assert await second.queued_work() == ()


async def test_an_injected_message_steers_the_running_turn_and_leaves_no_trace() -> None:
    """It comes in at the next checkpoint; the turn's commit takes it out of the queue."""
    session, model = await session_with_tool(
        lambda running: running.control.injection.inject_turn_input("Stop at Rome.", id="i")
    )
    await session.turn("go")
    assert model.asked[1][-1] == ("User", "Stop at Rome.")
    assert texts(messages_of(session.graph)) == ["go", "", "", "answer 2"]
    assert await session.queued_work() == ()


@pytest.mark.parametrize(
    ("role", "told", "kept"),
    [
        ("User", [("User", "Stop.")], ["User", "Assistant", "User", "Assistant"]),
        ("System", [("System", "Runtime note:\nStop.")], ["User", "Assistant", "User", "Assistant"]),
        ("Assistant", [("User", "Stop.")], ["User", "Assistant", "User", "Assistant"]),
        ("Event", None, ["User", "Assistant", "User", "Event", "Assistant"]),
    ],
)
async def test_an_injected_message_keeps_its_role(role: Any, told: Any, kept: list[str]) -> None:
    """Nobody speaks for the model; an event is one of the turn's events, and part of the history."""
    message = PluginMessage(role=role, content="Stop.")
    session, model = await session_with_tool(lambda running: running.control.injection.inject_turn_inputs([message]))
    await session.turn("go")
    assert told is None or model.asked[1][-1:] == told
    assert "Stop." in model.asked[1][-1][1]
    assert roles(messages_of(session.graph)) == kept
    legal(session.graph)


async def test_injected_messages_may_have_an_id_each() -> None:
    """While one of an id waits, it is not queued again; those without are all different."""
    session = await open_session(answers("noted"))
    named = InjectedTurnInput("Stop at Rome.", id="i")
    batches = await session.control.injection.inject_turn_inputs([named, "and rest", named, "and rest"])
    assert batches[0] == batches[2]
    assert [batch.source_key for batch in await session.queued_work()] == ["injection:i", None, None]


async def test_an_injected_role_is_kept_between_turns() -> None:
    """System message and event begin the turn that takes them; no user speaks."""
    session = await open_session(answers("noted"))
    for role in ("System", "Event"):
        await session.control.injection.inject_turn_input(PluginMessage(role=role, content=f"{role}."))
    await session.next_queued_turn()
    assert roles(messages_of(session.graph)) == ["Event", "System", "Assistant"]


async def test_an_injected_picture_comes_in_with_its_text() -> None:
    """The model sees both."""
    message = PluginMessage(role="User", content="This one.", images=(PNG,))
    asked: list[LlmRequest] = []

    def model(request: LlmRequest) -> LlmResponse:
        asked.append(request)
        return reply("ok")

    session = await open_session(model)
    await session.control.injection.inject_turn_input(message)
    await session.turn("go")
    assert [bool(block.Text) for block in asked[1].messages[-1].blocks] == [True, False]
    assert len(asked[1].attachments) == 1


async def test_exclusive_input_waits_for_a_turn_of_its_own() -> None:
    """Also when it may come early: nothing that was said is lost."""
    session = await open_session(answers("one", "two", "three"))
    for text in ("first", "second", "third"):
        await session.queue(text).delivery_policy("earliest_safe_boundary")
    for _ in range(3):
        await session.next_queued_turn()
    assert texts(messages_of(session.graph)) == ["first", "one", "second", "two", "third", "three"]


async def test_a_cancelled_turn_takes_no_work() -> None:
    """It would never be looked at; so it waits for the next turn."""
    token = CancellationToken()

    async def cancel(running: LashSession) -> None:
        await running.control.injection.inject_turn_input("later")
        token.cancel()

    session, _ = await session_with_tool(cancel)
    result = await session.turn("go").cancel(token)
    assert result.outcome.stopped == "cancelled"
    assert len(await session.queued_work()) == 1


async def test_pictures_of_one_name_stay_apart_when_inputs_join() -> None:
    """Each is the one that was given."""
    asked: list[LlmRequest] = []

    def model(request: LlmRequest) -> LlmResponse:
        asked.append(request)
        return reply("ok")

    session = await open_session(model)
    for data in (PNG, png(2, 2)):
        await session.queue(TurnInput(items=()).with_image("image-1", data)).slot_policy("join")
    await session.next_queued_turn()
    assert len({attachment.reference.id for attachment in asked[0].attachments if attachment.reference}) == 2


async def test_a_picture_without_bytes_is_refused_when_it_is_queued() -> None:
    """Not when a turn takes it, which would be too late."""
    session = await open_session(answers())
    with pytest.raises(CallerError, match="no bytes for 'x'"):
        await session.queue(TurnInput(items=(ImageRefItem(id="x"),)))
    with pytest.raises(CallerError, match="text alone"):
        await session.control.injection.inject_turn_input(PluginMessage(role="Event", content="", images=(PNG,)))


async def test_without_a_store_there_is_no_queue() -> None:
    """Who asks for it is told; a turn of queued work is None."""
    session = await open_session(answers(), stored=False)
    for work in (session.queue("later").send, session.queued_work, lambda: session.cancel_queued_work_batch("x")):
        with pytest.raises(LashRuntimeError, match="has none; open it with one") as caught:
            await work()
        assert caught.value.code == "store_commit_failed"
    assert await session.next_queued_turn() is None


async def test_a_closed_session_takes_no_work() -> None:
    """It would wait for nobody."""
    session = await open_session(answers())
    await session.close()
    with pytest.raises(CallerError, match="is closed"):
        await session.queue("later")


@pytest.mark.parametrize("stored", [True, False])
async def test_a_reset_begins_the_session_anew_with_what_it_works_with(stored: bool) -> None:
    """The graph is empty; provider and model are those of before, and what was used stays on the bill."""
    session = await open_session(answers("old", "new"), stored=stored)
    await session.turn("before")
    used = session.usage_report()
    receipt = await session.control.commands.reset(reason="start over", idempotency_key="k")
    assert receipt.source_key == "command:reset_session:k"
    result = await session.turn("after")
    assert texts(messages_of(session.graph)) == ["after", "new"]
    assert result.turn_index == 1
    assert session.policy_snapshot().provider_id == "scripted"
    assert session.usage_report().usage.input_tokens >= used.usage.input_tokens


async def test_a_reset_that_a_queued_turn_obeys_is_what_the_store_says() -> None:
    """One command is one call; the next turn goes on from it."""
    session = await open_session(answers("old", "new"))
    await session.turn("before")
    await session.control.commands.reset(reason="start over")
    assert await session.next_queued_turn() is None
    assert len(session.graph.nodes) == 0
    assert session.observe().read_view().node_count == 0
    assert (await session.turn("after")).reply == "new"


async def test_a_command_waits_behind_queued_input() -> None:
    """The queue is obeyed in its order."""
    session = await open_session(answers("host", "queue"))
    await session.queue("first")
    await session.control.commands.reset(reason="later")
    await session.turn("host turn")
    assert len(await session.queued_work()) == 2
    await session.next_queued_turn()
    assert await session.next_queued_turn() is None
    assert len(session.graph.nodes) == 0


async def test_a_command_for_other_tools_is_refused_once() -> None:
    """The turn that meets it fails and takes it out of the queue; the next one runs."""
    session = await open_session(answers("fine"))
    await session.control.commands.refresh_tool_surface(reason="test", expected_generation=99)
    with pytest.raises(LashRuntimeError, match="was meant for 99") as caught:
        await session.turn("hello")
    assert caught.value.code == "session_command_generation_mismatch"
    assert (await session.turn("hello")).reply == "fine"


@pytest.mark.parametrize("key", ["", "  "])
async def test_a_blank_key_is_refused(key: str) -> None:
    """It would make strangers of one name."""
    session = await open_session(answers())
    with pytest.raises(LashRuntimeError, match="is blank") as caught:
        await session.control.commands.reset(reason="test", idempotency_key=key)
    assert caught.value.code == "session_command_idempotency_key"


async def test_input_may_be_queued_while_a_turn_runs() -> None:
    """Nobody waits for it: the writer is not asked."""
    seen: list[int] = []

    async def queue(running: LashSession) -> None:
        await running.queue("later")
        seen.append(len(await running.queued_work()))

    session, _ = await session_with_tool(queue)
    turn = session.start("go")
    await turn.wait()
    await settle()
    assert seen == [1]
    result = await session.next_queued_turn()
    assert result is not None
    assert result.turn_index == 2


async def test_a_queued_turn_can_be_stepped_through() -> None:
    """It stops before its effects as any other turn, and its end completes the input."""
    session = await open_session(answers("one"))
    await session.queue("first")
    waiting = await session.step(session.next_queued_turn())
    assert isinstance(waiting, EffectEntry)
    assert waiting.envelope.kind == "llm_call"
    result = await session.continue_()
    while isinstance(result, EffectEntry):
        result = await session.continue_()
    assert (result.reply, await session.queued_work()) == ("one", ())


async def test_a_queued_turn_runs_beside() -> None:
    """It can be watched and waited for; without queued input waiting says so, and the session takes the next turn."""
    session = await open_session(answers("one", "two"))
    await session.queue("first")
    running = session.start(session.next_queued_turn())
    assert (await running.wait()).reply == "one"
    assert any(isinstance(item.event, QueuedWorkStarted) for item in running.activities)

    with pytest.raises(CallerError) as empty:
        await session.start(session.next_queued_turn()).wait()
    assert empty.value.code == "queue_empty"
    assert (await session.turn("more")).reply == "two"
