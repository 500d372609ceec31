"""Steps below the facade: a runtime is opened, parked, resumed and dropped as a host would."""

from collections.abc import Mapping
from typing import Any, Final

from lash_nb.runtime import LashRuntime, RuntimeSessionState, TurnOptions
from lash_nb.stores import ActivePath, FullGraph, SessionStore, SessionStoreCreateRequest
from lash_nb.wire import (
    AppendSessionNodesRequest,
    RootRelation,
    SessionPolicy,
    TextItem,
    TurnActivity,
    TurnInput,
    from_builtins,
    to_builtins,
)
from tests.conformance.turns._ops import Op, Step, Told, session_id
from tests.conformance.turns._run import NoHandleError, Run

__all__ = ["RUNTIME_OPS"]


async def _open(run: Run, step: Step) -> None:
    environment = run.environment(step.get("residency"))
    policy = _policy(run, session_id(step))
    store = await _store(run, session_id(step), policy)
    state = run.state(step["state"]) if "state" in step else await _state(run, step, policy, store)
    run.runtimes[session_id(step)] = await LashRuntime.from_environment(environment, policy, state, store)


def _policy(run: Run, session: str) -> SessionPolicy:
    assert run.core is not None
    parts = run.core.parts
    provider_id = parts.provider.kind if parts.provider else ""
    return SessionPolicy(model=parts.policy.model, provider_id=provider_id, session_id=session)


async def _store(run: Run, session: str, policy: SessionPolicy) -> SessionStore | None:
    assert run.core is not None
    factory = run.core.parts.store_factory
    if factory is None:
        return None
    return await factory.create_store(
        SessionStoreCreateRequest(session_id=session, relation=RootRelation(), policy=policy)
    )


async def _state(run: Run, step: Step, policy: SessionPolicy, store: SessionStore | None) -> RuntimeSessionState:
    assert run.core is not None
    clock = run.core.parts.clock
    scope = ActivePath() if step.get("load") == "active_path" else FullGraph()
    read = await store.load_session(scope) if store else None
    if read is None:
        return RuntimeSessionState.fresh(session_id(step), policy, clock)
    return RuntimeSessionState.from_read(read, clock)


async def _turn(run: Run, step: Step) -> Any:
    turn_input = TurnInput(items=(TextItem(text=step["text"]),), trace_turn_id=step.get("turn_id"))
    session = session_id(step)

    def record(activity: TurnActivity) -> None:
        run.recorder.push("activity", session=session, activity=activity)

    options = TurnOptions(activities=(record,))
    told = (await run.runtime(step).stream_turn(turn_input, options)).to_builtins()
    told["token_usage"] = told.pop("usage")
    return told


async def _append(run: Run, step: Step) -> Any:
    request = from_builtins(step["request"], AppendSessionNodesRequest)
    return to_builtins(await run.runtime(step).append_session_nodes(request))


async def _branch(run: Run, step: Step) -> Any:
    return to_builtins(await run.runtime(step).branch_to_node(step["node"]))


async def _export(run: Run, step: Step) -> Any:
    snapshot = run.runtime(step).export_state()
    run.variables.number("node", (node.node_id for node in snapshot.session_graph.nodes))
    if "as" in step:
        run.states[step["as"]] = RuntimeSessionState.from_snapshot(snapshot, run.runtime(step).environment.clock)
    return to_builtins(snapshot)


async def _orphans(run: Run, step: Step) -> Any:
    found = await run.runtime(step).orphaned_node_ids()
    run.variables.number("orphan", found)
    return list(found)


async def _historic(run: Run, step: Step) -> Any:
    return to_builtins(await run.runtime(step).get_historic_node(step["node"]))


async def _park(run: Run, step: Step) -> Any:
    runtime = run.runtime(step)
    del run.runtimes[session_id(step)]
    parked = run.parked[session_id(step)] = await runtime.park()
    return {"session_id": parked.session_id}


async def _resume(run: Run, step: Step) -> Any:
    parked = run.parked.pop(session_id(step), None)
    if parked is None:
        return Told({"error": "nothing is parked"})
    environment = run.environment(step.get("residency"))
    run.runtimes[session_id(step)] = await LashRuntime.resume(parked, environment)
    return None


async def _drop(run: Run, step: Step) -> None:
    if run.runtimes.pop(session_id(step), None) is None:
        raise NoHandleError("no runtime is open")


RUNTIME_OPS: Final[Mapping[str, Op]] = {
    "rt_open": Op(_open, frozenset({"load", "state", "residency"})),
    "rt_turn": Op(_turn, frozenset({"text", "turn_id"})),
    "rt_append": Op(_append, frozenset({"request"})),
    "rt_branch": Op(_branch, frozenset({"node"})),
    "rt_export": Op(_export, frozenset({"as"})),
    "rt_orphans": Op(_orphans),
    "rt_historic": Op(_historic, frozenset({"node"})),
    "rt_park": Op(_park),
    "rt_resume": Op(_resume, frozenset({"residency"})),
    "rt_drop": Op(_drop),
}
