"""How effect ids and replay keys are built (lash 0.1.0-alpha.37, effect wire format §14)."""

from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec

from lash_nb.errors import RuntimeEffectControllerError, WireError
from lash_nb.wire._invocation import (
    CausalProcess,
    CausalRef,
    EffectSubject,
    HostEventSubject,
    ProcessEventSubject,
    RuntimeEffectKind,
    RuntimeInvocation,
    RuntimeReplay,
    RuntimeScope,
)
from lash_nb.wire._json import stable_hash
from lash_nb.wire._llm_request import LlmRequestSpec

__all__ = [
    "child_tool_effect_invocation",
    "child_tool_effect_invocations",
    "direct_effect_invocation",
    "direct_request_discriminator",
    "host_event_invocation",
    "lashlang_sleep_invocation",
    "process_effect_invocation",
    "process_event_invocation",
    "tool_retry_sleep_invocation",
    "turn_effect_invocation",
]

_NO_EFFECT: Final = "effect"
"""Stands for the effect id of an invocation that is none."""


def turn_effect_invocation(scope: RuntimeScope, effect_number: int, kind: RuntimeEffectKind) -> RuntimeInvocation:
    """Return the invocation of an effect that the turn machine numbered `effect_number`; `scope` is the whole turn scope."""
    effect_id = str(effect_number)
    key = f"{scope.session_id}:{scope.turn_id}:{scope.turn_index}:{scope.protocol_iteration}:{kind}:{effect_id}"
    return _effect(scope, effect_id, kind, key)


def child_tool_effect_invocation(parent: RuntimeInvocation, effect_number: int, call_id: str) -> RuntimeInvocation:
    """Return the invocation of one tool call of the tool effect `parent`, which the turn machine numbered `effect_number`."""
    return child_tool_effect_invocations(parent, effect_number)(call_id)


def child_tool_effect_invocations(parent: RuntimeInvocation, effect_number: int) -> Callable[[str], RuntimeInvocation]:
    """Return what makes the invocations of all tool calls of the tool effect `parent`, each from the id of its call."""
    return partial(_child_tool_effect, parent.scope, effect_number, _key(parent), parent.causal_ref())


def _child_tool_effect(
    scope: RuntimeScope, effect_number: int, parent_key: str, caused_by: CausalRef | None, call_id: str
) -> RuntimeInvocation:
    return _effect(scope, f"{effect_number}:{call_id}", "tool_call", f"{parent_key}:{call_id}", caused_by)


def tool_retry_sleep_invocation(parent: RuntimeInvocation, tool_name: str, attempt: int) -> RuntimeInvocation:
    """Return the invocation of the sleep after failed `attempt` (from 1) of the tool call `parent`."""
    return _sleep_below(parent, f"{tool_name}:attempt:{attempt}:sleep")


def lashlang_sleep_invocation(
    session_id: str, lashlang_scope: str, sequence: int, parent: RuntimeInvocation | None
) -> RuntimeInvocation:
    """Return the invocation of sleep number `sequence` of code, whose identity in its session or process is `lashlang_scope`."""
    tail = f"lashlang:{lashlang_scope}:sleep:{sequence}"
    if parent is None:
        return _effect(RuntimeScope(session_id=session_id), tail, "sleep", tail)
    return _sleep_below(parent, tail)


def direct_request_discriminator(
    request: LlmRequestSpec, replay: RuntimeReplay | None, caused_by: CausalRef | None
) -> str:
    """Return what tells a direct completion from the others of its turn: what caused it, and its caller's key or else its content.

    Raises:
        RuntimeEffectControllerError: `runtime_effect_discriminator`: the request holds something that JSON cannot carry.
    """
    cause = "" if caused_by is None else f"cause:{_cause(caused_by)}:"
    if replay is not None and replay.key:
        return f"{cause}request:{replay.key}"
    try:
        return f"{cause}sha256:{stable_hash(request)}"
    except WireError as error:
        raise RuntimeEffectControllerError("runtime_effect_discriminator", error.message) from error


def direct_effect_invocation(
    session_id: str, usage_source: str, discriminator: str, turn_id: str | None, caused_by: CausalRef | None
) -> RuntimeInvocation:
    """Return the invocation of a direct completion, which is named by its discriminator."""
    where = f"{session_id}:{turn_id}" if turn_id else session_id
    scope = RuntimeScope(session_id=session_id, turn_id=turn_id)
    return _effect(scope, discriminator, "direct", f"{where}:direct:{usage_source}:{discriminator}", caused_by)


def process_effect_invocation(session_id: str, effect_id: str, parent: RuntimeInvocation | None) -> RuntimeInvocation:
    """Return the invocation of a process command: in the turn of `parent`, if it has one, but of the acting session."""
    if parent is None:
        return _effect(RuntimeScope(session_id=session_id), effect_id, "process", f"{session_id}:{effect_id}")
    scope = RuntimeScope(session_id=session_id)
    if parent.scope.turn_id is not None:
        scope = msgspec.structs.replace(parent.scope, session_id=session_id)
    base = "process" if parent.replay_key is None else parent.replay_key
    return _effect(scope, effect_id, "process", f"{base}:{effect_id}", parent.causal_ref())


def process_event_invocation(
    owner_session_id: str, process_id: str, sequence: int, event_type: str, replay: RuntimeReplay | None
) -> RuntimeInvocation:
    """Return the identity of an event in a process's log; `replay` is that of the request that appended it."""
    subject = ProcessEventSubject(process_id=process_id, sequence=sequence, event_type=event_type)
    scope = RuntimeScope(session_id=owner_session_id)
    return RuntimeInvocation(
        scope=scope, subject=subject, caused_by=CausalProcess(process_id=process_id), replay=replay
    )


def host_event_invocation(session_id: str, occurrence_id: str) -> RuntimeInvocation:
    """Return the identity of an event that the host reported to a session."""
    scope, subject = RuntimeScope(session_id=session_id), HostEventSubject(occurrence_id=occurrence_id)
    return RuntimeInvocation(scope=scope, subject=subject, replay=RuntimeReplay(key=f"host_event:{occurrence_id}"))


def _sleep_below(parent: RuntimeInvocation, tail: str) -> RuntimeInvocation:
    effect_id = f"{_effect_id(parent)}:{tail}"
    return _effect(parent.scope, effect_id, "sleep", f"{_key(parent)}:{tail}", parent.causal_ref())


def _cause(ref: CausalRef) -> str:
    """A cause as text: its tag and its fields in order, of which one that is absent leaves an empty place."""
    fields = (getattr(ref, name) for name in ref.__struct_fields__)
    return ":".join([str(ref.__struct_config__.tag), *("" if value is None else str(value) for value in fields)])


def _key(parent: RuntimeInvocation) -> str:
    return _effect_id(parent) if parent.replay_key is None else parent.replay_key


def _effect_id(parent: RuntimeInvocation) -> str:
    return _NO_EFFECT if parent.effect_id is None else parent.effect_id


def _effect(
    scope: RuntimeScope, effect_id: str, kind: RuntimeEffectKind, key: str, caused_by: CausalRef | None = None
) -> RuntimeInvocation:
    subject = EffectSubject(effect_id=effect_id, kind=kind)
    return RuntimeInvocation(scope=scope, subject=subject, caused_by=caused_by, replay=RuntimeReplay(key=key))
