"""The timeline where no script runs: an SVG of every turn (or the waterfall of one), a table, aligned text."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from lash_nb.plots import KIND_COLORS, MARKS, counted, duration, one_line, recorded_duration, token_count, turn_name
from lash_nb.trace import LlmCall, ToolCall, Trace, Turn
from lash_nb.views._markup import (
    FAILURE,
    MUTED,
    PICTURE_STYLE,
    RIGHT,
    Html,
    el,
    heading,
    image,
    joined,
    svg_text,
    table,
)
from lash_nb.views._text import aligned, clipped
from lash_nb.views._timeline_rows import ABSENT, bar, status_word, turn_times, waterfall

__all__ = ["nothing_words", "timeline_html", "timeline_svg", "timeline_text", "waterfall_svg"]

_ROW: Final = 20
_LEFT: Final = 60
_BARS: Final = 560
_WIDTH: Final = 720
_TURNS: Final = 60
_CALLS: Final = 400
"""Calls of one turn that get a bar; a picture is kept in the notebook's file."""
_TEXT_TURNS: Final = 30
_INK: Final = "#1f2328"
_GREY: Final = "#59616b"
_THIN: Final = "#b9bec5"
_KINDS: Final = ("llm_call", "tool_call", "direct")
_ENTRY: Final = 110
"""Room of a kind in the legend."""
_EDGE: Final[dict[str, str | float | None]] = {"stroke": "#000000", "stroke_opacity": 0.3}
_NEXT: Final = "next: %lash trace FILE, lash_nb.plots.timeline(trace)"
_ASCII: Final = {"failed": "! failed", "cancelled": "x cancelled"}


def nothing_words(trace: Trace, before: str) -> str:
    """Return what to say of a trace without a line: where to see what came before it, if that is known; nothing of any other."""
    if len(trace) or trace.bad_lines:
        return ""
    return (
        f"nothing of its own yet; what came before: {before}" if before else "empty, nothing has been written to it yet"
    )


def timeline_svg(trace: Trace) -> str:
    """Return one row per turn, of very many for each of the newest: its model and tool calls against the time from its start."""
    turns = trace.turns[-_TURNS:]
    if not turns:
        return _picture([svg_text(8, 20, "no turns in this trace yet", fill=_GREY)], 32, "timeline of no turns")
    longest = max([_length(turn) for turn in turns] + [1])
    rows = [_turn_row(place, turn, _BARS / longest) for place, turn in enumerate(turns)]
    kinds = {kind for turn in turns for kind, _ in _calls(turn)}
    axis = _axis(longest, len(turns) * _ROW + 34)
    return _picture(
        [*axis, *rows, _legend(len(turns) * _ROW + 58, _in_order(kinds))],
        len(turns) * _ROW + 70,
        f"timeline of {counted(len(trace.turns), 'turn')}",
    )


def waterfall_svg(trace: Trace, turn: Turn) -> str:
    """Return the calls of one turn against the time from its start."""
    found = waterfall(trace, turn)
    rows: list[Mapping[str, Any]] = found["rows"]
    left = 220
    scale = (_WIDTH - left - 80) / found["total"]
    shapes = [_call_shape(place, row, left, scale) for place, row in enumerate(rows)]
    kinds, below = _in_order({row["kind"] for row in rows}), len(rows) * _ROW + 40
    return _picture(
        [*shapes, joined(_legend(below, kinds), _waiting(below, len(kinds)) if kinds else None)],
        len(rows) * _ROW + 52,
        str(found["title"]),
    )


def timeline_html(trace: Trace, turn: Turn | None, *, before: str = "") -> str:
    """Return the picture with the turns as a table below it; of an empty trace one line, with what shows what came `before`."""
    if nothing := nothing_words(trace, before):
        return heading(trace.name, nothing)
    summary = trace.summary()
    counts = f"{counted(summary.records, 'record')} · {counted(summary.turns, 'turn')} · {counted(summary.llm_calls, 'model call')} · {counted(summary.tool_calls, 'tool call')}"
    picture = waterfall_svg(trace, turn) if turn is not None else timeline_svg(trace)
    label = f"timeline of {counted(len(trace.turns), 'turn')}" if turn is None else f"turn {turn_name(turn)}"
    heads = [
        ("turn", RIGHT),
        ("status", "width:100%;"),
        ("model calls", RIGHT),
        ("tool calls", RIGHT),
        ("took", RIGHT),
        ("tokens", RIGHT),
    ]
    shown = trace.turns[-_TURNS * 5 :]
    rows = table(heads, [[*_cells(one)] for one in shown])
    pictured = f"the newest {_TURNS} turns" if turn is None and len(trace.turns) > _TURNS else None
    cut = f"{_earlier(trace, len(shown))}: frames.turns_df(trace)" if len(shown) < len(trace.turns) else None
    return joined(
        heading(trace.name, counts),
        el("div", f"{counted(trace.bad_lines, 'bad line')} skipped: trace.errors", style=FAILURE)
        if trace.errors
        else None,
        el("div", pictured, style=f"font-size:12px;{MUTED}") if pictured else None,
        image(Html(picture), label),
        el("details", el("summary", counted(len(trace.turns), "turn")), cut, rows),
        el("div", _missing(trace), style=f"font-size:12px;{MUTED}"),
    )


def timeline_text(trace: Trace, *, before: str = "") -> str:
    """Return the turns as aligned text; of an empty trace one line, with what shows what came `before`."""
    if nothing := nothing_words(trace, before):
        return clipped([f"Timeline  {one_line(trace.name, 400)}", nothing, _NEXT])
    summary = trace.summary()
    name, _, counts = str(summary).rpartition(": ")
    cells = [["turn", "status", "model", "tools", "took", "tokens"]]
    cells += [
        [
            turn_name(turn),
            _ascii_status(turn),
            str(len(turn.llm_calls)),
            _tool_words(turn),
            recorded_duration(turn.duration_ms),
            _tokens(turn),
        ]
        for turn in trace.turns[-_TEXT_TURNS:]
    ]
    lines = [f"Timeline  {name}", counts]
    if len(trace.turns) > _TEXT_TURNS:
        lines.append(f"{_earlier(trace, _TEXT_TURNS)}: frames.turns_df(trace)")
    lines += aligned(cells, right=(0, 2, 3, 4, 5))
    if trace.errors:
        lines.append(f"! {counted(trace.bad_lines, 'bad line')} skipped: trace.errors")
    return clipped([*lines, _missing(trace), _NEXT])


def _earlier(trace: Trace, shown: int) -> str:
    return counted(len(trace.turns) - shown, "earlier turn")


def _missing(trace: Trace) -> str:
    seconds = duration(trace.summary().duration_ms) or "no time"
    return f"{counted(trace.summary().records, 'record')}, {seconds}; {ABSENT}"


def _cells(turn: Turn) -> list[str]:
    status = status_word(turn)
    mark = MARKS.get(status if status in MARKS else "success", "")
    shown = joined(
        el("span", f"{mark} {status}", style=FAILURE if status == "failed" else None),
        f" {one_line(turn.done_reason or '')}" if status == "failed" else None,
    )
    return [
        turn_name(turn),
        shown,
        str(len(turn.llm_calls)),
        _tool_words(turn),
        recorded_duration(turn.duration_ms),
        _tokens(turn),
    ]


def _ascii_status(turn: Turn) -> str:
    status = status_word(turn)
    failed = sum(call.status == "failure" for call in turn.tool_calls)
    words = _ASCII.get(status, status)
    return f"{words}, ! {counted(failed, 'tool')} failed" if failed and status not in _ASCII else words


def _tool_words(turn: Turn) -> str:
    return str(len(turn.tool_calls)) if turn.tool_calls else "–"


def _tokens(turn: Turn) -> str:
    usage = turn.usage
    return f"{token_count(usage.input)} → {token_count(usage.output)}" if usage.total else ""


def _length(turn: Turn) -> float:
    """How long a turn is on the page, in milliseconds; one that was not recorded whole is as long as what is known of it."""
    start, end = turn_times(turn, turn.began_ns)
    return end - start


def _calls(turn: Turn) -> list[tuple[str, LlmCall | ToolCall]]:
    """Its calls, each with its kind, those of the model first."""
    asked = [("direct" if call.is_direct else "llm_call", call) for call in turn.llm_calls]
    return [*asked, *(("tool_call", call) for call in turn.tool_calls)]


def _in_order(kinds: Collection[str]) -> list[str]:
    """The kinds that are drawn, in the order of the legend."""
    return [kind for kind in _KINDS if kind in kinds]


def _turn_row(place: int, turn: Turn, scale: float) -> Html:
    zero = turn.began_ns
    y = place * _ROW + 24
    shapes = _calls(turn)
    bars = [_bar(bar(call, zero), y, scale, kind) for kind, call in shapes[:_CALLS]]
    missing = f"  +{counted(len(shapes) - _CALLS, 'call')}" if len(shapes) > _CALLS else ""
    status = status_word(turn)
    failed = any(call.status == "failure" for call in turn.tool_calls)
    note = (
        f"{MARKS['cancelled']} cancelled"
        if status == "cancelled"
        else f"{MARKS['failed']} failed"
        if status == "failed"
        else f"{MARKS['failed']} tool failed"
        if failed
        else ""
    ) + missing
    end = _LEFT + _length(turn) * scale + 8
    return joined(
        svg_text(_LEFT - 10, y + 9, turn_name(turn), text_anchor="end", fill=_GREY),
        *bars,
        svg_text(end, y + 9, note, fill="#a84300" if "failed" in note else _GREY) if note else None,
    )


def _bar(times: tuple[float, float], y: float, scale: float, kind: str, left: float = _LEFT) -> Html:
    start, end = times
    title = el("title", f"{kind} {recorded_duration(end - start)}")
    return el(
        "rect",
        title,
        x=round(left + start * scale, 1),
        y=y,
        width=round(max((end - start) * scale, 3), 1),
        height=11,
        fill=KIND_COLORS[kind],
        **_EDGE,
    )


def _call_shape(place: int, row: Mapping[str, Any], left: float, scale: float) -> Html:
    y = place * _ROW + 14
    label = joined(
        el("tspan", row["name"], fill=_INK, font_weight=600 if row["depth"] == 0 else 400),
        el("tspan", f" {row['note']}", fill=_GREY),
    )
    start, end = left + row["start"] * scale, left + row["recorded"] * scale
    if not row["kind"]:
        shape = el("path", d=f"M{start:.1f} {y + 11}v-7H{end:.1f}v7", fill="none", stroke=_THIN, stroke_width=1.4)
    else:
        line = el("path", d=f"M{start:.1f} {y + 5.5}H{end:.1f}", stroke=_THIN, stroke_width=1.4)
        shape = joined(line, _bar((row["start"], row["end"]), y, scale, row["kind"], left))
    sign = f"{MARKS[row['mark']]} {row['mark']}" if row["mark"] in {"failed", "cancelled"} else ""
    return joined(
        svg_text(8 + 14 * row["depth"], y + 9, label),
        shape,
        svg_text(end + 6, y + 9, sign, fill="#a84300" if row["mark"] == "failed" else _GREY) if sign else None,
        svg_text(_WIDTH - 8, y + 9, row["took"], text_anchor="end", fill=_INK),
    )


def _axis(longest: float, bottom: float) -> list[Html]:
    step = next(candidate for candidate in _steps() if longest / candidate <= 7)
    ticks = [index * step for index in range(int(longest / step) + 1)]
    return [
        joined(
            el("path", d=f"M{_LEFT + tick / longest * _BARS:.1f} 20V{bottom - 12:.0f}", stroke="#e0e2e5"),
            svg_text(_LEFT + tick / longest * _BARS, 12, duration(tick), text_anchor="middle", fill=_GREY),
        )
        for tick in ticks
    ]


def _steps() -> Sequence[float]:
    return [factor * 10**power for power in range(15) for factor in (1, 2, 5)]


def _legend(y: float, kinds: Sequence[str]) -> Html:
    return joined(
        *(
            joined(
                el("rect", x=_LEFT + place * _ENTRY, y=y - 9, width=9, height=9, fill=KIND_COLORS[kind], **_EDGE),
                svg_text(_LEFT + 14 + place * _ENTRY, y, kind, fill=_INK),
            )
            for place, kind in enumerate(kinds)
        )
    )


def _waiting(y: float, kinds: int) -> Html:
    """What the thin line behind a bar is, beside the kinds."""
    x = _LEFT + kinds * _ENTRY
    line = el("path", d=f"M{x} {y - 4.5:g}h14", stroke=_THIN, stroke_width=1.4)
    return joined(line, svg_text(x + 20, y, "until recorded", fill=_INK))


def _picture(shapes: Sequence[Html], height: float, label: str) -> str:
    background = el("rect", width=_WIDTH, height=height, fill="#ffffff")
    return el(
        "svg",
        PICTURE_STYLE,
        background,
        *shapes,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_WIDTH} {height}",
        width=_WIDTH,
        height=height,
        font_family="Helvetica, Arial, sans-serif",
        font_size=11,
        role="img",
        aria_label=label,
        style="max-width:100%;height:auto;",
    )
