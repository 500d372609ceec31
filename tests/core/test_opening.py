"""Opening sessions: as they are stored, afresh, or from a snapshot; beside each other and again."""

from typing import Any

import pytest

from lash_nb.clock import RandomIds
from lash_nb.core import LashCore
from lash_nb.errors import CallerError, EmbedError, LashRuntimeError, SessionError, StoreError
from lash_nb.providers import ScriptedProvider
from lash_nb.stores import (
    FullGraph,
    InMemorySessionStore,
    InMemorySessionStoreFactory,
    SessionReadScope,
    SessionStore,
    SessionStoreCreateRequest,
)
from lash_nb.wire import ChildRelation, ModelLimits, ModelSpec, PersistedSessionRead, PromptLayer
from tests.runtime.desk import ActingStore, answers, builder, legal, messages_of, open_session, texts, weather

LIMITS = ModelLimits(context_window_tokens=1000)


async def talked(core: LashCore, *prompts: str, session_id: str = "demo") -> Any:
    """A session in which these turns ran."""
    session = await core.session(session_id).open()
    for prompt in prompts:
        await session.turn(prompt).run()
    return session


async def test_a_session_opened_again_goes_on_where_it_was() -> None:
    """Graph, counters and usage come from the store."""
    core = builder(answers("a", "b")).build()
    first = await talked(core, "hi")
    await first.close()
    second = await core.session("demo").open()
    assert (second.graph, second.turn_index) == (first.graph, 1)
    assert second.usage_report() == first.usage_report()
    await second.turn("again").run()
    assert texts(messages_of(second.graph)) == ["hi", "a", "again", "b"]


async def test_a_session_that_is_not_open_says_how_to_open_it() -> None:
    """Whatever a session has, and the builder has not, names the line to write; awaiting it does so, too."""
    core = builder(answers("a")).build()
    closed: Any = core.session("demo")
    session = await closed.open()

    for name in set(dir(session)) - set(dir(closed)):
        if not name.startswith("_"):
            with pytest.raises(
                AttributeError, match=rf"no {name} .*: session = await core\.session\('demo'\)\.open\(\)"
            ):
                getattr(closed, name)
    with pytest.raises(CallerError, match=r"open it: session = await core\.session\('demo'\)\.open\(\)"):
        await closed


def test_what_no_session_has_is_simply_missing() -> None:
    """A slip of the pen is told as Python tells it."""
    closed: Any = builder([]).build().session("demo")

    assert not hasattr(closed, "_repr_html_")
    with pytest.raises(AttributeError, match=r"^'SessionBuilder' object has no attribute 'modle'$"):
        closed.modle("m")


async def test_a_session_may_be_opened_twice_at_once() -> None:
    """Each handle sees what the other committed, at its next turn."""
    core = builder(answers("a", "b", "c")).build()
    one, two = await core.session("demo").open(), await core.session("demo").open()
    await one.turn("hi").run()
    assert two.graph.nodes == ()
    await two.turn("and I").run()
    result = await one.turn("me again").run()
    assert texts(messages_of(one.graph)) == ["hi", "a", "and I", "b", "me again", "c"]
    assert result.turn_index == 3
    assert one.usage_report().usage.total_tokens == 330
    legal(one.graph)


async def test_a_handle_that_has_not_moved_does_not_read_the_store() -> None:
    """Refreshing costs a look at the head, not a reading of the session."""

    class Counting(ActingStore):
        """A store that counts how often it is read whole."""

        reads = 0

        async def load_session(self, scope: SessionReadScope) -> PersistedSessionRead | None:
            """Read, counted."""
            self.reads += 1
            return await super().load_session(scope)

    store = Counting()
    session = await open_session(answers(), store=store)
    for _ in range(5):
        await session.turn("hi").run()
    assert store.reads == 1


async def test_two_handles_in_the_same_turn_conflict_without_loss() -> None:
    """The slower one is told and can run its turn again; the faster one's turn is whole."""
    store = ActingStore()
    core = builder(answers("zero", "a", "b", "c")).build()
    one, two = await core.session("demo").store(store).open(), await core.session("demo").store(store).open()
    await one.turn("first").run()
    ran = False

    async def overtaken(_: int) -> None:
        nonlocal ran
        if not ran:
            ran = True
            await two.turn("faster").run()

    store.before = overtaken
    with pytest.raises(LashRuntimeError) as error:
        await one.turn("slower").run()
    assert error.value.code == "store_commit_failed"
    assert "the commit expects" in error.value.message
    await one.turn("slower").run()
    assert texts(messages_of(one.graph)) == ["first", "zero", "faster", "a", "slower", "b"]
    legal(one.graph)


async def test_open_fresh_begins_anew_and_replaces_with_its_first_commit() -> None:
    """What was stored is there until the first commit, and gone after it."""
    core = builder(answers("a", "b")).build()
    await talked(core, "hi")
    fresh = await core.session("demo").open_fresh()
    assert (fresh.graph.nodes, fresh.turn_index) == ((), 0)
    still = await core.session("demo").open()
    assert texts(messages_of(still.graph)) == ["hi", "a"]
    await fresh.turn("anew").run()
    again = await core.session("demo").open()
    assert texts(messages_of(again.graph)) == ["anew", "b"]
    legal(again.graph)


async def test_a_snapshot_opens_in_a_core_without_that_session() -> None:
    """A session goes on from what another one exported."""
    session = await talked(builder(answers("a")).build(), "hi")
    exported = session.control.state.export()
    core = builder(answers("b")).ids(RandomIds()).build()
    copy = await core.session("demo").open_with_state(exported)
    assert (copy.graph, copy.turn_index) == (session.graph, 1)
    await copy.turn("more").run()
    assert texts(messages_of(copy.graph)) == ["hi", "a", "more", "b"]
    stored = await core.session("demo").open()
    assert stored.graph == copy.graph
    legal(stored.graph)


async def test_a_snapshot_of_another_session_is_refused() -> None:
    """The error names both ids."""
    session = await talked(builder(answers("a")).build(), "hi")
    with pytest.raises(EmbedError) as error:
        await builder([]).build().session("other").open_with_state(session.control.state.export())
    assert (error.value.variant, error.value.fields) == (
        "StoreSessionMismatch",
        {"loaded": "demo", "requested": "other"},
    )


async def test_a_store_of_another_session_is_refused() -> None:
    """A store holds one session; opening it under another id says so."""
    store = InMemorySessionStore()
    core = builder(answers("a")).build()
    await (await core.session("demo").store(store).open()).turn("hi").run()
    with pytest.raises(EmbedError) as error:
        await core.session("other").store(store).open()
    assert error.value.variant == "StoreSessionMismatch"


async def test_an_unknown_mode_names_those_there_are() -> None:
    """Opening in a mode that is not installed is refused."""
    with pytest.raises(EmbedError, match="installed: standard") as error:
        await builder([]).build().session("demo").mode("rlm").open()
    assert (error.value.variant, error.value.fields) == ("ModeNotInstalled", {"mode": "rlm"})


async def test_a_factory_that_fails_is_named() -> None:
    """The error carries the session."""

    class Broken(InMemorySessionStoreFactory):
        """A factory without a disk."""

        async def create_store(self, request: SessionStoreCreateRequest) -> SessionStore:
            """Fail."""
            raise StoreError("Backend", f"no disk for {request.session_id}")

        async def delete_session(self, session_id: str) -> None:
            """Fail."""
            raise StoreError("Backend", f"no disk for {session_id}")

    core = builder([]).store_factory(Broken()).build()
    with pytest.raises(EmbedError, match="no disk for demo") as error:
        await core.session("demo").open()
    assert (error.value.variant, error.value.fields) == (
        "StoreFactory",
        {"session_id": "demo", "message": "no disk for demo"},
    )
    with pytest.raises(EmbedError, match="session demo cannot be deleted: no disk for demo") as error:
        await core.delete_session("demo")
    assert (error.value.variant, error.value.fields) == (
        "StoreFactory",
        {"session_id": "demo", "message": "no disk for demo"},
    )


async def test_a_store_that_cannot_be_read_is_a_session_error() -> None:
    """The store's reason is in the message."""

    class Unreadable(ActingStore):
        """A store whose disk is broken."""

        async def load_session(self, scope: SessionReadScope) -> PersistedSessionRead | None:
            """Fail."""
            raise StoreError("Backend", f"bad sector reading {scope}")

    with pytest.raises(SessionError, match="bad sector"):
        await builder([]).build().session("demo").store(Unreadable()).open()


async def test_a_session_may_differ_from_its_core() -> None:
    """Provider, model, limit and prompt of the session count in it and nowhere else."""
    own = ScriptedProvider(["mine"], kind="own")
    core = builder(answers("core's")).build()
    opening = core.session("demo").provider(own).model(ModelSpec(id="m2", limits=LIMITS)).max_turns(4)
    session = await opening.prompt_layer(PromptLayer()).standard().open()
    policy = session.policy_snapshot()
    assert (policy.model.id, policy.max_turns, policy.provider_id, session.mode) == ("m2", 4, "own", "standard")
    assert (await session.turn("hi").run()).reply == "mine"
    assert own.requests[0].model == "m2"
    other = await core.session("other").open()
    assert (await other.turn("hi").run()).reply == "core's"


async def test_a_session_may_be_opened_under_another() -> None:
    """The parent is told to the store and to the handle."""

    class Asking(InMemorySessionStoreFactory):
        """A factory that remembers what it was asked for."""

        asked: list[SessionStoreCreateRequest] = []  # noqa: RUF012 - one factory in one test

        async def create_store(self, request: SessionStoreCreateRequest) -> SessionStore:
            """Remember and create."""
            self.asked.append(request)
            return await super().create_store(request)

    factory = Asking()
    session = await builder([]).store_factory(factory).build().session("child").parent("demo").open()
    assert session.parent_session_id == "demo"
    assert [request.relation for request in factory.asked] == [ChildRelation(parent_session_id="demo")]


async def test_a_deleted_session_is_new_when_opened_again() -> None:
    """Deleting forgets the store; a core that keeps no sessions says so."""
    core = builder(answers("a")).build()
    await talked(core, "hi")
    assert (await core.delete_session("demo")).session_id == "demo"
    assert (await core.session("demo").open()).graph.nodes == ()
    parts = {name: getattr(core.parts, name) for name in type(core.parts).__dataclass_fields__}
    with pytest.raises(EmbedError) as error:
        await LashCore(type(core.parts)(**{**parts, "store_factory": None})).delete_session("demo")
    assert error.value.variant == "MissingSessionStoreFactory"


async def test_the_active_path_alone_may_stay_in_memory() -> None:
    """Under that residency a turn adds to the store and removes nothing from it; without a store it is refused."""
    store = ActingStore()
    full = builder(answers("a", "b", "c")).build()
    session = await full.session("demo").store(store).open()
    await session.turn("one").run()
    core = builder(answers("x")).ids(RandomIds()).residency("active_path_only").build()
    slim = await core.session("demo").store(store).open()
    assert texts(messages_of(slim.graph)) == ["one", "a"]
    await slim.turn("two").run()
    read = await store.load_session(FullGraph())
    assert read is not None
    assert texts(messages_of(read.graph)) == ["one", "a", "two", "x"]
    legal(read.graph)
    parts = {name: getattr(core.parts, name) for name in type(core.parts).__dataclass_fields__}
    with pytest.raises(SessionError, match="needs a store"):
        await LashCore(type(core.parts)(**{**parts, "store_factory": None})).session("demo").open()


async def test_a_new_tool_shows_after_the_tools_are_refreshed() -> None:
    """A stored session knows the tools that it was stored with, until it is told to ask again."""
    factory = InMemorySessionStoreFactory()
    await talked(builder(answers("a")).store_factory(factory).build(), "hi")
    provider = ScriptedProvider(["b", "c"])
    core = builder([], weather).ids(RandomIds()).provider(provider).store_factory(factory).build()
    session = await talked(core, "again")
    before = [spec.name for spec in provider.requests[0].tools]
    session.refresh_tools()
    await session.turn("now").run()
    assert (before, [spec.name for spec in provider.requests[1].tools]) == (["batch"], ["batch", "weather"])


async def test_a_session_whose_tool_is_gone_says_which() -> None:
    """Opening is refused as in the reference; the message names the tool, and beginning anew is possible."""
    factory = InMemorySessionStoreFactory()
    await talked(builder(answers("a"), weather).store_factory(factory).build(), "hi")
    core = builder(["b"]).ids(RandomIds()).store_factory(factory).build()
    with pytest.raises(SessionError, match=r"no tool source has `weather`.*give the tool again"):
        await core.session("demo").open()
    assert (await (await core.session("demo").open_fresh()).turn("anew").run()).reply == "b"


async def test_sessions_with_a_blank_id_get_ids_of_their_own() -> None:
    """An id of blanks is no id: each such session is a new one, stored under the id that it got."""
    core = builder(answers("a", "b", "c")).build()
    one, two = await core.session(" ").open(), await core.session("").open()
    assert one.session_id.strip()
    assert two.session_id.strip()
    await one.turn("hi").run()
    await two.turn("ho").run()
    again = await core.session(one.session_id).open()
    assert texts(messages_of(again.graph)) == ["hi", "a"]
    third = await core.session("").open()
    assert third.graph.nodes == ()
