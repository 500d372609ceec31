"""Identities: invocations, discriminators, keys of graphs and of their events."""

import pytest

from lash_nb.errors import RuntimeEffectControllerError
from lash_nb.wire import (
    CausalEffect,
    CausalProcessEvent,
    CausalRef,
    EffectSubject,
    ExecCodeCommand,
    LlmRequestSpec,
    LlmToolSpec,
    RuntimeEffectEnvelope,
    RuntimeInvocation,
    RuntimeReplay,
    RuntimeScope,
    TraceEffectSubject,
    TraceLashlangExecutionIdentity,
    TraceProcessSubject,
    TraceRuntimeScope,
    TraceRuntimeSubject,
    direct_effect_invocation,
    direct_request_discriminator,
    lashlang_event_key,
    lashlang_sleep_invocation,
    stable_hash,
)

SCOPE = RuntimeScope(session_id="s", turn_id="t")
PARENT = RuntimeInvocation(scope=SCOPE, subject=EffectSubject(effect_id="3", kind="exec_code"))
REQUEST = LlmRequestSpec(model="m", messages=(), attachments=(), tools=(), tool_choice="None")


def test_sleep_of_code_stands_below_its_effect() -> None:
    """With a parent its scope, cause and key go on; without one the session and the sleep's own name are all."""
    child = lashlang_sleep_invocation("other", "main", 2, PARENT)
    assert (child.scope, child.effect_id, child.replay_key) == (SCOPE, *["3:lashlang:main:sleep:2"] * 2)
    assert child.caused_by == CausalEffect(session_id="s", turn_id="t", effect_id="3")
    alone = lashlang_sleep_invocation("other", "main", 2, None)
    assert (alone.scope, alone.caused_by) == (RuntimeScope(session_id="other"), None)
    assert (alone.effect_id, alone.replay_key) == ("lashlang:main:sleep:2",) * 2


@pytest.mark.parametrize(
    ("replay", "cause", "expected"),
    [
        (RuntimeReplay(key="k"), None, "request:k"),
        (RuntimeReplay(key=""), None, f"sha256:{stable_hash(REQUEST)}"),
        (RuntimeReplay(key="k"), CausalEffect(session_id="s", effect_id="e"), "cause:effect:s::e:request:k"),
        (
            None,
            CausalProcessEvent(process_id="p", sequence=4),
            f"cause:process_event:p:4:sha256:{stable_hash(REQUEST)}",
        ),
    ],
)
def test_direct_completions_are_told_apart(
    replay: RuntimeReplay | None, cause: CausalRef | None, expected: str
) -> None:
    """By their cause, and by the caller's key if it gave one, else by what is asked."""
    assert direct_request_discriminator(REQUEST, replay, cause) == expected


@pytest.mark.parametrize(
    ("turn", "key"), [("t", "s:t:direct:titles:D"), ("", "s:direct:titles:D"), (None, "s:direct:titles:D")]
)
def test_direct_completion_without_a_turn_is_the_sessions(turn: str | None, key: str) -> None:
    """An empty turn id stays in the scope and out of the key."""
    invocation = direct_effect_invocation("s", "titles", "D", turn, None)
    assert (invocation.replay_key, invocation.scope) == (key, RuntimeScope(session_id="s", turn_id=turn))
    assert (invocation.effect_id, invocation.effect_kind) == ("D", "direct")


def test_what_cannot_be_hashed_has_a_code() -> None:
    """A NaN is no JSON: an envelope and a request with one have no hash."""
    tool = LlmToolSpec(
        name="t",
        description="",
        input_schema=float("nan"),
        output_schema=None,
        input_schema_projections=(),
        output_schema_projections=(),
    )
    request = LlmRequestSpec(model="m", messages=(), attachments=(), tools=(tool,), tool_choice="None")
    with pytest.raises(RuntimeEffectControllerError) as raised:
        direct_request_discriminator(request, None, None)
    assert raised.value.code == "runtime_effect_discriminator"
    envelope = RuntimeEffectEnvelope(invocation=PARENT, command=ExecCodeCommand(code="\ud800"))
    with pytest.raises(RuntimeEffectControllerError) as raised:
        envelope.hash()
    assert raised.value.code == "runtime_effect_envelope_hash"


@pytest.mark.parametrize(
    ("subject", "turn", "graph", "event"),
    [
        (TraceEffectSubject(effect_id="3", kind="exec_code"), "t", "effect:s:t:3", "effect:s:t:3:node:n1:0:started"),
        (TraceEffectSubject(effect_id="3", kind="exec_code"), "", "effect:s:3", "effect:s:3:node:n1:0:started"),
        (TraceProcessSubject(process_id="p"), "t", "process:p", "p:node:n1:0:started"),
    ],
)
def test_executions_and_their_events_have_keys(subject: TraceRuntimeSubject, turn: str, graph: str, event: str) -> None:
    """An effect is known by its turn, a process by its id alone, also before the names of its events."""
    identity = TraceLashlangExecutionIdentity(
        scope=TraceRuntimeScope(session_id="s", turn_id=turn),
        subject=subject,
        module_ref="m",
        entry_kind="main",
        entry_name="main",
    )
    assert identity.graph_key == graph
    assert lashlang_event_key(identity, "node", "n1", 0, "started") == f"lashlang_execution:{event}"
