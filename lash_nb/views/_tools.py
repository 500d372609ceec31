"""The tools of a session, one line each; its schema, and the line that tries it from a cell, open where it stands."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from lash_nb.plots import counted, one_line
from lash_nb.views._frame import FrameFace
from lash_nb.views._json import json_html
from lash_nb.views._markup import BORDER, CODE, MUTED, Html, el, heading, joined
from lash_nb.views._tool import ToolLike, tool_facts

__all__ = ["ToolsFace", "trial_line"]

_ROWS: Final = 200
"""As many tools does a page show."""
_LONG: Final = 2_000
"""Characters of a description that opens; a longer one is cut aloud."""
_ROW: Final = "display:inline-flex;gap:12px;width:calc(100% - 18px);vertical-align:bottom;"
_NAME: Final = f"{CODE}flex:0 0 170px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;"
_CELL: Final = f"{MUTED}flex:0 0 84px;white-space:nowrap;"
_REST: Final = "flex:1;min-width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;"
_HEADS: Final = el(
    "div",
    el("span", "tool", style="flex:0 0 170px;"),
    el("span", "offered", style="flex:0 0 84px;"),
    el("span", "source", style="flex:0 0 84px;"),
    el("span", "what it does"),
    style=f"display:flex;gap:12px;padding:2px 8px 2px 25px;font-size:12px;font-weight:600;{MUTED}",
)
_SAMPLES: Final[Mapping[str, Any]] = {
    "string": "…",
    "integer": 1,
    "number": 1.0,
    "boolean": True,
    "array": [],
    "object": {},
    "null": None,
}
"""What stands for an argument of a type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolsFace:
    """How the table of a session's tools looks."""

    tools: Sequence[ToolLike]
    """The tools, a row each."""
    plain: FrameFace
    """The table without what opens."""
    line: str = "%lash tools"
    """The line that tries a tool, up to its name."""

    def html(self, _frame: pd.DataFrame) -> str:
        """Return the tools as HTML that needs no script, style block or kernel."""
        generation = f" · generation {self.tools[0].generation}" if self.tools else ""
        left = len(self.tools) - _ROWS
        return joined(
            heading(self.plain.title, f"{counted(len(self.tools), 'tool')}{generation}"),
            _HEADS if self.tools else None,
            *map(self._row, self.tools[:_ROWS]),
            _note(f"{counted(left, 'tool')} more: session.control.tools.listing()") if left > 0 else None,
            _note(self.plain.hint if self.tools else self.plain.empty),
        )

    def text(self, frame: pd.DataFrame) -> str:
        """Return the same as text, without schemas."""
        return self.plain.text(frame)

    def _row(self, tool: ToolLike) -> Html:
        manifest = tool.manifest
        line = el(
            "span",
            el("span", one_line(manifest.name, 60), style=_NAME, title=one_line(manifest.name, 200)),
            el("span", manifest.effective_availability, style=_CELL),
            el("span", one_line(tool.source, 24), style=_CELL),
            el("span", one_line(manifest.description or "no description", 160), style=_REST),
            style=_ROW,
        )
        return el(
            "details",
            el("summary", line, style="padding:3px 8px;cursor:pointer;"),
            self._opened(tool),
            style=f"border-top:{BORDER};font-size:13px;",
        )

    def _opened(self, tool: ToolLike) -> Html:
        description = tool.manifest.description
        cut = f" … {counted(len(description) - _LONG, 'character')} more" if len(description) > _LONG else ""
        facts = [(name, value) for name, value in tool_facts(tool) if name != "id"]
        return el(
            "div",
            el("div", description[:_LONG] + cut, style="white-space:pre-wrap;overflow-wrap:anywhere;"),
            el("div", *[_fact(name, value) for name, value in facts], style="margin:4px 0;"),
            json_html(tool.contract.input_schema, whole=f"session.control.tools.describe({tool.manifest.name!r})"),
            el(
                "div",
                el("span", "try it: ", style=MUTED),
                el("code", trial_line(tool, self.line)),
                style="margin-top:4px;",
            ),
            style="margin:2px 8px 8px 26px;overflow-wrap:anywhere;",
        )


def trial_line(tool: ToolLike, line: str = "%lash tools") -> str:
    """Return the line that tries a tool, with arguments that fit its schema; `line` is what stands before its name."""
    arguments = json.dumps(_sample(tool.contract.input_schema), ensure_ascii=False)
    return f"{line} {tool.manifest.name} '{arguments}'"


def _sample(schema: Any) -> dict[str, Any]:
    """Arguments to begin from: those that must be given, each as its schema names it first."""
    if not isinstance(schema, dict) or not isinstance(schema.get("properties"), dict):
        return {}
    wanted = schema.get("required")
    return {
        name: _sample_of(one)
        for name, one in schema["properties"].items()
        if isinstance(wanted, list) and name in wanted
    }


def _sample_of(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return None
    for given in ("default", "const"):
        if given in schema:
            return schema[given]
    for given in ("examples", "enum"):
        if isinstance(schema.get(given), list) and schema[given]:
            return schema[given][0]
    kind = schema.get("type")
    return _SAMPLES.get(kind[0] if isinstance(kind, list) and kind else kind if isinstance(kind, str) else "string")


def _fact(name: str, value: str) -> Html:
    return el("span", el("span", f"{name} ", style=MUTED), value, style="margin-right:16px;font-size:12px;")


def _note(words: str) -> Html | None:
    return el("div", words, style=f"{MUTED}font-size:11px;padding:4px 0;overflow-wrap:anywhere;") if words else None
