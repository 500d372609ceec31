"""What the model calls of a trace cost by a price table of the user's own.

Nothing is priced that the table does not price: tokens without a price, and tokens that a trace does not tell, are named beside the sum
and never counted as free.
"""

import reprlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lash_nb.errors import CallerError
from lash_nb.frames._call_tokens import CallTokens, Numbers, Positions, call_tokens
from lash_nb.trace import Trace
from lash_nb.words import NO_MODEL

__all__ = ["PRICED_TOKENS", "CallCosts", "Price", "Unpriced", "call_costs", "costs_of", "gap_words"]

_MOST: Final = 10**12
"""No tokens cost more than all the money there is, and no sum overflows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a model's tokens cost, in USD per million; None is a price that is not known.

    Raises:
        CallerError: what is given is no amount of money.
    """

    input: float
    """Tokens that no cache had."""
    output: float
    """Tokens that the model writes, reasoning included."""
    cached_input: float | None = None
    """Tokens read from the provider's cache."""
    cache_write: float | None = None
    """Tokens written to the provider's cache; 0 where that costs nothing."""

    def __post_init__(self) -> None:
        for field in fields(self):
            rate = getattr(self, field.name)
            if rate is not None and not _is_rate(rate):
                message = f"Price({field.name}={_shown(rate)}) is no price: write USD per million tokens, from 0 to {_MOST:,}."
                raise CallerError(message)


def _is_rate(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    try:
        return 0 <= float(value) <= _MOST
    except OverflowError:
        return False


def _shown(value: Any) -> str:
    """Return the beginning of what a value looks like, whatever it is."""
    try:
        return reprlib.repr(value)
    except ValueError:  # an integer of more digits than Python writes
        return f"an {type(value).__name__} of thousands of digits"


_PRICE: Final = "Price(input=…, output=…)"
"""How a price is written."""

PRICED_TOKENS: Final = {
    "input": "uncached_input",
    "cached_input": "cache_read",
    "cache_write": "cache_write",
    "output": "output",
}
"""Which tokens each price is for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpriced:
    """Tokens that are not in a cost, and why."""

    model: str | None
    """The model."""
    what: str
    """`tokens` for all of them, else the member of `Price`: `input`, `cached_input`, `cache_write` or `output`."""
    reason: str
    """`no price`, or `not recorded` where the trace does not tell how many there were."""
    calls: int
    """Model calls with such tokens."""
    tokens: int | None
    """How many tokens; None where that is not recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCosts:
    """The cost of each model call that reported tokens."""

    tokens: CallTokens
    """The tokens, one entry per call."""
    parts: Mapping[str, Numbers]
    """USD by member of `Price`, one entry per call; NaN where price or tokens are not known."""

    @property
    def total(self) -> Numbers:
        """USD per call: the sum of its known parts, NaN where none is known."""
        parts = np.array(list(self.parts.values()))
        return np.where(np.isnan(parts).all(axis=0), np.nan, np.nansum(parts, axis=0))

    def gaps(self) -> Iterator[tuple[str, str, npt.NDArray[np.bool_]]]:
        """Yield what is in no cost (a member of `Price`, or `tokens` for all of them), why, and which calls that concerns."""
        parts = np.array(list(self.parts.values()))
        unpriced = np.isnan(parts).all(axis=0)
        yield "tokens", "no price", unpriced
        for what, cost in self.parts.items():
            unknown = np.isnan(getattr(self.tokens, PRICED_TOKENS[what]))
            gap = np.isnan(cost) & ~unpriced
            yield what, "not recorded", gap & unknown
            yield what, "no price", gap & ~unknown

    def unpriced(self) -> list[Unpriced]:
        """Return what is in no cost, by model."""
        return [
            self._unpriced(model, what, reason, rows & (self.tokens.model == model))
            for what, reason, rows in self.gaps()
            for model in np.unique(self.tokens.model[rows]).tolist()
        ]

    def _unpriced(self, model: int, what: str, reason: str, rows: npt.NDArray[np.bool_]) -> Unpriced:
        read = self.tokens
        counts = getattr(read, PRICED_TOKENS[what]) if what in PRICED_TOKENS else read.input + read.output
        tokens = None if reason == "not recorded" else int(counts[rows].sum())
        return Unpriced(model=read.models[model], what=what, reason=reason, calls=int(rows.sum()), tokens=tokens)


def gap_words(model: str | None, what: str, reason: str) -> str:
    """Return what is in no cost as a person reads it: `some-model: no price`, `some-model: cache_write, not recorded`."""
    return f"{model or NO_MODEL}: {reason if what == 'tokens' else f'{what}, {reason}'}"


def call_costs(trace: Trace, prices: Mapping[str, Price]) -> CallCosts:
    """Return what each model call of a trace cost.

    Raises:
        CallerError: the table holds what is no price.
    """
    return costs_of(call_tokens(trace), prices)


def costs_of(tokens: CallTokens, prices: Mapping[str, Price]) -> CallCosts:
    """Return what tokens cost, entry by entry. Errors as in `call_costs`."""
    _check(prices)
    known = [prices.get(model) if model is not None else None for model in tokens.models]
    parts = {what: _cost(getattr(tokens, counts), tokens.model, known, what) for what, counts in PRICED_TOKENS.items()}
    return CallCosts(tokens=tokens, parts=parts)


def _cost(tokens: Numbers, model: Positions, prices: Sequence[Price | None], what: str) -> Numbers:
    """Return USD per call; what costs nothing costs nothing however much there was, and of nothing no price is needed."""
    rates = np.array([np.nan if price is None else _rate(price, what) for price in prices], dtype=np.float64)[model]
    is_priced = np.array([price is not None for price in prices], dtype=np.bool_)[model]
    return np.where((rates == 0) | (is_priced & (tokens == 0)), 0.0, tokens * rates / 1_000_000)


def _rate(price: Price, what: str) -> float:
    rate: float | None = getattr(price, what)
    return np.nan if rate is None else float(rate)


def _check(prices: Any) -> None:
    if not isinstance(prices, Mapping):
        raise CallerError(f"Prices are a dict by model, not {type(prices).__name__}: write {{'some-model': {_PRICE}}}.")
    for model, price in prices.items():
        if not isinstance(model, str):
            raise CallerError(
                f"Prices are by the model's name, a text, not by {_shown(model)}: write {{'some-model': {_PRICE}}}."
            )
        if not isinstance(price, Price):
            raise CallerError(
                f"The price of {_shown(model)} is {_shown(price)}: write {_PRICE}, in USD per million tokens."
            )
