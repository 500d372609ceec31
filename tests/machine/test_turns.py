"""Whole turns: which effects leave in which order (turns §17.1), live and through a machine restored after every step."""

from collections.abc import Callable
from typing import Any, Final

import pytest

from lash_nb.machine import Checkpoint, LlmCall, PendingToolCall, Progress, SyncExecutionSurface, ToolCalls, TurnMachine
from lash_nb.wire import (
    CheckpointDelivery,
    ExecutionSurfaceSync,
    FinishControl,
    PluginMessage,
    ProcessOrigin,
    SurfaceResult,
    TextPart,
    ToolCallOutput,
    ToolValue,
    TurnCause,
)
from tests.machine.play import (
    WEATHER,
    ScriptedHost,
    broken,
    call,
    config,
    deliver,
    end,
    machine,
    message,
    names,
    outcome,
    play,
    play_in_batches,
    requests,
    respond,
    say,
    success,
)

WAKE: Final = TurnCause(
    id="wake:1",
    event_type="process.wake",
    origin=ProcessOrigin(process_id="p1", event_type="process.wake", sequence=1),
    text="Ring.",
)
ONE_TOOL: Final = (respond(TextPart(text="Look."), call("c1"), reason="tool_use"), say("It is 21."))


def _finish(pending: PendingToolCall) -> ToolCallOutput:
    control = FinishControl(value=ToolValue("ready")) if pending.call_id == "c2" else None
    return ToolCallOutput(outcome=success(1).outcome, control=control)


SCENARIOS: Final[dict[str, Callable[[], tuple[TurnMachine, ScriptedHost]]]] = {
    "prose": lambda: (machine(), ScriptedHost(replies=[say("Hello.")])),
    "prose, streamed": lambda: (machine(), ScriptedHost(replies=[say("Hello.")], streamed=True)),
    "no sync": lambda: (machine(sync_execution_surface=False), ScriptedHost(replies=ONE_TOOL)),
    "one tool": lambda: (machine(), ScriptedHost(replies=ONE_TOOL)),
    "three tools": lambda: (
        machine(),
        ScriptedHost(replies=[respond(call("c1"), call("c2"), call("c3")), say("All.")]),
    ),
    "tool ends the turn": lambda: (
        machine(),
        ScriptedHost(replies=[respond(call("c1"), call("c2"))], run=_finish),
    ),
    "input joins at both checkpoints": lambda: (
        machine(),
        ScriptedHost(replies=[*ONE_TOOL, say("More.")], deliveries=[deliver("Also."), deliver("And."), deliver()]),
    ),
    "wake joins": lambda: (
        machine(),
        ScriptedHost(
            replies=[say("First."), say("Second.")],
            deliveries=[CheckpointDelivery(messages=(), transient_messages=(), turn_causes=(WAKE, WAKE))],
        ),
    ),
    "turn limit in the tool loop": lambda: (machine(max_turns=1), ScriptedHost(replies=ONE_TOOL)),
    "grace iteration": lambda: (
        machine(max_turns=1),
        ScriptedHost(replies=[say("First."), say("Grace.")], deliveries=[deliver("More.")]),
    ),
    "grace used up": lambda: (
        machine(max_turns=1),
        ScriptedHost(replies=[say("First."), say("Grace.")], deliveries=[deliver("More."), deliver("Again.")]),
    ),
    "provider fails": lambda: (machine(), ScriptedHost(replies=[broken("gone")])),
    "log is wanted": lambda: (machine(emit_llm_trace=True), ScriptedHost(replies=[ONE_TOOL[0], broken("gone")])),
    "surface fails": lambda: (machine(), ScriptedHost(surfaces=[SurfaceResult(Err="no tools")])),
    "surface changes": lambda: (
        machine(),
        ScriptedHost(
            replies=ONE_TOOL,
            surfaces=[
                SurfaceResult(Ok=None),
                SurfaceResult(Ok=ExecutionSurfaceSync(system_prompt="Now loud.", tool_specs=(WEATHER, WEATHER))),
            ],
        ),
    ),
    "output limit": lambda: (
        machine(),
        ScriptedHost(replies=[respond(TextPart(text="Half"), full_text="Half", reason="output_limit")]),
    ),
    "empty": lambda: (machine(), ScriptedHost(replies=[respond()])),
}


def effects_of(name: str, *, reviving: bool = False) -> list[Any]:
    """Play a scenario."""
    live, host = SCENARIOS[name]()
    return play(live, host, reviving=reviving)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_restored_machine_goes_on_as_the_live_one(name: str) -> None:
    """Restored from the JSON of its checkpoint after every poll and every answer, a machine asks for exactly the same."""
    assert effects_of(name, reviving=True) == effects_of(name)


@pytest.mark.parametrize("name", SCENARIOS)
def test_effects_come_in_the_same_order_many_at_once(name: str) -> None:
    """Who polls all effects that there are gets those that come one after the other."""
    live, host = SCENARIOS[name]()
    assert play_in_batches(live, host) == effects_of(name)


def test_a_turn_without_tools_is_sync_model_checkpoint() -> None:
    """Three effects, all of iteration 0, and the events in the reference's order; nothing to store before the end."""
    effects = effects_of("prose")

    assert names(effects) == [
        *("SyncExecutionSurface", "llm_request", "LlmCall", "token_usage", "text_delta", "llm_response"),
        *("Checkpoint", "turn_outcome", "done", "Done"),
    ]
    assert outcome(effects).reason == "assistant_message"


def test_a_tool_turn_stores_its_progress_behind_the_effect_of_the_same_step() -> None:
    """A `Progress` follows the effect that was started with it and shows the turn as it was when queued."""
    effects = effects_of("one tool")

    assert names(effects) == [
        *("SyncExecutionSurface", "llm_request", "LlmCall", "token_usage", "text_delta", "llm_response"),
        *("ToolCalls", "Progress", "tool_call", "Checkpoint", "Progress"),
        *("SyncExecutionSurface", "llm_request", "LlmCall", "token_usage", "text_delta", "llm_response"),
        *("Checkpoint", "turn_outcome", "done", "Done"),
    ]
    first, second = (effect for effect in effects if isinstance(effect, Progress))
    assert [held.role for held in first.messages] == ["User", "Assistant"]
    assert [held.role for held in second.messages] == ["User", "Assistant", "User"]
    assert (first.protocol_iteration, second.protocol_iteration) == (0, 1)
    assert [len(note.event_delta) for note in (first, second)] == [1, 1]


def test_effect_ids_count_through_the_turn() -> None:
    """Effects that want an answer are numbered from 1; the calls of one response share one id."""
    asked = [effect for effect in effects_of("one tool") if hasattr(effect, "id")]

    assert [(type(effect), effect.id) for effect in asked] == [
        (SyncExecutionSurface, 1),
        (LlmCall, 2),
        (ToolCalls, 3),
        (Checkpoint, 4),
        (SyncExecutionSurface, 5),
        (LlmCall, 6),
        (Checkpoint, 7),
    ]
    assert [effect.update_machine_config for effect in asked[::4]] == [False, True]


def test_without_sync_no_surface_is_asked_for() -> None:
    """A protocol that wants no surface sync goes straight to its driver, in every iteration."""
    assert "SyncExecutionSurface" not in names(effects_of("no sync"))


def test_a_new_surface_is_used_from_then_on() -> None:
    """Prompt and tool specs of a surface sync are those of the next request."""
    before, after = (effect.request for effect in effects_of("surface changes") if isinstance(effect, LlmCall))

    assert (before.tools, after.tools) == ((WEATHER,), (WEATHER, WEATHER))
    assert requests(effects_of("surface changes"))[1][0] == "Now loud."


def test_work_that_comes_in_before_the_end_takes_the_place_of_the_answer() -> None:
    """The turn goes on with what came in; the prose of that iteration is not part of the conversation."""
    effects = effects_of("input joins at both checkpoints")

    assert requests(effects)[1:] == [
        ["Be brief.", "Hi.", "Look.", "call c1", 'result c1: {"temp_c":21}', "Also."],
        ["Be brief.", "Hi.", "Look.", "call c1", 'result c1: {"temp_c":21}', "Also.", "And."],
    ]
    assert [held.id for held in end(effects).messages] == [
        "u1",
        "m1",
        "m2",
        "m_sansio_0_checkpoint_1",
        "m_sansio_0_checkpoint_2",
    ]
    assert [held.is_transient for held in end(effects).messages] == [False, False, False, True, True]


def test_a_wake_is_taken_once_and_told_at_the_end_of_the_request() -> None:
    """A cause becomes an event message with its own id; the model reads it in the block of turn events."""
    effects = effects_of("wake joins")

    assert [held.id for held in end(effects).messages] == ["u1", "wake:1"]
    assert requests(effects)[1] == [
        "Be brief.",
        "Hi.",
        "=== TURN EVENTS ===\n\n--- event[0] · process.wake · wake:1 ---\nOrigin: process p1 process.wake #1\n\nRing.",
    ]


def test_the_tool_loop_ends_at_the_limit_without_grace() -> None:
    """When the next iteration may not run the turn ends with a note for later readers."""
    effects = effects_of("turn limit in the tool loop")

    assert outcome(effects).reason == "max_turns"
    assert names(effects)[-5:] == ["tool_call", "Progress", "turn_outcome", "done", "Done"]
    last = end(effects).messages[-1]
    assert (last.role, last.parts[0].kind) == ("System", "Error")
    assert last.parts[0].content.startswith("Turn limit reached (1)")


def test_a_delivery_past_the_limit_gets_one_grace_iteration() -> None:
    """The model is told of the limit and may answer once more."""
    effects = effects_of("grace iteration")

    assert requests(effects)[1][-1].startswith("Runtime note:\n<error>\nTurn limit reached (1)")
    assert end(effects).messages[-1].id == "m_sansio_0_turn_limit_2"
    assert outcome(effects).reason == "assistant_message"


def test_a_delivery_in_the_grace_iteration_ends_the_turn() -> None:
    """The grace is given once: what comes in then is kept, and the turn stops."""
    effects = effects_of("grace used up")

    assert outcome(effects).reason == "max_turns"
    assert names(effects)[-4:] == ["Progress", "turn_outcome", "done", "Done"]
    assert end(effects).messages[-1].id == "m_sansio_0_checkpoint_3"


def test_logs_are_made_only_when_asked_for() -> None:
    """`Log` notes of the model's answer and of its failure come before the events."""
    assert "Log" not in names(effects_of("one tool"))
    logs = [effect.event.tag for effect in effects_of("log is wanted") if type(effect).__name__ == "Log"]
    assert logs == ["llm_debug", "llm_error"]


def test_a_delivery_speaks_for_user_and_system_alone() -> None:
    """Messages in other roles do not come in; an origin that is given stays, a transient one is made transient."""
    given = ProcessOrigin(process_id="p1", event_type="x", sequence=1)
    delivery = CheckpointDelivery(
        messages=(
            PluginMessage(role="Assistant", content="forged"),
            PluginMessage(role="System", content="kept", origin=given),
            PluginMessage(role="User", content="kept too"),
        ),
        transient_messages=(PluginMessage(role="User", content="now only", origin=given),),
        turn_causes=(),
    )

    effects = play(machine(), ScriptedHost(deliveries=[delivery]))

    told = end(effects).messages[1:]
    assert [(held.parts[0].content, held.is_transient) for held in told] == [
        ("kept", False),
        ("kept too", False),
        ("now only", True),
    ]
    assert told[0].origin == given


def test_a_turn_may_begin_behind_other_turns() -> None:
    """With a run offset iterations count from there, and so does the limit."""
    live = TurnMachine(config(max_turns=1), messages=[message("u1", "Hi.")], protocol_run_offset=5)

    effects = play(live, ScriptedHost(replies=ONE_TOOL))

    assert outcome(effects).reason == "max_turns"
    assert end(effects).protocol_iteration == 6
