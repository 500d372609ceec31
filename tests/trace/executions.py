"""Records about running code, built short."""

from typing import Any, Final

from tests.trace.lines import record

__all__ = ["EFFECT", "KEY", "PROCESS", "event", "node"]

EFFECT: Final = {
    "scope": {"session_id": "s", "turn_id": "turn-1", "turn_index": 1, "protocol_iteration": 0},
    "subject": {"type": "effect", "effect_id": "3", "kind": "exec_code"},
    "module_ref": "m",
    "entry_kind": "main",
    "entry_name": "main",
}
"""Identity of a main program."""
KEY: Final = "effect:s:turn-1:3"
"""Key of its graph."""
PROCESS: Final = {
    **EFFECT,
    "scope": {"session_id": "process-env:p"},
    "subject": {"type": "process", "process_id": "p"},
    "entry_kind": "process",
    "entry_name": "work",
}
"""Identity of a process."""


def event(at: float, kind: str, *, version: int = 2, **members: Any) -> dict[str, Any]:
    """A record about running code; without an `event_key` it has one of its own."""
    identity = members.pop("identity", EFFECT)
    key = members.pop("event_key", f"{kind}:{at}")
    body = {"event_key": key, "identity": identity, "kind": kind, **members}
    type_name = "lashlang_execution" if version < 7 else "language_execution"
    return {**record(at, type_name, event=body), "schema_version": version}


def node(
    at: float, what: str, node_id: str, occurrence: int = 1, *, version: int = 2, **members: Any
) -> dict[str, Any]:
    """A record about a run of a step."""
    told = {} if version > 35 else {"node_kind": "step", "label": node_id}
    return event(at, f"node_{what}", version=version, node_id=node_id, occurrence=occurrence, **told, **members)
