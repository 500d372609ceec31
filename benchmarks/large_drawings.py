"""What drawing a lot costs: `python -m benchmarks.large_drawings [--json]`.

Seconds, the best of three: a session graph of 100,000 nodes is laid out and made a view; every plot of a trace's numbers is drawn over 100,000
calls and written as a picture.
"""

import time
from collections.abc import Callable
from io import BytesIO
from typing import Final

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from benchmarks.shown import asking, show
from lash_nb.frames import Price
from lash_nb.plots import cache_share, cost, latency, lay_out, timeline, tokens, tool_outcomes
from lash_nb.trace import Trace
from lash_nb.views import SessionGraphView
from tests.plots.test_all_plots import calls
from tests.views.samples import graph_of

TURNS: Final = 25_000
"""Turns of a session graph; each has four nodes."""
CALLING_TURNS: Final = 50_000
"""Turns of a trace; each has two calls."""
PLOTS: Final[dict[str, Callable[[Trace], Axes]]] = {
    "latency": latency,
    "tokens": tokens,
    "cost": lambda trace: cost(trace, prices={"desk-model": Price(input=3, output=15)}),
    "tool_outcomes": tool_outcomes,
    "cache_share": cache_share,
    "timeline": timeline,
}


def best(work: Callable[[], object]) -> float:
    """Return the seconds of the best of three rounds."""
    took = []
    for _ in range(3):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return round(min(took), 2)


def picture(plot: Callable[[Trace], Axes], trace: Trace) -> None:
    """Draw it and write it as a picture."""
    figure = plot(trace).get_figure(root=True)
    assert figure is not None
    figure.savefig(BytesIO())
    plt.close("all")


def measure() -> dict[str, float]:
    """Return the figures."""
    graph = graph_of(
        [(number, number - 1 or None, f"Question {number}?") for number in range(1, TURNS + 1)], leaf=TURNS
    )
    nodes = [(node.node_id, node.parent_node_id) for node in graph.nodes]
    trace = calls(CALLING_TURNS)
    figures = {
        "layout of a graph s": best(lambda: lay_out(nodes, nodes[-1][0])),
        "view of a graph s": best(lambda: SessionGraphView(graph)),
    }
    with mpl.rc_context({"backend": "agg"}):
        return figures | {f"{name} s": best(lambda plot=plot: picture(plot, trace)) for name, plot in PLOTS.items()}  # type: ignore[misc]  # a default


def main() -> None:
    """Print the figures."""
    as_json = asking(__doc__).parse_args().json
    show(measure(), as_json=as_json)


if __name__ == "__main__":
    main()
