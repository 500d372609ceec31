"""The plugin that keeps what the model sees of tool results within a budget (lash 0.1.0-alpha.37, turns §13).

The result itself stays whole: in the effect, in the trace, in `TurnResult.tool_calls`. Only the model's view of it is cut, and says so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lash_nb.plugins._batch import BATCH_DEFINITION
from lash_nb.plugins._plugin import PluginFactory, StaticPlugin
from lash_nb.plugins._spill import Spill
from lash_nb.plugins._text_window import BudgetUnit, TextBudget
from lash_nb.plugins._tool_projection import ToolResultProjection, default_projection
from lash_nb.wire import (
    Json,
    ModelToolReturn,
    TextReturnPart,
    ToolCallOutput,
    ToolSuccess,
    ToolValue,
    model_tool_return,
    to_json,
)

__all__ = ["ToolOutputBudget", "tool_output_budget"]

_TAIL_TOOLS: Final = frozenset({"exec_command", "write_stdin"})
"""Tools of which the end says more than the beginning."""
_WHOLE_FACTOR: Final = 4
"""How many budgets a structure may take whose texts all fit: a list of a million numbers has no text to cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutputBudget:
    """How much of each text in a tool's result the model sees."""

    mode: BudgetUnit = "bytes"
    """How `limit` is counted."""
    limit: int = 16_384
    """Most bytes or tokens of a text."""
    max_lines: int = 400
    """Most lines of a text."""
    folder: Path | None = None
    """Where full texts go; by default among the temporary files of this user."""


_DEFAULT: Final = ToolOutputBudget()


def tool_output_budget(budget: ToolOutputBudget = _DEFAULT) -> PluginFactory:
    """Return the plugin that keeps tool results within a budget; sessions carry it from their first snapshot on.

    Raises:
        CallerError: the budget is counted in something else, or is less than nothing.
    """
    projector = _BudgetProjector(budget)
    return StaticPlugin(
        "tool_output_budget", lambda registrar: registrar.set_tool_result_projector(projector.model_return)
    )


@dataclass(frozen=True, slots=True)
class _Origin:
    """Whose text it is."""

    tool: str
    args: Json
    full_path: str | None = None
    """Where the tool itself keeps the full output."""


class _BudgetProjector:
    """Cuts the texts of successful results."""

    def __init__(self, budget: ToolOutputBudget) -> None:
        self._budget = TextBudget(unit=budget.mode, limit=budget.limit, max_lines=budget.max_lines)
        self._spill = Spill(budget.folder)

    def model_return(self, result: ToolResultProjection) -> ModelToolReturn:
        """Show a success within the budget; failures and cancellations as they are."""
        outcome = result.output.outcome
        if not isinstance(outcome, ToolSuccess):
            return default_projection(result)
        value = outcome.payload.value
        if isinstance(value, str) and self._budget.is_far_from(value):
            return default_projection(result)
        if not _has_more_than(self._budget.most_bytes, value):
            whole = default_projection(result)
            if self._budget.holds(_texts(whole)):
                return whole
        cut = self._shown(result, value)
        output = ToolCallOutput(outcome=ToolSuccess(payload=ToolValue(cut)))
        return model_tool_return(result.call_id, result.tool_name, output)

    def _shown(self, result: ToolResultProjection, value: Json) -> Json:
        children = value.get("results") if isinstance(value, dict) else None
        if result.tool_name == BATCH_DEFINITION.name and isinstance(children, list):
            return {"results": [self._child(child, args) for child, args in _with_args(children, result.args)]}
        return self._value(value, _Origin(result.tool_name, result.args, _own_path(value)))

    def _child(self, child: Any, args: Json) -> Json:
        """One result of a batch, its texts counted as those of its own tool."""
        if not isinstance(child, dict):
            return child
        ended = {
            name: self._value(child[name], _Origin(str(child.get("tool")), args, _own_path(child[name])))
            for name in ("result", "error")
            if name in child
        }
        return {**child, **ended}

    def _value(self, value: Json, origin: _Origin) -> Json:
        most = _WHOLE_FACTOR * self._budget.most_bytes
        is_crowd = not isinstance(value, str) and _has_more_than(most, value, of_text=0)
        if is_crowd and not any(ToolValue(value).attachments()):
            return self._text(to_json(value).decode(), origin)
        cut = self._leaves(value, origin)
        if isinstance(cut, dict | list) and not any(ToolValue(cut).attachments()):
            whole = to_json(cut)
            if len(whole) > most:
                return self._text(to_json(value).decode(), origin)
        return cut

    def _leaves(self, value: Json, origin: _Origin) -> Json:
        if isinstance(value, str):
            return self._text(value, origin)
        if isinstance(value, dict):
            return {key: self._leaves(item, origin) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._leaves(item, origin) for item in value]
        return value

    def _text(self, text: str, origin: _Origin) -> str:
        tail = origin.tool in _TAIL_TOOLS
        window = self._budget.cut(text, tail=tail)
        if window is None:
            return text
        if self._budget.is_nothing:
            unit = "chars" if self._budget.unit == "bytes" else "tokens"
            return f"…{window.removed} {unit} truncated…"
        path = origin.full_path or self._spill.keep(origin.tool, origin.args, text)
        parts = (window.preview, window.marker, _hint(path))
        return "\n\n".join((*parts[1:], parts[0]) if tail else parts)


def _has_more_than(most: int, value: Json, *, of_text: int = 1) -> bool:
    """Tell whether a value takes more characters as JSON than `most`, at least: each of a text counts `of_text`, everything else once.

    No more is looked at than it takes to know.
    """
    if isinstance(value, str):
        return len(value) * of_text + 1 - of_text > most
    waiting, left = [value], most
    while waiting and left >= 0:
        part = waiting.pop()
        if isinstance(part, str):
            left -= len(part) * of_text + 1 - of_text
        elif isinstance(part, dict | list | tuple):
            left -= 1
            waiting += part.values() if isinstance(part, dict) else part
        else:
            left -= 1
    return left < 0


def _texts(shown: ModelToolReturn) -> list[str]:
    return [part.text for part in shown.parts if isinstance(part, TextReturnPart)]


def _hint(path: Path | str | None) -> str:
    if path is None:
        return "The tool output was truncated, and the full output could not be saved."
    return (
        f"The tool output was truncated. Full output saved to: {path}\n"
        "Use `read_file` with `offset` and `limit`, or `grep`, to look at the part that matters."
    )


def _own_path(value: Json) -> str | None:
    """Where a tool says that it keeps its full output."""
    given = value.get("full_output_path") if isinstance(value, dict) else None
    return given if isinstance(given, str) and given.strip() else None


def _with_args(children: Iterable[Any], args: Json) -> Iterable[tuple[Any, Json]]:
    """The results of a batch, each with the arguments of its own call."""
    asked = args.get("tool_calls") if isinstance(args, Mapping) else None
    items = asked if isinstance(asked, list) else []
    for index, child in enumerate(children):
        item = items[index] if index < len(items) else None
        yield child, item.get("parameters") if isinstance(item, Mapping) else None
