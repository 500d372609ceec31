"""How effect ids and replay keys are built (lash 0.1.0-alpha.37, effect wire format §14)."""

from lash_nb.wire._invocation import (
    CausalEffect,
    CausalRef,
    EffectSubject,
    RuntimeEffectKind,
    RuntimeInvocation,
    RuntimeReplay,
    RuntimeScope,
)

__all__ = ["child_tool_effect_invocation", "tool_retry_sleep_invocation", "turn_effect_invocation"]


def turn_effect_invocation(scope: RuntimeScope, effect_number: int, kind: RuntimeEffectKind) -> RuntimeInvocation:
    """Return the invocation of an effect that the turn machine numbered `effect_number`; `scope` is the whole turn scope."""
    return _effect(scope, str(effect_number), kind, f"{_turn_key(scope)}:{kind}:{effect_number}")


def child_tool_effect_invocation(scope: RuntimeScope, effect_number: int, call_id: str) -> RuntimeInvocation:
    """Return the invocation of one tool call of the tool effect `effect_number`."""
    effect_id = f"{effect_number}:{call_id}"
    cause = CausalEffect(session_id=scope.session_id, turn_id=scope.turn_id, effect_id=str(effect_number))
    return _effect(scope, effect_id, "tool_call", f"{_turn_key(scope)}:tool_call:{effect_id}", cause)


def tool_retry_sleep_invocation(parent: RuntimeInvocation, tool_name: str, attempt: int) -> RuntimeInvocation:
    """Return the invocation of the sleep after failed `attempt` (from 1) of the tool call `parent`."""
    tail = f"{tool_name}:attempt:{attempt}:sleep"
    parent_id = parent.effect_id or "effect"
    return _effect(
        parent.scope, f"{parent_id}:{tail}", "sleep", f"{parent.replay_key or parent_id}:{tail}", parent.causal_ref()
    )


def _turn_key(scope: RuntimeScope) -> str:
    return f"{scope.session_id}:{scope.turn_id}:{scope.turn_index}:{scope.protocol_iteration}"


def _effect(
    scope: RuntimeScope, effect_id: str, kind: RuntimeEffectKind, key: str, caused_by: CausalRef | None = None
) -> RuntimeInvocation:
    subject = EffectSubject(effect_id=effect_id, kind=kind)
    return RuntimeInvocation(scope=scope, subject=subject, caused_by=caused_by, replay=RuntimeReplay(key=key))
