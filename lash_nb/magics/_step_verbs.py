"""Verbs that steer a turn: step, look at what waits, continue, inject, cancel."""

import json
import re
from argparse import Namespace
from collections.abc import Mapping
from typing import Any, Final

from lash_nb.errors import CallerError
from lash_nb.magics import _values as values
from lash_nb.magics._arguments import SESSION
from lash_nb.magics._bench import Bench
from lash_nb.magics._open_session import OpenSession, Stop
from lash_nb.magics._prompt import begin, shown_live
from lash_nb.magics._queue_verb import cancel_batch
from lash_nb.magics._verb import Argument, Verb
from lash_nb.runtime import TurnResult
from lash_nb.wire import EffectEntry, RuntimeInvocation, TurnInput
from lash_nb.words import counted

__all__ = ["STEP_VERBS"]

_OF_TURN: Final = re.compile(r"(?P<turn>[0-9]+):(?P<effect>[0-9]+(:.+)?)")
"""An effect of a turn, as `3:7`; ids repeat in every turn. That of a tool call ends in the id of the call, as `3:7:call_1`."""


async def _step(bench: Bench, asked: Namespace) -> Stop | None:
    opened = bench.session()
    if asked.prompt:
        return await begin(bench, opened, TurnInput.text(" ".join(asked.prompt)), step=True)
    if opened.session.stepper.state in ("idle", "finished"):
        opened.session.stepper.arm()
        print(f"The next %%lash of session {bench.current} stops before its first model or tool call.")  # noqa: T201 - said in the cell
        return None
    return await opened.until_stop(opened.session.stepper.step())


async def _continue(bench: Bench, asked: Namespace) -> Stop:
    opened = bench.session()
    _check_under_way(opened)
    doing = opened.session.continue_(to=asked.to)
    if asked.to:
        stop = await opened.until_stop(doing)
        if isinstance(stop, TurnResult):
            print(f"No {asked.to} came any more: turn {stop.turn_index} went on to its end.")  # noqa: T201 - said in the cell
        return stop
    return await shown_live(bench, opened, doing, turn_index=opened.session.turn_index)


async def _inject(bench: Bench, asked: Namespace) -> Stop:
    opened = bench.session()
    if opened.session.stepper.pending is None:
        _check_under_way(opened)
    return await opened.until_stop(opened.session.inject(_outcome(opened.session.stepper.pending, asked.json)))


def _outcome(waits: EffectEntry | None, given: str) -> Any:
    """Return what is given as JSON; where a text is wanted, one without quotes, too, unless it begins as JSON that is mistyped."""
    kind = waits.envelope.kind if waits else "tool_call"
    try:
        return json.loads(given)
    except (ValueError, RecursionError) as error:  # nested deeper than can be read
        if kind in _SAID and not given.lstrip().startswith(("{", "[", '"')):
            return given
        how = (
            f"write e.g. {_EXAMPLES[kind]}"
            if kind in _EXAMPLES
            else f"a {kind} takes its whole outcome, see %lash envelope"
        )
        message = f"%lash inject takes JSON, this is not JSON: {error}; {how}"
        raise CallerError(message, code="magics_json") from error


async def _cancel(bench: Bench, asked: Namespace) -> TurnResult | None:
    """Where a cell waits for the turn already, that cell shows how it ends."""
    opened = bench.session(asked.session)
    if asked.batch:
        await cancel_batch(opened, asked.batch)
        return None
    if not opened.is_under_way:
        raise CallerError(await _nothing_to_cancel(bench, opened), code="step_nothing_pending")
    if opened.is_attended:
        turn = f"turn {opened.session.turn_index} of {opened.session.session_id}"
        print(f"Cancelling {turn}; its own cell shows how it ends.")  # noqa: T201 - said in the cell
        opened.cancel()
        return None
    stop = await opened.until_stop(opened.session.stepper.cancel())
    return stop if isinstance(stop, TurnResult) else None


async def _nothing_to_cancel(bench: Bench, opened: OpenSession) -> str:
    """Say it, and what a person may have meant instead."""
    idle = f"no turn of {opened.session.session_id} is under way, so there is nothing to cancel"
    if waiting := await opened.queued():
        count = counted(len(waiting), "batch waits", "batches wait")
        take = bench.line(opened, "cancel", waiting[0].batch_id)
        return f"{idle}; {count} in its queue ({bench.line(opened, 'queue')}); to take the first one out: {take}"
    last = opened.session.last_result
    if last is not None:
        result = bench.line(opened, "result")
        return f"{idle}; turn {last.turn_index} is over, see {result}; begin the next one below %%lash"
    return f"{idle}; begin a turn: a prompt below %%lash, after %lash step to stop before each effect"


def _envelope(bench: Bench, asked: Namespace) -> EffectEntry:
    opened = bench.session(asked.session)
    session = opened.session
    if asked.effect is not None:
        return _found(bench, opened, asked.effect)
    if session.stepper.pending is None:
        known = f"; look at one that is done: {bench.line(opened, 'envelope', 'EFFECT')}" if session.effects else ""
        raise CallerError(f"no effect waits; begin a turn with %lash step{known}", code="step_nothing_pending")
    return session.stepper.pending


def _found(bench: Bench, opened: OpenSession, wanted: str) -> EffectEntry:
    """The effect of that id, the latest one or that of a turn; or of that replay key, or that position."""
    entries = opened.session.stepper.entries
    for entry in reversed(entries):
        invocation = entry.envelope.invocation
        if wanted in (invocation.effect_id, invocation.replay_key, _in_turn(invocation)):
            return entry
    if wanted.isdecimal() and 0 < int(wanted) <= len(entries):
        return entries[int(wanted) - 1]
    last = [_in_turn(entry.envelope.invocation) for entry in entries[-8:]]
    known = (
        f"the last ones are {', '.join(last)}; all: {bench.line(opened, 'effects')}"
        if last
        else "there are none yet; write a prompt below %%lash"
    )
    raise CallerError(f"no effect {wanted}; {known}", code="magics_effect")


def _in_turn(invocation: RuntimeInvocation) -> str:
    turn, effect = invocation.scope.turn_index, invocation.effect_id or ""
    return effect if turn is None else f"{turn}:{effect}"


def _check_under_way(opened: OpenSession) -> None:
    if not opened.is_under_way:
        message = f"no turn of {opened.session.session_id} is under way; begin one with %lash step, then a prompt below %%lash"
        raise CallerError(message, code="step_nothing_pending")


def _prompt_text(asked: Namespace) -> str:
    return repr(" ".join(asked.prompt)) if asked.prompt else ""


def _cancel_python(_bench: Bench, asked: Namespace) -> str:
    return (
        f"await session.cancel_queued_work_batch({asked.batch!r})" if asked.batch else "await session.stepper.cancel()"
    )


def _envelope_python(_bench: Bench, asked: Namespace) -> str:
    if asked.effect is None:
        return "session.stepper.pending"
    found = _OF_TURN.fullmatch(asked.effect)
    turn, effect = (found["turn"], found["effect"]) if found else ("", asked.effect)
    of_turn = f" and entry.envelope.invocation.scope.turn_index == {turn}" if turn else ""
    return f"[entry for entry in session.effects if entry.envelope.invocation.effect_id == {effect!r}{of_turn}][-1]"


def _continue_python(_bench: Bench, asked: Namespace) -> str:
    return f"await session.continue_({f'to={asked.to!r}' if asked.to else ''})"


def _inject_python(_bench: Bench, asked: Namespace) -> str:
    value: Any = asked.json
    try:
        value = json.loads(value)
    except (ValueError, RecursionError):
        return "await session.inject(outcome)"
    return f"await session.inject({value!r})"


_SAID: Final = frozenset({"llm_call", "direct"})
"""The kinds of effects that are answered with a text, what the model says."""
_EXAMPLES: Final[Mapping[str, str]] = {
    "tool_call": '%lash inject {"celsius": 4}',
    "sleep": "%lash inject null",
    **dict.fromkeys(_SAID, "%lash inject It is 4 °C."),
}
"""How each kind is answered in short."""

STEP_VERBS: Final = (
    Verb(
        name="step",
        summary="perform what waits and stop before the next effect; or let the next prompt stop",
        run=_step,
        python=lambda _bench, asked: f"await session.step({_prompt_text(asked)})",
        arguments=(
            Argument(
                name="PROMPT",
                help="begin a turn with this prompt; in quotes when it ends in a question mark",
                settings={"nargs": "*"},
            ),
        ),
    ),
    Verb(
        name="envelope",
        summary="the effect that waits, or any other, in full",
        run=_envelope,
        python=_envelope_python,
        arguments=(
            Argument(
                name="EFFECT",
                help="effect id, as 7 (the latest one) or 3:7 (of turn 3), replay key or position (default: the one that waits)",
                values=values.effects,
                settings={"nargs": "?"},
            ),
            SESSION,
        ),
    ),
    Verb(
        name="continue",
        summary="perform what waits and go on to the end of the turn",
        run=_continue,
        python=_continue_python,
        arguments=(
            Argument(
                name="--to",
                help="stop before the next effect of this kind",
                values=values.kinds,
                settings={"metavar": "KIND", "choices": values.KINDS},
            ),
        ),
    ),
    Verb(
        name="inject",
        summary="answer the effect that waits instead of performing it",
        run=_inject,
        python=_inject_python,
        arguments=(Argument(name="JSON", help="what the tool returns, what the model says, or a whole outcome"),),
        takes_rest=True,
    ),
    Verb(
        name="cancel",
        summary="end the turn that is under way, what was said is kept; or take a batch out of the queue",
        run=_cancel,
        python=_cancel_python,
        arguments=(
            Argument(name="BATCH", help="a batch of %%lash queue", values=values.batches, settings={"nargs": "?"}),
            SESSION,
        ),
    ),
)
