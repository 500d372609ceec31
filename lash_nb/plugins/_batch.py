"""The `batch` tool of the standard protocol: several tool calls as one (lash 0.1.0-alpha.37, turns §9)."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from lash_nb.machine import PendingToolCall
from lash_nb.plugins._context import ToolCall
from lash_nb.plugins._result import tool_err, tool_failure, tool_ok
from lash_nb.plugins._tool_provider import ToolProvider
from lash_nb.wire import (
    CompletedToolCall,
    Json,
    ToolAgentSurface,
    ToolAvailability,
    ToolCallOutput,
    ToolContract,
    ToolDefinition,
    ToolManifest,
    ToolValue,
    to_builtins,
)

__all__ = ["BATCH_DEFINITION", "BatchToolProvider"]

_MOST_CALLS: Final = 25


def _record(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"additionalProperties": False, "properties": properties, "required": required, "type": "object"}


BATCH_DEFINITION: Final = ToolDefinition(
    id="tool:batch",
    name="batch",
    description="Make several independent tool calls at once: they run side by side, and all results come back together.",
    availability=ToolAvailability(base="callable"),
    agent_surface=ToolAgentSurface(module_path=("tools",), operation="batch", aliases=("parallel_tools",)),
    input_schema=_record(
        {
            "tool_calls": {
                "description": "The calls, each with the name of a tool and its arguments; none may need the result of another one.",
                "items": _record(
                    {"parameters": {"additionalProperties": True, "type": "object"}, "tool": {"type": "string"}},
                    ["tool", "parameters"],
                ),
                "maxItems": _MOST_CALLS,
                "minItems": 1,
                "type": "array",
            }
        },
        ["tool_calls"],
    ),
    output_schema=_record(
        {
            "results": {
                "items": _record(
                    {
                        "duration_ms": {"minimum": 0, "type": "integer"},
                        "error": {},
                        "index": {"minimum": 0, "type": "integer"},
                        "result": {},
                        "success": {"type": "boolean"},
                        "tool": {"type": "string"},
                    },
                    ["index", "tool", "success", "duration_ms"],
                ),
                "type": "array",
            }
        },
        ["results"],
    ),
    examples=('await tools.batch({ tool_calls: [{ tool: "read_file", parameters: { path: "a.txt" } }] })?',),
)
"""What `batch` declares of itself; its order of keys does not matter, its shape is the reference's."""


class BatchToolProvider(ToolProvider):
    """Offers `batch`: each call in it goes through all checks as if the model had made it alone."""

    makes_schemas: ClassVar[bool] = True

    def tool_manifests(self) -> Sequence[ToolManifest]:
        """Return the one tool."""
        return (BATCH_DEFINITION.manifest(),)

    def resolve_contract(self, name: str) -> ToolContract | None:
        """Return its schemas."""
        return BATCH_DEFINITION.contract() if name == BATCH_DEFINITION.name else None

    async def execute(self, call: ToolCall) -> ToolCallOutput:
        """Run the calls and return their results in order; only a batch that cannot be read fails as a whole."""
        items = _items(call.args)
        if isinstance(items, str):
            return tool_err(items)
        if call.context.dispatch is None:
            return tool_failure("unavailable", "batch_unavailable", "No other tool can be called from here.")
        parent = call.context.tool_call_id or BATCH_DEFINITION.name
        calls = [_child(parent, index, item) for index, item in enumerate(items)]
        refused = {at: reason for at, child in enumerate(calls) if (reason := _refusal(at, child)) is not None}
        done = iter(await call.context.dispatch.batch([one for at, one in enumerate(calls) if at not in refused]))
        ended = [
            _not_made(at, child, refused[at]) if at in refused else _result(at, next(done))
            for at, child in enumerate(calls)
        ]
        return tool_ok({"results": ended})


def _items(args: Json) -> list[dict[str, Any]] | str:
    """The calls of a batch, or what makes it unreadable as a whole; the schema has found most of that before."""
    items = args.get("tool_calls") if isinstance(args, dict) else None
    if not isinstance(items, list):
        return "Missing tool_calls: give an array of calls"
    if not items:
        return "tool_calls is empty: give at least one call"
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            return f"tool_calls[{index}] must be an object with tool and parameters"
        if not str(item.get("tool") or "").strip():
            return f"tool_calls[{index}].tool must name a tool"
    return items


def _child(parent: str, index: int, item: dict[str, Any]) -> PendingToolCall:
    return PendingToolCall(
        call_id=f"{parent}:{index:02d}", tool_name=str(item["tool"]).strip(), args=item.get("parameters", {})
    )


def _refusal(index: int, call: PendingToolCall) -> str | None:
    """Why a call of a batch is not made."""
    if index >= _MOST_CALLS:
        return f"Maximum of {_MOST_CALLS} tool calls allowed in batch"
    if call.tool_name == BATCH_DEFINITION.name:
        return f"Tool '{call.tool_name}' is not allowed inside batch"
    return None


def _not_made(index: int, call: PendingToolCall, reason: str) -> Json:
    """What stands for a call that is not made; its error is the bare reason."""
    return {"index": index, "tool": call.tool_name, "success": False, "duration_ms": 0, "error": reason}


def _result(index: int, done: CompletedToolCall) -> Json:
    """A result as the model reads it; attachments stay attachments."""
    payload = done.output.outcome.payload
    ended = {"result": payload.value} if isinstance(payload, ToolValue) else {"error": to_builtins(payload)}
    success = isinstance(payload, ToolValue)
    return {
        "index": index,
        "tool": done.tool_name,
        "success": success,
        "duration_ms": done.duration_ms,
        **ended,
    }
