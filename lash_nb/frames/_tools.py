"""Tools of a session as it offers them."""

from collections.abc import Iterable
from typing import Any, Final, Protocol

from lash_nb.frames._column import Column
from lash_nb.frames._table import Rows, table
from lash_nb.wire import NeverRetryPolicy, ToolManifest, ToolRetryPolicy

__all__ = ["TOOL_COLUMNS", "DescribedTool", "retry_words", "tools_df"]


class DescribedTool(Protocol):
    """A tool of a session, as `session.control.tools.listing()` gives it."""

    @property
    def manifest(self) -> ToolManifest:
        """What is known of it."""
        ...

    @property
    def source(self) -> str:
        """Where it comes from."""
        ...

    @property
    def generation(self) -> int:
        """Generation of the session's tools."""
        ...


def retry_words(policy: ToolRetryPolicy) -> str:
    """Return when a tool is tried again: `never`, or `safe, 3 attempts, 100 ms to 2000 ms apart`."""
    if isinstance(policy, NeverRetryPolicy):
        return "never"
    kind = policy.__struct_config__.tag
    longest = f" to {policy.max_delay_ms} ms" if policy.max_delay_ms else " and up"
    return f"{kind}, {policy.max_attempts} attempts, {policy.base_delay_ms} ms{longest} apart"


_IDS: Final = (
    Column("tool", "manifest.name", "string", "The name that the model calls."),
    Column("tool_id", "manifest.id", "string", "Stable id."),
)

TOOL_COLUMNS: Final = (
    _IDS[0],
    Column(
        "availability",
        "manifest.effective_availability",
        "category",
        "How far it is offered: `off`, `searchable`, `callable` or `showcased`.",
    ),
    Column(
        "is_overridden",
        "manifest.availability_override",
        "boolean",
        "Whether the session says so, not the tool.",
        then=bool,
    ),
    Column(
        "scheduling",
        "manifest.scheduling",
        "category",
        "Whether a batch may run it beside others; the calls of one reply run one after the other.",
    ),
    Column("retry", lambda tool: retry_words(tool.manifest.retry_policy), "string", "When it is tried again."),
    Column("source", "source", "category", "Where it comes from: `plugins`, or `live:1` and so on."),
    Column("generation", "generation", "Int64", "Generation of the session's tools: counts their changes."),
    Column("description", "manifest.description", "string", "What it does."),
    _IDS[1],
)
"""What each tool is and how far it is offered."""


@table(TOOL_COLUMNS, always=_IDS, listing="session.control.tools.listing()")
def tools_df(tools: Iterable[DescribedTool]) -> Rows:
    """One row per tool of a session, as `session.control.tools.listing()`; a column's function gets the tool."""
    found: list[Any] = list(tools)
    return Rows(found)
