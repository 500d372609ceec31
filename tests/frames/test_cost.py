"""The table of costs: tokens times price, and nothing that has no price is free."""

import json
import re
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import numpy as np
import pandas as pd
import pytest

from lash_nb.errors import CallerError
from lash_nb.frames import COST_COLUMNS, Column, Price, Unpriced, call_costs, call_tokens, cost_df
from lash_nb.trace import Trace, read_trace
from tests.trace.lines import STATION, record

PRICE: Final = Price(input=3, cached_input=0.3, cache_write=0, output=15)
PRICES: Final = {"desk-model": PRICE, "small-model": Price(input=1, cached_input=0.1, cache_write=0, output=5)}


@pytest.fixture(scope="module")
def station() -> Trace:
    """The trace of the weather desk."""
    return read_trace(STATION)


def price_of(usage: dict[str, int], price: Price) -> float:
    """What a record's tokens cost: input with cached tokens in it, output without reasoning."""
    cached = usage["cached_input_tokens"]
    output = usage["output_tokens"] + usage["reasoning_tokens"]
    return ((usage["input_tokens"] - cached) * price.input + cached * 0.3 + output * price.output) / 1_000_000


def test_a_row_for_each_turn_and_model(station: Trace) -> None:
    """The weather desk asks one model in each turn, and a second one in turn 9; the rows add up to what the records say."""
    records = [json.loads(one) for one in STATION.read_text(encoding="utf-8").splitlines()]
    usages = [one["usage"] for one in records if one["type"] == "llm_call_completed" and one["context"].get("turn_id")]
    frame = cost_df(station, PRICES)
    ours = frame[frame["model"] == "desk-model"]

    assert frame["turn_index"].tolist() == [*range(1, 10), 9, *range(10, 24)]
    assert ours["total_usd"].sum() == pytest.approx(sum(price_of(usage, PRICE) for usage in usages))
    assert ours["llm_calls"].sum() == len(usages)
    assert frame["not_counted"].isna().all()
    assert [column.name for column in COST_COLUMNS] == list(frame.columns)[: len(COST_COLUMNS)]


def test_nothing_without_a_price_is_free(station: Trace) -> None:
    """A model without a price has no cost at all; a part without one is not in the total; both are named."""
    frame = cost_df(station, {"desk-model": Price(input=3, output=15)})
    other = frame[frame["model"] == "small-model"].iloc[0]
    third = frame[frame["turn_index"] == 3].iloc[0]

    assert pd.isna(other["total_usd"])
    assert pd.isna(other["output_usd"])
    assert other["not_counted"] == "small-model: no price"
    assert pd.isna(third["cached_input_usd"])
    assert third["total_usd"] == pytest.approx(third["input_usd"] + third["output_usd"])
    assert third["not_counted"] == "desk-model: cached_input, no price; desk-model: cache_write, not recorded"


def test_what_is_unpriced_is_told_by_model(station: Trace) -> None:
    """With its calls and tokens, as far as the trace tells."""
    costs = call_costs(station, {"desk-model": Price(input=3, cached_input=0.3, output=15)})

    assert costs.unpriced() == [
        Unpriced(model="small-model", what="tokens", reason="no price", calls=1, tokens=76),
        Unpriced(model="desk-model", what="cache_write", reason="not recorded", calls=43, tokens=None),
    ]


def test_of_nothing_no_price_is_needed() -> None:
    """A call without cached tokens is priced whole although the price of cached ones is not known."""
    usage = {"input_tokens": 2, "output_tokens": 1, "cached_input_tokens": 0, "reasoning_tokens": 0}
    trace = read_trace(
        [
            record(0, "llm_call_started", context={"llm_call_id": "a"}, request={"model": "m"}),
            record(1, "llm_call_completed", context={"llm_call_id": "a"}, response={"text": ""}, usage=usage),
        ]
    )
    row = cost_df(trace, {"m": Price(input=1e6, output=1e6, cache_write=0)}).iloc[0]

    assert (row["cached_input_usd"], row["total_usd"]) == (0, 3)
    assert pd.isna(row["not_counted"])


def test_an_empty_table_has_the_types_of_a_full_one(station: Trace) -> None:
    """So that frames can be put together."""
    empty, full = cost_df(read_trace(b""), PRICES), cost_df(station, {})

    assert len(empty) == 0
    assert [str(kind) for kind in empty.dtypes] == [str(kind) for kind in full.dtypes]


def test_columns_can_be_added(station: Trace) -> None:
    """A column's function gets the turn, the model, the tokens and the costs of a row; a failing one leaves empty cells when asked to."""
    per_token = Column(
        "usd_per_token", lambda row: row.total_usd / sum(row.tokens[part] or 0 for part in row.tokens), "Float64"
    )
    wrong = Column("wrong", "nowhere", "string")
    frame, problems = cost_df(station, PRICES, columns=(per_token, wrong), strict=False)

    assert frame["usd_per_token"].between(0, 15e-6).all()
    assert len(problems) == len(frame)


@pytest.mark.parametrize(
    "amount",
    [
        -1,
        -1e-9,
        10**400,
        10**5000,
        1e308,
        float("inf"),
        float("nan"),
        True,
        "3",
        Decimal(3),
        [1.0],
        np.array([1.0]),
        "x" * 10**6,
    ],
    ids=lambda amount: type(amount).__name__,
)
@pytest.mark.parametrize("member", ["input", "output", "cached_input", "cache_write"])
def test_what_is_no_price_is_refused(member: str, amount: Any) -> None:
    """Where it is made; the error names the member, says how a price is written, and stays short."""
    with pytest.raises(
        CallerError, match=rf"^Price\({member}=.*\) is no price: write USD per million tokens"
    ) as caught:
        Price(**{"input": 1, "output": 2, member: amount})

    assert len(caught.value.message) < 200


@pytest.mark.parametrize("amount", [3, 3.0, np.float32(3), np.int64(3), np.float64(3), Fraction(3)])
def test_any_real_number_is_a_price(amount: Any, station: Trace) -> None:
    """A table of prices may come out of a frame."""
    expected = cost_df(station, {"desk-model": Price(input=3, output=3, cached_input=0, cache_write=0)})
    prices = {"desk-model": Price(input=amount, output=amount, cached_input=amount * 0, cache_write=amount * 0)}

    pd.testing.assert_frame_equal(cost_df(station, prices), expected)


def test_the_highest_price_does_not_overflow() -> None:
    """A very large number of tokens at the highest price is a finite sum."""
    usage = dict.fromkeys(("input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens"), 10**18)
    start = record(0, "llm_call_started", context={"llm_call_id": "a"}, request={"model": "m"})
    end = record(1, "llm_call_completed", context={"llm_call_id": "a"}, response={"text": ""}, usage=usage)
    row = cost_df(
        read_trace([start, end]), {"m": Price(input=1e12, cached_input=1e12, cache_write=0, output=1e12)}
    ).iloc[0]

    assert 1e24 < row["total_usd"] < 1e25


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (None, "Prices are a dict by model, not NoneType: write {'some-model': Price"),
        ([PRICE], "Prices are a dict by model, not list"),
        (PRICE, "Prices are a dict by model, not Price"),
        ({1: PRICE}, "Prices are by the model's name, a text, not by 1: write"),
        ({"m": 3}, "The price of 'm' is 3: write Price(input=…, output=…), in USD per million tokens"),
        ({"m": {"input": 10**5000, "output": "x" * 10**6}}, "The price of 'm' is "),
        ({"m" * 10**6: "x" * 10**6}, "The price of 'mmm"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_table_of_prices_is_refused(wrong: Any, message: str, station: Trace) -> None:
    """By tables and plots alike; the error says what was given, not all of it, and how a table is written."""
    for work in (cost_df, call_costs):
        with pytest.raises(CallerError, match="^" + re.escape(message)) as caught:
            work(station, wrong)

        assert len(caught.value.message) < 300


def test_tokens_are_columns_of_numbers(station: Trace) -> None:
    """One entry per call that reported tokens; each call belongs to a turn of the trace."""
    tokens = call_tokens(station)

    assert len(tokens.call) == 44
    assert tokens.models == ("desk-model", "small-model")
    assert {station.turns[turn].turn_index for turn in tokens.turn} == set(range(1, 24))
    assert tokens.input.sum() == sum(tokens.uncached_input) + sum(tokens.cache_read)
    assert tokens.silent == 0
