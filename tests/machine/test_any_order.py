"""Answers of every sort, in every order, on a machine that is restored now and then: the turn ends, and another one can follow."""

from collections.abc import Callable, Mapping
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from lash_nb.machine import (
    Checkpoint,
    CheckpointDelivered,
    Done,
    ExecutionSurfaceSynced,
    LlmCall,
    LlmComplete,
    MachineEffect,
    MachineResponse,
    SyncExecutionSurface,
    ToolCalls,
    ToolResults,
    TurnMachine,
)
from lash_nb.plugins import tool_cancelled, tool_err
from lash_nb.wire import (
    ErrorEvent,
    ExecutionSurfaceSync,
    SurfaceResult,
    TextPart,
    TurnOutcome,
    messages_are_prompt_resume_safe,
)
from tests.machine.play import (
    LONGEST,
    NO_SURFACE,
    NOTHING,
    ScriptedHost,
    broken,
    call,
    complete,
    config,
    deliver,
    end,
    message,
    play,
    respond,
    revived,
    say,
    success,
)

OUTPUTS: Final = (success({"temp_c": 21}), tool_err("no"), tool_cancelled("enough"))


def _to_surface(effect: SyncExecutionSurface, whim: int) -> MachineResponse:
    changed = SurfaceResult(Ok=ExecutionSurfaceSync(system_prompt=f"Prompt {whim}.", tool_specs=()))
    refused = SurfaceResult(Err="no surface")
    return ExecutionSurfaceSynced(id=effect.id, result=(NO_SURFACE, changed, NO_SURFACE, refused)[whim % 4])


def _to_model(effect: LlmCall, whim: int) -> MachineResponse:
    calls = tuple(call(f"c{effect.id}.{number}") for number in range(1 + whim % 3))
    replies = (say("Done."), respond(*calls), respond(TextPart(text="Let me see."), *calls), broken("busy"), respond())
    return LlmComplete(id=effect.id, result=replies[whim % 5], text_streamed=whim % 2 == 0)


def _to_tools(effect: ToolCalls, whim: int) -> MachineResponse:
    results = (complete(one, OUTPUTS[(whim + index) % 3]) for index, one in enumerate(effect.calls))
    return ToolResults(id=effect.id, results=tuple(results))


def _to_checkpoint(effect: Checkpoint, whim: int) -> MachineResponse:
    return CheckpointDelivered(id=effect.id, delivery=deliver(*["and this"] * (whim % 3)) if whim % 3 else NOTHING)


ANSWERS: Final[Mapping[type, Callable[..., MachineResponse]]] = {
    SyncExecutionSurface: _to_surface,
    LlmCall: _to_model,
    ToolCalls: _to_tools,
    Checkpoint: _to_checkpoint,
}
"""An answer to each effect, good or bad as the whim will have it."""

whims = st.lists(st.tuples(st.sampled_from(["answer"] * 6 + ["stray", "finish", "fail", "twice"]), st.integers(0, 59)))


def _react(live: TurnMachine, effect: MachineEffect, wish: tuple[str, int]) -> bool:
    """Do with an effect what the wish says; tell whether the turn ended while the model waits for its tools."""
    name, whim = wish
    answer = ANSWERS[type(effect)](effect, whim)
    if name == "stray":  # it is nobody's: the answer that counts comes after it
        live.handle_response(CheckpointDelivered(id=999, delivery=deliver("lost")))
    if name == "finish":
        live.finish(TurnOutcome.stop("cancelled"))
    if name == "fail":
        live.fail_turn(ErrorEvent(message="the host failed"))
    live.handle_response(answer)
    if name == "twice":
        live.handle_response(answer)
    return name in {"finish", "fail"} and isinstance(effect, ToolCalls)


@given(whims, st.booleans(), st.sampled_from([None, 1, 3]))
def test_every_turn_ends_and_another_one_can_follow(
    wishes: list[tuple[str, int]], restored: bool, most: int | None
) -> None:
    """No effect is asked for twice, ids are unique, every call that was answered has its result, and the next turn answers."""
    setup = config(max_turns=most)
    live = TurnMachine(setup, messages=[message("u1", "Hi.")])
    asked: list[int] = []
    cut_short = False
    effect: MachineEffect | None = None
    while not isinstance(effect, Done):
        effect = live.poll_effect()
        assert effect is not None
        live = revived(live) if restored else live
        if type(effect) in ANSWERS:
            asked.append(effect.id)  # type: ignore[union-attr]  # each of these has one
            assert len(asked) < LONGEST
            cut_short |= _react(live, effect, wishes.pop() if wishes else ("answer", 0))

    assert live.poll_effect() is None
    assert asked == sorted(set(asked))
    ids = [one.id for one in effect.messages]
    assert len(set(ids)) == len(ids)
    assert cut_short or messages_are_prompt_resume_safe(effect.messages)
    after = TurnMachine(setup, messages=[*effect.messages, message("u2", "Again.")])
    assert end(play(after, ScriptedHost())).messages[: len(ids)] == effect.messages
