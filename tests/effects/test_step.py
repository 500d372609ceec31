"""Stepping: where a turn stops, what a person may decide, and what happens when two decide at once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
from msgspec.structs import replace

from lash_nb.clock import CancellationToken, ManualClock
from lash_nb.effects import InlineEffectHost, JournalEffectHost, ScopedEffectController, StepControl, StepEffectHost
from lash_nb.errors import CallerError, RuntimeEffectControllerError
from lash_nb.wire import (
    EffectEntry,
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
    ToolCallCommand,
    TurnScope,
)
from tests.effects.material import SCOPE, Gate, World, called, model_call, said, settle, sleep, tool_call


class Stepped:
    """A stepped session: its hosts, and turns that perform given envelopes."""

    def __init__(self) -> None:
        clock = ManualClock(1_800_000_000_000_000_000)
        self.journal = JournalEffectHost(InlineEffectHost(), clock)
        self.host = StepEffectHost(self.journal, clock)
        self.control: StepControl = self.host.control
        self.controller: ScopedEffectController = self.host.scoped(SCOPE)
        self.world = World()
        self._tasks: list[asyncio.Task[Any]] = []

    def perform(
        self, *envelopes: RuntimeEffectEnvelope, local: World | None = None
    ) -> asyncio.Task[list[RuntimeEffectOutcome]]:
        """Perform envelopes one after the other, as a turn does."""

        async def turn() -> list[RuntimeEffectOutcome]:
            return [await self.controller.execute_effect(envelope, local or self.world) for envelope in envelopes]

        return self.spawn(turn())

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a task that the test need not clean up."""
        self._tasks.append(asyncio.get_running_loop().create_task(work))
        return self._tasks[-1]

    async def close(self) -> None:
        """Cancel what still runs."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def waiting_kind(self) -> str | None:
        """Kind of the pending effect."""
        return self.control.pending.envelope.kind if self.control.pending else None

    @property
    def story(self) -> list[tuple[str, str, str]]:
        """Kind, status and origin of what the journal has."""
        return [(entry.envelope.kind, entry.status, entry.origin) for entry in self.journal.entries]


@pytest.fixture
async def stepped() -> AsyncIterator[Stepped]:
    """A session whose turns are stepped through."""
    session = Stepped()
    session.control.arm()
    yield session
    await session.close()


async def test_a_session_that_is_not_stepped_never_stops() -> None:
    """Without arming, effects go straight through."""
    session = Stepped()

    assert await session.perform(model_call(), tool_call()) == [said("from scripted-model"), called(value={})]
    assert session.control.mode == "free"


async def test_a_stepped_turn_stops_before_model_and_tool_calls_only(stepped: Stepped) -> None:
    """A turn stops before each kind in `stop_at`; bookkeeping passes."""
    turn = stepped.perform(sleep(), model_call())
    await settle()

    assert stepped.waiting_kind == "llm_call"
    assert stepped.story == [("sleep", "ok", "executed")]
    stepped.control.perform()
    assert await turn == [stepped.journal.entries[0].outcome, said("from scripted-model")]


async def test_the_event_loop_is_free_while_an_effect_waits(stepped: Stepped) -> None:
    """Other work runs while a turn is paused."""
    stepped.perform(model_call())
    await settle()

    assert await asyncio.wait_for(asyncio.sleep(0, "other cell"), timeout=30) == "other cell"
    assert stepped.waiting_kind == "llm_call"


async def test_a_pending_effect_shows_as_the_entry_that_the_journal_will_have(stepped: Stepped) -> None:
    """The pending effect has the order, the envelope and the time of waiting."""
    stepped.perform(model_call())
    pending = await stepped.control.wait_pending()

    assert pending.as_entry(stepped.journal.next_order) == EffectEntry(
        order=1, envelope=model_call(), status="pending", started_at="2027-01-15T08:00:00+00:00"
    )


async def test_an_edited_envelope_is_performed_in_place_of_the_pending_one(stepped: Stepped) -> None:
    """The executor and the journal see the edit, and the journal says so."""
    turn = stepped.perform(model_call())
    await stepped.control.wait_pending()
    stepped.control.perform(model_call(model="another-model"))

    assert await turn == [said("from another-model")]
    assert stepped.world.asked == [model_call(model="another-model")]
    assert stepped.story == [("llm_call", "ok", "edited")]


async def test_an_edit_without_a_change_is_no_edit(stepped: Stepped) -> None:
    """An equal envelope counts as executed."""
    turn = stepped.perform(model_call())
    await stepped.control.wait_pending()
    stepped.control.perform(model_call())
    await turn

    assert stepped.story == [("llm_call", "ok", "executed")]


@pytest.mark.parametrize(
    ("edited", "code"),
    [
        (model_call(number=7), "step_identity"),
        (replace(tool_call(city="Oslo"), command=model_call().command), "runtime_effect_invocation_kind"),
        (
            replace(
                tool_call(city="Oslo"),
                command=ToolCallCommand(call=replace(tool_call().command.call, call_id="c9")),  # type: ignore[union-attr]  # it is a tool call
            ),
            "step_identity",
        ),
    ],
    ids=["another effect", "another kind", "another call"],
)
async def test_an_edit_cannot_make_another_effect(stepped: Stepped, edited: RuntimeEffectEnvelope, code: str) -> None:
    """Identity, kind and call id stay; a refused edit leaves the effect waiting."""
    turn = stepped.perform(tool_call(city="Oslo"))
    await stepped.control.wait_pending()

    with pytest.raises((CallerError, RuntimeEffectControllerError)) as refused:
        stepped.control.perform(edited)
    assert refused.value.code == code
    stepped.control.perform(tool_call(city="Rome"))
    assert await turn == [called(value={"city": "Rome"})]


async def test_an_injected_outcome_stands_in_the_journal_and_executes_nothing(stepped: Stepped) -> None:
    """Injecting answers the turn; the world is not asked."""
    turn = stepped.perform(tool_call())
    await stepped.control.wait_pending()
    stepped.control.inject(called(value="snow"))

    assert await turn == [called(value="snow")]
    assert stepped.world.asked == []
    assert stepped.story == [("tool_call", "ok", "injected")]


@pytest.mark.parametrize("outcome", [said("hello"), called("c2")], ids=["another kind", "another call"])
async def test_an_outcome_of_something_else_is_refused_and_nothing_is_lost(
    stepped: Stepped, outcome: RuntimeEffectOutcome
) -> None:
    """Whoever injects the wrong outcome gets the error; the effect goes on waiting."""
    turn = stepped.perform(tool_call())
    await stepped.control.wait_pending()

    with pytest.raises(RuntimeEffectControllerError) as refused:
        stepped.control.inject(outcome)
    assert refused.value.code == "runtime_effect_wrong_outcome"
    assert stepped.waiting_kind == "tool_call"
    stepped.control.inject(called(value="sun"))
    assert await turn == [called(value="sun")]


async def test_an_effect_can_be_made_to_fail(stepped: Stepped) -> None:
    """The turn sees a controller error with the given code, the journal too."""
    turn = stepped.perform(model_call())
    await stepped.control.wait_pending()
    stepped.control.fail("restate_effect_controller", "the engine is away")

    with pytest.raises(RuntimeEffectControllerError) as failed:
        await turn
    assert (failed.value.code, failed.value.message) == ("restate_effect_controller", "the engine is away")
    assert stepped.story == [("llm_call", "error", "injected")]
    assert stepped.world.asked == []


async def test_running_to_a_kind_performs_what_lies_before_it(stepped: Stepped) -> None:
    """`run_to` passes other kinds, even those of `stop_at`, and stops before the next of its own."""
    turn = stepped.perform(model_call(), tool_call("c1"), model_call(3), tool_call("c2"))
    await stepped.control.wait_pending()
    stepped.control.run_to("tool_call")
    await settle()

    assert stepped.waiting_kind == "tool_call"
    assert stepped.control.mode == "step"
    stepped.control.run_to("tool_call")
    await settle()
    assert [entry.envelope.kind for entry in stepped.journal.entries] == ["llm_call", "tool_call", "llm_call"]
    assert stepped.waiting_kind == "tool_call"
    stepped.control.run_to(None)
    assert len(await turn) == 4


async def test_running_to_a_kind_outside_stop_at_stops_there(stepped: Stepped) -> None:
    """Any of the eight kinds can be run to."""
    stepped.perform(model_call(), sleep())
    await stepped.control.wait_pending()
    stepped.control.run_to("sleep")
    await settle()

    assert stepped.waiting_kind == "sleep"


async def test_running_to_the_end_holds_until_the_turn_is_over(stepped: Stepped) -> None:
    """After `run_to(None)` nothing stops; the next turn of an armed session does."""
    turn = stepped.perform(model_call(), tool_call())
    await stepped.control.wait_pending()
    stepped.control.run_to(None)
    await turn
    stepped.control.turn_over()
    stepped.perform(model_call(4))
    await settle()

    assert stepped.waiting_kind == "llm_call"


async def test_pausing_a_free_turn_lasts_until_the_turn_is_over() -> None:
    """`pause_next` stops a session that is not stepped before its next effect, and only in this turn."""
    session = Stepped()
    gate = Gate()
    turn = session.perform(model_call(), tool_call(), local=gate)
    await settle()
    session.control.pause_next()
    gate.open(model_call())
    gate.open(tool_call())
    await settle()

    assert session.waiting_kind == "tool_call"
    session.control.perform()
    await turn
    session.control.turn_over()
    assert session.control.mode == "free"


async def test_an_effect_stops_when_what_it_asks_first_pauses_the_turn() -> None:
    """For a pause that was wanted while the loop was blocked; who takes it off again is asked no more."""
    session = Stepped()
    take_off = session.control.before_effects(session.control.pause_next)
    turn = session.perform(model_call())
    await settle()
    assert session.waiting_kind == "llm_call"

    take_off()
    session.control.perform()
    await turn
    session.control.turn_over()
    await session.perform(model_call())


async def test_the_end_of_a_turn_decides_nothing_about_work_beside_it() -> None:
    """What another scope has waiting when a turn is over goes on waiting, even if the session is not stepped."""
    session = Stepped()
    session.control.pause_next()
    beside = session.perform(model_call())
    await settle()
    session.control.turn_over()

    assert session.waiting_kind == "llm_call"
    session.control.perform()
    assert await beside == [said("from scripted-model")]


async def test_disarming_lets_everything_go(stepped: Stepped) -> None:
    """What waits is performed, and nothing stops any more."""
    turns = [stepped.perform(tool_call("c1")), stepped.perform(tool_call("c2"))]
    await settle()
    stepped.control.disarm()

    assert await asyncio.gather(*turns) == [[called("c1", {})], [called("c2", {})]]


async def test_parallel_calls_wait_in_line(stepped: Stepped) -> None:
    """Calls made at once are decided in the order of arrival; the next shows when the one before is over."""
    gate = Gate()
    calls = [tool_call("c1"), tool_call("c2"), tool_call("c3")]
    for call in calls:
        stepped.perform(call, local=gate)
    await settle()

    for call in calls:
        pending = await asyncio.wait_for(stepped.control.wait_pending(), timeout=30)
        assert pending.envelope == call
        stepped.control.perform()
        await settle()
        assert stepped.waiting_kind is None
        gate.open(call)
        await settle()
    assert gate.asked == calls


async def test_a_call_made_inside_a_running_effect_shows_at_once(stepped: Stepped) -> None:
    """An effect that arises inside the one in flight does not wait for it, which would be for ever."""

    async def nested(_: RuntimeEffectEnvelope) -> RuntimeEffectOutcome:
        inner = asyncio.create_task(stepped.controller.execute_effect(tool_call("inner"), stepped.world))
        await inner
        return called("outer")

    outer = stepped.perform(tool_call("outer"), local=World(nested))
    await stepped.control.wait_pending()
    stepped.control.perform()
    pending = await asyncio.wait_for(stepped.control.wait_pending(), timeout=30)

    assert pending.envelope == tool_call("inner")
    stepped.control.perform()
    assert await outer == [called("outer")]


async def test_effects_of_another_scope_show_beside_a_running_one(stepped: Stepped) -> None:
    """A running effect may wait for work of another scope, so it does not hold that back."""
    gate = Gate()
    stepped.perform(tool_call("c1"), local=gate)
    await stepped.control.wait_pending()
    stepped.control.perform()
    other = stepped.host.scoped(TurnScope(session_id="child", turn_id="t1"))
    stepped.spawn(other.execute_effect(model_call(8), stepped.world))
    await settle()

    assert stepped.waiting_kind == "llm_call"


async def test_cancelling_the_turn_takes_its_pending_effect_with_it(stepped: Stepped) -> None:
    """A cancelled turn leaves nothing pending, nothing performed, and the session usable."""
    turn = stepped.perform(model_call())
    await settle()
    turn.cancel()
    assert stepped.control.pending is None
    with pytest.raises(asyncio.CancelledError):
        await turn

    assert stepped.control.waiting == ()
    assert stepped.story == []
    again = stepped.perform(model_call(2))
    await stepped.control.wait_pending()
    stepped.control.perform()
    assert await again == [said("from scripted-model")]


@pytest.mark.parametrize("waits", [True, False])
async def test_a_turn_whose_token_is_cancelled_waits_for_no_decision(stepped: Stepped, *, waits: bool) -> None:
    """What waits then is performed, and so is what comes after it; the next turn stops again, whatever became of that token."""
    token = CancellationToken()
    stepped.control.turn_begins(token)
    turn = stepped.perform(model_call(), tool_call())
    if waits:
        await stepped.control.wait_pending()
    token.cancel()
    assert len(await turn) == 2
    stepped.control.turn_over()
    stepped.perform(model_call(4))
    await settle()

    assert stepped.waiting_kind == "llm_call"


async def test_nothing_is_performed_when_the_turn_is_cancelled_right_after_the_decision(stepped: Stepped) -> None:
    """A turn that is cancelled in the same round of the loop as the decision executes nothing any more."""
    turn = stepped.perform(tool_call())
    await settle()
    stepped.control.perform()
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn

    assert stepped.world.asked == []
    assert stepped.control.pending is None


async def test_a_decision_for_a_cancelled_turn_is_refused(stepped: Stepped) -> None:
    """A decision made after the cancellation, before the turn noticed, is an error and not lost silently."""
    turn = stepped.perform(tool_call())
    await settle()
    turn.cancel()

    with pytest.raises(CallerError) as refused:
        stepped.control.perform()
    assert refused.value.code == "step_nothing_pending"


async def test_cancelling_a_call_in_flight_shows_the_next_in_line(stepped: Stepped) -> None:
    """An effect that is cancelled counts as over."""
    gate = Gate()
    first = stepped.perform(tool_call("c1"), local=gate)
    stepped.perform(tool_call("c2"), local=gate)
    await settle()
    stepped.control.perform()
    await settle()
    first.cancel()
    await settle()

    assert stepped.control.pending is not None
    assert stepped.control.pending.envelope == tool_call("c2")
    assert stepped.story == [("tool_call", "cancelled", "executed")]


Press = Callable[[StepControl], None]
PRESSES: list[Press] = [
    StepControl.perform,
    lambda control: control.inject(called()),
    lambda control: control.fail("code", "text"),
]


@pytest.mark.parametrize("second", PRESSES, ids=["perform", "inject", "fail"])
async def test_of_two_decisions_the_first_counts(stepped: Stepped, second: Press) -> None:
    """A second decision in the same moment finds nothing pending, and the message says what runs."""
    turn = stepped.perform(tool_call())
    await stepped.control.wait_pending()
    stepped.control.perform()

    with pytest.raises(CallerError, match="effect 2:c1 is still running; wait for the next stop"):
        second(stepped.control)
    assert await turn == [called(value={})]


async def test_a_decision_for_an_effect_that_passed_does_not_hit_the_next(stepped: Stepped) -> None:
    """Two views on one turn: who decides late is told so, and the new pending effect is untouched."""
    stepped.perform(tool_call("c1"), tool_call("c2"))
    seen = await stepped.control.wait_pending()
    stepped.control.perform(at=seen)
    await settle()

    with pytest.raises(CallerError) as refused:
        stepped.control.inject(called("c1"), at=seen)
    assert refused.value.code == "step_stale"
    assert stepped.control.pending is not None
    assert stepped.control.pending.envelope == tool_call("c2")


async def test_a_control_without_a_turn_says_what_to_do() -> None:
    """Deciding about nothing is a user's mistake, with a next step."""
    with pytest.raises(CallerError, match="no effect waits for a decision: start a stepped turn first"):
        Stepped().control.perform()


@pytest.mark.parametrize("change", [lambda c: c.run_to("tool"), lambda c: setattr(c, "stop_at", ["tool"])])
async def test_an_unknown_kind_is_refused_with_the_known_ones(stepped: Stepped, change: Press) -> None:
    """A misspelt kind changes nothing."""
    with pytest.raises(CallerError, match="tool is no kind of effect; take one of llm_call, direct, tool_call"):
        change(stepped.control)
    assert stepped.control.mode == "step"


async def test_listeners_hear_of_changes_on_the_loop_and_outside_of_them(stepped: Stepped) -> None:
    """A callback runs on the next round of the loop and sees the settled state; taken off, it hears no more."""
    seen: list[str | None] = []
    off = stepped.control.subscribe(lambda: seen.append(stepped.waiting_kind))
    turn = stepped.perform(model_call())
    await settle()
    stepped.control.perform()
    assert seen == ["llm_call"]
    await turn
    await settle()
    assert seen[-1] is None
    heard = len(seen)
    off()
    off()
    stepped.control.arm()
    await settle()

    assert len(seen) == heard


async def test_a_listener_may_decide(stepped: Stepped) -> None:
    """A callback that presses a button is as good as a person."""

    def press() -> None:
        if stepped.control.pending:
            stepped.control.perform()

    stepped.control.subscribe(press)

    assert len(await asyncio.wait_for(stepped.perform(model_call(), tool_call()), timeout=30)) == 2


async def test_a_listener_that_raises_disturbs_nobody(stepped: Stepped) -> None:
    """The error goes to the loop's handler; the turn and other listeners go on."""
    reported: list[dict[str, Any]] = []
    heard: list[bool] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    stepped.control.subscribe(lambda: divmod(1, 0) and None)
    stepped.control.subscribe(lambda: heard.append(True))
    stepped.perform(model_call())
    await settle()

    assert stepped.waiting_kind == "llm_call"
    assert heard == [True]
    assert [type(context["exception"]) for context in reported] == [ZeroDivisionError]


async def test_waiting_for_a_stop_that_never_comes_can_be_given_up(stepped: Stepped) -> None:
    """Giving up `wait_pending` leaves nothing behind that a later stop could trip over."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(stepped.control.wait_pending(), timeout=0.01)
    stepped.perform(model_call())

    assert (await stepped.control.wait_pending()).envelope == model_call()


def test_a_session_can_be_stepped_on_one_loop_after_another() -> None:
    """Nothing in the control belongs to a loop between turns."""
    session = Stepped()
    session.control.arm()

    async def one_turn() -> list[RuntimeEffectOutcome]:
        turn = session.perform(model_call())
        await session.control.wait_pending()
        session.control.perform()
        return await turn

    assert asyncio.run(one_turn()) == asyncio.run(one_turn()) == [said("from scripted-model")]
