"""Laws of sequences that share what they begin with: to everybody they are tuples, and they copy nothing."""

import copy
import pickle
import tracemalloc
from collections.abc import Iterator, Sequence
from threading import Thread
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lash_nb.errors import WireError
from lash_nb.wire import (
    LlmCallStarted,
    LlmContentBlock,
    LlmMessage,
    LlmRequest,
    SharedMap,
    SharedSequence,
    TextBlock,
    TraceContext,
    TraceLlmMessage,
    TraceLlmRequest,
    TraceRecord,
    common_beginning,
    from_json,
    json_lines,
    json_size,
    to_builtins,
    to_json,
)
from tests.wire.documents import free_values

ITEMS = st.lists(st.integers(0, 3), max_size=5).map(tuple)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("extended"), st.integers(0, 9), ITEMS),
        st.tuples(st.just("first"), st.integers(0, 9), st.integers(0, 12)),
        st.tuples(st.just("within"), st.integers(0, 9), st.tuples(ITEMS, ITEMS)),
    ),
    max_size=8,
)


def grown(steps: list[tuple[str, int, Any]]) -> list[tuple[SharedSequence[int], tuple[int, ...]]]:
    """Return sequences made from one another, each with the tuple that it should be."""
    made: list[tuple[SharedSequence[int], tuple[int, ...]]] = [(SharedSequence(), ())]
    for step, place, argument in steps:
        shared, plain = made[place % len(made)]
        match step, argument:
            case "extended", tuple(more):
                made.append((shared.extended(more), plain + more))
            case "first", int(count):
                made.append((shared.first(count), plain[:count]))
            case "within", (before, behind):
                made.append((shared.within(before, behind), before + plain + behind))
    return made


@given(STEPS)
def test_every_sequence_stays_the_tuple_that_it_was_whatever_grows_from_it(
    steps: list[tuple[str, int, Any]],
) -> None:
    """Extending, cutting and wrapping never change what was made before."""
    for shared, plain in grown(steps):
        assert (tuple(shared), len(shared), hash(shared), repr(shared)) == (plain, len(plain), hash(plain), repr(plain))
        assert shared == plain
        assert plain == shared
        assert [shared[place] for place in range(-len(plain), len(plain))] == [*plain, *plain]


@given(STEPS, st.slices(12))
def test_a_slice_is_the_slice_of_the_tuple(steps: list[tuple[str, int, Any]], part: slice) -> None:
    """With any start, stop and step."""
    for shared, plain in grown(steps):
        assert shared[part] == plain[part]


@given(STEPS)
def test_a_sequence_is_written_and_copied_as_its_tuple(steps: list[tuple[str, int, Any]]) -> None:
    """JSON, plain values, pickles and copies know no sharing, in whichever order they are written."""
    for shared, plain in reversed(grown(steps)):
        assert json_size(shared) == len(to_json(plain))
        assert to_json(shared) == to_json(plain)
        assert to_builtins({"a": shared}) == {"a": list(plain)}
        assert type(unpickled(shared)) is tuple
        assert unpickled(shared) == copy.deepcopy(shared) == plain


@given(STEPS)
def test_the_common_beginning_is_that_of_the_tuples(steps: list[tuple[str, int, Any]]) -> None:
    """Of any two, shared or plain."""
    made = grown(steps)
    for one, plain in made:
        for other, others in made:
            expected = next(
                (place for place, (left, right) in enumerate(zip(plain, others, strict=False)) if left != right),
                min(len(plain), len(others)),
            )
            assert common_beginning(one, other) == common_beginning(one, others) == expected
            assert (one == other) is (plain == others)


@given(STEPS, st.slices(12))
def test_a_map_gives_what_mapping_each_item_gives(steps: list[tuple[str, int, Any]], part: slice) -> None:
    """Whatever it was asked before; read, written and copied as the tuple of the results."""
    mapped: SharedMap[int, int] = SharedMap(lambda item: item * 2)
    for shared, plain in grown(steps):
        doubled, expected = mapped(shared), tuple(item * 2 for item in plain)
        assert doubled == expected == mapped(plain)
        assert doubled == mapped(shared)
        assert (len(doubled), hash(doubled), repr(doubled)) == (len(plain), hash(expected), repr(expected))
        assert doubled[part] == expected[part]
        assert [doubled[place] for place in range(-len(plain), len(plain))] == [*expected, *expected]
        assert json_size(doubled) == len(to_json(expected))
        assert to_json(doubled) == to_json(expected)
        assert type(unpickled(doubled)) is tuple


def test_what_is_mapped_and_shared_is_made_and_written_once() -> None:
    """Nothing before somebody looks; then a conversation that grows by one costs one, and a prompt in front of it costs itself."""
    asked: list[int] = []

    def double(item: int) -> int:
        asked.append(item)
        return item * 2

    mapped, held = SharedMap(double), SharedSequence(range(100))
    to_json(mapped(held.within((-1,), ())))
    asked.clear()
    made = []
    for number in range(100, 110):
        held = held.extended((number,))
        made.append(mapped(held.within((-number,), ())))
    assert asked == []
    assert to_json(made) == to_json([tuple(one) for one in made])
    asked.clear()
    assert to_json(made[-1]) == to_json(tuple(item * 2 for item in (-109, *range(110))))
    assert asked == [-109]


def test_the_repr_of_a_long_sequence_says_what_it_leaves_out() -> None:
    """A cell that shows a request of a long session shows where it begins and ends."""
    assert repr(SharedSequence(range(20))) == repr(tuple(range(20)))
    assert repr(SharedSequence(range(4_000))) == (
        "(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, … 3,980 more …, 3990, 3991, 3992, 3993, 3994, 3995, 3996, 3997, 3998, 3999)"
    )


def test_what_is_shared_is_written_once() -> None:
    """The JSON of a long conversation is made of its new messages."""
    asked: list[int] = []

    def encode(items: Sequence[int]) -> list[bytes]:
        asked.extend(items)
        return [str(item).encode() for item in items]

    held = SharedSequence(range(3))
    assert held.to_json(encode) == b"[0,1,2]"
    assert held.extended((3,)).within((9,), ()).to_json(encode) == b"[9,0,1,2,3]"
    assert held.to_json(encode) == b"[0,1,2]"
    assert sorted(asked) == [0, 1, 2, 3, 9]


def test_two_threads_may_write_what_is_shared() -> None:
    """Also when one of them begins while the other is in the middle of an item, and they want a different number of them."""
    short = SharedSequence(["a", "b"])
    long = short.extended(["c", "d"])
    beside: list[bytes] = []

    def interrupted(items: Sequence[str]) -> list[bytes]:
        if "b" in items:
            thread = Thread(target=lambda: beside.append(short.to_json(json_lines)))
            thread.start()
            thread.join()
        return json_lines(items)

    assert long.to_json(interrupted) == b'["a","b","c","d"]'
    assert beside == [b'["a","b"]']
    assert long.json_size(json_lines) == len(long.to_json(json_lines)) == len(b'["a","b","c","d"]')


def test_a_branch_copies_seldom() -> None:
    """Both ways on from one place keep the beginning in common: it is not even looked at."""

    class Item:
        def __eq__(self, _: object) -> bool:
            pytest.fail("looked at")

        __hash__ = None  # type: ignore[assignment]  # nobody hashes it

    beginning = SharedSequence(Item() for _ in range(1000))
    one, other = beginning.extended((1,)), beginning.extended((2,))
    for number in range(3, 20):
        one, other = one.extended((number,)), other.extended((number,))
    assert common_beginning(one, other) == 1000
    assert (one[1000:], other[1000:]) == ((1, *range(3, 20)), (2, *range(3, 20)))


def test_a_request_with_shared_messages_is_the_one_with_a_tuple() -> None:
    """Records that hold a shared sequence are equal to those that were read."""
    request = LlmRequest(model="m", messages=SharedSequence(messages()), attachments=(), tools=(), tool_choice="None")
    plain = msgspec.structs.replace(request, messages=tuple(messages()))
    assert (request, to_json(request), hash(request)) == (plain, to_json(plain), hash(plain))
    assert type(from_json(to_json(request), LlmRequest).messages) is tuple
    assert unpickled(request) == plain


def messages() -> Iterator[LlmMessage]:
    """Return a short conversation."""
    for text in ("hi", '1e400 " null', "né"):
        block = LlmContentBlock(Text=TextBlock(text=text, cache_breakpoint=False))
        yield LlmMessage(role="User", blocks=(block,))


def unpickled(value: object) -> object:
    """Return what a pickle of `value` becomes."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301 - its own


@pytest.mark.parametrize("value", [float("nan"), 2**70, {1}])
def test_what_is_no_json_is_refused_with_its_place(value: object) -> None:
    """As in a tuple."""
    with pytest.raises(WireError) as refused:
        to_json({"a": SharedSequence([1, value])})
    with pytest.raises(WireError) as expected:
        to_json({"a": (1, value)})
    assert str(refused.value) == str(expected.value)


@given(st.lists(st.lists(free_values(), max_size=3), max_size=12))
def test_what_was_written_before_fills_its_place(lists: list[list[Any]]) -> None:
    """Any number of shared sequences in one value, with floats and texts of every kind within and around them."""
    shared = [SharedSequence(items) for items in lists]
    around = {"a": 1e300, "b": '\\"1e5\\', "c": "\x02\x00"}
    assert to_json([around, *shared, around]) == to_json([around, *lists, around])
    assert to_json([SharedSequence(shared)]) == to_json([lists])


def test_a_record_whose_last_field_lies_open_holds_what_was_written_before() -> None:
    """A trace record stands flat around its event, which holds the conversation."""
    request = TraceLlmRequest(
        model="m", messages=(TraceLlmMessage(role="user", blocks=()),) * 12, tool_choice="none", stream=False
    )
    plain, shared = (
        TraceRecord(schema_version=1, id="i", timestamp="t", context=TraceContext(), event=LlmCallStarted(request=one))
        for one in (request, msgspec.structs.replace(request, messages=SharedSequence(request.messages)))
    )
    assert shared.to_json() == plain.to_json()


def test_what_was_written_before_is_copied_once_and_once_more_into_its_record() -> None:
    """A conversation of 100 MB needs no third and fourth copy beside the one that is kept and the text that is made."""
    held = SharedSequence(["x" * 100_000] * 20).within(("before",), ("behind",))
    size = len(to_json({"messages": held}))
    tracemalloc.start()
    try:
        to_json(held)
        alone = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        to_json({"messages": held})
        within = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert (alone < 2.2 * size, within < 2.2 * size) == (True, True), (alone / size, within / size)
