"""Interpret one scenario: build its core, perform its steps, record what happens.

Everything runs on one event loop, so a spawned turn first runs when a later step waits.
"""

import asyncio
from collections.abc import Collection, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lash_nb.errors import EmbedError
from tests.conformance.turns import _provider as provider_words
from tests.conformance.turns import _tools as tool_words
from tests.conformance.turns._build import SCENARIO_KEYS, build
from tests.conformance.turns._errors import error_result
from tests.conformance.turns._hook_plugins import HOOK_KEYS
from tests.conformance.turns._plugins import COUNTER_KEYS, REWRITER_KEYS
from tests.conformance.turns._recorder import KINDS, Recorder
from tests.conformance.turns._run import Run
from tests.conformance.turns._session_ops import CANCEL_KEYS, SPEC_KEYS
from tests.conformance.turns._tables import OPS, perform
from tests.conformance.turns._words import UnknownWordsError, unknown_keys

__all__ = ["interpret", "unknown_words"]


async def interpret(scenario: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the events of a run.

    Raises:
        UnknownWordsError: the scenario says something that is in no table; nothing was run.
    """
    if unknown := set(unknown_words(scenario)):
        raise UnknownWordsError(unknown)
    with TemporaryDirectory(prefix="lash-scenario-") as folder:
        run = Run(scenario, Path(folder), Recorder(_wanted_kinds(scenario)))
        try:
            run.core = build(run)
        except EmbedError as error:
            run.recorder.push("build_error", **error_result(error))
            return run.recorder.events
        for index, step in enumerate(scenario["steps"]):
            run.recorder.push("step", index=index, op=step["op"])
            run.recorder.push("step_result", index=index, result=await perform(run, step))
        events = list(run.recorder.events)
        await _drop_tasks(run)
    return events


def _wanted_kinds(scenario: dict[str, Any]) -> Collection[str]:
    return frozenset(scenario.get("record_kinds", KINDS)) - frozenset(scenario.get("skip_kinds", ()))


async def _drop_tasks(run: Run) -> None:
    """End what still runs; its events come too late to count."""
    tasks = [turn.task for turn in run.turns.values()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def unknown_words(scenario: dict[str, Any]) -> Iterator[str]:
    """Yield every op and key that is in no table."""
    yield from unknown_keys(scenario, SCENARIO_KEYS, "scenario")
    yield from _unknown_in_provider(scenario.get("provider", {}))
    for tool in scenario.get("tools", ()):
        yield from unknown_keys(tool, tool_words.TOOL_KEYS, "tool")
        for entry in tool.get("script") or ():
            yield from unknown_keys(entry, tool_words.ENTRY_KEYS, "tool script")
    for counter in scenario.get("counter_plugins", ()):
        yield from unknown_keys(counter, COUNTER_KEYS, "counter plugin")
    for plugin in scenario.get("plugins", ()):
        yield from unknown_keys(plugin, HOOK_KEYS, "plugin")
    yield from unknown_keys(scenario.get("keep_last", {}), REWRITER_KEYS, "rewriter")
    yield from _unknown_in_mode(scenario)
    for step in scenario["steps"]:
        yield from _unknown_in_step(step)


def _unknown_in_mode(scenario: dict[str, Any]) -> Iterator[str]:
    """Sessions open in mode rlm, and so far that is all that they do there."""
    ops = {step["op"] for step in scenario["steps"] if step.get("mode", "rlm") == "rlm"}
    if scenario.get("mode") == "rlm" and (beyond := ops - {"open", "close", "installed_modes", "session_info"}):
        yield f"op {min(beyond)} in mode rlm"


def _unknown_in_provider(given: dict[str, Any]) -> Iterator[str]:
    yield from unknown_keys(given, provider_words.PROVIDER_KEYS, "provider")
    for entry in given.get("script", ()):
        yield from unknown_keys(entry, provider_words.ENTRY_KEYS, "provider script")
        for event in entry.get("stream", ()):
            yield from unknown_keys(event, provider_words.STREAM_EVENTS, "stream event")


def _unknown_in_step(step: dict[str, Any]) -> Iterator[str]:
    op = OPS.get(step["op"])
    if op is None:
        yield f"op {step['op']}"
        return
    yield from unknown_keys(step, op.keys | {"op", "session"}, f"op {step['op']}")
    if step["op"] == "turn":
        yield from unknown_keys(step.get("cancel", {}), CANCEL_KEYS, "cancel")
    yield from unknown_keys(step.get("session_spec", {}), SPEC_KEYS, "session spec")
