"""What `import lash_nb` costs in a fresh interpreter: `python -m benchmarks.import_time [--json]`.

Medians in milliseconds of the whole process, less those of an interpreter that imports nothing; beside it the facade, which is loaded when it is first used.
"""

import statistics
import subprocess
import sys
import time
from typing import Final

from benchmarks.shown import asking, show

STATEMENTS: Final = {
    "nothing": "pass",
    "import lash_nb": "import lash_nb",
    "lash_nb.LashCore": "import lash_nb; lash_nb.LashCore",
}
ROUNDS: Final = 15


def milliseconds(statement: str) -> float:
    """Run a fresh interpreter and return how long it took."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return (time.perf_counter() - started) * 1000


def measure() -> dict[str, float]:
    """Run all statements in alternation and return what each adds to an empty interpreter."""
    took: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for _ in range(ROUNDS):
        for name, statement in STATEMENTS.items():
            took[name].append(milliseconds(statement))
    empty = statistics.median(took.pop("nothing"))
    return {name: round(statistics.median(values) - empty, 1) for name, values in took.items()}


def main() -> None:
    """Print the figures."""
    as_json = asking(__doc__).parse_args().json
    show(measure(), as_json=as_json, unit="ms")


if __name__ == "__main__":
    main()
