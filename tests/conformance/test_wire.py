"""The wire reads, refuses and writes what the reference does, byte for byte.

A case that is not understood is a fault: a key, a kind of error, a type or an operation without a row in the tables.
"""

import math
import re
import struct
from collections.abc import Callable, Iterator
from typing import Any, Final

from lash_nb import wire
from lash_nb.errors import LashError
from lash_nb.wire import from_json, stable_hash, to_json
from tests.conformance.wire_operations import OPERATIONS, RENAMED

REQUIRED: Final = frozenset({"name", "type", "in"})
FLAGS: Final = frozenset({"inexact_float", "not_fixed_point"})
OPTIONAL: Final = frozenset({"out", "sha256", "error", "code", "kind", "bits"}) | FLAGS
ERRORS: Final = frozenset(
    {
        "duplicate_key",
        "missing_field",
        "out_of_range",
        "syntax",
        "unknown_field",
        "unknown_variant",
        "validation",
        "wrong_type",
    }
)

Case = dict[str, Any]


def test_every_case_of_a_type(cases: list[Case], record_property: Callable[[str, object], None]) -> None:
    """Each document of a type, or argument of an operation, is refused or comes out with the reference's own bytes and hash."""
    record_property("cases", len(cases))
    for flag in FLAGS:
        record_property(flag, sum(flag in case for case in cases))
    faults = {case.get("name"): fault for case in cases if (fault := fault_of(case))}
    shown = [f"{case}: {fault}" for case, fault in list(faults.items())[:5]]
    assert not faults, "\n".join([f"{len(faults)} of {len(cases)} fail: {', '.join(map(str, faults))}", *shown])


def fault_of(case: Case) -> str | None:
    """Return the first fault of a case; one that is not understood is not run."""
    return next(_misfits(case), None) or next(_faults(case), None)


def _misfits(case: Case) -> Iterator[str]:
    """Yield what about a case is not understood."""
    if missing := REQUIRED - case.keys():
        yield f"has no {', '.join(sorted(missing))}"
    if unknown := case.keys() - REQUIRED - OPTIONAL:
        yield f"has keys that this runner does not know: {', '.join(sorted(unknown))}"
    if ("out" in case) is ("error" in case):
        yield "must have either `out` or `error`"
    if case.get("error", "syntax") not in ERRORS:
        yield f"ends in {case['error']!r}, an error that this runner does not know"
    if not all(case[flag] is True for flag in FLAGS & case.keys()):
        yield "has a flag that is not true"
    if not {case.get("type")} & (OPERATIONS.keys() | RENAMED.keys() | set(wire.__all__)):
        yield f"{case.get('type')!r} is no type and no operation that this runner knows"


def _faults(case: Case) -> Iterator[str]:
    """Yield in what a case comes out otherwise than in the reference."""
    operation = OPERATIONS.get(case["type"])
    kind = RENAMED.get(case["type"]) or getattr(wire, case["type"], None)
    try:
        raw = case["in"].encode("utf-8", "surrogatepass")
        result = operation(raw) if operation else from_json(raw, kind)
        written = to_json(result).decode()
    except LashError as error:
        if "out" in case or case.get("code") not in (None, error.code):
            yield f"{error} ({error.code}), expected {case.get('code') or case.get('out')}"
        return
    except Exception as error:  # noqa: BLE001 - a broken case must not hide the others
        yield f"breaks: {error!r} on {case['in'][:300]}"
        return
    if "error" in case:
        yield f"{case['error']} is not refused: {case['in'][:200]} → {written[:200]}"
        return
    wanted = case["out"]
    if not (_alike(written, wanted) if "inexact_float" in case else written == wanted):
        yield f"{case['in'][:300]} → {written[:300]}, expected {wanted[:300]}"
    if "inexact_float" not in case and not _facts(result, written).items() >= _recorded_facts(case).items():
        yield f"is {_facts(result, written)}, expected {_recorded_facts(case)}"
    if operation is None and to_json(from_json(wanted, kind)).decode() != wanted:
        yield f"{wanted[:300]} does not reproduce itself"


def _recorded_facts(case: Case) -> Case:
    return {key: case[key] for key in ("sha256", "kind", "bits") if key in case}


def _facts(result: Any, written: str) -> Case:
    """Return the hash of a result, and, of a number, which of the three kinds it is and its bits."""
    facts: Case = {"sha256": stable_hash(result)}
    if isinstance(result, float):
        facts |= {"kind": "f64", "bits": struct.pack(">d", result).hex()}
    elif isinstance(result, int):
        facts["kind"] = "i64" if written.startswith("-") else "u64"
    return facts


_HASH: Final = re.compile(r"\b[0-9a-f]{64}\b")
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]\d+)?")


def _alike(written: str, wanted: str) -> bool:
    """Tell whether texts are equal but for the last digits of numbers and for hashes, which depend on those."""
    texts = [_HASH.sub("#", text) for text in (written, wanted)]
    numbers = [[float(number) for number in _NUMBER.findall(text)] for text in texts]
    return _NUMBER.sub("0", texts[0]) == _NUMBER.sub("0", texts[1]) and all(
        math.isclose(ours, theirs, rel_tol=1e-12, abs_tol=1e-322) for ours, theirs in zip(*numbers, strict=True)
    )
