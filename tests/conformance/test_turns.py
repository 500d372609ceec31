"""The runtime does what the reference did, scenario by scenario and stream by stream."""

import asyncio
from typing import Any

from tests.conformance.turns._compare import differences
from tests.conformance.turns._interpret import interpret
from tests.conformance.turns._restored import restored_machines


def test_scenario_is_reproduced(recorded: dict[str, Any]) -> None:
    """A recorded scenario gives the recorded streams, and the same once more with machines that are restored after each step.

    Where the recording shows a defect of the reference, we may do better.
    """
    live = _played(recorded)
    found = differences(recorded, live)
    assert not found or "reference_defect" in recorded["scenario"], _told(found)

    with restored_machines():
        restored = _played(recorded)
    found = differences(live, restored)
    assert not found, f"from checkpoints: {_told(found)}"


def _played(recorded: dict[str, Any]) -> dict[str, Any]:
    scenario = recorded["scenario"]
    return {"scenario": scenario, "recorded": asyncio.run(interpret(scenario))}


def _told(found: dict[str, str]) -> str:
    return "\n".join(f"{stream}{where}" for stream, where in found.items())
