"""What the model would get, before anybody asks it."""

import lash_nb
from lash_nb import LashCore, ScriptedProvider, reply
from lash_nb.core import LashSession
from lash_nb.plugins import StaticPlugin
from lash_nb.wire import LlmRequest, LlmResponse, PromptContribution


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
