"""Steps on the tools of a session."""

from collections.abc import Mapping
from typing import Any, Final

from lash_nb.wire import ToolState, from_builtins, to_builtins
from tests.conformance.turns._ops import Op, Step
from tests.conformance.turns._run import Run
from tests.conformance.turns._tools import ScriptTools

__all__ = ["TOOL_OPS"]

_SOURCE: Final = "live"
"""Under which name a source is kept that a step gives none."""


async def _state(run: Run, step: Step) -> Any:
    return to_builtins(run.session(step).control.tools.state())


async def _active(run: Run, step: Step) -> Any:
    return to_builtins(run.session(step).control.tools.active_definitions())


async def _set(run: Run, step: Step) -> int:
    return await run.session(step).control.tools.set_availability(step["tool"], step["availability"])


async def _set_many(run: Run, step: Step) -> int:
    return await run.session(step).control.tools.set_availability_many(dict(step["updates"]))


async def _clear(run: Run, step: Step) -> int:
    return await run.session(step).control.tools.clear_availability_override(step["tool"])


async def _add(run: Run, step: Step) -> None:
    provider = ScriptTools(step["tools"], run.gates, run.recorder)
    source = await run.session(step).control.tools.add_provider(provider)
    run.tool_sources[step.get("as") or step.get("name", _SOURCE)] = source


async def _remove(run: Run, step: Step) -> int:
    source = run.tool_sources[step.get("source") or step.get("name", _SOURCE)]
    return await run.session(step).control.tools.remove_source(source)


async def _apply(run: Run, step: Step) -> int:
    return await run.session(step).control.tools.apply_state(_edited(run, step))


async def _restore(run: Run, step: Step) -> int:
    return await run.session(step).control.tools.restore_state(_edited(run, step))


def _edited(run: Run, step: Step) -> ToolState:
    """The session's own tool state with the changes of the step."""
    state = {**to_builtins(run.session(step).control.tools.state()), **step.get("set", {})}
    gone = {*step.get("remove", ()), *step.get("drop", ())}
    state["tools"] = {name: entry for name, entry in state["tools"].items() if name not in gone}
    state["generation"] = step.get("generation", state["generation"])
    for name, level in step.get("availability", {}).items():
        state["tools"][name]["manifest"]["availability_override"] = level
    edited: ToolState = from_builtins(state, ToolState)
    return edited


_EDITS: Final = frozenset({"set", "drop", "remove", "availability", "generation"})

TOOL_OPS: Final[Mapping[str, Op]] = {
    "tool_state": Op(_state),
    "active_tools": Op(_active),
    "set_availability": Op(_set, frozenset({"tool", "availability"})),
    "set_availability_many": Op(_set_many, frozenset({"updates"})),
    "clear_availability": Op(_clear, frozenset({"tool"})),
    "add_tools": Op(_add, frozenset({"tools", "name", "as"})),
    "remove_tools": Op(_remove, frozenset({"name", "source"})),
    "apply_tool_state": Op(_apply, _EDITS),
    "restore_tool_state": Op(_restore, _EDITS),
}
