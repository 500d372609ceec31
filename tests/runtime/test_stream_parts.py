"""What was streamed completes what the provider says at the end."""

from hypothesis import given, settings
from hypothesis import strategies as st

from lash_nb.runtime._stream_parts import StreamedParts
from lash_nb.wire import (
    LlmOutputPart,
    LlmResponse,
    LlmUsage,
    ProviderReasoningReplay,
    ProviderReplayMeta,
    ReasoningPart,
    ResponseTextMeta,
    TextPart,
    ToolCallPart,
)

NOTHING = LlmUsage(input_tokens=0, output_tokens=0, cached_input_tokens=0, reasoning_tokens=0)
SOME = LlmUsage(input_tokens=5, output_tokens=1, cached_input_tokens=0, reasoning_tokens=0)
SEALED = ProviderReasoningReplay(item_id="r1", encrypted_content="xyz")


def text(words: str, item_id: str | None = None) -> TextPart:
    """A piece of text."""
    return TextPart(text=words, response_meta=ResponseTextMeta(id=item_id) if item_id else None)


def thought(words: str, replay: ProviderReasoningReplay | None = None) -> ReasoningPart:
    """A piece of reasoning."""
    return ReasoningPart(text=words, replay=replay)


def tool_call(call_id: str, args: str = "{}", item_id: str | None = None) -> ToolCallPart:
    """A tool call."""
    replay = ProviderReplayMeta(item_id=item_id) if item_id else None
    return ToolCallPart(call_id=call_id, tool_name="weather", input_json=args, replay=replay)


Piece = TextPart | ReasoningPart | ToolCallPart


def streamed(*pieces: Piece) -> StreamedParts:
    """Parts that came one after the other."""
    parts = StreamedParts()
    for piece in pieces:
        match piece:
            case TextPart():
                parts.add_text(piece)
            case ReasoningPart():
                parts.add_reasoning(piece)
            case ToolCallPart():
                parts.add_tool_call(piece)
    return parts


def response(*parts: Piece, full_text: str = "", usage: LlmUsage = SOME) -> LlmResponse:
    """A final response."""
    wrapped = tuple(
        LlmOutputPart(Text=part)
        if isinstance(part, TextPart)
        else LlmOutputPart(Reasoning=part)
        if isinstance(part, ReasoningPart)
        else LlmOutputPart(ToolCall=part)
        for part in parts
    )
    return LlmResponse(full_text=full_text, parts=wrapped, usage=usage, terminal_reason="stop")


def completed(pieces: tuple[Piece, ...], *final: Piece, full_text: str = "") -> list[Piece]:
    """The parts of a response after completion."""
    given = streamed(*pieces).complete(response(*final, full_text=full_text))
    return [part.variant for part in given.parts]


def test_text_that_follows_text_joins_it() -> None:
    """Pieces of text become one part, and the whole text when the response has none."""
    given = streamed(text("Clear "), text("sky.")).complete(response())
    assert given.full_text == "Clear sky."
    assert [part.variant for part in given.parts] == [text("Clear sky.")]


def test_text_that_repeats_what_is_there_adds_only_its_end() -> None:
    """A snapshot of the whole text so far is no second copy of it."""
    assert completed((text("Clear"), text("Clear sky"), text("Clear sky."))) == [text("Clear sky.")]


def test_later_text_keeps_the_item_of_the_provider() -> None:
    """The provider's item stays known whether its first or its last piece names it."""
    assert completed((text("a", "t1"), text("b"))) == [text("ab", "t1")]
    assert completed((text("a"), text("b", "t1"))) == [text("ab", "t1")]


def test_text_after_something_else_is_a_part_of_its_own() -> None:
    """Text before and after a tool call stays apart."""
    assert completed((text("a"), tool_call("c"), text("b"))) == [text("a"), tool_call("c"), text("b")]


def test_plain_reasoning_joins_plain_reasoning() -> None:
    """Pieces of reasoning become one part."""
    assert completed((thought("one "), thought("two"))) == [thought("one two")]


def test_reasoning_and_text_take_turns() -> None:
    """What goes on stays with what it goes on from, whatever comes next."""
    pieces = (thought("a"), thought("b"), text("say"), thought("c"), thought("d"), tool_call("c1"), thought("e"))
    assert completed(pieces) == [thought("ab"), text("say"), thought("cd"), tool_call("c1"), thought("e")]


def test_a_sealed_item_takes_the_place_of_what_it_repeats() -> None:
    """An encrypted reasoning item replaces the plain text that it contains, and keeps the text when its own is blank."""
    assert completed((thought("so"), thought("so it is", SEALED))) == [thought("so it is", SEALED)]
    assert completed((thought("so"), thought(" ", SEALED))) == [thought("so", SEALED)]


def test_another_sealed_item_stands_beside() -> None:
    """A sealed item that says something else is a part of its own, and nothing joins a sealed item."""
    other = thought("else", SEALED)
    assert completed((thought("so"), other)) == [thought("so"), other]
    assert completed((other, thought("more"))) == [other, thought("more")]


def test_a_response_that_has_everything_is_left_alone() -> None:
    """When the final parts contain all that was streamed, the response is the very same."""
    final = response(text("Clear sky."), tool_call("c"), full_text="Clear sky.")
    assert streamed(text("Clear"), tool_call("c")).complete(final) is final


def test_a_response_that_lacks_parts_gets_them_in_front() -> None:
    """Streamed parts come first, then what only the response has."""
    assert completed((text("Let me look."),), tool_call("c")) == [text("Let me look."), tool_call("c")]


def test_the_final_version_of_a_tool_call_counts() -> None:
    """A call that came twice, by id or by provider item, is there once, as the response has it."""
    assert completed((text("a"), tool_call("c", "{")), tool_call("c", '{"x":1}')) == [
        text("a"),
        tool_call("c", '{"x":1}'),
    ]
    assert completed((text("a"), tool_call("c", "{", "i")), tool_call("d", "{}", "i")) == [
        text("a"),
        tool_call("d", "{}", "i"),
    ]


def test_reasoning_is_known_again_by_text_item_or_seal() -> None:
    """The same reasoning is not there twice."""
    sealed = thought("all of it", SEALED)
    assert completed((thought("of it"), text("x")), sealed) == [thought("of it"), text("x"), sealed]
    assert completed((sealed, text("x")), thought("", ProviderReasoningReplay(item_id="r1"))) == [sealed, text("x")]
    assert completed((sealed, text("x")), thought("", ProviderReasoningReplay(encrypted_content="xyz"))) == [
        sealed,
        text("x"),
    ]


def test_streamed_usage_counts_when_the_response_has_none() -> None:
    """The last usage of the stream fills in for a response without any, and for no other."""
    parts = StreamedParts()
    parts.note_usage(NOTHING)
    parts.note_usage(SOME)
    assert parts.complete(response(usage=NOTHING)).usage == SOME
    more = LlmUsage(input_tokens=9, output_tokens=0, cached_input_tokens=0, reasoning_tokens=0)
    assert parts.complete(response(usage=more)).usage == more


def test_nothing_streamed_changes_nothing() -> None:
    """A provider that does not stream has the last word."""
    final = response(text("x"))
    assert StreamedParts().complete(final) is final


@settings(max_examples=100)
@given(st.text(max_size=30), st.lists(st.integers(0, 30), max_size=6))
def test_a_text_cut_anywhere_is_whole_again(words: str, cuts: list[int]) -> None:
    """A text that comes as ever longer snapshots is that text."""
    ends = [*sorted(cut for cut in cuts if 0 < cut < len(words)), len(words)]
    assert completed(tuple(text(words[:end]) for end in ends)) == [text(words)]


def test_a_long_text_is_joined_once() -> None:
    """Megabytes in small pieces take no longer than their bytes; what comes between the pieces keeps its place."""
    parts = StreamedParts()
    for _ in range(200_000):
        parts.add_text(TextPart(text="some "))
    parts.add_text(TextPart(text="some " * 200_000 + "end"))

    assert parts.so_far().full_text == "some " * 200_000 + "end"
