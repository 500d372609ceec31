"""Write recordings of scenarios: `python -m tests.conformance.turns SCENARIOS OUT [--only GLOB] [--allow-unknown] [--restored]`.

SCENARIOS holds recorded scenarios, plain or packed; each that matches is interpreted and its recording written to `OUT/NAME.json`. A scenario
with an unknown word, or one whose run breaks, gets no file and is named at the end; the exit status is then 1. With `--allow-unknown` only a
broken run counts. With `--restored` every turn machine goes on from the JSON of its own checkpoint after each step.
"""

import argparse
import asyncio
import fnmatch
import json
import sys
import traceback
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from tests.conformance.turns._interpret import interpret
from tests.conformance.turns._restored import restored_machines
from tests.conformance.turns._words import UnknownWordsError
from tests.conformance.vectors import read_documents

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Record every scenario that matches and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.turns", description=__doc__)
    parser.add_argument("scenarios", type=Path, metavar="SCENARIOS")
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--only", default="*", metavar="GLOB")
    parser.add_argument("--allow-unknown", action="store_true")
    parser.add_argument("--restored", action="store_true")
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    with restored_machines() if given.restored else nullcontext():
        verdicts = [
            _record(document, given.out)
            for document in read_documents(given.scenarios)
            if fnmatch.fnmatch(document["scenario"]["name"], given.only)
        ]
    count = Counter(verdicts)
    _say(f"{count['written']} written, {count['unknown']} with unknown words, {count['broken']} broken")
    return int(not verdicts or count["broken"] > 0 or (count["unknown"] > 0 and not given.allow_unknown))


def _record(document: dict[str, Any], out: Path) -> str:
    scenario = document["scenario"]
    target = out / f"{scenario['name']}.json"
    target.unlink(missing_ok=True)
    try:
        events = asyncio.run(interpret(scenario))
    except UnknownWordsError as error:
        _say(f"{scenario['name']}: {error}")
        return "unknown"
    except Exception:  # noqa: BLE001 - one broken run must not hide the others
        _say(f"{scenario['name']}: broken\n{traceback.format_exc()}")
        return "broken"
    target.write_text(json.dumps({"scenario": scenario, "recorded": events}, ensure_ascii=False), encoding="utf-8")
    return "written"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
