"""A tool of a session in full, and what it gave when somebody tried it."""

from typing import Any, Final, Protocol

from lash_nb.plots import byte_size, counted, one_line, recorded_duration
from lash_nb.views._json import call_text, inline, json_html, pretty, summary
from lash_nb.views._markup import BORDER, CODE, FAILURE, MUTED, Html, el, heading, joined, table
from lash_nb.views._small_pictures import AttachmentBytes, SmallPictures
from lash_nb.views._text import COLUMNS, ROWS, aligned, clipped, fitting, wrapped
from lash_nb.wire import CompletedToolCall, ToolCancelled, ToolContract, ToolFailed, ToolManifest, ToolSuccess

__all__ = ["ToolLike", "tool_facts", "tool_html", "tool_line", "tool_text", "tool_trial_html", "tool_trial_text"]

_LONG: Final = 4_000
"""Characters of a description or a failure; a longer one is cut aloud."""
_CELLS: Final = 1_000
"""Cells of a table: as many has one that a tool's result sums up at most."""


class ToolLike(Protocol):
    """A tool of a session, as `session.control.tools.describe(…)` gives it."""

    @property
    def manifest(self) -> ToolManifest:
        """What is known of it."""
        ...

    @property
    def contract(self) -> ToolContract:
        """Its schemas."""
        ...

    @property
    def source(self) -> str:
        """Where it comes from."""
        ...

    @property
    def generation(self) -> int:
        """Generation of the session's tools."""
        ...


def tool_line(tool: ToolLike) -> str:
    """Return a tool in one line, to stand among others: its name and the beginning of its description."""
    said = one_line(tool.manifest.description or "It has no description.", 60)
    return f"<ToolDescription {one_line(tool.manifest.name, 40)}: {said}>"


def tool_html(tool: ToolLike) -> str:
    """Return a tool as HTML: what it is, how it is called, its schemas."""
    schemas = [
        el(
            "details",
            el("summary", label, style="cursor:pointer;"),
            json_html(value, whole=f"the contract's .{name}"),
            **({"open": ""} if name == "input_schema" else {}),
        )
        for label, name, value in _schemas(tool)
    ]
    rows = [[el("span", name, style=MUTED), value] for name, value in tool_facts(tool)]
    return joined(
        heading(f"Tool {tool.manifest.name}", _where(tool)),
        el(
            "div",
            _cut(tool.manifest.description or "It has no description."),
            style="white-space:pre-wrap;overflow-wrap:anywhere;",
        ),
        table([("", "white-space:nowrap;"), ("", "width:100%;overflow-wrap:anywhere;")], rows),
        *schemas,
    )


def tool_text(tool: ToolLike) -> str:
    """Return the same as text."""
    lines = [f"Tool {one_line(tool.manifest.name)}  {_where(tool)}"]
    lines += wrapped(_cut(tool.manifest.description or "It has no description."))
    for name, value in tool_facts(tool):
        lines += wrapped(value, first=f"{name:<12}  ", indent=" " * 14)
    for label, _, value in _schemas(tool):
        lines += [label, *(f"  {line}" for line in pretty(value).splitlines())]
    return clipped([*lines, f"next: %lash tools {one_line(tool.manifest.name, 40)} '{{…}}' tries it"])


def tool_trial_html(done: CompletedToolCall, *, attachment_data: AttachmentBytes | None = None) -> str:
    """Return what a tool gave: one line, below it its small pictures, the value as it is and what the model would read.

    Args:
        done: The call.
        attachment_data: Gives the bytes of attachments.
    """
    sign, words = _outcome(done)
    failed = isinstance(done.output.outcome, ToolFailed)
    line = el(
        "div",
        el("span", sign, style=FAILURE if failed else None),
        " ",
        el("span", one_line(done.tool_name, 48), style=CODE),
        " ",
        el("span", call_text(done.args), style=CODE + MUTED),
        " → ",
        el("span", words, style=FAILURE if failed else None),
        el("span", f"  {recorded_duration(done.duration_ms)}", style=MUTED),
        style="overflow-wrap:anywhere;",
    )
    parts: list[Html | None] = [SmallPictures(attachment_data).drawn(done.output.attachments())]
    if isinstance(done.output.outcome, ToolSuccess):
        rows = _table_rows(done.output.outcome.payload.value)
        parts += [
            table([(head, CODE) for head in rows[0]], rows[1:]) if rows else None,
            el(
                "details",
                el("summary", "value as JSON", style="cursor:pointer;"),
                json_html(_payload(done), whole=f"{_whole(done)}.value"),
                **({} if rows or done.output.attachments() else {"open": ""}),
            ),
        ]
    read = _model_reads(done)
    seen = el(
        "details",
        el("summary", f"what the model would read, {counted(len(read), 'character')}", style="cursor:pointer;"),
        el("pre", _cut(read), style=f"margin:0;white-space:pre-wrap;overflow-wrap:anywhere;{CODE}"),
    )
    return el("div", line, *parts, seen, style=f"border:{BORDER};border-radius:3px;padding:7px 12px;font-size:13px;")


def tool_trial_text(done: CompletedToolCall) -> str:
    """Return the same as text; a failure is there to its end, or the last line says how to read all of it."""
    took, called = recorded_duration(done.duration_ms), f"{one_line(done.tool_name, 40)}({call_text(done.args, 40)})"
    match done.output.outcome:
        case ToolFailed(payload=failure):
            return _failed_text(done, f"{called} → {failure.code} · ", failure.message, took)
        case ToolCancelled(payload=cancellation):
            return _failed_text(done, f"{called} → ", cancellation.message, took)
        case ToolSuccess(payload=payload):
            said = one_line(f"{called} → {_outcome(done)[1]}", COLUMNS - len(took) - 2)
            attached = [f"attachment {ref.id[:8]} {byte_size(ref.byte_len)}" for ref in payload.attachments()]
            rows = _table_rows(payload.value)
            shown = aligned(rows, limits=fitting(rows)) if rows else _json_lines(done)
            return clipped([f"{said}  {took}", *attached, *shown, f"the value: {_whole(done)}.value"])


def _failed_text(done: CompletedToolCall, first: str, message: str, took: str) -> str:
    lines = wrapped(f"{first}{_cut(message)}  {took}")
    is_whole = len(lines) <= ROWS and len(message) <= _LONG
    return clipped(lines if is_whole else [*lines, f"all of it: {_whole(done)}.message"])


def _json_lines(done: CompletedToolCall) -> list[str]:
    """The value as JSON; where pictures are in it, the lines before have said what they are."""
    return [] if done.output.attachments() else pretty(_payload(done)).splitlines()


def _whole(done: CompletedToolCall) -> str:
    """What gives all that came of a call."""
    return f"done = %lash tools {one_line(done.tool_name, 40)} '{{…}}', then done.output.outcome.payload"


def _table_rows(value: Any) -> list[list[str]]:
    """The heads and the rows of a table that was summed up, as texts; empty when the value is none."""
    if not isinstance(value, dict):
        return []
    heads, data = value.get("columns"), value.get("data")
    if not isinstance(value.get("rows"), int) or not isinstance(heads, list) or not isinstance(data, list):
        return []
    labels = value.get("index", list(range(len(data))))
    is_even = all(isinstance(row, list) and len(row) == len(heads) for row in data)
    if not is_even or not isinstance(labels, list) or len(labels) != len(data) or len(data) * len(heads) > _CELLS:
        return []
    rows = ([_cell(label), *map(_cell, row)] for label, row in zip(labels, data, strict=True))
    return [["", *map(_cell, heads)], *rows]


def _cell(value: Any) -> str:
    """A value in a table: numbers to six digits, as tables of pandas show them."""
    text = f"{value:.6g}" if isinstance(value, float) else value if isinstance(value, str) else inline(value)
    return one_line(text, 60)


def _outcome(done: CompletedToolCall) -> tuple[str, str]:
    match done.output.outcome:
        case ToolFailed(payload=failure):
            return "✖", f"{one_line(failure.code, 48)} · {one_line(failure.message, 300)}"
        case ToolCancelled(payload=cancellation):
            return "⊘", one_line(cancellation.message, 300)
        case ToolSuccess(payload=payload):
            return "✓", _table_words(payload.value) or summary(payload)


def _table_words(value: Any) -> str:
    """How large a table is; empty when the value is none."""
    if not _table_rows(value):
        return ""
    left_out = value.get("omitted_columns")
    columns = len(value["columns"]) + (left_out if isinstance(left_out, int) else 0)
    shown = f", {len(value['data'])} of them here" if value["rows"] > len(value["data"]) else ""
    kind = one_line(str(value.get("type", "table")), 40)
    return f"{kind} of {counted(columns, 'column')} and {counted(value['rows'], 'row')}{shown}"


def _payload(done: CompletedToolCall) -> Any:
    return done.output.outcome.payload


def _model_reads(done: CompletedToolCall) -> str:
    return "\n".join(getattr(part, "text", "[attachment]") for part in done.model_return.parts)


def _where(tool: ToolLike) -> str:
    return f"{tool.source} · generation {tool.generation} · {tool.manifest.effective_availability}"


def tool_facts(tool: ToolLike) -> list[tuple[str, str]]:
    """Return what there is to know of a tool beside its text and its schemas: `(name, words)`."""
    manifest, compact = tool.manifest, tool.manifest.compact_contract
    policy = manifest.retry_policy
    retry = policy.__struct_config__.tag
    attempts = getattr(policy, "max_attempts", None)
    facts = [
        ("call", compact.signature if compact else ""),
        ("returns", compact.returns if compact else ""),
        ("scheduling", manifest.scheduling),
        ("retry", f"{retry}, at most {counted(attempts, 'attempt')}" if attempts else str(retry)),
        ("examples", "; ".join(tool.contract.examples)),
        ("id", manifest.id),
    ]
    return [(name, one_line(str(value), 300)) for name, value in facts if value]


def _schemas(tool: ToolLike) -> list[tuple[str, str, Any]]:
    contract = tool.contract
    found = [("arguments, JSON Schema", "input_schema", contract.input_schema)]
    return found + (
        [("result, JSON Schema", "output_schema", contract.output_schema)] if contract.output_schema else []
    )


def _cut(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[:_LONG]} … {counted(len(text) - _LONG, 'character')} more"
