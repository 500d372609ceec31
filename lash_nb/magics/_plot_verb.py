"""The verb that draws one plot of a trace."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any, Final

from matplotlib.axes import Axes

from lash_nb import plots
from lash_nb.errors import CallerError
from lash_nb.magics import _values as values
from lash_nb.magics._bench import Bench
from lash_nb.magics._look_verbs import TRACE_OF, asked_trace, trace_python
from lash_nb.magics._pictures import drawn
from lash_nb.magics._verb import Argument, Verb

__all__ = ["PLOT"]

_PLOTS: Final = ("timeline", "latency", "tokens", "cost", "tool_outcomes", "cache_share")
"""What can be drawn of a trace: functions of `lash_nb.plots`."""

_PRICED: Final = "cost"


def _plot(bench: Bench, asked: Namespace) -> Axes:
    prices = {"prices": _prices(bench, asked.prices)} if asked.plot == _PRICED else {}
    axes: Axes = getattr(plots, asked.plot)(asked_trace(bench, asked, line=f"plot {asked.plot}"), **prices)
    return drawn(bench, axes)


def _prices(bench: Bench, name: str | None) -> Mapping[str, Any]:
    prices = None if name is None else bench.namespace.get(name)
    if isinstance(prices, Mapping):
        return prices
    found = "cost by which prices?" if name is None else f"{name} is no dict of prices;"
    example = "prices = {'some-model': lash_nb.frames.Price(input=3, output=15)}"
    raise CallerError(f"{found} {example}, then %lash plot cost --prices prices", code="magics_prices")


def _plot_python(bench: Bench, asked: Namespace) -> str:
    prices = f", prices={asked.prices or 'prices'}" if asked.plot == _PRICED else ""
    return f"lash_nb.plots.{asked.plot}({trace_python(bench, asked)}{prices})"


PLOT: Final = Verb(
    name="plot",
    summary=f"draw one plot of a trace: {', '.join(_PLOTS)}",
    run=_plot,
    python=_plot_python,
    arguments=(
        Argument(
            name="PLOT",
            help=f"one of {', '.join(_PLOTS)}",
            values=lambda _bench, _typed: _PLOTS,
            settings={"choices": _PLOTS},
        ),
        *TRACE_OF,
        Argument(
            name="--prices",
            help="for cost: variable with a dict of prices by model",
            values=values.variables,
            settings={"metavar": "VARIABLE"},
        ),
    ),
)
