"""What reading a trace costs: `python -m benchmarks.trace_read [--size MB …] [--folder DIR] [--json]`.

Traces of 100 MB and 1 GB are generated as `trace_files` describes, measured and deleted. The ratio stands beside `pandas.read_json(lines=True)`
on the same file (of the large one, its first records), in turn with the index in this process and in time of the processor, so that what slows
the machine slows both; both have one processor, and no other process helps. Opening, its peak of memory and the table of all records, when it is
first asked for, are measured in a process of their own; a large trace is read from both ends, and the peak of the process that helps stands
beside. Times are the best of a few rounds, as other programs only add to them; of the peaks of memory the highest counts. Beside them stands what
lines cost that are no records, or in which a member has a type that no release gives it.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, Final

import pandas as pd

from benchmarks.shown import asking, show
from benchmarks.trace_files import SEED, write_trace
from lash_nb.frames import records_df
from lash_nb.trace import Trace, read_trace

ROUNDS: Final = 5
PEER_RECORDS: Final = 110_000
"""Records that pandas reads, about 100 MB: it keeps every body in memory, in more than a gigabyte."""
ODD_RECORDS: Final = 20_000
BAD_LINES: Final = 1_000_000
BODIES: Final = 100
LONGEST_BODY: Final = 16_000
HIGHEST: Final = {"open MB/s", "open peak MB", "other process peak MB", "peak bytes a record", "records_df peak MB"}
"""Of these figures the highest of the rounds counts: the best rate, but the worst peak of memory."""
ALONE: Final = "from benchmarks.trace_read import alone; alone({path!r})"


def best(work: Callable[[], object], rounds: int = ROUNDS, *, clock: Callable[[], float] = time.perf_counter) -> float:
    """Return the seconds of the best round."""
    took = []
    for _ in range(rounds):
        began = clock()
        work()
        took.append(clock() - began)
    return min(took)


@contextmanager
def one_processor() -> Iterator[None]:
    """Run on one processor: a large trace is not read by two processes there, of which the clock would see one."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def index_rates(path: Path, folder: Path) -> dict[str, float]:
    """Return MB/s of the index and of pandas on the first records of a trace, and their ratio."""
    part = folder / "part.jsonl"
    with path.open("rb") as file:
        part.write_bytes(b"".join(islice(file, PEER_RECORDS)))
    seconds: dict[str, list[float]] = {"index": [], "pandas": []}
    with one_processor():
        for _ in range(3):  # in turn
            seconds["index"].append(best(lambda: read_trace(part), clock=time.process_time))
            seconds["pandas"].append(best(lambda: pd.read_json(part, lines=True), 1, clock=time.process_time))
    megabytes = part.stat().st_size / 1e6
    part.unlink()
    rates = {f"{name} MB/s": round(megabytes / min(took), 1) for name, took in seconds.items()}
    return rates | {"index / pandas": round(min(seconds["pandas"]) / min(seconds["index"]), 1)}


def body_times(trace: Trace) -> dict[str, float]:
    """Return the milliseconds that random bodies take, all asked for at once and one by one."""
    short = [row for row, length in enumerate(trace.index.length.tolist()) if length <= LONGEST_BODY]
    rows = Random(SEED).sample(short, BODIES)  # noqa: S311 - the same rows each time
    at_once, each = best(lambda: list(trace.bodies(rows)), 20), best(lambda: [trace[row] for row in rows], 20)
    return {f"{BODIES} bodies ms": round(at_once * 1000, 2), f"{BODIES} bodies one by one ms": round(each * 1000, 2)}


def odd_lines(path: Path) -> dict[str, float]:
    """Return how many times as long the index takes where every record has a member of another type, and the microseconds of bad lines."""
    with path.open("rb") as file:
        good = list(islice(file, ODD_RECORDS))
    strange = [line[:-2] + b',"call_id":5}\n' for line in good]
    bad = {"bad line us": b"no trace\n", "untyped line us": b'{"no":"trace"}\n', "broken line us": b'{"type":"a","t}\n'}
    plain, odd = (best(partial(read_trace, b"".join(lines)), clock=time.process_time) for lines in (good, strange))
    took = {name: best(partial(read_trace, line * BAD_LINES), 2, clock=time.process_time) for name, line in bad.items()}
    per_line = {name: round(seconds / BAD_LINES * 1e6, 2) for name, seconds in took.items()}
    return {"strange / plain": round(odd / plain, 1), **per_line}


def alone(path: str) -> None:
    """Print what opening a trace takes in a process that does nothing else."""
    before, began = _peak(), time.perf_counter()
    trace = read_trace(path)
    opened, peak = time.perf_counter() - began, _peak()
    table = best(lambda: records_df(trace), 1)  # the first one reads the contexts
    peak_of_table = _peak()
    turns = best(lambda: trace.turns, 1)
    figures = {
        "records": len(trace),
        "open s": round(opened, 2),
        "open MB/s": round(Path(path).stat().st_size / 1e6 / opened, 1),
        "open peak MB": peak,
        "other process peak MB": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 // 1_000_000,
        "peak bytes a record": round((peak - before) * 1e6 / len(trace)),
        "records_df s": round(table, 2),
        "records_df peak MB": peak_of_table,
        "turns s": round(turns, 2),
    }
    print(json.dumps(figures))


def _peak() -> int:
    """Return the peak of this process's memory in MB, since it began to run."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024 // 1_000_000


def measure(size: int, folder: Path) -> dict[str, Any]:
    """Generate a trace and measure it."""
    path = folder / "trace.jsonl"
    records = write_trace(path, size)
    code = ALONE.format(path=str(path))
    runs = [
        json.loads(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout)
        for _ in range(3)
    ]
    figures = {
        "bytes a record": size // records,
        **{name: (max if name in HIGHEST else min)(run[name] for run in runs) for name in runs[0]},
        **index_rates(path, folder),
        **body_times(read_trace(path)),
        **odd_lines(path),
    }
    path.unlink()
    return figures


def main() -> None:
    """Print the figures."""
    parser = asking(__doc__)
    parser.add_argument("--size", type=int, nargs="+", default=[100, 1000], metavar="MB", help="sizes of the traces")
    parser.add_argument("--folder", type=Path, help="where they are generated; a temporary folder by default")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        room = shutil.disk_usage(folder).free // 1_000_000
        if room < 2 * max(asked.size):
            sys.exit(f"{folder} has room for {room:,} MB only; name another --folder or a smaller --size")
        figures = {f"{size} MB": measure(size * 1_000_000, Path(folder)) for size in asked.size}
    show(figures, as_json=asked.json)


if __name__ == "__main__":
    main()
