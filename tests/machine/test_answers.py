"""What each answer leads to (turns §2.6), and that answers nobody waits for change nothing."""

from collections.abc import Sequence
from typing import Final, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lash_nb.machine import (
    CheckpointDelivered,
    Done,
    Emit,
    ExecCompleted,
    ExecutionSurfaceSynced,
    LlmCall,
    LlmComplete,
    MachineEffect,
    MachineResponse,
    SyncExecutionSurface,
    ToolResults,
    TurnMachine,
    error_event,
)
from lash_nb.machine._transitions import ANSWERS
from lash_nb.wire import ErrorEvent, ExecResult, LlmTerminalReason, SurfaceResult, TextPart, TurnOutcome
from tests.machine.play import (
    NO_SURFACE,
    NOTHING,
    ScriptedHost,
    broken,
    call,
    deliver,
    end,
    events,
    machine,
    names,
    outcome,
    play,
    printed,
    respond,
    rest,
    revived,
    say,
)


def error_of(effects: Sequence[MachineEffect]) -> ErrorEvent:
    """Return the one error that was emitted."""
    (error,) = (event for event in events(effects) if isinstance(event, ErrorEvent))
    return error


def test_every_kind_of_answer_has_a_place() -> None:
    """The table of answers names each kind of response once."""
    assert sorted(kind.__name__ for _, kind in ANSWERS) == sorted(kind.__name__ for kind in get_args(MachineResponse))


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("output_limit", "incomplete"),
        ("context_overflow", "provider_error"),
        ("content_filter", "provider_error"),
        ("provider_error", "provider_error"),
        ("cancelled", "cancelled"),
    ],
)
def test_a_bad_end_stops_the_turn(reason: LlmTerminalReason, stop: str) -> None:
    """The text is shown, tool calls are not run, the text is no message, and no checkpoint follows."""
    reply = respond(TextPart(text="Half"), call("c1"), full_text="Half", reason=reason)

    effects = play(machine(), ScriptedHost(replies=[reply]))

    assert names(effects)[3:] == [
        *("token_usage", "text_delta", "llm_response", "error", "turn_outcome", "done", "Done")
    ]
    assert outcome(effects).stopped == stop
    envelope = error_of(effects).envelope
    assert envelope is not None
    assert (envelope.kind, envelope.code, envelope.terminal_reason) == ("llm_provider", reason, reason)
    assert "".join(word.capitalize() for word in reason.split("_")) in envelope.user_message
    assert [held.id for held in end(effects).messages] == ["u1"]


def test_a_bad_end_is_told_in_the_words_of_the_provider() -> None:
    """A diagnostic of the response is the message; text that was streamed is not emitted again."""
    reply = respond(full_text="Half", reason="content_filter", diagnostic="blocked: 18+")

    effects = play(machine(), ScriptedHost(replies=[reply], streamed=True))

    assert error_of(effects).message == "blocked: 18+"
    assert "text_delta" not in names(effects)


@pytest.mark.parametrize("reason", ["stop", "tool_use", "unknown"])
def test_a_good_end_goes_to_the_driver(reason: LlmTerminalReason) -> None:
    """Only five reasons stop a turn."""
    effects = play(machine(), ScriptedHost(replies=[respond(TextPart(text="Yes."), reason=reason)]))

    assert outcome(effects) == TurnOutcome.answered("Yes.")


@pytest.mark.parametrize(
    ("tokens", "window", "stop"),
    [
        ((950, 0), 1000, "provider_error"),
        ((949, 0), 1000, "incomplete"),
        ((950, 1), 1000, "incomplete"),
        ((950, 0), None, "incomplete"),
    ],
)
def test_an_output_limit_without_output_is_a_full_window(
    tokens: tuple[int, int], window: int | None, stop: str
) -> None:
    """Without a token of output and with 95 % of the window taken it is the context that overflowed."""
    reply = respond(reason="output_limit", tokens=tokens)

    effects = play(machine(max_context_tokens=window), ScriptedHost(replies=[reply]))

    assert outcome(effects).stopped == stop
    assert ("950 of the 1000" in error_of(effects).message) == (stop == "provider_error")


def test_a_failed_model_call_stops_the_turn() -> None:
    """The machine tries nothing again; the error carries what the provider said."""
    effects = play(machine(), ScriptedHost(replies=[broken("gone")]))

    assert names(effects)[3:] == ["error", "turn_outcome", "done", "Done"]
    assert error_of(effects) == error_event(
        "llm_provider", "LLM error: gone", code="503", terminal_reason="provider_error", raw="raw"
    )
    assert outcome(effects).stopped == "provider_error"


def test_a_failed_surface_sync_fails_the_turn() -> None:
    """The error names the reason, the turn stops as a failure of the runtime."""
    effects = play(machine(), ScriptedHost(surfaces=[SurfaceResult(Err="no tools")]))

    assert error_of(effects) == error_event("execution_surface", "no tools", code="reconfigure_failed")
    assert outcome(effects).stopped == "runtime_error"


def test_usage_adds_up_over_the_calls_of_a_turn() -> None:
    """Each call's event shows its own tokens and the turn's so far."""
    live = machine()
    play(live, ScriptedHost(replies=[respond(call("c1"), tokens=(120, 20)), say("Done.")]))

    assert (live.cumulative_usage.input_tokens, live.cumulative_usage.output_tokens) == (220, 30)


def test_a_long_raw_text_is_cut_in_the_middle() -> None:
    """Head and tail stay, 2000 characters each, and the cut is said aloud."""
    envelope = error_event("k", "m", raw=f" {'a' * 2000}{'b' * 7}{'c' * 2000} ").envelope

    assert envelope is not None
    assert envelope.raw == f"{'a' * 2000}\n\n... (7 chars omitted) ...\n\n{'c' * 2000}"


def test_finish_ends_a_turn_wherever_it_stands() -> None:
    """Whatever was asked for is no longer asked for, a late answer is not heard, and a second end changes nothing."""
    live = machine()
    sync = live.poll_effect()
    assert isinstance(sync, SyncExecutionSurface)
    live.handle_response(ExecutionSurfaceSynced(id=1, result=NO_SURFACE))
    assert isinstance(live.poll_effect(), Emit)

    live.finish(TurnOutcome.stop("cancelled"))
    live.handle_response(LlmComplete(id=2, result=say("late"), text_streamed=False))
    live.finish(TurnOutcome.answered("other"))

    assert live.is_finished
    effects = rest(live)
    assert names(effects) == ["turn_outcome", "done", "Done"]
    assert outcome(effects).stopped == "cancelled"


def test_fail_turn_tells_the_error_first() -> None:
    """The runtime ends a turn with an error of its own."""
    live = machine()
    live.fail_turn(error_event("runtime", "disk full"))

    effects = rest(live)
    assert names(effects) == ["error", "turn_outcome", "done", "Done"]
    assert outcome(effects).stopped == "runtime_error"


def test_an_effect_that_was_given_out_comes_once_more_after_a_restore() -> None:
    """The restored machine gives the same effect with the same id, once, behind what was queued."""
    live = machine()
    live.poll_effect()
    restored = revived(live)

    assert restored.poll_effect() == SyncExecutionSurface(id=1, update_machine_config=False)
    assert restored.poll_effect() is None


def test_an_effect_that_is_still_queued_comes_in_its_place_after_a_restore() -> None:
    """What was not polled yet keeps its place in the queue and comes once."""
    live = machine(sync_execution_surface=False)
    assert isinstance(live.poll_effect(), Emit)
    restored = revived(live)

    assert isinstance(restored.poll_effect(), LlmCall)
    assert restored.poll_effect() is None


def test_an_answer_spares_the_restored_machine_the_question() -> None:
    """An answer that comes before the effect is given out once more settles it."""
    live = machine()
    live.poll_effect()
    restored = revived(live)
    restored.handle_response(ExecutionSurfaceSynced(id=1, result=NO_SURFACE))

    assert names(rest(restored)) == ["llm_request", "LlmCall"]


def test_another_answer_does_not_spare_the_question() -> None:
    """After a restore the effect is given out once more, whatever else is answered before."""
    live = machine()
    live.poll_effect()
    restored = revived(live)
    for stray in (*noise(7), LlmComplete(id=1, result=say("noise"), text_streamed=False)):
        restored.handle_response(stray)

    assert restored.poll_effect() == SyncExecutionSurface(id=1, update_machine_config=False)


def test_an_answer_to_another_effect_is_not_heard() -> None:
    """The right kind with an old id changes nothing."""
    live = machine()
    rest(live)
    live.handle_response(ExecutionSurfaceSynced(id=7, result=NO_SURFACE))

    assert rest(live) == []


def test_an_answer_before_the_question_is_not_heard() -> None:
    """An id can be guessed; as long as its effect was not polled the answer counts for nothing."""
    live = machine(sync_execution_surface=False)
    live.poll_effect()
    live.handle_response(LlmComplete(id=1, result=say("early"), text_streamed=False))

    effects = play(live, ScriptedHost(replies=[say("in time")]))
    assert outcome(effects) == TurnOutcome.answered("in time")


def noise(effect_id: int) -> tuple[MachineResponse, ...]:
    """Return one answer of every kind."""
    return (
        ExecutionSurfaceSynced(id=effect_id, result=SurfaceResult(Err="noise")),
        LlmComplete(id=effect_id, result=broken("noise"), text_streamed=False),
        ToolResults(id=effect_id, results=()),
        ExecCompleted(id=effect_id, result=ExecResult(Ok=printed())),
        CheckpointDelivered(id=effect_id, delivery=deliver("noise")),
    )


STRAY: Final = st.integers(min_value=0, max_value=8).flatmap(lambda effect_id: st.sampled_from(noise(effect_id)))


def host() -> ScriptedHost:
    """Return a host of a turn with two tool calls and an input that joins."""
    replies = [respond(TextPart(text="Look."), call("c1"), call("c2")), say("Done.")]
    return ScriptedHost(replies=replies, deliveries=[deliver("x")])


@settings(max_examples=25)  # every example plays a whole turn
@given(st.data())
def test_stray_answers_never_change_a_turn(data: st.DataObject) -> None:
    """Late, early, doubled and wrong answers in any order, and restores in between, leave the effects as they were."""
    live, answering = machine(), host()
    heard: list[MachineEffect] = []

    while not (heard and isinstance(heard[-1], Done)):
        effect = live.poll_effect()
        assert effect is not None
        heard.append(effect)
        response = answering.answer(effect)
        for stray in data.draw(st.lists(STRAY, max_size=3)):
            if response is None or (stray.id, type(stray)) != (response.id, type(response)):
                live.handle_response(stray)
        if data.draw(st.booleans()):
            live = revived(live)
        if response is not None:
            live.handle_response(response)
            live.handle_response(response)

    assert heard == play(machine(), host())


@given(st.lists(STRAY, max_size=60))
def test_any_answers_in_any_order_keep_a_turn_sound(responses: list[MachineResponse]) -> None:
    """A host that answers at random may end the turn, never break it: ids only grow, `Done` is the last effect and comes once."""
    live = machine(max_turns=3)
    polled: list[MachineEffect] = []
    for response in responses:
        polled.extend(filter(None, [live.poll_effect()]))
        live.handle_response(response)
        assert revived(live).checkpoint() == live.checkpoint()
    polled.extend(rest(live))

    ids = [effect.id for effect in polled if hasattr(effect, "id")]
    assert ids == sorted(set(ids))
    assert [index for index, effect in enumerate(polled) if isinstance(effect, Done)] == (
        [len(polled) - 1] if live.is_finished else []
    )


def test_a_fresh_machine_is_a_checkpoint_too() -> None:
    """Nothing has happened yet, and that survives the journey."""
    live = machine()
    restored: TurnMachine = revived(live)

    assert restored.checkpoint() == live.checkpoint()
    assert play(restored, ScriptedHost(deliveries=[NOTHING])) == play(live, ScriptedHost())
