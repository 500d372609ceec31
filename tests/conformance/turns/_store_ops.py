"""Steps on the stores themselves; a store is called directly, so these calls are not recorded, but for what sends a commit again."""

from collections.abc import Mapping
from typing import Any, Final

from lash_nb.stores import ActivePath, FullGraph, SessionStore
from lash_nb.wire import (
    QueuedWorkCompletion,
    RuntimeCommit,
    SessionMeta,
    from_builtins,
    to_builtins,
    turn_commit_hash,
)
from tests.conformance.turns._build import build
from tests.conformance.turns._observed import ObservedStore
from tests.conformance.turns._ops import Op, Step, Told, result_of, session_id
from tests.conformance.turns._run import NoHandleError, Run

__all__ = ["STORE_OPS", "observed_store", "store"]


def observed_store(run: Run, step: Step) -> ObservedStore:
    """Return the store of a session, and what observes it."""
    stores = run.stores.get(session_id(step))
    if stores is None:
        message = f"no store was made for {session_id(step)}"
        raise NoHandleError(message)
    return stores


def store(run: Run, step: Step) -> SessionStore:
    """Return the store of a session; calls to it are not recorded."""
    inner: SessionStore = observed_store(run, step).inner
    return inner


async def _rebuild(run: Run, step: Step) -> None:
    for key, value in step["set"].items():
        run.scenario = {**run.scenario, key: value}
        if value is None:
            del run.scenario[key]
    if "script" in (step["set"].get("provider") or {}):
        run.shared.pop("provider")
    run.core = build(run)


async def _factory_fails(run: Run, step: Step) -> None:
    run.bindings.clear()
    run.bindings.update({key: step[key] for key in ("message", "bind_to") if key in step})


async def _load(run: Run, step: Step) -> Any:
    if session_id(step) not in run.stores:
        return Told({"error": "no store"})
    scope = ActivePath(step.get("leaf")) if step.get("scope") == "active_path" else FullGraph()
    return to_builtins(await store(run, step).load_session(scope))


async def _load_node(run: Run, step: Step) -> Any:
    return to_builtins(await store(run, step).load_node(step["node"]))


async def _tombstone(run: Run, step: Step) -> None:
    await store(run, step).tombstone_nodes(step["nodes"])


async def _vacuum(run: Run, step: Step) -> Any:
    return vars(await store(run, step).vacuum())


async def _gc(run: Run, step: Step) -> Any:
    return vars(await store(run, step).gc_unreachable())


async def _orphans(run: Run, step: Step) -> Any:
    inner = store(run, step)
    every, path = await inner.load_session(FullGraph()), await inner.load_session(ActivePath())
    if every is None or path is None:
        return []
    active = {node.node_id for node in path.graph.nodes}
    found = [node.node_id for node in every.graph.nodes if node.node_id not in active]
    run.variables.number("orphan", found)
    return found


async def _meta(run: Run, step: Step) -> Any:
    return to_builtins(await store(run, step).load_session_meta())


async def _save_meta(run: Run, step: Step) -> None:
    await store(run, step).save_session_meta(from_builtins(step["meta"], SessionMeta))


async def _commit_refs(run: Run, step: Step) -> None:
    store(run, step).commit_refs(step.get("for", session_id(step)), step["ids"])


async def _list_uncommitted(run: Run, step: Step) -> Any:
    entries = store(run, step).list_uncommitted(step.get("older_than", 2**53))
    return [
        {
            "attachment_id": entry.attachment_id,
            "session_id": entry.session_id,
            "canonical_uri": entry.canonical_uri,
            "committed": entry.committed_at_epoch_ms is not None,
        }
        for entry in entries
    ]


async def _forget(run: Run, step: Step) -> None:
    store(run, step).forget(step["id"])


async def _recommit(run: Run, step: Step) -> Told:
    document = to_builtins(run.commits[step.get("commit", -1)])
    for path, value in step.get("set", {}).items():
        _replace(document, path, value)
    commit = from_builtins(document, RuntimeCommit)
    if "complete_claim" in step:
        commit = _completing(commit, run, step["complete_claim"])
    told = await result_of(_committed(run, step, commit))
    return Told(told | {"turn_commit_hash": turn_commit_hash(commit)})


async def _committed(run: Run, step: Step, commit: RuntimeCommit) -> Any:
    return to_builtins(await observed_store(run, step).observed.commit_runtime_state(commit))


def _replace(document: dict[str, Any], path: str, value: Any) -> None:
    name, _, member = path.partition(".")
    if member:
        document[name] = {**document[name], member: value}
    else:
        document[name] = value


def _completing(commit: RuntimeCommit, run: Run, name: str) -> RuntimeCommit:
    claim = run.claims[name]
    done = QueuedWorkCompletion(
        session_id=claim.session_id,
        claim_id=claim.claim_id,
        lease_token=claim.lease_token,
        batch_ids=tuple(batch.batch_id for batch in claim.batches),
    )
    return from_builtins(to_builtins(commit) | {"completed_queue_claims": [to_builtins(done)]}, RuntimeCommit)


STORE_OPS: Final[Mapping[str, Op]] = {
    "rebuild": Op(_rebuild, frozenset({"set"})),
    "factory_fails": Op(_factory_fails, frozenset({"message", "bind_to"})),
    "load": Op(_load, frozenset({"scope", "leaf"})),
    "load_node": Op(_load_node, frozenset({"node"})),
    "tombstone": Op(_tombstone, frozenset({"nodes"})),
    "vacuum": Op(_vacuum),
    "gc": Op(_gc),
    "orphans": Op(_orphans),
    "session_meta": Op(_meta),
    "save_session_meta": Op(_save_meta, frozenset({"meta"})),
    "commit_refs": Op(_commit_refs, frozenset({"ids", "for"})),
    "list_uncommitted": Op(_list_uncommitted, frozenset({"older_than"})),
    "forget": Op(_forget, frozenset({"id"})),
    "recommit": Op(_recommit, frozenset({"commit", "set", "complete_claim"})),
}
