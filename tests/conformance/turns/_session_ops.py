"""Steps on sessions and their turns."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from lash_nb.clock import CancellationToken
from lash_nb.core import LashSession, SessionBuilder, TurnBuilder
from lash_nb.runtime import TurnResult
from lash_nb.wire import (
    HostEventOccurrenceRequest,
    ModelSpec,
    PromptLayer,
    SessionEvent,
    TurnActivity,
    TurnInput,
    from_builtins,
    to_builtins,
)
from tests.conformance.turns._ops import Op, Step, session_id
from tests.conformance.turns._prompt_ops import PROMPT_KEYS, turn_layer
from tests.conformance.turns._run import Run, SpawnedTurn

__all__ = ["CANCEL_KEYS", "SESSION_OPS", "SPEC_KEYS"]

_ROUNDS: Final = 200
"""Far more rounds of the event loop than a turn needs from one wait to the next."""


async def _open(run: Run, step: Step) -> None:
    assert run.core is not None
    builder = run.core.session(session_id(step))
    for key, apply in OPEN_SETTERS.items():
        if key in step:
            builder = apply(builder, run, step[key])
    run.sessions[step.get("as", session_id(step))] = await _opened(run, step, builder)


async def _opened(run: Run, step: Step, builder: SessionBuilder) -> LashSession:
    if "state" in step:
        renamed = {"session_id": step["state_session_id"]} if "state_session_id" in step else {}
        return await builder.open_with_state(replace(run.state(step["state"]), **renamed))
    return await (builder.open_fresh() if step.get("fresh") else builder.open())


async def _close(run: Run, step: Step) -> None:
    session = run.session(step)
    del run.sessions[session_id(step)]
    await session.close()


async def _drop(run: Run, step: Step) -> None:
    run.session(step)
    del run.sessions[session_id(step)]


async def _info(run: Run, step: Step) -> Any:
    session = run.session(step)
    return {"session_id": session.session_id, "mode": session.mode, "parent_session_id": session.parent_session_id}


async def _delete(run: Run, step: Step) -> Any:
    assert run.core is not None
    report = await run.core.delete_session(session_id(step))
    return to_builtins(report)


async def _installed_modes(run: Run, _step: Step) -> Any:
    assert run.core is not None
    return list(run.core.installed_modes())


async def _host_event(run: Run, step: Step) -> Any:
    assert run.core is not None
    report = await run.core.host_events().emit(from_builtins(step["request"], HostEventOccurrenceRequest))
    return to_builtins(report)


async def _worker_config(run: Run, _step: Step) -> None:
    assert run.core is not None
    run.core.durable_process_worker_config()


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
    session = session_id(step)
    cancel_on = step.get("cancel", {}).get("on_activity")

    def record(activity: TurnActivity) -> None:
        if activity.type == cancel_on:
            token.cancel()
        run.recorder.push("activity", session=session, activity=activity)

    builder = run.session(step).turn(_turn_input(step)).cancel(token)
    if not PROMPT_KEYS.isdisjoint(step):
        builder = builder.prompt_layer(turn_layer(step))
    if "model" in step:
        builder = builder.model(from_builtins(step["model"], ModelSpec))
    result = await (_collected(run, session, builder) if "sink" in step else builder.stream_to(record))
    told = result.to_builtins()
    return {key: told[key] for key in ("outcome", "usage")} if step.get("result") == "outcome" else told


async def _collected(run: Run, session: str, builder: TurnBuilder) -> TurnResult:
    events: list[SessionEvent] = []
    try:
        return await builder.collect_session_events_with(events.append)
    finally:
        run.recorder.push("session_events", session=session, events=events)


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
    snapshot = run.session(step).control.state.export()
    run.variables.number("node", (node.node_id for node in snapshot.session_graph.nodes))
    if "as" in step:
        run.states[step["as"]] = snapshot
    return to_builtins(snapshot)


async def _policy(run: Run, step: Step) -> Any:
    return to_builtins(run.session(step).policy_snapshot())


async def _usage(run: Run, step: Step) -> Any:
    return to_builtins(run.session(step).usage_report())


def _spec(builder: SessionBuilder, _run: Run, given: Step) -> SessionBuilder:
    if "model" in given:
        builder = builder.model(from_builtins(given["model"], ModelSpec))
    if "max_turns" in given:
        builder = builder.max_turns(given["max_turns"])
    return builder if "prompt" not in given else builder.prompt_layer(from_builtins(given["prompt"], PromptLayer))


TURN_KEYS: Final = frozenset({"text", "input", "turn_id", "cancel", "spawn", "sink", "result", "model"}) | PROMPT_KEYS
"""What a turn may be told."""

OPEN_SETTERS: Final[Mapping[str, Callable[[SessionBuilder, Run, Any], SessionBuilder]]] = {
    "mode": lambda builder, _run, given: builder.mode(given),
    "parent": lambda builder, _run, given: builder.parent(given),
    "session_spec": _spec,
    "store_of": lambda builder, run, given: builder.store(run.stores[given].observed),
}
"""What the keys of `open` set, in this order."""
SPEC_KEYS: Final = frozenset({"model", "max_turns", "prompt"})

SESSION_OPS: Final[Mapping[str, Op]] = {
    "open": Op(_open, frozenset({"fresh", "state", "state_session_id", "as"}) | OPEN_SETTERS.keys()),
    "turn": Op(_turn, TURN_KEYS),
    "join": Op(_join, frozenset({"task"})),
    "cancel": Op(_cancel, frozenset({"task"})),
    "sleep": Op(_sleep, frozenset({"ms"})),
    "wait_gate": Op(_wait_gate, frozenset({"gate"})),
    "release": Op(_release, frozenset({"gate", "n"})),
    "export": Op(_export, frozenset({"as"})),
    "usage": Op(_usage),
    "policy": Op(_policy),
    "close": Op(_close),
    "drop": Op(_drop),
    "delete": Op(_delete),
    "session_info": Op(_info),
    "installed_modes": Op(_installed_modes),
    "worker_config": Op(_worker_config),
    "host_event": Op(_host_event, frozenset({"request"})),
}
CANCEL_KEYS: Final = frozenset({"before", "on_activity"})
