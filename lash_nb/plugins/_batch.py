"""The `batch` tool of the standard protocol: several tool calls as one (lash 0.1.0-alpha.37, turns §9)."""

from collections.abc import Sequence
from typing import Any, Final

from lash_nb.plugins._context import ToolCall
from lash_nb.plugins._result import tool_failure
from lash_nb.plugins._tool_provider import ToolProvider
from lash_nb.wire import (
    ToolAgentSurface,
    ToolAvailability,
    ToolCallOutput,
    ToolContract,
    ToolDefinition,
    ToolManifest,
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
    """Offers `batch`, and so far refuses to run it: the model is told to make the calls themselves."""

    def tool_manifests(self) -> Sequence[ToolManifest]:
        """Return the one tool."""
        return (BATCH_DEFINITION.manifest(),)

    def resolve_contract(self, name: str) -> ToolContract | None:
        """Return its schemas."""
        return BATCH_DEFINITION.contract() if name == BATCH_DEFINITION.name else None

    async def execute(self, call: ToolCall) -> ToolCallOutput:
        """Refuse."""
        return tool_failure(
            "unavailable",
            "batch_unavailable",
            f"Tool `{call.name}` does not run in this version; make the calls one by one.",
        )
