"""The steps of a scenario: op → function."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from lash_nb.clock import CancellationToken
from lash_nb.core import TurnBuilder
from lash_nb.errors import LashError
from lash_nb.runtime import TurnResult
from lash_nb.stores import FullGraph
from lash_nb.wire import (
    ModelSpec,
    PromptContribution,
    PromptTemplate,
    SessionEvent,
    TurnActivity,
    TurnInput,
    from_builtins,
    to_builtins,
)
from tests.conformance.turns._errors import error_result
from tests.conformance.turns._run import Run, SpawnedTurn

__all__ = ["CANCEL_KEYS", "OPS", "Op", "perform"]

Step: TypeAlias = dict[str, Any]

_ROUNDS: Final = 200
"""Far more rounds of the event loop than a turn needs from one wait to the next."""


class Op(NamedTuple):
    """One kind of step."""

    run: Callable[[Run, Step], Awaitable[Any]]
    """Performs a step and returns its value."""
    keys: frozenset[str] = frozenset()
    """The keys that it understands beside `op` and `session`."""


async def perform(run: Run, step: Step) -> dict[str, Any]:
    """Perform a step and return its result."""
    return await _result(OPS[step["op"]].run(run, step))


async def _result(work: Awaitable[Any]) -> dict[str, Any]:
    try:
        return {"ok": await work}
    except LashError as error:
        return error_result(error)


def _session_id(step: Step) -> str:
    return str(step.get("session", "main"))


async def _open(run: Run, step: Step) -> None:
    assert run.core is not None
    session_id = _session_id(step)
    run.sessions[session_id] = await run.core.session(session_id).open()


async def _close(run: Run, step: Step) -> None:
    await run.sessions.pop(_session_id(step)).close()


async def _drop(run: Run, step: Step) -> None:
    del run.sessions[_session_id(step)]


async def _turn(run: Run, step: Step) -> Any:
    token = CancellationToken()
    if step.get("cancel", {}).get("before"):
        token.cancel()
    work = _stream(run, step, token)
    if "spawn" not in step:
        return await work
    run.turns[step["spawn"]] = SpawnedTurn(asyncio.create_task(work), token)
    return None


async def _stream(run: Run, step: Step, token: CancellationToken) -> Any:
    session_id = _session_id(step)
    cancel_on = step.get("cancel", {}).get("on_activity")

    def record(activity: TurnActivity) -> None:
        if activity.type == cancel_on:
            token.cancel()
        run.recorder.push("activity", session=session_id, activity=activity)

    builder = run.sessions[session_id].turn(_turn_input(step)).cancel(token)
    for key, apply in TURN_SETTERS.items():
        if key in step:
            builder = apply(builder, step[key])
    result = await (_collected(run, session_id, builder) if "sink" in step else builder.stream_to(record))
    return result.to_builtins()


async def _collected(run: Run, session_id: str, builder: TurnBuilder) -> TurnResult:
    events: list[SessionEvent] = []
    try:
        return await builder.collect_session_events_with(events.append)
    finally:
        run.recorder.push("session_events", session=session_id, events=events)


async def _rest() -> None:
    """Let everything that can run come to rest: a step that was woken goes on only then.

    In the recordings a turn gives way only where it truly waits; here it also gives way between its own tasks.
    """
    for _ in range(_ROUNDS):
        await asyncio.sleep(0)


def _turn_input(step: Step) -> TurnInput:
    given = step["input"] if "input" in step else {"items": [{"type": "text", "text": step["text"]}]}
    named = {"trace_turn_id": step["turn_id"]} if "turn_id" in step else {}
    return from_builtins({**given, **named}, TurnInput)


async def _join(run: Run, step: Step) -> Any:
    task = run.turns[step["task"]].task
    await asyncio.wait([task])
    await _rest()
    return await task


async def _cancel(run: Run, step: Step) -> None:
    run.turns[step["task"]].token.cancel()


async def _sleep(_run: Run, step: Step) -> None:
    await asyncio.sleep(step["ms"] / 1000)


async def _wait_gate(run: Run, step: Step) -> None:
    await run.gates.wait(step["gate"])
    await _rest()


async def _release(run: Run, step: Step) -> None:
    run.gates.release(step["gate"], step.get("n", 1))


async def _export(run: Run, step: Step) -> Any:
    return to_builtins(run.sessions[_session_id(step)].control.state.export())


async def _policy(run: Run, step: Step) -> Any:
    return to_builtins(run.sessions[_session_id(step)].policy_snapshot())


async def _usage(run: Run, step: Step) -> Any:
    return to_builtins(run.sessions[_session_id(step)].usage_report())


async def _load(run: Run, step: Step) -> Any:
    store = run.stores.get(_session_id(step))
    return {"error": "no store"} if store is None else to_builtins(await store.load_session(FullGraph()))


def _prompt(builder: TurnBuilder, given: list[Step]) -> TurnBuilder:
    for contribution in given:
        builder = builder.prompt_contribution(from_builtins(contribution, PromptContribution))
    return builder


TURN_SETTERS: Final[Mapping[str, Callable[[TurnBuilder, Any], TurnBuilder]]] = {
    "prompt_template": lambda builder, given: builder.prompt_template(from_builtins(given, PromptTemplate)),
    "prompt": _prompt,
    "model": lambda builder, given: builder.model(from_builtins(given, ModelSpec)),
}
"""What the keys of a turn set, in this order."""

OPS: Final[Mapping[str, Op]] = {
    "open": Op(_open),
    "turn": Op(_turn, frozenset({"text", "input", "turn_id", "cancel", "spawn", "sink"}) | TURN_SETTERS.keys()),
    "join": Op(_join, frozenset({"task"})),
    "cancel": Op(_cancel, frozenset({"task"})),
    "sleep": Op(_sleep, frozenset({"ms"})),
    "wait_gate": Op(_wait_gate, frozenset({"gate"})),
    "release": Op(_release, frozenset({"gate", "n"})),
    "export": Op(_export),
    "usage": Op(_usage),
    "policy": Op(_policy),
    "load": Op(_load),
    "close": Op(_close),
    "drop": Op(_drop),
}
CANCEL_KEYS: Final = frozenset({"before", "on_activity"})
