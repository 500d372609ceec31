"""How a session comes to life from a state, and what is refused: the runtime's lifecycle, step by step."""

import gc
from collections.abc import Sequence
from typing import Any

import pytest

from lash_nb.clock import CountingIds, ManualClock
from lash_nb.errors import PluginError, SessionError
from lash_nb.plugins import FunctionToolProvider as Tools
from lash_nb.plugins import (
    PluginBuildContext,
    PluginFactory,
    PluginHost,
    PluginRegistrar,
    ProtocolSession,
    SessionPlugin,
    StandardProtocolDriver,
    StaticPlugin,
    embed_tools,
    standard_protocol,
    tool_output_budget,
)
from lash_nb.providers import ProviderHandle, ScriptedProvider
from lash_nb.runtime import (
    EmbeddedRuntimeHost,
    LashRuntime,
    PersistentRuntimeServices,
    ProcessRuntimeHost,
    RuntimeEnvironment,
    RuntimeServices,
    RuntimeSessionState,
    TurnOptions,
    TurnResult,
    load_persisted_session_state,
)
from lash_nb.stores import (
    InMemoryAttachmentStore,
    InMemoryProcessRegistry,
    InMemorySessionStore,
    SessionScopedAttachmentStore,
)
from lash_nb.wire import (
    AgentFrameAssignment,
    ModelLimits,
    ModelSpec,
    PluginMeta,
    PluginSessionSnapshot,
    PluginSnapshot,
    ProtocolTurnOptions,
    SessionPolicy,
    TurnInput,
)
from tests.runtime.desk import START_NS, answers, texts, weather

MODEL = ModelSpec(id="m", limits=ModelLimits(context_window_tokens=1000))
POLICY = SessionPolicy(model=MODEL, provider_id="scripted")
NOTHING = SessionPolicy()


class Counter(SessionPlugin):
    """A plugin with a number as its state, its own factory."""

    id = "counter"

    def __init__(self) -> None:
        self.count = 0
        self.seen: list[Any] = []

    def build(self, _context: PluginBuildContext) -> SessionPlugin:
        """Return itself, at the beginning."""
        self.count = 0
        return self

    def snapshot_revision(self) -> int:
        """Count the changes."""
        return self.count

    def snapshot(self) -> PluginSnapshot:
        """Give the number."""
        meta = PluginMeta(plugin_id=self.id, plugin_version="1", revision=self.count, state={"count": self.count})
        return PluginSnapshot(meta=meta)

    def restore(self, snapshot: PluginSnapshot) -> None:
        """Take the number."""
        self.seen.append(snapshot.meta.state)
        self.count = (snapshot.meta.state or {}).get("count", 0)


def environment(*factories: PluginFactory, tools: Sequence[Any] = (), **given: Any) -> RuntimeEnvironment:
    """An environment in which nothing is left to chance."""
    host = PluginHost([standard_protocol(), *([embed_tools([Tools(tools)])] if tools else []), *factories])
    provider = ProviderHandle(ScriptedProvider(answers()))
    defaults: dict[str, Any] = {
        "plugin_host": host,
        "providers": {provider.kind: provider},
        "clock": ManualClock(START_NS),
        "ids": CountingIds(),
    }
    return RuntimeEnvironment(**{**defaults, **given})


def fresh(policy: SessionPolicy = POLICY, session_id: str = "demo") -> RuntimeSessionState:
    """A state in which nothing happened."""
    return RuntimeSessionState.fresh(session_id, policy, ManualClock(START_NS))


async def run(runtime: LashRuntime, text: str) -> TurnResult:
    """Run a turn."""
    return await runtime.stream_turn(TurnInput.text(text), TurnOptions())


async def test_a_blank_session_id_becomes_a_random_one() -> None:
    """The session gets an id, and its plugins are registered under that one."""
    runtime = await LashRuntime.from_environment(environment(), POLICY, fresh(session_id=" "))
    assert runtime.session_id.strip()
    assert runtime.plugins.session_id == runtime.session_id


async def test_an_unconfigured_state_takes_the_callers_policy() -> None:
    """State and frame without provider and model are filled in; the caller's policy is ignored otherwise."""
    bare = await LashRuntime.from_environment(environment(), POLICY, fresh(NOTHING, "bare"))
    other = POLICY.replace(max_turns=3)
    own = await LashRuntime.from_environment(environment(), POLICY, fresh(other, "own"))
    frame = bare.state.current_frame
    assert (bare.state.policy, frame and frame.assignment.policy) == (POLICY, POLICY)
    assert own.state.policy == other


async def test_the_frame_wins_over_the_state() -> None:
    """Policy and turn options of the current frame become the session's."""
    state = fresh()
    mine, options = POLICY.replace(max_turns=7), ProtocolTurnOptions(payload={"mode": "frame"})
    state.change_frame(assignment=AgentFrameAssignment(policy=mine), protocol_turn_options=options)
    runtime = await LashRuntime.from_environment(environment(), POLICY, state)
    assert (runtime.state.policy, runtime.state.protocol_turn_options) == (mine, options)


async def test_a_blank_model_is_refused() -> None:
    """A session must say which model it asks; nothing stays registered."""
    env = environment()
    policy = SessionPolicy(provider_id="scripted", model=ModelSpec(id=" ", limits=MODEL.limits))
    with pytest.raises(SessionError, match=r"demo names no model; give the core one with \.model") as error:
        await LashRuntime.from_environment(env, policy, fresh(policy))
    assert error.value.variant == "Protocol"
    await LashRuntime.from_environment(env, POLICY, fresh())


async def test_an_environment_without_plugin_host_is_refused() -> None:
    """Tools and protocol come from the plugin host; the message says so."""
    with pytest.raises(SessionError, match="no plugin_host, which builds tools and protocol; give one"):
        await LashRuntime.from_environment(RuntimeEnvironment(), POLICY, fresh())


async def test_a_live_id_cannot_be_opened_twice_until_it_is_free() -> None:
    """One plugin host builds one live session of an id; closing or dropping the runtime frees it."""
    env = environment()
    first = await LashRuntime.from_environment(env, POLICY, fresh())
    with pytest.raises(SessionError, match="`demo` is open already"):
        await LashRuntime.from_environment(env, POLICY, fresh())
    first.unregister_plugin_session()
    second = await LashRuntime.from_environment(env, POLICY, fresh())
    del first, second
    gc.collect()
    await LashRuntime.from_environment(env, POLICY, fresh())


async def test_attachments_are_noted_in_the_store_only_when_there_is_one() -> None:
    """With a store the attachment store is wrapped, so that bytes never land without an intent."""
    inner = InMemoryAttachmentStore()
    env = environment(attachment_store=inner)
    bare = await LashRuntime.from_environment(env, POLICY, fresh(session_id="bare"))
    stored = await LashRuntime.from_environment(env, POLICY, fresh(), InMemorySessionStore())
    assert bare.attachments is inner
    assert isinstance(stored.attachments, SessionScopedAttachmentStore)
    assert stored.attachments.inner is inner


async def test_a_tool_state_is_restored_with_its_generation() -> None:
    """A surface that reached generation 9 comes back at generation 9, overrides and all, over a registry at 1."""
    env = environment(tools=[weather])
    before = await LashRuntime.from_environment(env, POLICY, fresh(session_id="before"))
    for _ in range(8):
        await before.set_tool_availability({"weather": "off"})
    state = fresh()
    state.tool_state_snapshot = before.tool_state()
    runtime = await LashRuntime.from_environment(env, POLICY, state)
    assert runtime.tool_state() == before.tool_state()
    assert runtime.tool_state().generation == 9


async def test_a_tool_state_that_nobody_can_serve_fails_the_opening() -> None:
    """The message names the tool, and the id is free again."""
    with_tool = await LashRuntime.from_environment(environment(tools=[weather]), POLICY, fresh())
    env, state = environment(), fresh()
    state.tool_state_snapshot = with_tool.tool_state()
    with pytest.raises(SessionError, match="no tool source has `weather`"):
        await LashRuntime.from_environment(env, POLICY, state)
    await LashRuntime.from_environment(env, POLICY, fresh())


async def test_plugins_get_their_state_when_built_and_again_when_all_is_restored() -> None:
    """Restoring comes twice, as in the reference; a plugin that is missing in the snapshot begins empty."""
    counter = Counter()
    stored = counter.snapshot()
    counter.count = 5
    state = fresh()
    state.plugin_snapshot = PluginSessionSnapshot(plugins={"counter": counter.snapshot()})
    await LashRuntime.from_environment(environment(counter), POLICY, state)
    assert (counter.seen, counter.count) == ([{"count": 5}, {"count": 5}], 5)

    counter.seen.clear()
    state = fresh(session_id="other")
    state.plugin_snapshot = PluginSessionSnapshot(plugins={"gone": stored})
    await LashRuntime.from_environment(environment(counter), POLICY, state)
    assert (counter.seen, counter.count) == ([None, None], 0)


async def test_a_plugin_that_cannot_take_its_state_fails_the_opening() -> None:
    """The reason is in the message."""

    class Forgetful(Counter):
        """A plugin that takes nothing."""

        def restore(self, snapshot: PluginSnapshot) -> None:
            """Fail."""
            raise PluginError("snapshot", f"version {snapshot.meta.plugin_version} is too new")

    state = fresh()
    state.plugin_snapshot = PluginSessionSnapshot(plugins={"counter": Counter().snapshot()})
    with pytest.raises(SessionError, match="version 1 is too new"):
        await LashRuntime.from_environment(environment(Forgetful()), POLICY, state)


class Listening(ProtocolSession):
    """The session half of a protocol that writes down what it learns, and what a plugin had got by then."""

    def __init__(self, counter: Counter) -> None:
        self.counter = counter
        self.learned: list[str] = []

    async def initialize_session(self, session_id: str) -> None:
        """Write down the beginning."""
        self.learned.append(f"initialize {session_id} {len(self.counter.seen)}")

    async def restore_session(self, session_id: str) -> None:
        """Write down that it goes on."""
        self.learned.append(f"restore {session_id} {len(self.counter.seen)}")


async def test_the_protocol_learns_of_the_session_before_and_after_its_tools() -> None:
    """It is initialized before tools and plugins are restored, and restored after them."""
    counter = Counter()
    listening = Listening(counter)

    def register(registrar: PluginRegistrar) -> None:
        registrar.set_protocol_session(listening)
        registrar.set_protocol_driver(StandardProtocolDriver())

    state = fresh()
    state.plugin_snapshot = PluginSessionSnapshot(plugins={"counter": counter.snapshot()})
    env = environment(plugin_host=PluginHost([StaticPlugin("listening", register), counter]))
    await LashRuntime.from_environment(env, POLICY, state)
    assert listening.learned == ["initialize demo 1", "restore demo 2"]


async def test_the_four_constructors_differ_in_host_and_store_only() -> None:
    """Embedded or with background work, stored or not: each runs turns."""
    env, store = environment(tool_output_budget()), InMemorySessionStore()
    assert env.plugin_host is not None
    plugins = [env.plugin_host.build_session(name) for name in ("a", "b", "c", "d")]
    embedded, background = EmbeddedRuntimeHost(env), ProcessRuntimeHost(env, InMemoryProcessRegistry())
    runtimes = [
        await LashRuntime.from_embedded_state(POLICY, embedded, RuntimeServices(plugins[0]), fresh(session_id="a")),
        await LashRuntime.from_background_state(POLICY, background, RuntimeServices(plugins[1]), fresh(session_id="b")),
        await LashRuntime.from_persistent_embedded_state(
            POLICY, embedded, PersistentRuntimeServices(plugins[2], store), fresh(session_id="c")
        ),
        await LashRuntime.from_persistent_background_state(
            POLICY, background, PersistentRuntimeServices(plugins[3], InMemorySessionStore()), fresh(session_id="d")
        ),
    ]
    assert [runtime.store is not None for runtime in runtimes] == [False, False, True, True]
    assert [runtime.process_registry is not None for runtime in runtimes] == [False, True, False, True]
    assert [(await run(runtime, "hi")).reply for runtime in runtimes] == ["ok 1", "ok 2", "ok 3", "ok 4"]


@pytest.mark.parametrize(("stored", "background"), [(False, False), (False, True), (True, False), (True, True)])
async def test_the_one_way_to_assemble_chooses_by_store_and_registry(stored: bool, background: bool) -> None:
    """The environment says whether there is background work, the caller whether there is a store."""
    env = environment(process_registry=InMemoryProcessRegistry() if background else None)
    runtime = await LashRuntime.from_environment(env, POLICY, fresh(), InMemorySessionStore() if stored else None)
    assert (runtime.store is not None, runtime.process_registry is not None) == (stored, background)


async def test_the_active_path_alone_is_refused_without_a_store() -> None:
    """What is trimmed away could never be loaded again."""
    with pytest.raises(SessionError, match="active_path_only needs a store, or nodes off the path would be lost"):
        await LashRuntime.from_environment(environment(residency="active_path_only"), POLICY, fresh())


async def test_a_completed_turn_is_in_the_store_as_question_and_answer() -> None:
    """What the store gives back reads as the user and the model said it."""
    store = InMemorySessionStore()
    runtime = await LashRuntime.from_environment(environment(), POLICY, fresh(), store)
    await run(runtime, "hi")
    state = await load_persisted_session_state(store, "keep_all", ManualClock(START_NS))
    assert state is not None
    assert texts(state.graph.messages) == ["hi", "ok 1"]


class Tape:
    """A probe that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def begin(self, phase: str) -> None:
        """Write down a beginning."""
        self.told.append(f"+{phase}")

    def end(self, phase: str) -> None:
        """Write down an end."""
        self.told.append(f"-{phase}")

    begin_named, end_named = begin, end


async def test_a_probe_is_told_the_phases_of_a_turn() -> None:
    """Phases begin and end in order, final commit within persisting; taking the probe off ends that."""
    runtime, tape = await LashRuntime.from_environment(environment(), POLICY, fresh()), Tape()
    runtime.set_turn_phase_probe(tape)
    await run(runtime, "hi")
    told = ["+prompt_build", "-prompt_build", "+effect_loop", "-effect_loop", "+finalize_turn", "-finalize_turn"]
    assert tape.told == [*told, "+persist_turn", "+final_commit", "-final_commit", "-persist_turn"]
    assert runtime.turn_phase_probe is tape
    runtime.set_turn_phase_probe(None)
    await run(runtime, "again")
    assert len(tape.told) == 10
