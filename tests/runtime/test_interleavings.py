"""Whatever happens to turns, in whatever order: the graph stays legal, nothing committed is lost, the next turn runs."""

import asyncio
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lash_nb.clock import CancellationToken
from lash_nb.core import LashSession
from lash_nb.errors import LashRuntimeError, LlmTransportError, RuntimeEffectControllerError, StoreError
from lash_nb.providers import calls, reply
from lash_nb.stores import FullGraph
from lash_nb.wire import (
    DurabilityTier,
    LlmRequest,
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
    SessionNodeRecord,
    SleepOutcome,
    messages_are_prompt_resume_safe,
)
from tests.runtime.desk import (
    ActingHost,
    ActingStore,
    Perform,
    abort,
    legal,
    messages_of,
    open_session,
    texts,
    weather,
)

FAULTS = ["fine", "cancel_before", "cancel_after", "abort_before", "abort_after", "refuse", "lie", "no_disk", "crash"]
"""What can happen to an effect: cancelled, aborted, refused by the host, answered wrongly; to a commit: refused; to the host: a bug."""
faults = st.lists(st.sampled_from([*FAULTS[:1] * 12, *FAULTS]), min_size=0, max_size=40)


class World:
    """A host, a store and a model to which things happen as a plan says."""

    def __init__(self, plan: list[str], tier: DurabilityTier) -> None:
        self._plan: Iterator[str] = iter(plan)
        self.token = CancellationToken()
        self.host = ActingHost(self._act, tier)
        self.store = ActingStore()
        self.store.before = self._before_commit
        self._asked = 0
        self._disk_is_full = False
        self._calm = False

    def calm_down(self) -> None:
        """From now on nothing happens to anything."""
        self._plan = iter(())
        self._disk_is_full = False
        self._calm = True

    async def _act(self, envelope: RuntimeEffectEnvelope, perform: Perform) -> RuntimeEffectOutcome:
        fault = next(self._plan, "fine")
        if fault == "cancel_before":
            self.token.cancel()
        if fault == "abort_before":
            await abort()
        if fault == "refuse":
            raise RuntimeEffectControllerError("refused", f"no {envelope.kind} today")
        if fault == "crash":
            raise ZeroDivisionError
        self._disk_is_full = fault == "no_disk"
        outcome = SleepOutcome() if fault == "lie" else await perform()
        if fault == "cancel_after":
            self.token.cancel()
        if fault == "abort_after":
            await abort()
        return outcome

    async def _before_commit(self, _: int) -> None:
        if self._disk_is_full:
            self._disk_is_full = False
            raise StoreError("Backend", "no space left")

    def model(self, request: LlmRequest) -> Any:
        """Call two tools, fail now and then, answer results."""
        self._asked += 1
        if any(block.ToolResult for block in request.messages[-1].blocks):
            return reply(f"answer {self._asked}")
        if self._asked % 5 == 0 and not self._calm:
            return LlmTransportError("busy")
        number = self._asked
        return calls((f"a{number}", "weather", {"city": "Oslo"}), (f"b{number}", "weather", {"city": "Rome"}))

    async def turn(self, session: LashSession, prompt: str) -> None:
        """Run a turn to whatever end it finds."""
        self.token = CancellationToken()
        running = session.start(session.turn(prompt).cancel(self.token))
        await running.settled()
        error = running.error
        assert error is None or isinstance(error, asyncio.CancelledError | LashRuntimeError | ZeroDivisionError)


async def stored_nodes(world: World) -> tuple[SessionNodeRecord, ...]:
    """What the store has."""
    read = await world.store.load_session(FullGraph())
    return read.graph.nodes if read else ()


async def play(plan: list[str], tier: DurabilityTier, *, stored: bool) -> None:
    """Run four turns under a plan, then one to which nothing happens."""
    world = World(plan, tier)
    session = await open_session(
        world.model, weather, host=world.host, store=world.store if stored else None, stored=stored
    )
    kept: tuple[SessionNodeRecord, ...] = ()
    for number in range(4):
        await world.turn(session, f"prompt {number}")
        legal(session.graph)
        if stored:
            now = await stored_nodes(world)
            assert now[: len(kept)] == kept  # what was committed stays, as it was
            kept = now
    world.calm_down()
    history = messages_of(session.graph)
    result = await session.turn("the last one").run()
    assert result.reply.startswith("answer")
    path = messages_of(session.graph)
    assert texts(path)[-1] == result.reply
    assert "the last one" in texts(path)
    assert stored or path[: len(history)] == history
    legal(session.graph)
    if stored:
        assert session.graph.nodes == await stored_nodes(world)
        reread = await world.store.load_session(FullGraph())
        assert reread is not None
        assert sum(row.usage.total for row in reread.token_ledger) == session.usage_report().usage.total_tokens


@settings(max_examples=60)
@given(faults, st.sampled_from(["inline", "durable"]), st.booleans())
def test_a_session_outlives_everything(plan: list[str], tier: DurabilityTier, stored: bool) -> None:
    """Under any plan the graph stays legal, commits stay, and a last undisturbed turn answers on top of it all."""
    asyncio.run(play(plan, tier, stored=stored))


@settings(max_examples=40)
@given(faults, st.booleans())
def test_every_tool_call_in_the_graph_has_a_result(plan: list[str], stored: bool) -> None:
    """No model is ever shown a call without its result, whatever became of the turn that made it."""

    async def live() -> None:
        world = World([fault for fault in plan if fault != "no_disk"], "inline")
        session = await open_session(
            world.model, weather, host=world.host, store=world.store if stored else None, stored=stored
        )
        for number in range(3):
            await world.turn(session, f"prompt {number}")
            assert messages_are_prompt_resume_safe(messages_of(session.graph))

    asyncio.run(live())
