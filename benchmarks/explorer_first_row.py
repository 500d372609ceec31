"""How soon the explorer shows 300,000 records in a browser: `python -m benchmarks.explorer_first_row [--json]`.

Milliseconds: reading the trace, making the view from it, and, in Chromium, from the view's state (what a display message brings) to its first
row in the page. Beside it a search through every record, and the bytes of the state.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.shown import asking, show
from benchmarks.trace_files import write_trace
from lash_nb.trace import read_trace
from lash_nb.views import TraceExplorerView
from tests.conftest import launched_browser
from tests.views.harness import Mounted, state_bytes

BYTES: Final = 280_000_000
"""Size of a trace of somewhat more records than `RECORDS`."""
RECORDS: Final = 300_000


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Do it and say how many milliseconds it took."""
    began = time.perf_counter()
    done = work()
    return done, round((time.perf_counter() - began) * 1000, 1)


def measure() -> dict[str, float]:
    """Return the figures."""
    with tempfile.TemporaryDirectory() as folder, launched_browser() as browser:
        path = Path(folder) / "trace.jsonl"
        count = write_trace(path, BYTES)
        assert count >= RECORDS, count
        trace, reading = timed(lambda: read_trace(path))
        view, making = timed(lambda: TraceExplorerView(trace))
        first_row = Mounted(browser.new_page(), view).first_row_ms
        _, searching = timed(lambda: view.filter(text="東京 nowhere"))
        figures = {"records": count, "read ms": reading, "view ms": making, "first row ms": round(first_row, 1)}
        return {**figures, "search ms": searching, "state bytes": state_bytes(view)}


def main() -> None:
    """Print the figures."""
    as_json = asking(__doc__).parse_args().json
    show(measure(), as_json=as_json)


if __name__ == "__main__":
    main()
