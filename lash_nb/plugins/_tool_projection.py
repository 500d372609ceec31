"""What the model sees of a tool's result, and who decides it (lash 0.1.0-alpha.37, turns §12.3)."""

from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct

from lash_nb.wire import Json, ModelToolReturn, ToolCallOutput, model_tool_return

__all__ = ["ToolResultProjection", "ToolResultProjector", "default_projection"]


class ToolResultProjection(Struct, frozen=True, kw_only=True):
    """A result that is to be shown to the model."""

    call_id: str
    """Id of the call."""
    tool_name: str
    """The tool."""
    args: Json
    """The arguments it ran with."""
    output: ToolCallOutput
    """What it gave."""


ToolResultProjector: TypeAlias = Callable[[ToolResultProjection], ModelToolReturn]
"""Returns what the model sees; a session has one."""


def default_projection(result: ToolResultProjection) -> ModelToolReturn:
    """Show a result whole: text around attachments, a failure in words."""
    return model_tool_return(result.call_id, result.tool_name, result.output)
