"""What the builder and the core offer beside the way of a turn: hosts, modes, specs, background processes, deletion."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lash_nb.core import (
    RLM,
    RLM_UNAVAILABLE,
    STANDARD,
    LashCore,
    LashCoreBuilder,
    ModePreset,
    PluginBinding,
    ProcessWorkDriver,
    RlmProtocolPluginConfig,
    RuntimeHostConfig,
    SessionSpec,
)
from lash_nb.effects import InlineEffectHost, SqliteEffectHost
from lash_nb.errors import EmbedError, PluginError, StoreError
from lash_nb.plugins import PluginFactory, PluginHost, PluginStack, StaticPlugin, standard_protocol
from lash_nb.providers import ProviderHandle, ScriptedProvider
from lash_nb.runtime import TerminationPolicy
from lash_nb.stores import (
    InMemoryAttachmentStore,
    InMemoryHostEventStore,
    InMemoryLashlangArtifactStore,
    InMemoryLiveReplayStore,
    InMemoryProcessRegistry,
    InMemorySessionStoreFactory,
    SqliteHostEventStore,
    SqliteProcessRegistry,
)
from lash_nb.trace import MemoryTraceSink
from lash_nb.wire import (
    CustomFinalAnswer,
    ProcessSessionDeleteReport,
    PromptContribution,
    PromptLayer,
    PromptTemplate,
    ProtocolTurnOptions,
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
    RuntimeOperationScope,
    SleepOutcome,
    TraceContext,
    to_builtins,
)
from tests.runtime.desk import ActingHost, Perform, answers, builder, weather
from tests.stores.processes import registered


class Poke:
    """Counts how often it was poked."""

    def __init__(self) -> None:
        self.count = 0

    def poke(self) -> None:
        """Count."""
        self.count += 1


def told(text: str) -> PromptContribution:
    """A piece of prompt."""
    return PromptContribution(slot="guidance", content=text)


def refused(made: LashCoreBuilder) -> EmbedError:
    """The error with which a builder refuses."""
    with pytest.raises(EmbedError) as error:
        made.build()
    return error.value


def test_a_whole_host_makes_the_facets_optional_and_what_was_set_takes_its_place() -> None:
    """Every part of it can be overridden; what is not, stays."""
    own = RuntimeHostConfig.in_memory()
    own = RuntimeHostConfig(
        effect_host=own.effect_host,
        lashlang_artifact_store=own.lashlang_artifact_store,
        attachment_store=own.attachment_store,
        providers={"other": ProviderHandle(ScriptedProvider([], kind="other"))},
        prompt=PromptLayer().add(told("base")),
        trace_context=TraceContext(session_id="of the host"),
        termination=TerminationPolicy(treat_missing_done_as_failure=False),
    )
    store, sink = InMemoryAttachmentStore(), MemoryTraceSink()
    made = LashCore.standard().model("m").attachment_store(store).trace_sink(sink).lashlang_execution_sink(sink)
    host = made.advanced().runtime_host_config(own).build().parts.host

    assert (host.attachment_store, host.trace_sink, host.lashlang_execution_sink) == (store, sink, sink)
    assert (host.effect_host, host.providers, host.prompt) == (own.effect_host, own.providers, own.prompt)
    assert (host.trace_context, host.termination, host.host_profile_id) == (
        own.trace_context,
        own.termination,
        "default",
    )
    layered = made.prompt_contribution(told("mine")).advanced().runtime_host_config(own).build().parts.host.prompt
    assert layered == PromptLayer().add(told("mine"))


async def test_a_host_brings_providers_until_a_core_or_session_has_its_own() -> None:
    """A core without a provider asks those of its host, by kind."""
    asked = ScriptedProvider(["from the host"], kind="other")
    own = RuntimeHostConfig.in_memory()
    made = LashCore.standard().session_spec(SessionSpec(provider_id="other")).model("m").advanced()
    core = made.runtime_host_config(
        RuntimeHostConfig(
            effect_host=own.effect_host,
            lashlang_artifact_store=own.lashlang_artifact_store,
            attachment_store=own.attachment_store,
            providers={"other": ProviderHandle(asked)},
        )
    ).build()
    session = await core.session("a").open()
    assert (await session.turn("hi")).reply == "from the host"
    other = await core.session("b").provider(ScriptedProvider(["of the session"], kind="mine")).open()
    assert (await other.turn("hi")).reply == "of the session"


def test_a_whole_plugin_host_takes_the_place_of_tools_and_plugins() -> None:
    """Its built-in plugins come along, and the mode's protocol still comes first."""
    host = PluginHost([StaticPlugin("mine", lambda _: None)])
    made = builder([], weather).plugin(StaticPlugin("other", lambda _: None)).advanced().plugin_host(host)
    core = made.build()
    assert [factory.id for factory in core.parts.plugins] == ["lash.triggers", "mine"]
    environment = core.environment(core.parts.modes[STANDARD], None)
    assert environment.plugin_host is not None
    assert [factory.id for factory in environment.plugin_host.factories] == [
        "standard_protocol",
        "lash.triggers",
        "mine",
    ]


def test_plugins_stand_in_order_mode_tools_stack_session() -> None:
    """Built-ins, the mode's protocol, the core's tools, its stack, then what a session or worker brings."""
    core = builder([], weather).build()
    environment = core.environment(core.parts.modes[STANDARD], None, [StaticPlugin("extra", lambda _: None)])
    assert environment.plugin_host is not None
    assert [factory.id for factory in environment.plugin_host.factories] == [
        "lash.triggers",
        "standard_protocol",
        "embed_tools",
        "tool_output_budget",
        "extra",
    ]


def test_a_whole_spec_forgets_what_was_said_before_it() -> None:
    """Provider id, model and limit are lost; what is said later applies; the provider's kind is what remains."""
    made = builder([]).model("a").max_turns(3).session_spec(SessionSpec())
    assert refused(made).variant == "MissingModelSpec"
    policy = made.model("b").build().parts.policy
    assert (policy.model.id, policy.max_turns, policy.provider_id) == ("b", None, "scripted")
    spec = SessionSpec(provider_id="p", model=policy.model, max_turns=2, prompt=PromptLayer().add(told("x")))
    given = builder([]).session_spec(spec).build().parts.policy
    assert (given.provider_id, given.max_turns, given.prompt) == ("p", 2, spec.prompt)


def test_a_spec_resolves_field_by_field() -> None:
    """What it does not say is inherited; a limit of None is said."""
    policy = builder([]).max_turns(5).build().parts.policy
    assert SessionSpec.inherit().resolve_against(policy) == policy
    assert SessionSpec(max_turns=None).resolve_against(policy).max_turns is None
    assert SessionSpec(provider_id="p").resolve_against(policy) == policy.replace(provider_id="p")


def test_the_first_mode_is_the_default_and_a_mode_may_be_replaced() -> None:
    """Both presets install one mode; installed again, a mode is another one under the same name."""
    assert LashCore.rlm().in_memory().model("m").build().parts.default_mode == RLM
    made = LashCore.builder().install_mode(ModePreset.rlm()).install_mode(ModePreset.standard()).in_memory().model("m")
    assert (made.build().parts.default_mode, made.build().installed_modes()) == (RLM, (RLM, STANDARD))
    mine = ModePreset(STANDARD, standard_protocol())
    assert made.install_mode(mine).build().parts.modes[STANDARD] is mine


@pytest.mark.parametrize(
    "preset",
    [
        ModePreset.rlm(),
        ModePreset.rlm_with_config(RlmProtocolPluginConfig(max_output_chars=7)),
        ModePreset.rlm_with_projection_resolver(object()),
        ModePreset.rlm_with_config_and_projection_resolver(RlmProtocolPluginConfig(), object()),
    ],
)
async def test_an_rlm_session_opens_and_its_turns_say_what_is_missing(preset: ModePreset) -> None:
    """No model is asked, nothing is stored, and the session stays usable."""
    provider = ScriptedProvider(["never"])
    core = LashCore.builder().install_mode(preset).in_memory().model("m").provider(provider).build()
    session = await core.session("demo").open()
    result = await session.turn("hi")

    assert (session.mode, result.outcome.stopped) == (RLM, "plugin_abort")
    (issue,) = result.errors
    assert (issue.code, "open the session with .standard()" in issue.message) == (RLM_UNAVAILABLE, True)
    assert (provider.requests, len(session.graph.nodes), session.turn_index) == ([], 0, 0)


async def test_an_rlm_session_says_how_answers_are_told() -> None:
    """Markdown for a session of its own, the raw value under another one, or what is said; in the state and in every frame."""
    core = LashCore.rlm().install_mode(ModePreset.standard()).in_memory().model("m").build()

    async def told_of(opening: Any) -> Any:
        session = await opening.open()
        state = await session.control.state.persist_current()
        assert all(frame.protocol_turn_options == state.protocol_turn_options for frame in state.agent_frames)
        return state.protocol_turn_options.payload.get("final_answer_format")

    assert await told_of(core.session("a")) == {"kind": "markdown"}
    assert await told_of(core.session("b").parent("a")) == {"kind": "raw_submit_value"}
    said = CustomFinalAnswer(guidance="short")
    assert await told_of(core.session("c").final_answer_format(said)) == {"kind": "custom", "guidance": "short"}
    assert await told_of(core.session("d").standard().final_answer_format(said)) is None


async def test_options_that_are_not_the_modes_own_are_refused() -> None:
    """And what the store holds open is given back."""
    core = LashCore.rlm().in_memory().model("m").build()
    session = await core.session("demo").open()
    state = await session.control.state.persist_current()
    await session.close()
    state.protocol_turn_options = ProtocolTurnOptions(payload={"surprise": 1})
    with pytest.raises(EmbedError, match="turn options that are not those of mode rlm") as error:
        await core.session("demo").open_with_state(state)
    assert error.value.variant == "ProtocolTurnOptions"


def test_background_processes_belong_to_a_registry_or_to_somebody_else() -> None:
    """The last of both counts; a core has an observer when it has either."""
    registry, other = InMemoryProcessRegistry(), InMemoryProcessRegistry()
    driver = ProcessWorkDriver(other, Poke())
    without = builder([]).build()
    inline = builder([]).process_work_driver(driver).process_registry(registry).build()
    external = builder([]).process_registry(registry).process_work_driver(driver).build()

    assert (without.process_registry(), without.process_observer()) == (None, None)
    assert [core.process_registry() for core in (inline, external)] == [registry, other]
    assert (without.process_work_poke(), external.process_work_poke()) == (None, driver.poke_handle)
    observer = external.process_observer()
    assert observer is not None
    assert observer.process_registry is other


def test_a_core_that_would_run_processes_itself_says_that_it_cannot_yet() -> None:
    """To whoever wakes it; its sessions open, for none of them can start a process."""
    poke = builder([]).process_registry(InMemoryProcessRegistry()).build().process_work_poke()
    assert poke is not None
    with pytest.raises(PluginError, match="running background processes is unavailable in this runtime") as error:
        poke.poke()
    assert error.value.kind == "session"


def test_processes_of_this_core_need_a_store_and_those_of_others_do_not() -> None:
    """Whoever runs them opens sessions again; a factory for children is enough for that."""
    made = LashCore.standard().model("m").effect_host(InlineEffectHost()).attachment_store(InMemoryAttachmentStore())
    made = made.lashlang_artifact_store(InMemoryLashlangArtifactStore())
    made.process_registry(InMemoryProcessRegistry())
    assert refused(made).variant == "ProcessRegistryRequiresStoreFactory"
    assert made.process_work_driver(ProcessWorkDriver(InMemoryProcessRegistry(), Poke())).build()
    assert made.process_registry(InMemoryProcessRegistry()).child_store_factory(InMemorySessionStoreFactory()).build()


def test_a_worker_needs_a_registry_then_a_root_factory() -> None:
    """It gets the host, the policy, the plugins with more after them, and the core's own store of host events."""
    assert _worker_refusal(builder([]).build()) == "MissingProcessRegistry"
    children = LashCore.standard().model("m").child_store_factory(InMemorySessionStoreFactory())
    children.process_registry(InMemoryProcessRegistry())
    core = children.advanced().runtime_host_config(RuntimeHostConfig.in_memory()).build()
    assert _worker_refusal(core) == "MissingProcessWorkerStoreFactory"

    core = builder([], weather).process_registry(InMemoryProcessRegistry()).residency("active_path_only").build()
    extra = StaticPlugin("more", lambda _: None)
    config = core.durable_process_worker_config_with_plugins([extra])
    assert config.plugin_host.factories[-1] is extra
    assert (config.runtime_host, config.session_policy) == (core.parts.host, core.parts.policy)
    assert config.host_event_store is core.parts.host_event_store
    assert config.residency == "active_path_only"
    assert isinstance(config.host_event_store, InMemoryHostEventStore)


def _worker_refusal(core: LashCore) -> str:
    with pytest.raises(EmbedError) as error:
        core.durable_process_worker_config()
    return error.value.variant


class Greeter(PluginBinding[str]):
    """A plugin that greets in the session's own words."""

    id = "greeter"

    @classmethod
    def factory(cls, config: str) -> PluginFactory:
        """Return the plugin with that greeting."""
        return StaticPlugin(cls.id, lambda registrar: registrar.add_prompt_contributor(lambda _: [told(config)]))


async def test_a_session_brings_plugins_with_settings_of_its_own() -> None:
    """Others of the same core do not have them."""
    provider = ScriptedProvider(answers())
    core = builder([]).provider(provider).build()
    greeted = await core.session("one").plugin(Greeter, "hello there").open()
    plain = await core.session("two").open()
    await greeted.turn("hi")
    await plain.turn("hi")

    assert ["hello there" in str(request.messages[0]) for request in provider.requests] == [True, False]


async def test_deleting_takes_handles_away_first_as_an_effect_of_its_own_scope() -> None:
    """The envelope is the reference's, and so is the report; without a registry there is no effect."""
    host = ActingHost(lambda _, perform: perform())
    core = builder([]).effect_host(host).process_registry(InMemoryProcessRegistry()).build()
    await (await core.session("demo").open()).persist()
    report = await core.delete_session("demo")

    (envelope,) = host.seen
    assert to_builtins(envelope.command) == {
        "type": "process",
        "command": {"op": "delete_session", "session_id": "demo"},
    }
    assert to_builtins(envelope.invocation) == {
        "scope": {"session_id": "demo"},
        "subject": {"type": "effect", "effect_id": "process:delete-session:demo", "kind": "process"},
        "replay": {"key": "demo:delete-session"},
    }
    assert report.process is not None
    assert (report.session_id, report.process.revoked_handle_count) == ("demo", 0)
    plain = await builder([]).effect_host(host).build().delete_session("demo")
    assert to_builtins(plain) == {"session_id": "demo", "process": None}
    assert len(host.seen) == 1


async def test_a_core_without_sessions_opens_the_scope_of_a_deletion_before_it_says_so(tmp_path: Path) -> None:
    """As the reference does: a host that has none to give is heard first."""
    made = builder([]).effect_host(SqliteEffectHost(tmp_path / "effects.db"))
    core = LashCore.standard().model("m").advanced().runtime_host_config(made.build().parts.host).build()
    with pytest.raises(EmbedError) as error:
        await core.delete_session("demo")
    assert error.value.variant == "DurableEffectHostRequiresHandlerContext"


async def test_a_deletion_can_be_part_of_another_scope(tmp_path: Path) -> None:
    """A host that records effects wants one, and answers from its record when the same deletion is tried again."""
    registry = SqliteProcessRegistry(tmp_path / "processes.db")
    host = SqliteEffectHost(tmp_path / "effects.db")
    made = LashCore.standard().stored_in(tmp_path).effect_host(host).model("m").process_registry(registry)
    core = made.host_event_store(SqliteHostEventStore(tmp_path / "events.db")).build()
    with pytest.raises(EmbedError) as error:
        await core.delete_session("demo")
    assert (error.value.variant, error.value.fields) == (
        "DurableEffectHostRequiresHandlerContext",
        {"operation": "session delete"},
    )

    scope = core.effect_host().scoped(RuntimeOperationScope(operation_id="clean-up"))
    first = await core.delete_session("demo", scope)
    assert first.process is not None
    assert (
        await core.delete_session("demo", core.effect_host().scoped(RuntimeOperationScope(operation_id="clean-up")))
        == first
    )


async def test_processes_that_nobody_sees_any_more_are_asked_to_stop(tmp_path: Path) -> None:
    """Once, with the reason; those that others see are left alone."""
    registry = SqliteProcessRegistry(tmp_path / "processes.db")
    await registry.open()
    for process in ("sole", "shared"):
        registered(tmp_path / "processes.db", process, session="demo")
    with closing(sqlite3.connect(registry.path)) as connection, connection:
        connection.execute("INSERT INTO process_handle_grants VALUES ('other', 'session:other', 'shared', '{}')")
    made = LashCore.standard().stored_in(tmp_path).model("m").process_registry(registry)
    core = made.host_event_store(SqliteHostEventStore(tmp_path / "events.db")).build()
    report = await core.delete_session("demo")
    assert report.process is not None
    assert (report.process.cancel_process_ids, report.process.preserved_process_ids) == (("sole",), ("shared",))
    registry.release()
    with closing(sqlite3.connect(registry.path)) as connection:
        rows = connection.execute("SELECT process_id, event_type, event_json FROM process_events").fetchall()
    assert [row[:2] for row in rows] == [("sole", "process.cancel_requested")]
    assert '"payload":{"reason":"session deleted"}' in rows[0][2]


class Failing(InMemoryProcessRegistry):
    """A registry that cannot be written."""

    async def delete_session_process_state(self, session_id: str) -> ProcessSessionDeleteReport:
        """Refuse."""
        raise StoreError("Backend", f"no disk for {session_id}")


async def test_what_fails_while_deleting_is_told_and_the_session_stays() -> None:
    """Process state goes first, so that a failure leaves the session as it was."""
    core = builder(answers("kept")).process_registry(Failing()).build()
    session = await core.session("demo").open()
    await session.turn("hi")
    await session.close()
    with pytest.raises(EmbedError, match="nothing of it is deleted, try again") as error:
        await core.delete_session("demo")
    assert (error.value.variant, error.value.fields["session_id"]) == ("SessionDeleteProcess", "demo")
    assert "no disk for demo" in error.value.fields["message"]
    assert len((await core.session("demo").open()).graph.nodes) > 0


async def test_an_outcome_of_another_kind_is_no_deletion() -> None:
    """Whatever an effect host makes up."""

    async def made_up(_: RuntimeEffectEnvelope, __: Perform) -> RuntimeEffectOutcome:
        return SleepOutcome()

    core = builder([]).effect_host(ActingHost(made_up)).process_registry(InMemoryProcessRegistry()).build()
    with pytest.raises(EmbedError, match="the effect gave another outcome: sleep"):
        await core.delete_session("demo")


def test_every_variant_of_the_facades_errors_is_known() -> None:
    """Those of the reference that are not wrapped errors, and those of a later release that the facade raises."""
    assert len(EmbedError.variants) == 19
    assert EmbedError.variants["SessionDeleteProcess"] == ("session_id", "message")


PIECE = told("a piece")
SETTERS: dict[str, Any] = {
    "install_mode": ModePreset.standard(),
    "default_mode": STANDARD,
    "provider": ScriptedProvider([]),
    "model": "m",
    "max_turns": 3,
    "session_spec": SessionSpec(),
    "store_factory": InMemorySessionStoreFactory(),
    "child_store_factory": InMemorySessionStoreFactory(),
    "attachment_store": InMemoryAttachmentStore(),
    "lashlang_artifact_store": InMemoryLashlangArtifactStore(),
    "effect_host": InlineEffectHost(),
    "host_event_store": InMemoryHostEventStore(),
    "tools": weather,
    "plugin": StaticPlugin("p", lambda _: None),
    "plugins": PluginStack(),
    "configure_plugins": lambda _stack: None,
    "trace_sink": MemoryTraceSink(),
    "trace_jsonl_path": "trace.jsonl",
    "lashlang_execution_sink": MemoryTraceSink(),
    "lashlang_execution_jsonl_path": "programs.jsonl",
    "trace_level": "extended",
    "trace_context": TraceContext(),
    "termination": TerminationPolicy(),
    "residency": "keep_all",
    "process_registry": InMemoryProcessRegistry(),
    "process_work_driver": ProcessWorkDriver(InMemoryProcessRegistry(), Poke()),
    "queued_work_poke": None,
    "live_replay_store": InMemoryLiveReplayStore(),
    "prompt_template": PromptTemplate(sections=()),
    "prompt_contribution": PIECE,
    "clear_prompt_slot": "guidance",
    "prompt_layer": PromptLayer(),
}
"""Every setter of the reference's builder that takes one thing, with such a thing."""


@pytest.mark.parametrize("name", list(SETTERS))
def test_every_setter_of_the_reference_is_there_and_returns_the_builder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They chain, in any order, and the core is built with them."""
    monkeypatch.chdir(tmp_path)
    made = LashCore.standard().in_memory().model("m")
    assert getattr(made, name)(SETTERS[name]) is made
    assert made.replace_prompt_slot("guidance", [PIECE]) is made
    assert made.model("m").advanced().build()
