"""The session graph where no script runs: an SVG picture in ink and grey, and text with ASCII lanes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from lash_nb.plots import counted
from lash_nb.views._graph_rows import GraphRows, folded, names_of, untold_words
from lash_nb.views._graph_turns import TurnRow
from lash_nb.views._markup import CODE, MUTED, PICTURE_STYLE, Html, el, heading, image, joined, svg_text
from lash_nb.views._small_pictures import AttachmentBytes, SmallPictures
from lash_nb.views._text import clipped

__all__ = ["graph_html", "graph_svg", "graph_text"]

_LINE: Final = 27
_LANE: Final = 20
_LANES_SHOWN: Final = 8
_PICTURE_ROWS: Final = 60
_TEXT_ROWS: Final = 30
_PICTURED: Final = 6
"""Turns whose small pictures are shown."""
_INK: Final = "#1f2328"
_GREY: Final = "#59616b"
_SIGNS: Final = {"cancelled": "x", "failed": "!"}


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the picture: a turn, or several folded ones."""

    rows: Sequence[TurnRow]
    words: str
    lane: int
    parent: int
    active: bool
    orphan: bool
    current: bool
    name: str
    begins: str

    @property
    def note(self) -> str:
        """What stands behind the text."""
        said = [self.name, self.begins, "current" if self.current else "", self.trouble]
        return ", ".join(filter(None, said))

    @property
    def trouble(self) -> str:
        """What went wrong in the turn; a fold says it in its words."""
        return self.rows[0].trouble if len(self.rows) == 1 else ""

    @property
    def mark(self) -> str:
        """How the turn ended; a fold says it in its words."""
        return self.rows[0].mark if len(self.rows) == 1 else ""


def graph_svg(found: GraphRows, names: Mapping[str, str]) -> str:
    """Return the graph as SVG with its text as text; runs of turns between what stands out are folded."""
    return _picture(found, _lines(found, names)[:_PICTURE_ROWS])


def _picture(found: GraphRows, lines: Sequence[_Line]) -> str:
    lanes = min(_LANES_SHOWN, max((line.lane for line in lines), default=0) + 1)
    width, height = 720, len(lines) * _LINE + 10
    shapes: list[Html] = []
    for place, line in enumerate(lines):
        shapes += _edge(place, line, lines)
    for place, line in enumerate(lines):
        shapes += [_node(place, line), _words(place, line, 16 + lanes * _LANE + 8)]
    background = el("rect", width=width, height=height, fill="#ffffff")
    return el(
        "svg",
        PICTURE_STYLE,
        background,
        *shapes,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        font_family="Helvetica, Arial, sans-serif",
        font_size=12,
        role="img",
        style="max-width:100%;height:auto;",
        aria_label=f"session graph, {counted(len(found.rows), 'turn')}",
    )


def graph_text(found: GraphRows, names: Mapping[str, str], *, title: str) -> str:
    """Return the graph as text: `@` current leaf, `x` cancelled, `!` failed, `:` folded."""
    lines = _lines(found, names, orphans=False)
    width = min(_LANES_SHOWN, max((line.lane for line in lines), default=0) + 1)
    drawn = [title]
    for place, line in enumerate(lines[:_TEXT_ROWS]):
        drawn += _merges(place, lines, width)
        number = "" if len(line.rows) > 1 else str(line.rows[0].number)
        drawn.append(
            f"{_lane_signs(place, line, lines, width)}  {number:>4}  {line.words:<60.60}  {line.note}".rstrip()
        )
    if len(lines) > _TEXT_ROWS:
        drawn.append(f"{len(lines) - _TEXT_ROWS} more lines: graph.nodes")
    if found.orphans:
        drawn.append(f"{counted(len(found.orphans), 'orphan')} not drawn: session.graph")
    if not found.rows:
        drawn.append("no turns yet; run %%lash with a prompt")
    if found.untold:
        drawn.append(untold_words(found))
    return clipped([*drawn, "@ current leaf   x cancelled   ! failed   : folded   next: %lash graph"])


def _lines(found: GraphRows, names: Mapping[str, str], *, orphans: bool = True) -> list[_Line]:
    """Rows with every run between two that stand out put into one line."""
    named = names_of(found, names)
    foldable = _foldable(found, named)
    spans: list[tuple[int, int]] = []
    for row in range(len(found.rows)):
        if row in found.orphans and not orphans:
            continue
        above = spans[-1][1] if spans else row
        if above + 1 == row and found.layout.parents[above] == row and foldable[above] and foldable[row]:
            spans[-1] = (spans[-1][0], row)
        else:
            spans.append((row, row))
    line_of = {row: place for place, (first, last) in enumerate(spans) for row in range(first, last + 1)}
    return [_line(found, named, span, line_of) for span in spans]


def _foldable(found: GraphRows, named: Mapping[int, str]) -> list[bool]:
    """Rows that say nothing by themselves: no tip, no fork, no name, no new frame, straight in their lane, not cancelled."""
    parents, lanes = found.layout.parents, found.layout.lanes
    children = Counter(parents)
    return [
        children[place] == 1
        and parents[place] >= 0
        and lanes[parents[place]] == lanes[place]
        and row.mark != "cancelled"
        and place not in named
        and place not in found.begins
        and place != found.current
        for place, row in enumerate(found.rows)
    ]


def _line(found: GraphRows, named: Mapping[int, str], span: tuple[int, int], line_of: Mapping[int, int]) -> _Line:
    first, last = span
    rows = found.rows[first : last + 1]
    return _Line(
        rows=rows,
        words=rows[0].text if first == last else folded(found, first, last).text,
        lane=found.layout.lanes[first],
        parent=line_of.get(found.layout.parents[last], -1),
        active=found.layout.active[first],
        orphan=first in found.orphans,
        current=first == found.current,
        name=named.get(first, ""),
        begins=found.begins.get(first, ""),
    )


def _at(place: int, lane: int) -> tuple[int, int]:
    return 16 + min(lane, _LANES_SHOWN) * _LANE, place * _LINE + 18


def _edge(place: int, line: _Line, lines: Sequence[_Line]) -> list[Html]:
    if not 0 <= line.parent < len(lines):
        return []
    x, y = _at(place, line.lane)
    to_x, to_y = _at(line.parent, lines[line.parent].lane)
    bend = f"V{to_y - _LINE / 2} C{x} {to_y - 4} {to_x} {to_y - 10} {to_x} {to_y}" if x != to_x else f"V{to_y}"
    style = {"stroke": _INK if line.active else _GREY, "stroke_width": 2.2 if line.active else 1.4, "fill": "none"}
    return [el("path", d=f"M{x} {y}{bend}", stroke_dasharray="3 3" if line.orphan else None, **style)]


def _node(place: int, line: _Line) -> Html:
    x, y = _at(place, line.lane)
    color = _INK if line.active else _GREY
    if len(line.rows) > 1:
        return el("rect", x=x - 5, y=y - 8, width=10, height=16, rx=5, fill="#ffffff", stroke=color, stroke_width=1.6)
    if line.mark == "cancelled":
        ring = el("circle", cx=x, cy=y, r=5.5, fill="#ffffff", stroke=_INK, stroke_width=1.6)
        return joined(ring, el("path", d=f"M{x - 3.6} {y + 3.6}L{x + 3.6} {y - 3.6}", stroke=_INK, stroke_width=1.6))
    disc = el("circle", cx=x, cy=y, r=4.5, fill=color)
    return (
        joined(el("circle", cx=x, cy=y, r=8.5, fill="#ffffff", stroke=_INK, stroke_width=1.8), disc)
        if line.current
        else disc
    )


def _words(place: int, line: _Line, x: float) -> Html:
    number = "" if len(line.rows) > 1 else f"{line.rows[0].number} "
    quiet = line.orphan or len(line.rows) > 1
    text = joined(el("tspan", number, fill=_GREY), el("tspan", line.words, fill=_GREY if quiet else _INK))
    note = (
        el("tspan", f"   {line.note}", fill=_GREY, font_weight=600 if line.name or line.current else 400)
        if line.note
        else None
    )
    return svg_text(x, place * _LINE + 22, text, note)


def _lane_signs(place: int, line: _Line, lines: Sequence[_Line], width: int) -> str:
    signs = [" "] * width
    for above in lines[:place]:
        if above.parent > place and above.lane < width:
            signs[above.lane] = "|"
    if line.lane < width:
        single = "@" if line.current else _SIGNS.get(line.mark, "o")
        signs[line.lane] = ":" if len(line.rows) > 1 else single
    return " ".join(signs)


def _merges(place: int, lines: Sequence[_Line], width: int) -> list[str]:
    """The line above a fork that leads its branches back to it: `|/`."""
    lanes = sorted(
        {
            line.lane
            for line in lines[:place]
            if line.parent == place and line.lane > lines[place].lane and line.lane < width
        }
    )
    if not lanes:
        return []
    signs = [" "] * (2 * width)
    for line in lines[:place]:
        if (line.parent > place or (line.parent == place and line.lane == lines[place].lane)) and line.lane < width:
            signs[2 * line.lane] = "|"
    for lane in lanes:
        signs[2 * lane - 1] = "/"
    return ["".join(signs).rstrip()]


def graph_html(
    found: GraphRows,
    names: Mapping[str, str],
    *,
    title: str,
    counts: str,
    attachment_data: AttachmentBytes | None = None,
) -> str:
    """Return the picture under its title, the same as text, what is not drawn, and the small pictures of the newest turns that have any."""
    lines = _lines(found, names)
    cut = (
        f"{len(lines) - _PICTURE_ROWS} more rows: %lash graph"
        if len(lines) > _PICTURE_ROWS
        else "newest first; runs of quiet turns are folded"
    )
    said = "; ".join(filter(None, (cut, untold_words(found))))
    drawn = image(Html(_picture(found, lines[:_PICTURE_ROWS])), f"session graph, {counted(len(found.rows), 'turn')}")
    words = el("pre", graph_text(found, names, title=title), style=CODE)
    folded_words = el("details", el("summary", "as text"), words)
    end = el("div", said, style=f"font-size:12px;{MUTED}")
    pictures = _pictures(found, attachment_data) if attachment_data else None
    return joined(heading(title, counts), drawn, folded_words, end, pictures)


def _pictures(found: GraphRows, attachment_data: AttachmentBytes) -> Html:
    """The small pictures of turns, each below the number of its turn."""
    room = SmallPictures(attachment_data)
    rows = [row for row in found.rows if row.attachments]
    blocks = [
        el("div", el("div", f"turn {row.number}", style=MUTED), room.drawn(row.attachments)) for row in rows[:_PICTURED]
    ]
    more = len(rows) - len(blocks)
    cut = f"Pictures of {counted(more, 'earlier turn')}: session.attachments" if more > 0 else ""
    return joined(*blocks, el("div", cut, style=f"font-size:12px;{MUTED}") if cut else None)
