"""Tokens, cost and cache hits: what is drawn is what the records say, and what is not drawn is said."""

from typing import Any, Final

import pytest

from lash_nb.errors import CallerError
from lash_nb.frames import Price
from lash_nb.plots import (
    TOKEN_COLORS,
    cache_share,
    cost,
    tokens,
)
from lash_nb.trace import Trace, read_trace
from tests.plots.drawn import heights, model_call, rendered, texts
from tests.trace.lines import llm_end, llm_start, record

PRICES: Final = {"desk-model": Price(input=3, cached_input=0.3, cache_write=0, output=15)}


def test_tokens_are_those_of_the_records(station: Trace, records: list[dict[str, Any]]) -> None:
    """The bars of each turn are as high as its records say: cached below, the rest of the input on top, output on its own axes."""
    read, cached, wrote = (dict.fromkeys(range(1, 24), 0) for _ in range(3))
    for one in records:
        if one["type"] == "llm_call_completed" and one["context"].get("turn_index") is not None:
            turn, usage = one["context"]["turn_index"], one["usage"]
            cached[turn] += usage["cached_input_tokens"]
            read[turn] += usage["input_tokens"] - usage["cached_input_tokens"]
            wrote[turn] += usage["output_tokens"]
    direct = next(
        one["usage"] for one in records if one["type"] == "llm_call_completed" and "turn_index" not in one["context"]
    )
    read[9] += direct["input_tokens"]
    wrote[9] += direct["output_tokens"]
    ax = tokens(station)
    figure = ax.get_figure(root=True)
    assert figure is not None
    below = figure.axes[-1]

    assert heights(ax, TOKEN_COLORS["input"]) == {turn: count for turn, count in read.items() if count}
    assert heights(ax, TOKEN_COLORS["cached"]) == {turn: count for turn, count in cached.items() if count}
    assert heights(below, TOKEN_COLORS["output"]) == {turn: count for turn, count in wrote.items() if count}
    assert below is not ax
    assert {"cached", "input, not cached", "turn"} <= set(texts(ax))
    assert {"output", "reasoning"} <= set(texts(below))


def test_of_very_many_turns_several_share_a_bar() -> None:
    """A bar is then the mean of its turns, and the line below the title says of how many."""
    trace = read_trace(
        [
            one
            for turn in range(1, 1001)
            for one in model_call(turn / 20, turn, usage={"input_tokens": turn, "output_tokens": 2})
        ]
    )
    ax = tokens(trace)

    assert list(heights(ax, TOKEN_COLORS["input"]).values()) == [10 * bar + 5.5 for bar in range(100)]
    assert any("mean per turn, a bar is 10 turns" in text for text in texts(ax))
    assert "a bar is 10 turns" in "".join(texts(cost(trace, prices={"m": Price(input=1, output=1)})))
    assert rendered(ax)


def test_calls_that_are_in_no_bar_are_said() -> None:
    """Calls outside any turn, and finished calls that tell no tokens."""
    usage = {"input_tokens": 1200, "output_tokens": 30, "cached_input_tokens": 0, "reasoning_tokens": 0}
    lone = [
        record(0, "llm_call_started", turn=None, context={"llm_call_id": "d"}, request={"model": "m"}),
        record(1, "llm_call_completed", turn=None, context={"llm_call_id": "d"}, response={"text": ""}, usage=usage),
    ]
    trace = read_trace([*lone, *model_call(2, 1, usage=usage), llm_start(3, "x"), llm_end(4, "x", usage=None)])
    written = "\n".join(texts(tokens(trace)))

    assert "1 call outside any turn not shown: 1.2k tokens in, 30 out." in written
    assert "1 finished call reported no tokens." in written


def test_cost_is_tokens_times_price(station: Trace, records: list[dict[str, Any]]) -> None:
    """Each part of a turn's bar is its tokens times the price of a million; the sum stands below the title."""
    input_cost: dict[float, float] = {}
    total = 0.0
    for one in records:
        if one["type"] == "llm_call_completed" and one["context"].get("turn_index") is not None:
            turn, usage = one["context"]["turn_index"], one["usage"]
            uncached = usage["input_tokens"] - usage["cached_input_tokens"]
            input_cost[turn] = input_cost.get(turn, 0) + uncached * 3 / 1e6
            output = usage["output_tokens"] + usage["reasoning_tokens"]
            total += uncached * 3 / 1e6 + usage["cached_input_tokens"] * 0.3 / 1e6 + output * 15 / 1e6
    ax = cost(station, prices=PRICES)

    assert heights(ax, TOKEN_COLORS["input"]) == pytest.approx(input_cost)
    assert f"USD, per turn · at least ${total:.2g}" in texts(ax)


@pytest.mark.parametrize(("amount", "words"), [(0, "$0"), (1234.5, "$1,234.50"), (0.15, "$0.15"), (0.0042, "$0.0042")])
def test_amounts_of_any_size_are_ticks(amount: float, words: str) -> None:
    """Small amounts have digits that say something, and no exponent."""
    usage = {"input_tokens": 1_000_000, "output_tokens": 0}
    ax = cost(read_trace(model_call(0, usage=usage)), prices={"m": Price(input=amount, cache_write=0, output=0)})

    assert f"USD, per turn · in all {words}" in texts(ax)


def test_what_has_no_price_is_said_and_not_drawn() -> None:
    """A model without a price, cached input without one, and cache writes that the trace does not tell are named; none is zero."""
    usage = {"input_tokens": 100, "output_tokens": 10, "cached_input_tokens": 40, "reasoning_tokens": 0}
    trace = read_trace([*model_call(0, 1, "dear", usage=usage), *model_call(1, 2, "$new", usage=usage)])
    ax = cost(trace, prices={"dear": Price(input=1_000_000, output=0)})
    written = "\n".join(texts(ax))

    assert heights(ax, TOKEN_COLORS["input"]) == {1: 60}
    assert "No price for $new: 110 tokens of 1 call are not in the cost." in written
    assert "No price for cached input of dear: 40 tokens of 1 call are not in the cost." in written
    assert "Cache writes of dear are not recorded in 1 call and not in the cost" in written
    assert "at least $60.00" in written
    assert "nothing here has a price" in "\n".join(texts(cost(trace, prices={})))
    assert rendered(ax)


@pytest.mark.parametrize("wrong", [None, [3], {"desk-model": 3}, {"desk-model": {"input": "x" * 10**6}}])
def test_what_is_no_table_of_prices_is_refused(wrong: Any, station: Trace) -> None:
    """As for the table of costs, in a sentence that says how a price is written."""
    with pytest.raises(CallerError, match=r"rices? .*write .*Price\(input=…, output=…\)") as caught:
        cost(station, prices=wrong)

    assert len(caught.value.message) < 300


def test_cache_share_is_weighed_by_tokens(station: Trace, records: list[dict[str, Any]]) -> None:
    """The bar of a turn is its cached tokens of all it read, and the line those of all turns."""
    usages = [
        (one["context"].get("turn_index"), one["usage"]) for one in records if one["type"] == "llm_call_completed"
    ]
    third = [usage for turn, usage in usages if turn == 3]
    ax = cache_share(station)
    share = 100 * sum(one["cached_input_tokens"] for one in third) / sum(one["input_tokens"] for one in third)
    every = [usage for _, usage in usages]
    overall = 100 * sum(one["cached_input_tokens"] for one in every) / sum(one["input_tokens"] for one in every)

    assert heights(ax, TOKEN_COLORS["cached"])[3] == pytest.approx(share)
    assert f"all: {overall:.0f} %" in texts(ax)


def test_a_turn_that_read_nothing_has_no_share() -> None:
    """That is not the same as none of it cached, and the plot says so."""
    usage = {"input_tokens": 10, "cached_input_tokens": 5, "output_tokens": 1, "reasoning_tokens": 0}
    trace = read_trace([*model_call(0, 1, usage=usage), record(1, "turn_started", turn=2)])

    assert "1 turn without input tokens: no share." in texts(cache_share(trace))
