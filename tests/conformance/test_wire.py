"""The wire reads, refuses and writes what the reference does, byte for byte."""

from typing import Any, Final

from lash_nb import wire
from lash_nb.errors import RuntimeEffectControllerError, WireError
from lash_nb.wire import Json, from_json, stable_hash, to_json
from tests.conformance.wire_operations import ABSENT, OPERATIONS, RENAMED


def test_every_case_of_a_type(cases: list[dict[str, Any]]) -> None:
    """Each document of a type, or argument of an operation, is refused or comes out with the reference's own bytes and hash."""
    name = cases[0]["type"]
    if name in ABSENT:
        assert not hasattr(wire, name), f"{name} is there: take it out of ABSENT, so that its cases run"
        return
    faults = [
        fault for case in cases if not _waits(case) and case["name"] not in DEVIATIONS and (fault := _fault(name, case))
    ]
    assert not faults, f"{len(faults)} of {len(cases)}:\n" + "\n".join(faults[:5])


DEVIATIONS: Final = {
    "number/extreme/003": "rounds correctly to the largest double; the reference's own parsing overflows on the way",
}
"""Single cases in which we differ on purpose."""


def _waits(case: dict[str, Any]) -> bool:
    """Tell whether a case is about commands and outcomes of processes, which are free values as long as their types are ABSENT."""
    if not case["type"].startswith("RuntimeEffect"):
        return False
    try:
        document: Json = from_json(case["in"])
    except WireError:
        return False
    records = [document, document.get("command")] if isinstance(document, dict) else []
    return any(isinstance(record, dict) and record.get("type") == "process" for record in records)


def _fault(name: str, case: dict[str, Any]) -> str | None:
    operation = OPERATIONS.get(name)
    kind = None if operation else RENAMED.get(name) or getattr(wire, name)
    try:
        raw = case["in"].encode("utf-8", "surrogatepass")
        result = operation(raw) if operation else from_json(raw, kind)
        written = to_json(result).decode()
    except (WireError, RuntimeEffectControllerError) as error:
        refused = "error" in case and case.get("code") in (None, error.code)
        return None if refused else f"{case['name']}: {error}"
    if "error" in case:
        return f"{case['name']}: {case['error']} is not refused: {case['in'][:200]} → {written[:200]}"
    if case.get("inexact_float"):  # numbers are rounded correctly here, other than in the reference
        return None
    if written != case["out"] or stable_hash(result) != case.get("sha256", stable_hash(result)):
        return f"{case['name']}: {case['in'][:300]} → {written[:300]}, expected {case['out'][:300]}"
    if operation is None and to_json(from_json(written, kind)).decode() != written:
        return f"{case['name']}: {written[:300]} does not reproduce itself"
    return None
