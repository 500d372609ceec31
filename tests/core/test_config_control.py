"""Changing what an open session works with, and observing it."""

import asyncio

import pytest

from lash_nb.core import SessionConfigPatch
from lash_nb.errors import SessionError
from lash_nb.plugins import (
    FunctionToolProvider,
    tool,
)
from lash_nb.providers import ScriptedProvider
from lash_nb.stores import FullGraph
from lash_nb.wire import (
    Json,
    ModelLimits,
    ModelSpec,
    PromptContribution,
    TextItem,
    ToolManifest,
    TurnInput,
    to_json,
)
from tests.runtime.desk import (
    ActingStore,
    answers,
    open_session,
    texts,
    weather,
)


async def test_provider_model_and_prompt_can_be_changed() -> None:
    """The next turn asks the new provider for the new model with the new prompt; the next commit stores provider and model."""
    store = ActingStore()
    session = await open_session(answers("a"), store=store)
    await session.turn("one").run()
    other = ScriptedProvider(["from the other"], kind="other")
    model = ModelSpec(id="m2", limits=ModelLimits(context_window_tokens=300_000))
    await session.configure(SessionConfigPatch(provider=other, model=model))
    await session.control.config.add_prompt_contribution(PromptContribution(slot="guidance", content="Be brief."))

    result = await session.turn(TurnInput(items=(TextItem(text="two"),))).run()

    assert result.reply == "from the other"
    assert other.requests[0].model == "m2"
    assert "Be brief." in str(other.requests[0].messages[0])
    read = await store.load_session(FullGraph())
    assert read is not None
    assert (read.config.provider_id, read.config.model) == ("other", model)
    frame = read.agent_frames[0]
    assert (frame.assignment.policy.provider_id, frame.assignment.policy.model) == ("other", model)


async def test_slots_of_the_prompt_can_be_filled_and_emptied() -> None:
    """What is set is the session's own layer."""
    session = await open_session(answers(), stored=False)
    config = session.control.config
    await config.replace_prompt_slot("intro", [PromptContribution(slot="intro", content="One.")])
    await config.add_prompt_contribution(PromptContribution(slot="intro", content="Two."))
    intro = session.policy_snapshot().prompt.slots["intro"]
    assert ([held.content for held in intro.contributions], intro.reset) == (["One.", "Two."], True)
    await config.clear_prompt_slot("intro")
    assert session.policy_snapshot().prompt.slots["intro"].contributions == ()
    await config.clear_prompt_template()
    assert session.policy_snapshot().prompt.template is None


async def test_tools_can_be_switched_and_switched_back() -> None:
    """Each change counts the generation up; all of several or none."""
    session = await open_session(answers(), weather, stored=False)
    tools = session.control.tools
    assert [manifest.name for manifest in tools.active_definitions()] == ["batch", "weather"]
    assert await tools.set_availability("weather", "off") == 2
    assert await tools.set_availability_many({"weather": "searchable", "batch": "off"}) == 3
    with pytest.raises(SessionError, match="unknown tool `gone`; there are batch, weather"):
        await tools.set_availability_many({"batch": "callable", "gone": "off"})
    assert await tools.clear_availability_override("weather") == 4
    overrides = {m.name: m.availability_override for m in tools.active_definitions()}
    assert overrides == {"batch": "off", "weather": None}


async def test_a_tool_state_is_applied_once_and_restored_always() -> None:
    """Applying asks for the present generation; restoring takes any."""
    session = await open_session(answers(), weather, stored=False)
    tools = session.control.tools
    first = tools.state()
    assert await tools.apply_state(first) == 2
    with pytest.raises(SessionError, match="tool reconfigure failed: generation mismatch: expected 1, actual 2"):
        await tools.apply_state(first)
    assert await tools.restore_state(first) == 1
    assert tools.state() == first


async def test_a_tool_state_is_of_whoever_asked() -> None:
    """What is changed in it, also deep within, changes nothing until it is applied, and what was applied may be changed again."""
    session = await open_session(answers(), weather, stored=False)
    tools, before = session.control.tools, to_json(session.control.tools.state())
    persisted = (await session.control.state.persist_current()).tool_state_snapshot
    assert persisted is not None
    state, observed = tools.state(), session.observe().tool_state()
    for one in (persisted, observed, state):
        _parameter(one.tools["weather"].manifest)["description"] = "Where?"
        del one.tools["batch"]
    _parameter(tools.describe("weather").manifest)["description"] = "Where?"
    assert to_json(tools.state()) == before

    await tools.apply_state(state)
    applied = to_json(tools.state())
    _parameter(state.tools["weather"].manifest)["description"] = "Where to?"
    assert applied.count(b"Where?") == 1
    assert to_json(tools.state()) == applied


def _parameter(manifest: ToolManifest) -> dict[str, Json]:
    assert manifest.compact_contract is not None
    parameter: dict[str, Json] = manifest.compact_contract.parameters[0]
    return parameter


async def test_tools_can_be_added_and_removed() -> None:
    """A source has a name; it cannot be removed twice, and must not clash with another one."""

    @tool
    def clock() -> str:
        """Tell the time."""
        return "noon"

    session = await open_session(answers(), weather, stored=False)
    tools = session.control.tools
    source = await tools.add_provider(FunctionToolProvider([clock]))
    assert (source, tools.state().generation, "clock" in tools.state().tools) == ("live:1", 4, True)
    assert (await tools.remove_source(source), tools.state().generation) == (5, 6)
    with pytest.raises(SessionError, match="unknown tool source: live:1"):
        await tools.remove_source(source)
    with pytest.raises(SessionError, match="duplicate tool name `weather`"):
        await tools.add_provider(FunctionToolProvider([weather]))


async def test_an_observer_sees_the_session_between_its_changes() -> None:
    """A turn under way does not show; when it is over everything shows at once."""
    session = await open_session(answers("a", "b"), weather)
    await session.turn("one").run()
    observer = session.observe()
    before = observer.read_view()
    turn = session.start("two")
    await asyncio.sleep(0)
    assert observer.read_view() is before
    await turn.wait()
    assert texts(before.messages) == ["one", "a"]
    assert texts(observer.read_view().messages) == ["one", "a", "two", "b"]
    assert (observer.session_id, observer.policy_snapshot(), observer.tool_state()) == (
        "demo",
        session.policy_snapshot(),
        session.control.tools.state(),
    )
    assert observer.active_tool_manifests() == session.control.tools.active_definitions()
    assert observer.usage_report() == session.usage_report()
    assert texts(observer.persisted_state().graph.messages) == ["one", "a", "two", "b"]
    assert observer.persisted_state().plugin_snapshot is not None
