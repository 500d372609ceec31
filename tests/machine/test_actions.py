"""What each action of a driver does (turns §2.4), by a driver from a script."""

from typing import Final, get_args

import pytest

from lash_nb.machine import (
    AdvanceProtocolIteration,
    AppendEvents,
    DriverAction,
    Emit,
    ExecCode,
    Finish,
    FinishOnEmpty,
    LlmCall,
    PendingToolCall,
    Progress,
    ScheduleTurnLimitFinal,
    StartCheckpoint,
    StartExec,
    StartLlm,
    StartTools,
    TurnCheckpoint,
    turn_limit_message,
)
from lash_nb.machine._transitions import ACTIONS
from lash_nb.wire import (
    ExecResult,
    LlmRequest,
    MessageEvent,
    ProtocolEvent,
    SessionEventRecord,
    TurnOutcome,
    from_json,
    to_builtins,
    to_json,
)
from tests.machine.play import (
    ScriptedDriver,
    ScriptedHost,
    end,
    machine,
    message,
    names,
    outcome,
    play,
    printed,
    say,
)

REQUEST: Final = LlmRequest(model="scripted-model", messages=(), attachments=(), tools=(), tool_choice="None")
NOTE: Final = SessionEventRecord(Protocol=ProtocolEvent(plugin_id="demo", payload={"n": 1}))
SAID: Final = SessionEventRecord(Conversation=message("a1", "Hm.", "Assistant"))
END: Final = Finish(outcome=TurnOutcome.answered("end"))


def test_every_action_has_a_handler() -> None:
    """The table names each action once, but for `Finish`, which ends the batch."""
    assert {*ACTIONS, Finish} == set(get_args(DriverAction))


def test_a_batch_that_changed_something_ends_with_one_progress() -> None:
    """However many records are added, the note comes once and behind the effect of the batch."""
    start: list[DriverAction] = [
        AppendEvents(records=(NOTE,)),
        StartLlm(request=REQUEST),
        AppendEvents(records=(SAID,)),
    ]
    driver = ScriptedDriver(iterations=[start], after_llm=[END])

    effects = play(machine(protocol_driver=driver, sync_execution_surface=False), ScriptedHost())

    assert names(effects)[:3] == ["llm_request", "LlmCall", "Progress"]
    (progress,) = (effect for effect in effects if isinstance(effect, Progress))
    assert progress.event_delta == (NOTE, SAID)
    assert [held.id for held in progress.messages] == ["u1", "a1"]


def test_records_are_told_once() -> None:
    """A later `Progress` and `Done` tell only of what came since."""
    driver = ScriptedDriver(
        iterations=[[AppendEvents(records=(NOTE,)), StartLlm(request=REQUEST)]],
        after_llm=[AppendEvents(records=(SAID,)), END],
    )

    effects = play(machine(protocol_driver=driver, sync_execution_surface=False), ScriptedHost())

    deltas = [effect.event_delta for effect in effects if hasattr(effect, "event_delta")]
    assert deltas == [(NOTE,), (SAID,), ()]


def test_nothing_happens_behind_a_finish() -> None:
    """Actions behind `Finish` are dropped; without a change there is no `Progress` before it."""
    driver = ScriptedDriver(iterations=[[AppendEvents(records=()), END, StartLlm(request=REQUEST)]])

    effects = play(machine(protocol_driver=driver, sync_execution_surface=False), ScriptedHost())

    assert names(effects) == ["turn_outcome", "done", "Done"]


@pytest.mark.parametrize("reviving", [False, True])
def test_a_code_block_runs_and_comes_back(reviving: bool) -> None:
    """The driver gets code and its own state back with the result, restored or not."""
    driver = ScriptedDriver(
        iterations=[[StartLlm(request=REQUEST, driver_state={"n": 1})]],
        after_llm=[Emit(event=MessageEvent(text="x", kind="code")), StartExec(code="print 1", driver_state=[2])],
        after_exec=[END],
    )
    host = ScriptedHost(replies=[say("go")], execs=[ExecResult(Ok=printed("1"))])

    effects = play(machine(protocol_driver=driver, sync_execution_surface=False), host, reviving=reviving)

    assert names(effects)[3:] == ["message", "ExecCode", "turn_outcome", "done", "Done"]
    assert [effect.code for effect in effects if isinstance(effect, ExecCode)] == ["print 1"]
    assert driver.seen == [({"n": 1}, "go", False), ("print 1", [2], "Ok")]


def test_tools_come_back_in_order() -> None:
    """The driver gets all results of a batch of calls at once."""
    calls = tuple(PendingToolCall(call_id=name, tool_name="t", args={}) for name in ("b", "a"))
    driver = ScriptedDriver(iterations=[[StartTools(calls=calls)]], after_tools=[END])

    effects = play(machine(protocol_driver=driver), ScriptedHost())

    assert driver.seen == [["b", "a"]]
    assert names(effects)[1:4] == ["ToolCalls", "tool_call", "tool_call"]


@pytest.mark.parametrize("reviving", [False, True])
def test_a_checkpoint_goes_on_as_the_driver_said(reviving: bool) -> None:
    """Empty-handed it either prepares the next iteration or ends the turn."""
    go_on = StartCheckpoint(checkpoint="after_work", on_empty="PrepareIteration")
    finish = StartCheckpoint(checkpoint="before_completion", on_empty=FinishOnEmpty(Finish=END.outcome))
    driver = ScriptedDriver(iterations=[[AdvanceProtocolIteration(), go_on], [finish]])

    effects = play(machine(protocol_driver=driver), ScriptedHost(), reviving=reviving)

    assert names(effects) == [
        *("SyncExecutionSurface", "Checkpoint", "Progress"),
        *("SyncExecutionSurface", "Checkpoint", "turn_outcome", "done", "Done"),
    ]
    assert outcome(effects) == END.outcome


def test_the_surface_is_synced_once_per_iteration() -> None:
    """A checkpoint after work that did not advance the iteration leads straight back to the driver."""
    stay = StartCheckpoint(checkpoint="after_work", on_empty="PrepareIteration")
    finish = StartCheckpoint(checkpoint="before_completion", on_empty=FinishOnEmpty(Finish=END.outcome))
    steps = iter([[stay], [stay], [finish]])

    class Stepping(ScriptedDriver):
        """Takes the next step whatever the iteration is."""

        def prepare_protocol_iteration(self, _context: object) -> list[StartCheckpoint]:
            """Return the next step."""
            return next(steps)

    effects = play(machine(protocol_driver=Stepping()), ScriptedHost())

    assert names(effects)[:4] == ["SyncExecutionSurface", "Checkpoint", "Checkpoint", "Checkpoint"]


def test_a_driver_may_give_the_grace_iteration_itself() -> None:
    """The limit message is added only when the limit is reached, and only once."""
    limit = ScheduleTurnLimitFinal(message=turn_limit_message("limit", 1))
    again = ScheduleTurnLimitFinal(message=turn_limit_message("again", 1))
    driver = ScriptedDriver(
        iterations=[[again, StartLlm(request=REQUEST)]], after_llm=[AdvanceProtocolIteration(), limit, again, END]
    )

    effects = play(machine(protocol_driver=driver, max_turns=1), ScriptedHost())

    assert [held.id for held in end(effects).messages] == ["u1", "limit"]


def test_a_checkpoint_is_written_with_the_names_of_the_reference() -> None:
    """States and effects are externally tagged, and what was written reads back."""
    driver = ScriptedDriver(iterations=[[StartLlm(request=REQUEST, driver_state=7)]])
    live = machine(protocol_driver=driver, sync_execution_surface=False)
    live.poll_effect()

    saved = live.checkpoint()
    written = to_builtins(saved)

    assert written["state"] == {"WaitingLlm": {"effect_id": 1, "request": to_builtins(REQUEST), "driver_state": 7}}
    assert written["pending_effects"] == ({"LlmCall": {"id": 1, "request": to_builtins(REQUEST)}},)
    assert list(written)[2:6] == ["next_effect_id", "next_synthetic_message_id", "messages", "events"]
    back: TurnCheckpoint = from_json(to_json(saved), TurnCheckpoint)
    assert back == saved
    assert isinstance(live.poll_effect(), LlmCall)
