"""How effect ids and replay keys are built (lash 0.1.0-alpha.37, effect wire format §14)."""

from typing import Final

from lash_nb.wire._invocation import (
    CausalRef,
    EffectSubject,
    RuntimeEffectKind,
    RuntimeInvocation,
    RuntimeReplay,
    RuntimeScope,
)

__all__ = ["child_tool_effect_invocation", "tool_retry_sleep_invocation", "turn_effect_invocation"]

_NO_EFFECT: Final = "effect"
"""Stands for the effect id of an invocation that is none."""


def turn_effect_invocation(scope: RuntimeScope, effect_number: int, kind: RuntimeEffectKind) -> RuntimeInvocation:
    """Return the invocation of an effect that the turn machine numbered `effect_number`; `scope` is the whole turn scope."""
    return _effect(scope, str(effect_number), kind, f"{_turn_key(scope)}:{kind}:{effect_number}")


def child_tool_effect_invocation(parent: RuntimeInvocation, effect_number: int, call_id: str) -> RuntimeInvocation:
    """Return the invocation of one tool call of the tool effect `parent`, which the turn machine numbered `effect_number`."""
    key = f"{_key(parent)}:{call_id}"
    return _effect(parent.scope, f"{effect_number}:{call_id}", "tool_call", key, parent.causal_ref())


def tool_retry_sleep_invocation(parent: RuntimeInvocation, tool_name: str, attempt: int) -> RuntimeInvocation:
    """Return the invocation of the sleep after failed `attempt` (from 1) of the tool call `parent`."""
    tail = f"{tool_name}:attempt:{attempt}:sleep"
    effect_id = f"{parent.effect_id or _NO_EFFECT}:{tail}"
    return _effect(parent.scope, effect_id, "sleep", f"{_key(parent)}:{tail}", parent.causal_ref())


def _key(parent: RuntimeInvocation) -> str:
    return parent.replay_key or parent.effect_id or _NO_EFFECT


def _turn_key(scope: RuntimeScope) -> str:
    return f"{scope.session_id}:{scope.turn_id}:{scope.turn_index}:{scope.protocol_iteration}"


def _effect(
    scope: RuntimeScope, effect_id: str, kind: RuntimeEffectKind, key: str, caused_by: CausalRef | None = None
) -> RuntimeInvocation:
    subject = EffectSubject(effect_id=effect_id, kind=kind)
    return RuntimeInvocation(scope=scope, subject=subject, caused_by=caused_by, replay=RuntimeReplay(key=key))
