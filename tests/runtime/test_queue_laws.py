"""Whatever happens to the turns that take queued work: no input is lost, nothing stays held, and in the end the queue is empty."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from lash_nb.clock import CancellationToken
from lash_nb.core import LashSession
from lash_nb.errors import LashRuntimeError
from tests.runtime.desk import legal, open_session, said, weather
from tests.runtime.test_interleavings import FAULTS, World, stored_nodes

troubles = st.lists(st.sampled_from(["fine", *FAULTS]), min_size=4, max_size=30)
"""What happens to effects and commits, more often than in life."""
acts = st.lists(st.sampled_from([*["queue", "next"] * 3, "join", "inject", "reset", "turn"]), min_size=3, max_size=8)
"""What users do with a session."""


class Users:
    """Some who queue, and one who runs turns.

    Attributes:
        queued: The texts that were queued for turns of their own, in order.
    """

    def __init__(self, world: World, session: LashSession) -> None:
        self._world = world
        self._session = session
        self._count = 0
        self.queued: list[str] = []

    async def do(self, act: str) -> None:
        """Do one thing, and outlive it."""
        self._count += 1
        match act:
            case "queue":
                self.queued.append(f"queued {self._count}")
                await self._session.queue(self.queued[-1]).delivery_policy("earliest_safe_boundary")
            case "join":
                await self._session.queue(f"joining {self._count}").slot_policy("join")
            case "inject":
                await self._session.control.injection.inject_turn_input(f"injected {self._count}")
            case "reset":
                await self._session.control.commands.reset(reason="a law")
            case "next":
                await self._next()
            case "turn":
                await self._world.turn(self._session, f"prompt {self._count}")

    async def _next(self) -> None:
        self._world.token = CancellationToken()
        turn = self._session.next_queued_turn().cancel(self._world.token)
        task = asyncio.get_running_loop().create_task(turn.run())
        await asyncio.wait([task])
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        assert error is None or isinstance(error, asyncio.CancelledError | LashRuntimeError | ZeroDivisionError)


async def play(plan: list[str], todo: list[str]) -> None:
    """Let users do what they do under a plan, then let the queue run empty in peace."""
    world = World(plan, "inline")
    session = await open_session(world.model, weather, host=world.host, store=world.store)
    users = Users(world, session)
    for act in todo:
        await users.do(act)
        legal(session.graph)
        waiting = await world.store.list_queued_work("demo")
        assert waiting == await session.queued_work()  # nobody holds what no turn runs
        if "reset" not in todo:
            known = {*said(session.graph), *(str(batch.items[0].payload) for batch in waiting)}
            assert all(any(text in one for one in known) for text in users.queued)
    world.calm_down()
    for _ in range(len(todo) + 1):
        await session.next_queued_turn()
    assert await world.store.list_queued_work("demo") == ()
    if "reset" not in todo:
        assert set(users.queued) <= set(said(session.graph))
    assert (await session.turn("the last one")).reply.startswith("answer")
    assert session.graph.nodes == await stored_nodes(world)


@settings(max_examples=20)
@given(troubles, acts)
def test_no_queued_input_is_ever_lost(plan: list[str], todo: list[str]) -> None:
    """It waits, or it is part of the history; a lease never outlives its turn."""
    asyncio.run(play(plan, todo))
