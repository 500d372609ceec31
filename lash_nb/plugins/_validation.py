"""Whether arguments are what a tool asks for (lash 0.1.0-alpha.37, turns §11.4)."""

from lash_nb.wire import Json, LashSchema

__all__ = ["validate_tool_input"]


def validate_tool_input(schema: Json, args: Json) -> str | None:
    """Return what is wrong with `args`, None when nothing is; only the first fault is told."""
    return LashSchema(schema=schema).fault(args)
