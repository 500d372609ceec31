"""The runtime does what the reference did, scenario by scenario and stream by stream."""

import asyncio
from typing import Any

from tests.conformance.turns._compare import differences
from tests.conformance.turns._interpret import interpret
from tests.conformance.turns._restored import restored_machines


def test_scenario_is_reproduced(recorded: dict[str, Any]) -> None:
    """A recorded scenario gives the recorded streams; where the recording shows a defect of the reference, we may do better."""
    found = differences(recorded, _played(recorded))
    assert not found or "reference_defect" in recorded["scenario"], _told(found)


def test_scenario_goes_on_from_checkpoints(recorded: dict[str, Any]) -> None:
    """A scenario gives the same streams when every machine is restored from the JSON of its checkpoint after each step."""
    live = _played(recorded)
    with restored_machines():
        restored = _played(recorded)
    found = differences(live, restored)
    assert not found, _told(found)


def _played(recorded: dict[str, Any]) -> dict[str, Any]:
    scenario = recorded["scenario"]
    return {"scenario": scenario, "recorded": asyncio.run(interpret(scenario))}


def _told(found: dict[str, str]) -> str:
    return "\n".join(f"{stream}{where}" for stream, where in found.items())
