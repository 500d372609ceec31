"""Which releases may have written a record: version 2 has ten shapes, and only their members tell them apart.

Each test narrows the range down; a record without any telling member may be of any release that writes its version. Source: golden records of
one release of each shape.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from lash_nb.trace._execution_events import Records
from lash_nb.trace._facts import KNOWN_VERSIONS, member
from lash_nb.trace._index import TraceIndex

__all__ = ["SHAPES", "UNRELEASED", "Shape", "find_shapes", "shape_of"]

UNRELEASED: Final = "unreleased"
"""In place of releases: only lash's main branch wrote it."""

SHAPES: Final[Mapping[str, tuple[str, str]]] = {
    "a": ("alpha.1", "alpha.9"),
    "b": ("alpha.10", "alpha.12"),
    "c": ("alpha.13", "alpha.18"),
    "d": ("alpha.19", "alpha.20"),
    "e": ("alpha.21", "alpha.74"),
    "e'": ("alpha.75", "alpha.77"),
    "f": ("alpha.78", "alpha.78"),
    "g": ("alpha.79", "alpha.110"),
    "h": ("alpha.111", "alpha.113"),
    "h'": (UNRELEASED, UNRELEASED),
}
"""Shapes of version 2, oldest first: the first and the last release of 0.1.0 that wrote each."""

_NAMES: Final = tuple(SHAPES)
_SAMPLE: Final = 24
"""Records of each type and version that are looked at for the shape of a whole trace."""


class Shape(NamedTuple):
    """A range of releases by what they write."""

    version: int
    """Schema version."""
    first: str = ""
    """Oldest shape of version 2 that it may be; the empty text for other versions."""
    last: str = ""
    """Newest shape of version 2 that it may be."""

    def __str__(self) -> str:
        return f"schema {self.version} ({self.releases})"

    @property
    def releases(self) -> str:
        """The releases in words, as in `alpha.21–74`."""
        if self.version not in KNOWN_VERSIONS:
            return "newer than this package describes" if self.version > KNOWN_VERSIONS[-1] else "no version of lash"
        if not self.first:
            return UNRELEASED
        oldest, newest = SHAPES[self.first][0], SHAPES[self.last][1]
        if oldest == newest:
            return oldest
        return f"{oldest}–{newest.removeprefix('alpha.')}" if newest.startswith("alpha.") else f"since {oldest}"

    def narrowed(self, other: "Shape") -> "Shape | None":
        """Return what both may be, None when there is nothing."""
        if self.version != other.version or not self.first:
            return self if self == other else None
        first = max(self.first, other.first, key=_NAMES.index)
        last = min(self.last, other.last, key=_NAMES.index)
        return Shape(self.version, first, last) if _NAMES.index(first) <= _NAMES.index(last) else None


def shape_of(body: Mapping[str, Any]) -> Shape:
    """Return which releases may have written a record, given whole."""
    version = body.get("schema_version", 0)
    shape = Shape(version if isinstance(version, int) else 0)
    if shape.version != 2:
        return shape
    shape = Shape(2, _NAMES[0], _NAMES[-1])
    for applies, first, last in _TESTS:
        narrowed = shape.narrowed(Shape(2, first, last)) if applies(body) else shape
        shape = narrowed or shape
    return shape


def find_shapes(trace: Records) -> tuple[Shape, ...]:
    """Return which releases may have written a trace, in the order of the records; judged by a sample of each type of record."""
    shapes: list[Shape] = []
    for body in trace.bodies(_sampled(trace.index)):
        shape = shape_of(body)
        known = next(
            (number for number, one in enumerate(shapes) if one.version == shape.version and one.narrowed(shape)), None
        )
        if known is None:
            shapes.append(shape)
        else:
            shapes[known] = shapes[known].narrowed(shape) or shape
    return tuple(shapes)


def _sampled(index: TraceIndex) -> list[int]:
    """Return rows that hold some of each type and version, from the first to the last."""
    versions = index.text("schema_version")
    sorts = index.text("type").codes.astype(np.int64) * (len(versions.values) + 1) + versions.codes
    different, _ = np.unique(
        sorts, return_counts=True
    )  # without counts it loads `numpy.ma`, for as long as reading 3 MB takes
    groups = [np.flatnonzero(sorts == sort) for sort in different]
    return sorted(row for rows in groups for row in rows[:: max(1, len(rows) // _SAMPLE)].tolist())


Test = Callable[[Mapping[str, Any]], bool]


def _has(path: str) -> Test:
    return lambda body: member(body, path) is not None


def _says(path: str, *texts: str) -> Test:
    return lambda body: member(body, path) in texts


def _begins(path: str, *beginnings: str) -> Test:
    return lambda body: str(member(body, path) or "").startswith(beginnings)


def _has_span(body: Mapping[str, Any]) -> bool:
    return any(_begins(f"context.{name}", *_SPANS)(body) for name in ("graph_node_id", "parent_graph_node_id"))


def _lacks_span(body: Mapping[str, Any]) -> bool:
    is_spanned = _begins("type", "turn_", "llm_call_")(body) and _has("context.session_id")(body)
    return is_spanned and not _has("context.graph_node_id")(body)


def _usage_with(name: str) -> Test:
    return lambda body: any(_has(f"{place}.{name}")(body) for place in ("usage", "event.usage"))


def _items(value: Any) -> Iterable[Mapping[str, Any]]:
    return (one for one in value if isinstance(one, dict)) if isinstance(value, list) else ()


def _block(kind: str, path: str = "kind") -> Test:
    """Whether a block of a request is of that kind and has that member."""
    return lambda body: any(
        block.get("kind") == kind and path in block
        for message in _items(member(body, "request.messages"))
        for block in _items(message.get("blocks"))
    )


def _tool_schema(path: str) -> Test:
    return lambda body: any(
        member(tool, f"input_schema.{path}") is not None for tool in _items(member(body, "request.tools"))
    )


_SPANS: Final = ("turn:", "llm:", "tool:", "session:")
_TESTS: Final[tuple[tuple[Test, str, str], ...]] = (
    (_has("context.mode_iteration"), "a", "a"),
    (_says("type", "mode_step"), "a", "a"),
    (_has("context.protocol_iteration"), "b", "h'"),
    (_says("type", "protocol_step"), "b", "h'"),
    (_has("context.originating_tool_call_id"), "a", "b"),
    (_has("handoff"), "a", "b"),
    (_has("agent_frame_switch"), "c", "h'"),
    (_says("type", "process_tracking"), "d", "d"),
    (_says("type", "lashlang_execution"), "e", "h'"),
    (_begins("name", "turn_input."), "e'", "h'"),
    (_tool_schema("canonical"), "e'", "h'"),
    (_tool_schema("type"), "a", "e'"),
    (_usage_with("cached_input_tokens"), "a", "f"),
    (_usage_with("cache_read_input_tokens"), "g", "h'"),
    (_begins("call_id", "lashlang:"), "g", "h'"),
    (_block("image"), "a", "g"),
    (_block("attachment", "attachment_idx"), "h", "h'"),
    (_has("request.attachments.0.source"), "h", "h'"),
    (_says("type", "provider_request", "effect_envelope_diff"), "h", "h'"),
    (_has("response.generation_disposition"), "h'", "h'"),
    (_begins("type", "rolling_history_", "session_execution_lease."), "h'", "h'"),
    (_says("done_reason", "submitted_value"), "a", "e"),
    (_says("done_reason", "final_value"), "e'", "h'"),
    (_lacks_span, "a", "e'"),
    (_has_span, "f", "h'"),
)
"""What a record must have, and the oldest and newest shape of version 2 that write it so; what a host can set itself comes last."""
