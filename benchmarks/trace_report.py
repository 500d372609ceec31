"""What the report of a trace costs: `python -m benchmarks.trace_report [--size MB …] [--folder DIR] [--json]`.

A trace of 100 MB is generated as `trace_files` describes; then `lash-nb trace FILE -o report.html` runs three times, each a process from its
start to its end. Seconds are the best of them, the peak of memory is the highest. The first run leaves the compiled modules in the temporary
folder, so that the others find them as those of an installed package are found, also where the environment keeps Python from writing them.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.shown import asking, show
from benchmarks.trace_files import write_trace

RUNS: Final = 3
PROGRAM: Final = """
import sys
from lash_nb.cli import main
sys.exit(main(["trace", sys.argv[1], "-o", sys.argv[2]]) or print("peak", *(line for line in open("/proc/self/status") if line.startswith("VmHWM"))))
"""
"""The command, which says at its end how much memory it held at most: what the system tells of a child counts its parent's in."""


def run(trace: Path, page: Path) -> dict[str, float]:
    """Write one report and return what it took."""
    compiled = os.environ | {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(page.parent / "compiled")}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(trace), str(page)], check=True, capture_output=True, text=True, env=compiled
    )
    seconds = time.perf_counter() - began
    kilobytes = int(done.stdout.partition("VmHWM:")[2].split()[0])
    return {"report s": round(seconds, 2), "report peak MB": kilobytes * 1024 // 1_000_000}


def measure(size: int, folder: Path) -> dict[str, Any]:
    """Generate a trace, tell of it and measure that."""
    trace, page = folder / "trace.jsonl", folder / "report.html"
    records = write_trace(trace, size)
    runs = [run(trace, page) for _ in range(RUNS)]
    return {
        "records": records,
        "report s": min(one["report s"] for one in runs),
        "report peak MB": max(one["report peak MB"] for one in runs),
        "page MB": round(page.stat().st_size / 1e6, 2),
    }


def main() -> None:
    """Print the figures."""
    parser = asking(__doc__)
    parser.add_argument("--size", type=int, nargs="+", default=[100], metavar="MB", help="sizes of the traces")
    parser.add_argument("--folder", type=Path, help="where they are generated; a temporary folder by default")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        figures = {f"{size} MB": measure(size * 1_000_000, Path(folder)) for size in asked.size}
    show(figures, as_json=asked.json)


if __name__ == "__main__":
    main()
