"""Ports seen from outside: every call goes to the real thing, and the calls in a table leave events.

A port is wrapped as it is given to the builder, so what cannot be recorded here, no user of the library could see.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple, TypeAlias

from lash_nb.errors import RuntimeEffectControllerError, StoreError
from lash_nb.stores import FullGraph
from tests.conformance.turns._recorder import Recorder

__all__ = ["HOST", "SINK", "STORE", "Observed", "ObservedStore", "observed_factory"]

Call: TypeAlias = Callable[..., Any]
Observer: TypeAlias = Callable[[Recorder, Call], Call]
"""Takes a method and gives one that also records."""


class Observed:
    """A port with some of its methods observed; everything else is the port's own."""

    def __init__(self, inner: Any, observers: Mapping[str, Observer], recorder: Recorder) -> None:
        self._inner = inner
        self._observers = observers
        self._recorder = recorder

    def __getattr__(self, name: str) -> Any:
        own = getattr(self._inner, name)
        observer = self._observers.get(name)
        return own if observer is None else observer(self._recorder, own)


def _given(call: Call, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> dict[str, Any]:
    bound = inspect.signature(call).bind(*arguments, **keywords)
    bound.apply_defaults()
    return bound.arguments


def _failure(error: Exception) -> dict[str, str]:
    return {"message": str(error), "debug": repr(error)}


def before(kind: str, content: Callable[[dict[str, Any]], dict[str, Any]]) -> Observer:
    """Record `kind` and then call."""

    def observer(recorder: Recorder, call: Call) -> Call:
        def observed(*arguments: Any, **keywords: Any) -> Any:
            recorder.push(kind, **content(_given(call, arguments, keywords)))
            return call(*arguments, **keywords)

        return observed

    return observer


def after(kind: str, content: Callable[[dict[str, Any], Any], dict[str, Any]]) -> Observer:
    """Call and then record `kind`, with the error if there is one; the content is made of the arguments and the result or None."""

    def observer(recorder: Recorder, call: Call) -> Call:
        async def observed(*arguments: Any, **keywords: Any) -> Any:
            given = _given(call, arguments, keywords)
            try:
                result = await call(*arguments, **keywords)
            except Exception as error:
                recorder.push(kind, **content(given, None), error=_failure(error))
                raise
            recorder.push(kind, **content(given, result), error=None)
            return result

        return observed

    return observer


def _commit(recorder: Recorder, call: Call) -> Call:
    async def observed(commit: Any, **terms: Any) -> Any:
        of = recorder.push("commit", commit=commit)
        try:
            result = await call(commit, **terms)
        except Exception as error:
            recorder.push("commit_result", of=of, result=None, error=_failure(error))
            raise
        recorder.push("commit_result", of=of, result=result, error=None)
        return result

    return observed


def _batch_ids(claim: Any) -> list[str] | None:
    return None if claim is None else [batch.batch_id for batch in claim.batches]


def _scope_text(scope: Any) -> str:
    if isinstance(scope, FullGraph):
        return "FullGraph"
    leaf = "None" if scope.leaf_node_id is None else f'Some("{scope.leaf_node_id}")'
    return f"ActivePath {{ leaf_node_id: {leaf} }}"


class ObservedStore(NamedTuple):
    """A store, and the same one as the runtime has it."""

    inner: Any
    """It."""
    observed: Any
    """It, observed."""


STORE: Final[Mapping[str, Observer]] = {
    "commit_runtime_state": _commit,
    "load_session": after(
        "load_session",
        lambda given, read: {
            "scope": _scope_text(given["scope"]),
            "head_revision": read and read.head_revision,
            "nodes": read and len(read.graph.nodes),
        },
    ),
    "enqueue_work": after("enqueue", lambda given, batch: {"batch": batch or given["draft"]}),
    "claim_ready_work": after(
        "claim",
        lambda given, claim: {
            **{name: given[name] for name in ("boundary", "lease_ttl_ms", "max_batches")},
            "claim": _batch_ids(claim),
        },
    ),
    "claim_by_ids": after(
        "claim_by_ids",
        lambda given, claim: {
            **{name: given[name] for name in ("boundary", "lease_ttl_ms")},
            "ids": list(given["batch_ids"]),
            "claim": _batch_ids(claim),
        },
    ),
    "abandon_claim": before("abandon_claim", lambda given: {"batches": _batch_ids(given["claim"])}),
    "tombstone_nodes": before("tombstone", lambda given: {"ids": list(given["node_ids"])}),
    "save_session_meta": before("save_session_meta", lambda given: {"meta": given["meta"]}),
    "record_intent": before(
        "attachment_intent",
        lambda given: {name: getattr(given["intent"], name) for name in ("attachment_id", "session_id")},
    ),
    "commit_refs": before(
        "attachment_commit_refs",
        lambda given: {"session_id": given["session_id"], "ids": list(given["attachment_ids"])},
    ),
}
"""Session stores, and the attachment manifest in them."""

SINK: Final[Mapping[str, Observer]] = {"record": before("trace", lambda given: {"record": given["record"]})}
"""Trace sinks."""


def observed_factory(
    inner: Any, recorder: Recorder, stores: dict[str, "ObservedStore"], commits: list[Any], bindings: Mapping[str, Any]
) -> Any:
    """Return a store factory whose stores are observed.

    Args:
        inner: The factory.
        recorder: Takes the events.
        stores: Gets the stores by session id.
        commits: Gets every commit.
        bindings: How the factory misbehaves: `message` fails with that message, `bind_to` gives the store of another session.
    """

    def commit(recorder: Recorder, call: Call) -> Call:
        async def observed(given: Any, **terms: Any) -> Any:
            commits.append(given)
            return await _commit(recorder, call)(given, **terms)

        return observed

    def create_store(recorder: Recorder, call: Call) -> Call:
        async def observed(request: Any) -> Any:
            recorder.push("create_store", session_id=request.session_id, relation=request.relation)
            if "message" in bindings:
                raise StoreError("Backend", bindings["message"])
            bound = bindings.get("bind_to", request.session_id)
            inner = await call(replace(request, session_id=bound))
            stores[request.session_id] = ObservedStore(inner, Observed(inner, STORE, recorder))
            return Observed(inner, {**STORE, "commit_runtime_state": commit}, recorder)

        return observed

    observers = {
        "create_store": create_store,
        "delete_session": before("delete_session_store", lambda given: {"session_id": given["session_id"]}),
    }
    return Observed(inner, observers, recorder)


def _scoped(recorder: Recorder, call: Call) -> Call:
    def observed(scope: Any) -> Any:
        recorder.push("scope", scope=scope)
        return Observed(call(scope), {"execute_effect": _execute_effect(scope)}, recorder)

    return observed


def _execute_effect(scope: Any) -> Observer:
    def observer(recorder: Recorder, call: Call) -> Call:
        async def observed(envelope: Any, local: Any) -> Any:
            of = recorder.push("effect", scope=scope, hash=envelope.hash(), envelope=envelope)
            try:
                outcome = await call(envelope, local)
            except RuntimeEffectControllerError as error:
                recorder.push("outcome", of=of, error={"code": error.code, "message": error.message})
                raise
            recorder.push("outcome", of=of, outcome=outcome)
            return outcome

        return observed

    return observer


HOST: Final[Mapping[str, Observer]] = {"scoped": _scoped}
"""Effect hosts."""
