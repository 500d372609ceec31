"""What a core needs, and in which order it says so."""

from pathlib import Path
from typing import Any

import pytest

from lash_nb.clock import CountingIds, ManualClock
from lash_nb.core import DEFAULT_CONTEXT_WINDOW, LashCore, LashCoreBuilder, ModePreset
from lash_nb.effects import InlineEffectHost
from lash_nb.errors import CallerError, EmbedError
from lash_nb.plugins import PluginStack, StaticPlugin, tool_output_budget
from lash_nb.providers import ScriptedProvider
from lash_nb.stores import (
    FileAttachmentStore,
    InMemoryAttachmentStore,
    InMemoryLashlangArtifactStore,
    InMemorySessionStoreFactory,
)
from lash_nb.trace import MemoryTraceSink, read_trace
from lash_nb.wire import (
    DurabilityTier,
    ModelLimits,
    ModelSpec,
    PromptContribution,
    PromptLayer,
    TraceContext,
    to_json,
)
from tests.runtime.desk import answers, builder, weather


def durable_factory() -> InMemorySessionStoreFactory:
    """A factory that says that its sessions outlive the process."""
    factory = InMemorySessionStoreFactory()
    factory.durability_tier = "durable"
    return factory


def artifacts(tier: DurabilityTier) -> InMemoryLashlangArtifactStore:
    """An artifact store of that tier."""
    store = InMemoryLashlangArtifactStore()
    store.durability_tier = tier
    return store


def refused(made: LashCoreBuilder) -> EmbedError:
    """The error with which a builder refuses."""
    with pytest.raises(EmbedError) as error:
        made.build()
    return error.value


def test_what_is_missing_is_named_in_the_references_order() -> None:
    """Mode, model, effect host, artifact store, attachment store: each is asked for when all before it are there."""
    made = LashCore.builder()
    steps: list[tuple[str, Any]] = [
        ("NoModesInstalled", lambda: made.install_mode(ModePreset.standard()).default_mode("rlm")),
        ("DefaultModeNotInstalled", lambda: made.default_mode("standard")),
        ("MissingModelSpec", lambda: made.model("m")),
        ("MissingEffectHost", lambda: made.effect_host(InlineEffectHost())),
        ("MissingLashlangArtifactStore", lambda: made.lashlang_artifact_store(InMemoryLashlangArtifactStore())),
        ("MissingAttachmentStore", lambda: made.attachment_store(InMemoryAttachmentStore())),
    ]
    for variant, mend in steps:
        error = refused(made)
        assert (error.variant, error.code) == (variant, variant)
        assert ";" in error.message  # what is wrong; what to do
        mend()
    assert made.build().installed_modes() == ("standard",)


def test_an_unknown_default_mode_names_those_there_are() -> None:
    """The error carries the mode and lists the others."""
    error = refused(LashCore.standard().default_mode("rlm"))
    assert (error.variant, error.fields) == ("DefaultModeNotInstalled", {"mode": "rlm"})
    assert "installed: standard" in error.message


def test_durable_sessions_need_durable_bytes_then_durable_code(tmp_path: Path) -> None:
    """The peers of a durable store are checked after the modes and before all else, attachments first."""
    made = LashCore.standard().store_factory(durable_factory())
    made.attachment_store(InMemoryAttachmentStore()).lashlang_artifact_store(artifacts("inline"))
    assert refused(made).fields == {"facet": "attachment store"}
    made.attachment_store(FileAttachmentStore(tmp_path))
    assert refused(made).fields == {"facet": "artifact store"}
    made.lashlang_artifact_store(artifacts("durable"))
    assert refused(made).variant == "MissingModelSpec"


def test_peers_that_are_not_given_are_asked_for_later() -> None:
    """A durable factory alone is no error of its own: the missing facets are."""
    assert refused(LashCore.standard().store_factory(durable_factory())).variant == "MissingModelSpec"


def test_sessions_in_memory_may_have_durable_bytes(tmp_path: Path) -> None:
    """Facets that are more durable than the sessions are allowed."""
    made = LashCore.standard().in_memory().model("m")
    assert made.attachment_store(FileAttachmentStore(tmp_path)).build().installed_modes() == ("standard",)


def test_of_what_is_set_twice_the_last_counts() -> None:
    """Each setter overwrites; each returns the builder."""
    first, second = ScriptedProvider(kind="one"), ScriptedProvider(kind="two")
    made = builder([]).model("a").model("b").max_turns(3).max_turns(None).provider(first).provider(second)
    policy = made.build().parts.policy
    assert (policy.model.id, policy.max_turns, policy.provider_id) == ("b", None, "two")


def test_a_model_by_its_id_has_a_default_window() -> None:
    """An id alone gets a context window, or the limits that are known of it; a whole spec is taken as it is."""
    assert builder([]).build().parts.policy.model.limits.context_window_tokens == DEFAULT_CONTEXT_WINDOW
    known = builder([]).model("claude-sonnet-4-5").build().parts.policy.model.limits
    assert (known.context_window_tokens, known.output_token_capacity) == (200_000, 64_000)
    spec = ModelSpec(id="m", limits=ModelLimits(context_window_tokens=7))
    assert builder([]).model(spec).build().parts.policy.model is spec


def test_a_core_without_a_provider_can_be_built() -> None:
    """Who answers may be said per session or per turn."""
    core = LashCore.standard().in_memory().model("m").build()
    assert core.parts.policy.provider_id == ""
    assert repr(core) == "LashCore(m on no provider, modes: standard)"


def test_a_core_shows_model_provider_and_modes_and_no_secret() -> None:
    """The repr is one line of names."""
    assert repr(builder([]).build()) == "LashCore(scripted-model on scripted, modes: standard)"


def test_the_standard_core_has_the_references_plugin_stack() -> None:
    """One plugin; a raw builder has none; a stack given whole replaces it, and can be changed in place."""
    assert [factory.id for factory in LashCore.standard().in_memory().model("m").build().parts.plugins] == [
        tool_output_budget().id
    ]
    made = LashCore.builder().install_mode(ModePreset.standard()).in_memory().model("m")
    assert list(made.build().parts.plugins) == []
    assert [f.id for f in made.plugin(tool_output_budget()).build().parts.plugins] == ["tool_output_budget"]
    assert list(made.plugins(PluginStack()).build().parts.plugins) == []
    made.configure_plugins(lambda stack: stack.push(tool_output_budget()))
    assert [f.id for f in made.build().parts.plugins] == ["tool_output_budget"]


@pytest.mark.parametrize(
    ("method", "given", "said"),
    [
        ("tools", ["look"], r"a function made with @tool belongs here, not list: \.tools\(first, second\)"),
        ("tools", "look", "a function made with @tool belongs here, not str"),
        (
            "plugin",
            print,
            r"a plugin belongs here, not \w+: \.plugin\(lash_nb\.plugins\.StaticPlugin\('mine', register\)\)",
        ),
        ("plugin", [StaticPlugin("a", print)], "a plugin belongs here, not list"),
        ("plugins", StaticPlugin("a", print), r"a PluginStack belongs here, not StaticPlugin: .* or \.plugin\(first\)"),
        ("trace_sink", "run.jsonl", r"a trace sink belongs here, not str: \.trace_jsonl_path\('run\.jsonl'\)"),
    ],
)
def test_what_does_not_belong_there_is_refused_where_it_is_given(method: str, given: object, said: str) -> None:
    """And not by the session that is opened later, far from the line that was wrong."""
    with pytest.raises(CallerError, match=said):
        getattr(LashCore.standard(), method)(given)


def test_a_built_core_does_not_change_with_its_builder() -> None:
    """What is added to the builder later is part of the next core only."""
    made = builder([])
    core = made.build()
    later = made.plugin(StaticPlugin("later", lambda _: None)).build()

    assert [factory.id for factory in core.parts.plugins] == ["tool_output_budget"]
    assert [factory.id for factory in later.parts.plugins] == ["tool_output_budget", "later"]


async def test_tools_may_be_given_one_by_one_or_together() -> None:
    """Each call adds; the model sees them all."""
    provider = ScriptedProvider(["ok"])
    core = builder([]).provider(provider).tools(weather).build()
    await (await core.session("demo").open()).turn("hi").run()
    assert "weather" in [spec.name for spec in provider.requests[0].tools]


async def test_the_hosts_prompt_reaches_the_model() -> None:
    """Contributions of the builder stand in the system prompt; a cleared slot does not."""
    provider = ScriptedProvider(answers())
    hint = PromptContribution(slot="guidance", title="House rule", content="Be brief, says the house.")
    core = builder([]).provider(provider).prompt_contribution(hint)
    session = await core.build().session("one").open()
    await session.turn("hi").run()
    assert "Be brief, says the house." in str(provider.requests[-1].messages[0])
    session = await core.clear_prompt_slot("guidance").build().session("two").open()
    await session.turn("hi").run()
    assert "Be brief, says the house." not in str(provider.requests[-1].messages[0])
    session = await core.replace_prompt_slot("guidance", [hint]).build().session("three").open()
    await session.turn("hi").run()
    assert "Be brief, says the house." in str(provider.requests[-1].messages[0])
    session = await core.prompt_layer(PromptLayer()).build().session("four").open()
    await session.turn("hi").run()
    assert "Be brief, says the house." not in str(provider.requests[-1].messages[0])


async def test_a_trace_can_go_to_a_file(tmp_path: Path) -> None:
    """The file has the whole turn, with the host's context in each record."""
    path = tmp_path / "trace.jsonl"
    made = builder(["ok"]).trace_jsonl_path(path).trace_context(TraceContext(metadata={"host": "desk"}))
    session = await made.build().session("demo").open()
    await session.turn("hi").run()
    trace = read_trace(path)
    types = [record["type"] for record in trace]
    assert types == ["turn_started", "prompt_built", "llm_call_started", "llm_call_completed", "turn_completed"]
    assert not trace.errors
    assert session.trace is None


async def test_the_extended_level_traces_the_stream() -> None:
    """Pieces of the answer are records too."""
    sink = MemoryTraceSink()
    made = builder(["a b"]).trace_sink(sink).trace_level("extended")
    session = await made.build().session("demo").open()
    await session.turn("hi").run()
    assert session.trace is not None
    pieces = [record for record in session.trace if record["type"] == "runtime_stream_event"]
    assert [piece["event"]["event_name"] for piece in pieces] == ["delta", "delta", "usage"]


async def test_clock_and_ids_make_a_session_reproducible() -> None:
    """Two cores with the shipped doubles write the same graph, byte for byte."""
    graphs = []
    for _ in range(2):
        core = builder(["ok"], clock=ManualClock(5)).ids(CountingIds()).build()
        session = await core.session("demo").open()
        await session.turn("hi").run()
        graphs.append(to_json(session.graph))
    assert graphs[0] == graphs[1]
