"""What reading and writing an envelope costs: `python -m benchmarks.wire_json [--vectors DIR] [--json]`.

The envelopes of the golden data, and one model call of 200 kB; beside them Python's own json module on the same documents as dicts, which neither
checks nor orders anything.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.shown import asking, show
from lash_nb.wire import Json, RuntimeEffectEnvelope, from_builtins, from_json, stable_hash, to_builtins, to_json
from tests.conformance.vectors import PACKED, read_group

ROUNDS: Final = 15
TYPES: Final = frozenset({"RuntimeEffectEnvelope", "RuntimeEffectEnvelope.try_new"})
PARAGRAPH: Final = (
    'She said: "Größe 12, 1e5 and null are\\all fine."\n\tThen the tools were called, one after the other.\n' * 10
)


def large_call() -> RuntimeEffectEnvelope:
    """Return a model call of 200 kB: prose, quotes, line ends, and a tool with a schema."""
    schema: Json = {f"field_{i}": {"type": "integer", "maximum": 1.5 * i, "default": None} for i in range(100)}
    tool = {"name": "t", "description": PARAGRAPH, "input_schema": {"properties": schema}, "output_schema": {}}
    projections: Json = {"input_schema_projections": [], "output_schema_projections": []}
    text = {"Text": {"text": PARAGRAPH, "cache_breakpoint": False}}
    request: Json = {
        "model": "m",
        "messages": [{"role": "User", "blocks": [text]}] * 185,
        "attachments": [],
        "tools": [tool | projections],
        "tool_choice": "Auto",
        "model_variant": None,
        "generation": {},
        "stream_events": True,
    }
    invocation = {
        "scope": {"session_id": "s", "turn_id": "t", "turn_index": 1, "protocol_iteration": 0},
        "subject": {"type": "effect", "effect_id": "e", "kind": "llm_call"},
        "replay": {"key": "k"},
    }
    document = {"invocation": invocation, "command": {"type": "llm_call", "request": request}}
    return from_builtins(document, RuntimeEffectEnvelope)


def seconds(work: Callable[[Any], object], values: Sequence[Any]) -> float:
    """Return what one value takes: the best round, as other programs only ever add to it."""
    took = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for value in values:
            work(value)
        took.append(time.perf_counter() - started)
    return min(took) / len(values)


def measure(values: Sequence[RuntimeEffectEnvelope], spellings: Sequence[bytes]) -> dict[str, float]:
    """Return seconds per envelope."""
    written = [to_json(value) for value in values]
    documents = [to_builtins(value) for value in values]
    return {
        "to_json": seconds(to_json, values),
        "stable_hash": seconds(stable_hash, values),
        "json.dumps": seconds(lambda document: json.dumps(document, ensure_ascii=False), documents),
        "from_json": seconds(lambda raw: from_json(raw, RuntimeEffectEnvelope), written),
        "from_json, not canonical": seconds(lambda raw: from_json(raw, RuntimeEffectEnvelope), spellings),
        "json.loads": seconds(json.loads, written),
    }


def main() -> None:
    """Print the figures."""
    parser = asking(__doc__)
    parser.add_argument("--vectors", type=Path, default=PACKED, metavar="DIR", help="golden data, plain or packed")
    asked = parser.parse_args()
    cases = [case for case in read_group(asked.vectors, "wire") if case["type"] in TYPES and "out" in case]
    if not cases:
        sys.exit(f"{asked.vectors} holds no envelopes; give a folder of golden data with wire/")
    values = [from_json(case["out"], RuntimeEffectEnvelope) for case in cases]
    call = large_call()
    megabytes = len(to_json(call)) / 1e6
    small = measure(values, [case["in"].encode() for case in cases])
    large = measure([call], [json.dumps(to_builtins(call), sort_keys=True).encode()])
    figures = {
        "envelopes per second": {name: round(1 / took) for name, took in small.items()},
        f"MB/s, {megabytes * 1000:.0f} kB": {name: round(megabytes / took) for name, took in large.items()},
    }
    show(figures, as_json=asked.json)


if __name__ == "__main__":
    main()
