"""The steps of a scenario: op → function."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from lash_nb.clock import CancellationToken
from lash_nb.core import TurnBuilder
from lash_nb.errors import LashError
from lash_nb.stores import FullGraph
from lash_nb.wire import TurnActivity, TurnInput, from_builtins, to_builtins
from tests.conformance.turns._errors import error_result
from tests.conformance.turns._run import Run, SpawnedTurn

__all__ = ["CANCEL_KEYS", "OPS", "Op", "perform"]

Step: TypeAlias = dict[str, Any]


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

    builder: TurnBuilder = run.sessions[session_id].turn(_turn_input(step)).cancel(token)
    return (await builder.stream_to(record)).to_builtins()


def _turn_input(step: Step) -> TurnInput:
    given = step["input"] if "input" in step else {"items": [{"type": "text", "text": step["text"]}]}
    named = {"trace_turn_id": step["turn_id"]} if "turn_id" in step else {}
    return from_builtins({**given, **named}, TurnInput)


async def _join(run: Run, step: Step) -> Any:
    return await run.turns[step["task"]].task


async def _cancel(run: Run, step: Step) -> None:
    run.turns[step["task"]].token.cancel()


async def _sleep(_run: Run, step: Step) -> None:
    await asyncio.sleep(step["ms"] / 1000)


async def _wait_gate(run: Run, step: Step) -> None:
    await run.gates.wait(step["gate"])


async def _release(run: Run, step: Step) -> None:
    run.gates.release(step["gate"], step.get("n", 1))


async def _export(run: Run, step: Step) -> Any:
    return to_builtins(run.sessions[_session_id(step)].control.state.export())


async def _usage(run: Run, step: Step) -> Any:
    return to_builtins(run.sessions[_session_id(step)].usage_report())


async def _load(run: Run, step: Step) -> Any:
    store = run.stores.get(_session_id(step))
    return {"error": "no store"} if store is None else to_builtins(await store.load_session(FullGraph()))


OPS: Final[Mapping[str, Op]] = {
    "open": Op(_open),
    "turn": Op(_turn, frozenset({"text", "input", "turn_id", "cancel", "spawn"})),
    "join": Op(_join, frozenset({"task"})),
    "cancel": Op(_cancel, frozenset({"task"})),
    "sleep": Op(_sleep, frozenset({"ms"})),
    "wait_gate": Op(_wait_gate, frozenset({"gate"})),
    "release": Op(_release, frozenset({"gate", "n"})),
    "export": Op(_export),
    "usage": Op(_usage),
    "load": Op(_load),
    "close": Op(_close),
    "drop": Op(_drop),
}
CANCEL_KEYS: Final = frozenset({"before", "on_activity"})
