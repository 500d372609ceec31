"""Plugins change what a turn begins with, what its prompt says and which tools there are."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lash_nb.core import LashCore, LashSession
from lash_nb.effects import InlineEffectHost
from lash_nb.errors import LashRuntimeError
from lash_nb.plugins import (
    FunctionToolProvider,
    PluginSpec,
    PreparedContext,
    PromptContext,
    TurnTransformContext,
    tool,
)
from lash_nb.providers import ScriptedProvider, call, reply
from lash_nb.stores import InMemoryAttachmentStore, InMemoryLashlangArtifactStore
from lash_nb.wire import LlmRequest, PromptContribution


class Transform:
    """A transform made of a function."""

    def __init__(self, change: Callable[[TurnTransformContext, PreparedContext], Any], priority: int = 0) -> None:
        self.priority = priority
        self._change = change

    def transform(self, context: TurnTransformContext, prepared: PreparedContext) -> Any:
        """Change it."""
        return self._change(context, prepared)


async def opened(provider: ScriptedProvider, *transforms: Transform, **spec: Any) -> LashSession:
    """Open a session with a plugin of these transforms."""
    plugin = PluginSpec(turn_context_transforms=transforms, **spec).plugin("notes")
    return (
        await LashCore.standard().in_memory().provider(provider).model("m").plugin(plugin).build().session("s").open()
    )


def texts(request: LlmRequest) -> list[str]:
    """Return what a request says, message by message; the first is the system prompt."""
    return ["".join(block.Text.text for block in message.blocks if block.Text) for message in request.messages]


async def test_a_transform_leaves_out_history() -> None:
    """The model reads what the transform left; the next turn goes on from there, and the old nodes stay in the graph."""
    provider = ScriptedProvider([reply("one"), reply("two"), reply("three")])
    keep_last = Transform(lambda _, prepared: replace(prepared, messages=tuple(prepared.messages)[-2:]))
    session = await opened(provider, keep_last)
    for text in ("a", "b", "c"):
        await session.turn(text)

    assert [texts(request)[1:] for request in provider.requests] == [["a"], ["one", "b"], ["two", "c"]]
    assert len([node for node in session.graph.nodes if node.message]) == 8


async def test_higher_priority_comes_first() -> None:
    """Each transform gets what the one before made."""
    seen: list[str] = []

    def noting(name: str) -> Callable[[TurnTransformContext, PreparedContext], PreparedContext]:
        def note(_: TurnTransformContext, prepared: PreparedContext) -> PreparedContext:
            seen.append(f"{name}:{len(prepared.prompt_contributions)}")
            more = PromptContribution(slot="guidance", content=name)
            return replace(prepared, prompt_contributions=(*prepared.prompt_contributions, more))

        return note

    provider = ScriptedProvider([reply("ok")])
    session = await opened(provider, Transform(noting("low"), 1), Transform(noting("high"), 9))
    await session.turn("hi")

    assert seen == ["high:0", "low:1"]
    assert "high" in texts(provider.requests[0])[0]


async def test_tools_of_one_turn() -> None:
    """A transform brings tools for its turn, with the session's or instead of them."""

    @tool
    def local() -> str:
        """Only now."""
        return "here"

    offered = iter([(FunctionToolProvider([local]),), ()])
    change = Transform(lambda _, prepared: replace(prepared, tool_providers=next(offered), include_base_tools=False))
    provider = ScriptedProvider([call("local", {}), reply("done"), reply("bye")])
    session = await opened(provider, change)
    result = await session.turn("go")
    await session.turn("again")

    assert [record.output.value_for_projection() for record in result.tool_calls] == ["here"]
    assert [[tool.name for tool in request.tools] for request in provider.requests] == [["local"], ["local"], []]


async def test_a_transform_asks_a_model() -> None:
    """What it asks is an effect of its own scope and costs a ledger row."""

    async def summarise(context: TurnTransformContext, prepared: PreparedContext) -> PreparedContext:
        answer = await context.direct("sum up", usage_source="compaction")
        note = PromptContribution(slot="guidance", content=answer.value)
        return replace(prepared, prompt_contributions=(note,))

    provider = ScriptedProvider([reply("short"), reply("ok")])
    session = await opened(provider, Transform(summarise))
    await session.turn("hi")

    direct = session.effects[0]
    assert direct.envelope.kind == "direct"
    assert (direct.envelope.invocation.scope.turn_id or "").endswith(":prepare-turn")


@pytest.mark.parametrize("change", [lambda *_: 1 / 0, lambda *_: "nothing"])
async def test_a_transform_that_fails(change: Callable[..., Any]) -> None:
    """The turn ends with the code, nothing of it is kept, and the session takes the next turn."""
    failing = [True]
    session = await opened(
        ScriptedProvider([reply("ok")]),
        Transform(lambda context, prepared: change(context, prepared) if failing else prepared),
    )
    with pytest.raises(LashRuntimeError) as failed:
        await session.turn("hi")
    assert failed.value.code == "context_prepare_turn"
    assert len(session.graph.nodes) == 0
    failing.clear()
    assert (await session.turn("hi")).reply == "ok"


async def test_inputs_for_plugins() -> None:
    """Hooks, contributors and transforms get them for one turn; what is stored refuses them."""
    got: list[Any] = []

    def contribute(context: PromptContext) -> tuple[PromptContribution, ...]:
        got.append(dict(context.plugin_inputs))
        return ()

    plugin = PluginSpec(prompt_contributors=(contribute,)).plugin("notes")
    marker = object()
    stored = await opened(ScriptedProvider([reply("a")]), prompt_contributors=(contribute,))
    with pytest.raises(LashRuntimeError) as refused:
        await stored.turn("hi").plugin_input("notes", marker)
    assert refused.value.code == "durable_effect_live_plugin_input"
    assert (got, len(stored.graph.nodes)) == ([], 0)

    provider = ScriptedProvider([reply("a"), reply("b")])
    beside = LashCore.standard().effect_host(InlineEffectHost()).attachment_store(InMemoryAttachmentStore())
    beside.lashlang_artifact_store(InMemoryLashlangArtifactStore()).provider(provider).model("m").plugin(plugin)
    session = await beside.build().session("s").open()
    await session.turn("hi").plugin_input("notes", marker)
    await session.turn("again")
    assert got == [{"notes": marker}, {}]


async def test_phases_of_hooks_have_names() -> None:
    """A probe is told which plugin is asked."""
    told: list[str] = []

    class Probe:
        def begin(self, phase: str) -> None:
            told.append(phase)

        def end(self, phase: str) -> None:
            told.append(f"/{phase}")

        begin_named, end_named = begin, end

    session = await opened(
        ScriptedProvider([reply("ok")]), Transform(lambda _, prepared: prepared), before_turn=(lambda _: None,)
    )
    session.set_turn_phase_probe(Probe())
    await session.turn("hi")

    at = told.index("plugin_hook.context_transform.notes")
    assert told[at - 1 : at + 3] == [
        "context_transform",
        "plugin_hook.context_transform.notes",
        "/plugin_hook.context_transform.notes",
        "/context_transform",
    ]
    assert "plugin_hook.before_turn.notes" in told
