"""What a record about running code tells, alike for all releases, and the key of the execution that it tells of.

Keys as the reference makes them: of a process `process:ID` with its attempt since version 28, of an effect where it runs; since version 20
that is the address under which a durable host finds it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Protocol

import msgspec

from lash_nb.trace._facts import reader_of
from lash_nb.trace._index import TraceIndex

__all__ = [
    "EXECUTION_KIND",
    "ExecutionEvent",
    "Records",
    "execution_events",
    "graph_key",
    "int_of",
    "objects_of",
    "text_of",
]

EXECUTION_KIND: Final = "lashlang_execution"
"""Kind of the records that tell of running code."""
_read: Final = reader_of(EXECUTION_KIND)
_KINDS: Final = {"process_started": "execution_started", "process_finished": "execution_finished"}
"""What version 2d called the first and the last event."""
_SCOPES: Final[Mapping[str, tuple[str, str | None]]] = {
    "turn": ("turn", "turn_id"),
    "process": ("process", "process_id"),
    "queue_drain": ("drain", "drain_id"),
    "session_delete": ("delete", None),
    "runtime_operation": ("op", "operation_id"),
}
"""For each execution scope its kind in a key, and the member with its id."""


class Records(Protocol):
    """A trace, as far as reading records goes."""

    @property
    def index(self) -> TraceIndex:
        """One entry per record."""
        ...

    def bodies(self, rows: Iterable[int]) -> Iterator[dict[str, Any]]:
        """Yield whole records."""
        ...


class ExecutionEvent(msgspec.Struct, frozen=True, gc=False):
    """One record about running code."""

    row: int
    """Number of the record in the trace, from 0."""
    time_ns: int
    """When it was written."""
    version: int
    """Schema version of the record, 0 where it tells none."""
    graph_key: str
    """The execution."""
    kind: str
    """What happened, in the words of the releases since 0.1.0-alpha.21."""
    node_id: str
    """The step that it tells of; the empty text when it names none."""
    node_kind: str | None
    """What sort of step, where the release says so."""
    occurrence: int | None
    """Which run of the step."""
    site_path: Any
    """Where in the code the step stands (version 36)."""
    body: dict[str, Any]
    """The record; `event[name]` reads a fact of it."""

    def __getitem__(self, fact: str) -> Any:
        return _read(fact, self.body)


def text_of(value: Any) -> str | None:
    """Return a text, nothing instead of anything else: a record may hold whatever somebody wrote."""
    return value if isinstance(value, str) else None


def int_of(value: Any) -> int | None:
    """Return an integer of 64 bits, signed or not; nothing instead of anything else."""
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    return value if is_integer and -(1 << 63) <= value < 1 << 64 else None


def objects_of(members: Any, name: str) -> list[dict[str, Any]]:
    """Return the objects of a list among some members, such as the `nodes` of a map; what else stands there is left out."""
    found = members.get(name) if isinstance(members, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def execution_events(trace: Records, rows: Iterable[int]) -> Iterator[ExecutionEvent]:
    """Yield the events of these records, each once: one with the key of an earlier one is a repetition."""
    rows = list(rows)
    times, column = trace.index.time_ns[rows].tolist(), trace.index.text("schema_version")
    versions, seen = column.at(column.codes[rows]), set[str]()
    identity, graph = None, ""
    for row, time_ns, version, body in zip(rows, times, versions, trace.bodies(rows), strict=True):
        key = text_of(_read("event_key", body))
        if key is None or key not in seen:
            before, identity = identity, _read("identity", body)
            if identity is None or identity != before:  # neighbors mostly tell of the same execution
                graph = graph_key(body)
            yield _event(row, time_ns, version or 0, body, graph)
        if key is not None:
            seen.add(key)


def _event(row: int, time_ns: int, version: int, body: dict[str, Any], graph: str) -> ExecutionEvent:
    kind = text_of(_read("name", body)) or ""
    return ExecutionEvent(
        row=row,
        time_ns=time_ns,
        version=version,
        graph_key=graph,
        kind=_KINDS.get(kind, kind),
        node_id=text_of(_read("node_id", body)) or "",
        node_kind=text_of(_read("node_kind", body)),
        occurrence=int_of(_read("occurrence", body)),
        site_path=_read("site_path", body),
        body=body,
    )


def graph_key(body: Mapping[str, Any], prefix: str = "") -> str:
    """Return the key of the execution that a record tells of; with the prefix `child_` of the one that it started."""
    process = text_of(_read(f"{prefix}process_id", body))
    if process is not None:
        return _process_key(process, body, prefix)
    return _effect_key(_read(f"{prefix}subject", body), _read(f"{prefix}scope", body))


def _process_key(process: str, body: Mapping[str, Any], prefix: str) -> str:
    attempt = "child_attempt" if prefix else "execution_attempt"
    parts = {"incarnation": _read(f"{prefix}incarnation", body), "attempt": _read(attempt, body)}
    return ":".join(["process", process, *(f"{name}:{value}" for name, value in parts.items() if value is not None)])


def _effect_key(subject: Any, scope: Any) -> str:
    subject, scope = _object(subject), _object(scope)
    address = _object(subject.get("address"))
    if address:
        return f"effect:{_scope_text(_object(address.get('execution_scope')))}:{json.dumps(address.get('replay_key'), ensure_ascii=False)}"
    where = [scope.get("session_id"), scope.get("turn_id"), subject.get("effect_id")]
    return ":".join(["effect", *(str(part) for part in where if part is not None)])


def _scope_text(scope: Mapping[str, Any]) -> str:
    kind, member = _SCOPES.get(str(scope.get("type")), (scope.get("type"), None))
    named = {"session_id": scope.get("session_id"), "execution_id": scope.get(member) if member else None}
    members = {"version": 2, "kind": kind, **{name: value for name, value in named.items() if value is not None}}
    return json.dumps(members, ensure_ascii=False, separators=(",", ":"))


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
