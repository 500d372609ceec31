"""How a conversation becomes a model request (turns §2.7), and that remembering never changes the result."""

import sys
from itertools import count
from types import FrameType
from typing import Any, ClassVar, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lash_nb.machine import ChatProjector, _projector
from lash_nb.machine._rendering import turn_events_block
from lash_nb.wire import (
    AttachmentRef,
    DeletedPart,
    GenerationOptions,
    LlmRequest,
    MediaType,
    Message,
    MessageOrigin,
    MessageRole,
    Part,
    PartAttachment,
    PartKind,
    PluginOrigin,
    ProcessOrigin,
    ProviderReasoningReplay,
    ProviderReplayMeta,
    PrunedPart,
    ResponseTextMeta,
    SharedSequence,
    SummarizedPart,
    TurnCause,
    to_json,
)
from tests.machine.play import WEATHER, config, message

PICTURE: Final = AttachmentRef(id="0" * 64, media_type=MediaType(type="png"), byte_len=3)


def part(kind: PartKind, content: str = "", **fields: Any) -> Part:
    """Return a part."""
    return Part(id="x", kind=kind, content=content, **({"prune_state": "Intact"} | fields))


def picture() -> Part:
    """Return a part with a picture."""
    return part("Image", attachment=PartAttachment(reference=PICTURE))


def said(role: MessageRole, *parts: Part) -> Message:
    """Return a message of these parts."""
    return Message(id="x", role=role, parts=parts)


def project(*messages: Message, projector: ChatProjector | None = None, **settings: Any) -> LlmRequest:
    """Return the request for `messages` without a prompt."""
    causes = settings.pop("turn_causes", ())
    use_tools = settings.pop("use_tools", True)
    setup = config(**({"system_prompt": ""} | settings))
    return (projector or ChatProjector()).project(setup, messages=messages, turn_causes=causes, use_tools=use_tools)


def blocks(*messages: Message) -> list[Any]:
    """Return all blocks of the request for `messages`."""
    return [block.variant for sent in project(*messages).messages for block in sent.blocks]


def test_a_request_carries_the_configuration() -> None:
    """Model, variant, limits, cache key, prompt first, tools with a free choice."""
    request = project(
        message("u1", "Hi."),
        system_prompt="Be brief.",
        model_variant="high",
        generation=GenerationOptions(output_token_cap=5),
    )

    assert (request.model, request.model_variant, request.session_id) == ("scripted-model", "high", "demo")
    assert (request.tools, request.tool_choice, request.generation.output_token_cap) == ((WEATHER,), "Auto", 5)
    assert [sent.role for sent in request.messages] == ["System", "User"]
    assert request.output_spec is None


def test_without_tools_none_may_be_called() -> None:
    """A request may ask for prose alone."""
    request = project(message("u1", "Hi."), use_tools=False)

    assert (request.tools, request.tool_choice) == ((), "None")


@pytest.mark.parametrize(
    ("role", "kind", "text"),
    [
        ("User", "Text", "t"),
        ("User", "Output", "t"),
        ("User", "Error", "t"),
        ("Assistant", "Prose", "t"),
        ("Assistant", "Code", "t"),
        ("System", "Text", "Runtime note:\nt"),
        ("System", "Code", "Runtime note:\nt"),
        ("System", "Output", "Runtime note:\n<output>\nt\n</output>"),
        ("System", "Error", "Runtime note:\n<error>\nt\n</error>"),
        ("Event", "Text", "Runtime event:\nt"),
        ("Event", "Error", "Runtime event:\nt"),
    ],
)
def test_text_is_marked_by_who_speaks(role: MessageRole, kind: PartKind, text: str) -> None:
    """Notes of the runtime say that they are such; user and model speak for themselves."""
    (block,) = blocks(said(role, part(kind, "t")))

    assert block.text == text
    assert project(said(role, part(kind, "t"))).messages[0].role == ("User" if role == "Event" else role)


def test_blank_text_and_empty_messages_are_left_out() -> None:
    """A model sees no empty blocks."""
    assert project(said("User", part("Text", " \n")), said("Assistant")).messages == ()


def test_calls_and_results_are_blocks_of_their_own() -> None:
    """Arguments go back as the model wrote them, a pruned result as what it was pruned to."""
    replay = ProviderReplayMeta(item_id="i")
    asked, result = blocks(
        said("Assistant", part("ToolCall", "{ }", tool_call_id="c1", tool_name="w", tool_replay=replay)),
        said("User", part("ToolResult", "long", tool_call_id="c1", tool_name="w", prune_state="Cleared")),
    )

    assert (asked.call_id, asked.tool_name, asked.input_json, asked.replay) == ("c1", "w", "{ }", replay)
    assert (result.call_id, result.tool_name, result.content) == ("c1", "w", "[Old tool result content cleared]")


def test_pruned_text_is_what_it_was_pruned_to() -> None:
    """A breadcrumb or a summary stands for the text."""
    deleted = PrunedPart(Deleted=DeletedPart(breadcrumb="trees", archive_hash="h1"))
    summary = PrunedPart(Summarized=SummarizedPart(summary="short", archive_hash="h2"))

    texts = [
        block.text
        for block in blocks(
            said("User", part("Text", "a", prune_state=deleted), part("Text", "b", prune_state=summary))
        )
    ]

    assert texts == ["[pruned:h1 — trees]", "[SUMMARY of original h2]\nshort"]


def test_reasoning_goes_back_only_to_a_provider_that_wants_it() -> None:
    """Without replay metadata it is left out."""
    wanted = ProviderReasoningReplay(signature="s")
    kept = blocks(
        said(
            "Assistant",
            part("Reasoning", "a"),
            part("Reasoning", "b", reasoning_meta=ProviderReasoningReplay()),
            part("Reasoning", "c", reasoning_meta=wanted),
        )
    )

    assert [(block.text, block.replay) for block in kept] == [("c", wanted)]


def test_text_metadata_goes_back() -> None:
    """On text and prose, nowhere else."""
    meta = ResponseTextMeta(id="m1")
    sent = blocks(said("Assistant", part("Prose", "a", response_meta=meta), part("Code", "b", response_meta=meta)))

    assert [block.response_meta for block in sent] == [meta, None]


def test_pictures_of_the_user_are_attachments() -> None:
    """Each block points at its own entry; in any other role a text says that there was one."""
    request = project(said("User", picture(), part("Text", "and"), picture()), said("Assistant", picture()))

    assert [getattr(block.variant, "attachment_idx", None) for block in request.messages[0].blocks] == [0, None, 1]
    assert [(item.mime, item.reference, item.data) for item in request.attachments] == [("image/png", PICTURE, b"")] * 2
    assert request.messages[1].blocks[0].variant.text == "[Image attached]"


def test_pictures_are_counted_through_the_request() -> None:
    """A later message goes on where the attachments of the one before end."""
    request = project(said("User", picture(), picture()), message("u1", "and"), said("User", picture()))

    assert request.messages[2].blocks[0].variant.attachment_idx == 2
    assert len(request.attachments) == 3


def test_causes_stand_in_one_block_at_the_end() -> None:
    """Their own event messages, and those alone, are left out as long as they are causes of this turn."""
    cause = TurnCause(id="e1", event_type="bell.rang", origin=PluginOrigin(plugin_id="bell"), text=" Ring. ")
    history = (cause.to_message(), message("e1", "Hi."))

    texts = [sent.blocks[0].variant.text for sent in project(*history, turn_causes=[cause]).messages]
    later = [sent.blocks[0].variant.text for sent in project(*history).messages]

    assert texts == ["Hi.", turn_events_block([cause])]
    assert later == ["Runtime event:\n Ring. ", "Hi."]


def test_the_block_of_events_names_each_origin() -> None:
    """Plugins, transient or not, and processes, with or without a wake."""
    origins: tuple[MessageOrigin, ...] = (
        PluginOrigin(plugin_id="bell"),
        PluginOrigin(plugin_id="bell", transient=True),
        ProcessOrigin(process_id="p", event_type="done", sequence=2),
        ProcessOrigin(process_id="p", event_type="done", sequence=3, wake_id="wake:9"),
    )
    causes = [TurnCause(id=f"e{n}", event_type="t", origin=origin, text="x") for n, origin in enumerate(origins)]

    block = turn_events_block(causes)

    assert block.startswith(
        "=== TURN EVENTS ===\n\n--- event[0] · t · e0 ---\nOrigin: plugin bell\n\nx\n\n--- event[1]"
    )
    assert [line for line in block.splitlines() if line.startswith("Origin")] == [
        "Origin: plugin bell",
        "Origin: plugin bell (transient)",
        "Origin: process p done #2",
        "Origin: process p done #3 (wake:9)",
    ]


POOL: Final = [
    message("a", "a"),
    message("b", "b", "Assistant"),
    said("User", picture(), part("Text", "see")),
    said("User", picture()),
    said("System", part("Error", "e")),
    said("User", part("Text", " ")),
    message("e0", "rang", "Event"),
    message("e1", "rang again", "Event"),
]
CAUSES: Final = [
    TurnCause(id=name, event_type="t", origin=PluginOrigin(plugin_id="bell"), text="x") for name in ("e0", "e1")
]
TURNS: Final = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.integers(0, 8),
        st.lists(st.sampled_from(POOL), max_size=6),
        st.lists(st.sampled_from(CAUSES), unique=True),
    ),
    max_size=6,
)


@given(TURNS)
def test_a_projector_that_remembers_gives_what_a_fresh_one_gives(turns: list[Any]) -> None:
    """Whatever conversations come one after the other, shared or not: continued, cut, branched, others altogether, woken by any events."""
    projector, held, made = ChatProjector(), [SharedSequence[Message]()], []

    for place, kept, fresh, causes in turns:
        history = held[place % len(held)].first(kept).extended(fresh)
        held.append(history)
        told = project(*history, turn_causes=causes)
        made.append((project_held(history, projector, causes), told))
        assert project(*history, projector=projector, turn_causes=causes) == told

    assert all(one == other and to_json(one) == to_json(other) for one, other in made)


def project_held(history: SharedSequence[Message], projector: ChatProjector, causes: list[TurnCause]) -> LlmRequest:
    """Return the request for a conversation as a session holds it."""
    return projector.project(config(system_prompt=""), messages=history, turn_causes=causes, use_tools=True)


def is_interrupted(projector: ChatProjector, history: SharedSequence[Message], after: int) -> bool:
    """Ask for a request, and press Ctrl-C after so many lines of the projector; tell whether that came before the end."""
    left, before = after, sys.gettrace()

    def tracing(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if frame.f_code.co_filename != _projector.__file__:
            return None
        left -= event == "line"
        if left < 0:
            sys.settrace(None)
            raise KeyboardInterrupt
        return tracing

    sys.settrace(tracing)
    try:
        project_held(history, projector, CAUSES)
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


def test_a_projector_that_was_interrupted_gives_what_a_fresh_one_gives() -> None:
    """Wherever it was: no message, no picture and no event of the conversation that broke off is seen in the next one."""
    base = SharedSequence(POOL[:3])
    broken = base.extended([POOL[3], *POOL[:2], POOL[6], POOL[2]])
    rewritten = SharedSequence([POOL[1], POOL[6], POOL[3], *POOL[:3]])

    for after in count():
        for later in (base, broken, rewritten, base.extended(POOL[3:])):
            projector = ChatProjector()
            project_held(base, projector, [])
            stopped = is_interrupted(projector, broken, after)
            for causes in ([], CAUSES, []):
                assert project_held(later, projector, causes) == project_held(later, ChatProjector(), causes)
        if not stopped:
            break
    assert after > len(broken)


class CountedMessage(Message, frozen=True, kw_only=True):
    """A message that counts how often it is compared or rendered."""

    looks: ClassVar[int] = 0

    def __getattribute__(self, name: str) -> Any:
        type(self).looks += 1
        return super().__getattribute__(name)

    def __eq__(self, other: object) -> bool:
        type(self).looks += 1
        return super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]  # nobody hashes it


@pytest.mark.parametrize("length", [10, 1000])
def test_a_conversation_that_goes_on_costs_what_is_new(length: int) -> None:
    """Of what is known no message is looked at, however many there are, and all requests share what they are made of."""
    projector = ChatProjector()
    old = [CountedMessage(id=f"u{n}", role="User", parts=(part("Text", str(n)),)) for n in range(length)]
    history = SharedSequence[Message](old)
    first = project_held(history, projector, [])
    CountedMessage.looks = 0

    second = project_held(history.extended([message("new", "new")]), projector, [])

    assert CountedMessage.looks == 0
    assert isinstance(first.messages, SharedSequence)
    assert isinstance(second.messages, SharedSequence)
    assert first.messages.shared_with(second.messages) == len(first.messages) == len(second.messages) - 1


@pytest.mark.parametrize("length", [10, 1000])
def test_a_turn_that_was_woken_costs_what_is_new(length: int) -> None:
    """Its events leave their places for the block at the end and come back to them with the next turn; nothing before is rendered again."""
    projector = ChatProjector()
    old = [CountedMessage(id=f"u{n}", role="User", parts=(part("Text", str(n)),)) for n in range(length)]
    history = SharedSequence[Message](old)
    project_held(history, projector, [])
    CountedMessage.looks = 0

    woken = history.extended([message("e0", "rang", "Event")])
    project_held(woken, projector, CAUSES[:1])
    project_held(woken.extended([message("b", "b")]), projector, [])

    assert CountedMessage.looks == 0
