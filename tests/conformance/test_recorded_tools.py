"""Tools and plugin state as real lash recorded them: manifests, model specs, snapshots, fingerprints."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from lash_nb.plugins import (
    BATCH_DEFINITION,
    PLUGINS_SOURCE,
    PluginHost,
    ToolRegistry,
    ToolSurface,
    embed_tools,
    standard_protocol,
    tool_output_budget,
)
from lash_nb.wire import ToolDefinition, from_builtins, from_json, to_json
from tests.conformance.vectors import PACKED, read_group
from tests.plugins.offered import Offered

WORDING: Final = re.compile(r"<wording \d+ chars>")


@pytest.fixture(scope="module")
def recordings(vectors: Path) -> list[dict[str, Any]]:
    """All recorded turns."""
    found = list(read_group(vectors, "turns"))
    return found or pytest.skip(f"{vectors} holds no turns")


@pytest.fixture
def enough(vectors: Path) -> Callable[[int], None]:
    """Whoever compared nothing has not passed; with golden data of others, which may have nothing of the kind, the test is skipped."""

    def check(compared: int) -> None:
        assert compared or vectors != PACKED
        if not compared:
            pytest.skip(f"{vectors} holds nothing to compare")

    return check


def defined(scenario: dict[str, Any]) -> dict[str, ToolDefinition]:
    """The tools that a scenario defines, at its start or in a step, and `batch`."""
    places = [scenario, *scenario["steps"], *(step.get("set") or {} for step in scenario["steps"])]
    given = [tool["definition"] for place in places for tool in _tools(place)]
    read: list[ToolDefinition] = [from_builtins({"id": f"tool:{one['name']}", **one}, ToolDefinition) for one in given]
    return {one.name: one for one in (BATCH_DEFINITION, *read)}


def _tools(place: dict[str, Any]) -> list[dict[str, Any]]:
    tools = place.get("tools")
    return tools if isinstance(tools, list) else []


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """All objects inside a JSON value."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(inner)


def same(recorded: Any, made: Any) -> bool:
    """Equal, where a text that was the reference's own wording stands for any text."""
    if isinstance(recorded, str) and WORDING.search(recorded):
        return isinstance(made, str) and bool(made)
    if isinstance(recorded, dict) and isinstance(made, dict):
        return recorded.keys() == made.keys() and all(same(recorded[key], made[key]) for key in recorded)
    if isinstance(recorded, list) and isinstance(made, list):
        return len(recorded) == len(made) and all(map(same, recorded, made))
    return type(recorded) is type(made) and bool(recorded == made)


def registry(scenario: dict[str, Any]) -> ToolRegistry:
    """A registry of the scenario's tools."""
    made = ToolRegistry()
    made.upsert_source(PLUGINS_SOURCE, [Offered(*defined(scenario).values())])
    return made


def test_manifests_are_the_recorded_ones(recordings: list[dict[str, Any]], enough: Callable[[int], None]) -> None:
    """Every recorded manifest, compact contract included, is what the registry makes of the scenario's definition."""
    compared, wrong = 0, []
    for recording in recordings:
        made: dict[str, Any] = {
            one.name: from_json(to_json(one)) for one in registry(recording["scenario"]).manifests()
        }
        for found in objects(recording["recorded"]):
            if "compact_contract" not in found or found["name"] not in made or "input_schema" in found:
                continue
            manifest = {key: value for key, value in found.items() if key != "availability_override"}
            compared += 1
            if not same(manifest, made[found["name"]]):
                wrong.append((recording["scenario"]["name"], manifest, made[found["name"]]))

    assert wrong == []
    enough(compared)


def test_model_specs_are_the_recorded_ones(recordings: list[dict[str, Any]], enough: Callable[[int], None]) -> None:
    """Every tool of a recorded request is what the surface makes of the scenario's definition, in the same order."""
    compared, wrong = 0, []
    for recording in recordings:
        specs: dict[str, Any] = {
            one.name: from_json(to_json(one)) for one in ToolSurface(registry(recording["scenario"])).model_tool_specs()
        }
        for event in recording["recorded"]:
            tools = event["request"]["tools"] if event["kind"] == "llm_request" else []
            assert [tool["name"] for tool in tools] == sorted(tool["name"] for tool in tools)
            known = [tool for tool in tools if tool["name"] in specs]
            compared += len(known)
            wrong += [(tool, specs[tool["name"]]) for tool in known if not same(tool, specs[tool["name"]])]

    assert wrong == []
    enough(compared)


def test_snapshots_are_the_recorded_ones(recordings: list[dict[str, Any]], enough: Callable[[int], None]) -> None:
    """A session of the standard protocol, given tools and the budget has the recorded snapshot and fingerprint."""
    plugins = PluginHost([standard_protocol(), embed_tools([]), tool_output_budget()]).build_session("s")
    made: dict[str, Any] = from_json(to_json(plugins.capture()))
    commits = [event["commit"] for one in recordings for event in one["recorded"] if event["kind"] == "commit"]
    stored = [
        (commit["checkpoint"]["plugin_snapshot"], commit["checkpoint"]["plugin_snapshot_revision"])
        for commit in commits
        if (commit["checkpoint"].get("plugin_snapshot") or {}).get("plugins", {}).keys() == made["plugins"].keys()
    ]

    assert all(one == (made, plugins.revision()) for one in stored)
    enough(len(stored))
