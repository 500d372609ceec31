"""The runtime does what the reference did, scenario by scenario and stream by stream."""

import asyncio
from typing import Any

from tests.conformance.turns._compare import differences
from tests.conformance.turns._interpret import interpret


def test_scenario_is_reproduced(recorded: dict[str, Any]) -> None:
    """A recorded scenario gives the recorded streams; where the recording shows a defect of the reference, we may do better."""
    scenario = recorded["scenario"]
    found = differences(recorded, {"scenario": scenario, "recorded": asyncio.run(interpret(scenario))})
    assert not found or "reference_defect" in scenario, "\n".join(f"{stream}{where}" for stream, where in found.items())
