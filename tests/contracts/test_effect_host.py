"""What every effect host promises, whatever it does on the way."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from lash_nb.clock import ManualClock
from lash_nb.effects import EffectHost, InlineEffectHost, JournalEffectHost, SqliteEffectHost, StepEffectHost
from lash_nb.errors import LashRuntimeError, RuntimeEffectControllerError
from lash_nb.wire import (
    EffectScope,
    ProcessEffectScope,
    QueueDrainScope,
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
    RuntimeOperationScope,
    SessionDeleteScope,
    TurnScope,
)
from tests.effects.material import SCOPE, Gate, World, called, model_call, said, settle, tool_call


def stepped_by_an_obedient_person() -> StepEffectHost:
    """A host that stops before everything, and somebody who lets everything go."""
    host = StepEffectHost(InlineEffectHost(), ManualClock())
    host.control.arm()
    host.control.subscribe(lambda: host.control.perform() if host.control.pending else None)
    return host


INLINE: dict[str, Callable[[], EffectHost]] = {
    "inline": InlineEffectHost,
    "journal": lambda: JournalEffectHost(InlineEffectHost(), ManualClock()),
    "step, disarmed": lambda: StepEffectHost(InlineEffectHost(), ManualClock()),
    "step, armed": stepped_by_an_obedient_person,
    "step around journal": lambda: StepEffectHost(JournalEffectHost(InlineEffectHost(), ManualClock())),
}


DURABLE: dict[str, Callable[[SqliteEffectHost], EffectHost]] = {
    "sqlite": lambda remembering: remembering,
    "journal around sqlite": lambda remembering: JournalEffectHost(remembering, ManualClock()),
    "step around journal around sqlite": lambda remembering: StepEffectHost(
        JournalEffectHost(remembering, ManualClock())
    ),
}


@pytest.fixture(params=[*INLINE, *DURABLE])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EffectHost]:
    """Each shipped host."""
    if request.param in INLINE:
        yield INLINE[request.param]()
        return
    remembering = SqliteEffectHost(tmp_path / "effects.db")
    yield DURABLE[request.param](remembering)
    remembering.release()


SCOPES: list[EffectScope] = [
    TurnScope(session_id="s", turn_id="t"),
    ProcessEffectScope(process_id="p"),
    QueueDrainScope(session_id="s", drain_id="d"),
    SessionDeleteScope(session_id="s"),
    RuntimeOperationScope(operation_id="o"),
]


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: type(scope).__name__)
def test_a_controller_keeps_its_scope_and_tier(host: EffectHost, scope: EffectScope) -> None:
    """Every kind of scope gets a controller that says what it serves."""
    controller = host.scoped(scope)

    assert controller.scope == scope
    assert controller.durability_tier == host.durability_tier


@pytest.mark.parametrize("name", [*INLINE, *DURABLE])
def test_a_host_has_the_tier_of_the_one_that_it_is_around(name: str, tmp_path: Path) -> None:
    """Only who remembers is durable, whatever stands around it."""
    made = INLINE[name]() if name in INLINE else DURABLE[name](SqliteEffectHost(tmp_path / "effects.db"))

    assert made.durability_tier == ("inline" if name in INLINE else "durable")


BLANKS = [
    (scope, name, blank) for scope in SCOPES for name in scope.__struct_fields__ for blank in ("", " \t", "\u3000")
]


@pytest.mark.parametrize(("scope", "name", "blank"), BLANKS)
def test_a_scope_with_a_blank_id_is_refused(host: EffectHost, scope: EffectScope, name: str, blank: str) -> None:
    """Every id of a scope is checked when the controller is made."""
    with pytest.raises(LashRuntimeError, match=name) as refused:
        host.scoped(replace(scope, **{name: blank}))

    assert refused.value.code == "missing_effect_scope_id"


@pytest.mark.parametrize("separator", ["\x1c", "\x1d", "\x1e", "\x1f", "\u200b", "\0"])
def test_an_id_that_only_looks_blank_is_one(host: EffectHost, separator: str) -> None:
    """White space is what Unicode calls so: separators of files and records, which Python strips too, are letters of an id."""
    scope = replace(SCOPES[0], **{SCOPES[0].__struct_fields__[0]: separator})

    assert host.scoped(scope).scope == scope


async def test_the_outcome_is_the_executors_own(host: EffectHost) -> None:
    """An envelope reaches the executor once and unchanged, and its outcome comes back."""
    world = World()

    assert await host.scoped(SCOPE).execute_effect(model_call(), world) == said("from scripted-model")
    assert world.asked == [model_call()]


async def test_repeating_an_envelope_repeats_the_work_unless_the_host_is_durable(host: EffectHost) -> None:
    """A host remembers outcomes when its tier says so, and only then."""
    world = World()
    controller = host.scoped(SCOPE)
    for _ in range(2):
        assert await controller.execute_effect(model_call(), world) == said("from scripted-model")

    assert world.asked == [model_call()] * (2 if host.durability_tier == "inline" else 1)


INVALID: dict[str, RuntimeEffectEnvelope] = {
    "runtime_effect_invocation_kind": replace(model_call(), command=tool_call().command),
    "runtime_effect_replay_required": replace(model_call(), invocation=replace(model_call().invocation, replay=None)),
}


@pytest.mark.parametrize("code", INVALID)
async def test_an_envelope_that_is_not_valid_is_not_executed(host: EffectHost, code: str) -> None:
    """The constructor's checks hold for envelopes that were decoded or edited too."""
    world = World()
    with pytest.raises(RuntimeEffectControllerError) as refused:
        await host.scoped(SCOPE).execute_effect(INVALID[code], world)

    assert refused.value.code == code
    assert world.asked == []


async def test_an_executor_that_answers_another_kind_is_an_error(host: EffectHost) -> None:
    """A wrong outcome never reaches the machine."""

    async def confuse(_: RuntimeEffectEnvelope) -> RuntimeEffectOutcome:
        return called()

    with pytest.raises(RuntimeEffectControllerError) as refused:
        await host.scoped(SCOPE).execute_effect(model_call(), World(confuse))

    assert refused.value.code == "runtime_effect_wrong_outcome"


async def test_an_executors_refusal_comes_back_as_it_is(host: EffectHost) -> None:
    """A controller error passes every host with code and message."""

    async def refuse(_: RuntimeEffectEnvelope) -> RuntimeEffectOutcome:
        raise RuntimeEffectControllerError("runtime_effect_local_executor_unavailable", "later")

    with pytest.raises(RuntimeEffectControllerError) as refused:
        await host.scoped(SCOPE).execute_effect(model_call(), World(refuse))

    assert (refused.value.code, refused.value.message) == ("runtime_effect_local_executor_unavailable", "later")


async def test_cancellation_reaches_the_executor_and_comes_back(host: EffectHost) -> None:
    """No host swallows a cancellation or leaves the effect running."""
    ended: list[str] = []

    async def hang(_: RuntimeEffectEnvelope) -> RuntimeEffectOutcome:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("ended")
        return called()

    task = asyncio.create_task(host.scoped(SCOPE).execute_effect(tool_call(), World(hang)))
    await settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert ended == ["ended"]


async def test_unrelated_effects_end_in_any_order(host: EffectHost) -> None:
    """Effects of two scopes in flight do not wait for each other."""
    gate = Gate()
    first = asyncio.create_task(host.scoped(SCOPE).execute_effect(tool_call("a"), gate))
    other = host.scoped(TurnScope(session_id="other", turn_id="t"))
    second = asyncio.create_task(other.execute_effect(tool_call("b"), gate))
    await settle()
    gate.open(tool_call("b"))
    await asyncio.wait_for(second, timeout=30)
    assert not first.done()
    gate.open(tool_call("a"))

    assert await first == called("a", {})
