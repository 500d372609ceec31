"""What the model would get, before anybody asks it."""

import dataclasses
from collections.abc import Callable

import pytest

import lash_nb
from lash_nb import LashCore, ScriptedProvider, reply
from lash_nb.core import LashSession
from lash_nb.errors import CallerError, PluginError
from lash_nb.plugins import (
    AbortTurn,
    EnqueueMessages,
    PluginRegistrar,
    PreparedContext,
    StaticPlugin,
    TurnHookContext,
    TurnTransformContext,
)
from lash_nb.runtime import PromptPreview
from lash_nb.stores import InMemoryAttachmentStore
from lash_nb.wire import LlmRequest, LlmResponse, Part, PluginMessage, PromptContribution, TurnInput
from tests.stores.material import png


@lash_nb.tool
def weather(city: str) -> dict[str, object]:
    """Look up the weather of a city."""
    return {"city": city, "celsius": 4}


class Listening(ScriptedProvider):
    """A script that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[LlmRequest] = []
        super().__init__(self._answer)

    def _answer(self, request: LlmRequest) -> LlmResponse:
        self.asked.append(request)
        return reply("Fine.")


async def opened(provider: ScriptedProvider) -> LashSession:
    """A session with a tool and two texts in its prompt."""
    builder = LashCore.standard().in_memory().provider(provider).model("scripted-model").tools(weather)
    builder.prompt_contribution(PromptContribution(slot="guidance", content="Be brief."))
    units = PromptContribution(slot="environment", title="Units", content="Metric.")
    builder.plugin(StaticPlugin("meter", lambda registrar: registrar.add_prompt_contributor(lambda _: [units])))
    return await builder.build().session("demo").open()


async def test_the_preview_is_what_the_model_gets() -> None:
    """Text by text: the prompt, the tools, the conversation, the input."""
    provider = Listening()
    session = await opened(provider)
    await session.turn("How are you?")
    preview = await session.control.state.preview_prompt("And now?")
    await session.turn("And now?")

    request = provider.asked[-1]
    texts = ["".join(block.Text.text for block in message.blocks if block.Text) for message in request.messages]
    by_kind = {
        kind: [one.text for one in preview.components if one.kind == kind]
        for kind in ("system", "tool", "history", "input")
    }
    assert "\n\n".join(by_kind["system"]) == texts[0]
    assert [one.name for one in preview.components if one.kind == "tool"] == [spec.name for spec in request.tools]
    assert [*by_kind["history"], *by_kind["input"]] == texts[1:]


async def test_a_preview_says_who_put_what_where() -> None:
    """Asking nobody and changing nothing."""
    provider = Listening()
    session = await opened(provider)
    preview = await session.control.state.preview_prompt()

    sources = {(one.name, one.source) for one in preview.components}
    assert ("slot guidance", "core") in sources
    assert ("slot environment", "meter") in sources
    assert ("main_agent_intro", "runtime") in sources
    assert ("weather", "plugins") in sources
    assert preview.tokens > preview.chars // 4 > 0
    assert preview.share == preview.tokens / (preview.context_window or 0)
    assert provider.asked == []
    assert len(session.graph.nodes) == 0


async def test_what_waits_in_the_queue_is_in_it() -> None:
    """The first of it would begin the next turn."""
    session = await opened(Listening())
    batch = await session.queue("Later.")
    await session.queue("Still later.")
    preview = await session.control.state.preview_prompt()

    assert [(one.text, one.source) for one in preview.components if one.kind == "input"] == [
        ("Later.", f"queue {batch.batch_id}")
    ]


class Recall:
    """Puts a note into the prompt, a memory before the conversation, and leaves the first message out."""

    priority = 1

    def __init__(self) -> None:
        self.asked = 0

    async def transform(self, context: TurnTransformContext, prepared: PreparedContext) -> PreparedContext:
        """Change what the turn begins with."""
        self.asked += 1
        part = Part(id="memory.p0", kind="Text", content="You met before.", prune_state="Intact")
        memory = lash_nb.wire.Message(id="memory", role="User", parts=(part,))
        note = PromptContribution(slot="guidance", content=f"Of {context.max_context_tokens} tokens.")
        kept = prepared.messages[1:]
        return dataclasses.replace(prepared, messages=(memory, *kept), prompt_contributions=(note,))


def reminds(context: TurnHookContext) -> list[EnqueueMessages]:
    """Tell the model how much was said."""
    said = PluginMessage(role="User", content=f"{len(context.messages)} messages so far.")
    return [EnqueueMessages(messages=(said,))]


async def hooked(provider: ScriptedProvider, *registers: Callable[[PluginRegistrar], None]) -> LashSession:
    """A session with plugins."""
    builder = LashCore.standard().in_memory().provider(provider).model("scripted-model").tools(weather)
    for number, register in enumerate(registers):
        builder.plugin(StaticPlugin(f"plugin{number}", register))
    return await builder.build().session("demo").open()


def texts_of(preview: PromptPreview) -> list[str]:
    """What is said, after the system prompt."""
    return [one.text for one in preview.components if one.kind in ("history", "input")]


async def test_hooks_are_named_and_asked_only_on_purpose() -> None:
    """A hook may do anything; who is not asked is told of, and asked it is what the turn will be."""
    provider, recall = Listening(), Recall()
    session = await hooked(
        provider,
        lambda registrar: registrar.add_turn_context_transform(recall),
        lambda registrar: registrar.before_turn(reminds),
    )
    fresh = await session.control.state.preview_prompt("Hello?", ask_hooks=True)
    assert [one.source for one in fresh.components if one.kind != "tool"][-2:] == ["transform", "hook of plugin1"]
    await session.turn("How are you?")
    asked, nodes = recall.asked, len(session.graph.nodes)

    plain = await session.control.state.preview_prompt("And now?")
    assert plain.unasked == ("transform of plugin0", "hook of plugin1")
    assert recall.asked == asked

    preview = await session.control.state.preview_prompt("And now?", ask_hooks=True)
    assert preview.unasked == ()
    assert recall.asked == asked + 1
    assert {"conversation", "turn", "you", "hook of plugin1"} <= {one.source for one in preview.components}
    assert len(provider.asked) == 1
    assert len(session.graph.nodes) == nodes

    await session.turn("And now?")
    told = ["".join(block.Text.text for block in one.blocks if block.Text) for one in provider.asked[-1].messages]
    assert told == ["\n\n".join(one.text for one in preview.components if one.kind == "system"), *texts_of(preview)]


async def test_pictures_of_the_question_are_in_it_with_hooks_or_without() -> None:
    """Transforms see them as in the turn; nothing is stored for a look, and a picture without bytes is refused as by the turn."""
    seen: list[str] = []

    def looks(context: TurnHookContext) -> list[EnqueueMessages]:
        seen.extend(part.kind for part in context.messages[-1].parts)
        return []

    store = InMemoryAttachmentStore()
    builder = LashCore.standard().in_memory().attachment_store(store).provider(Listening()).model("scripted-model")
    builder.plugin(StaticPlugin("looks", lambda registrar: registrar.before_turn(looks)))
    session = await builder.build().session("demo").open()
    text = TurnInput.text("What is this?")
    given = text.with_image("chart", png(1, 1))
    preview = session.control.state.preview_prompt
    previews = [await preview(given), await preview(given, ask_hooks=True)]

    told = [[(one.text, one.images) for one in made.components if one.kind == "input"] for made in previews]
    assert told == [[("What is this?", 1)]] * 2
    assert seen == ["Text", "Image"]
    assert store.ids() == ()
    with pytest.raises(CallerError, match="no bytes for 'chart'"):
        await preview(TurnInput(items=given.items), ask_hooks=True)


async def test_a_hook_that_would_end_the_turn_is_told_of() -> None:
    """With its reason; and one that asks a model fails the preview instead of asking."""
    session = await hooked(
        Listening(),
        lambda registrar: registrar.before_turn(lambda _: [AbortTurn(code="late", message="Closed.")]),
    )
    preview = await session.control.state.preview_prompt("Hello?", ask_hooks=True)
    assert preview.ended_by == "plugin0: Closed. (late)"

    class Asks(Recall):
        async def transform(self, context: TurnTransformContext, prepared: PreparedContext) -> PreparedContext:
            await context.direct("Sum it up.")
            return prepared

    provider = Listening()
    session = await hooked(provider, lambda registrar: registrar.add_turn_context_transform(Asks()))
    with pytest.raises(PluginError, match="a preview asks no model"):
        await session.control.state.preview_prompt("Hello?", ask_hooks=True)
    assert provider.asked == []
