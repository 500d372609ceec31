"""Turns whose effects are part of a scope that somebody else made."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lash_nb.core import LashCore, LashSession
from lash_nb.effects import InlineEffectHost, SqliteEffectHost
from lash_nb.errors import LashRuntimeError
from lash_nb.providers import ScriptedProvider
from lash_nb.wire import EffectScope, QueueDrainScope, RuntimeOperationScope, TurnInput, TurnScope
from tests.runtime.desk import ActingHost, answers, builder, open_session, settle


async def opened() -> LashSession:
    """A session on a host that nobody asks for a scope."""
    return await open_session(answers())


async def test_a_turns_scope_gives_the_turn_its_id() -> None:
    """Journal and stepper see its effects as they see those of any other turn."""
    session = await opened()
    scope = TurnScope(session_id="demo", turn_id="t-1")
    result = await session.turn("hi").effects(InlineEffectHost().scoped(scope))
    assert (result.turn_id, result.reply) == ("t-1", "ok 1")
    assert {entry.envelope.invocation.scope.turn_id for entry in session.effects} == {"t-1"}


async def test_another_turns_scope_is_refused_before_anything_happens() -> None:
    """An explicit id must be that of the scope; the same id is fine."""
    session = await opened()
    controller = InlineEffectHost().scoped(TurnScope(session_id="demo", turn_id="t-1"))
    with pytest.raises(LashRuntimeError, match="the effects are of turn t-1, and the turn is t-2") as error:
        await session.turn("hi").turn_id("t-2").effects(controller)
    assert error.value.code == "effect_scope_turn_id_mismatch"
    assert session.turn_index == 0
    assert (await session.turn("hi").turn_id("t-1").effects(controller)).turn_id == "t-1"


async def test_scopes_that_are_no_turns_are_not_compared() -> None:
    """An operation may hold a turn of any id."""
    session = await opened()
    controller = InlineEffectHost().scoped(RuntimeOperationScope(operation_id="nightly"))
    result = await session.turn(TurnInput.text("hi")).turn_id("t-9").effects(controller)
    assert result.turn_id == "t-9"


async def test_the_given_scope_is_what_performs() -> None:
    """Not the host of the core."""
    host = ActingHost(lambda _, perform: perform())
    session = await opened()
    await session.turn("hi").effects(host.scoped(RuntimeOperationScope(operation_id="elsewhere")))
    assert [envelope.kind for envelope in host.seen] == [entry.envelope.kind for entry in session.effects]


async def test_a_stepped_turn_stops_in_a_given_scope_too() -> None:
    """The stepper stands before whoever performs."""
    session = await opened()
    await session.step()
    controller = InlineEffectHost().scoped(TurnScope(session_id="demo", turn_id="t-1"))
    turn = session.start(session.turn("hi").effects(controller))
    await settle()
    assert session.stepper.pending is not None
    assert session.stepper.pending.envelope.kind == "llm_call"
    await session.continue_()
    assert (await turn.wait()).reply == "ok 1"


async def test_queued_turns_may_have_a_scope_or_name_their_own() -> None:
    """The scope of a drain gives the turn its id; a name of one's own is that of the scope."""
    scopes: list[EffectScope] = []

    class Seeing(InlineEffectHost):
        """Remembers scopes."""

        def scoped(self, scope: EffectScope) -> Any:
            """Remember the scope."""
            scopes.append(scope)
            return super().scoped(scope)

    session = await builder(answers()).effect_host(Seeing()).build().session("demo").open()
    await session.queue("one")
    drain = QueueDrainScope(session_id="demo", drain_id="d-1")
    first = await session.next_queued_turn().effects(InlineEffectHost().scoped(drain))
    assert first is not None
    assert (first.turn_id, scopes) == ("d-1", [])
    await session.queue("two")
    assert await session.next_queued_turn().drain_id("d-2")
    assert scopes == [QueueDrainScope(session_id="demo", drain_id="d-2")]


async def test_a_turn_that_is_run_again_in_its_scope_asks_nobody_twice(tmp_path: Path) -> None:
    """As after a crash: the recorded answer comes back, although the session never stored the turn."""
    host = SqliteEffectHost(tmp_path / "effects.db")
    provider = ScriptedProvider(["first", "second"])
    stored = LashCore.standard().stored_in(tmp_path / "kept").model("m").provider(provider).build()
    core = LashCore(replace(stored.parts, store_factory=None))
    replies = []
    for _ in range(2):
        session = await core.session("demo").open()
        scope = host.scoped(TurnScope(session_id="demo", turn_id="t-1"))
        replies.append((await session.turn("hi").effects(scope)).reply)
        await session.close()
    assert (replies, len(provider.requests)) == (["first", "first"], 1)


async def test_a_scope_that_records_wants_durable_stores(tmp_path: Path) -> None:
    """Whatever the host of the core is: what counts is who performs the turn."""
    session = await opened()
    scope = SqliteEffectHost(tmp_path / "effects.db").scoped(TurnScope(session_id="demo", turn_id="t-1"))
    with pytest.raises(LashRuntimeError) as error:
        await session.turn("hi").effects(scope)
    assert error.value.code == "durable_store_required:attachment_store"
    assert (await session.turn("hi")).reply == "ok 1"
