"""What happened, in order: flat events that are plain JSON."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from lash_nb.wire import from_json, to_json

__all__ = ["KINDS", "Recorder"]

KINDS: Final[Mapping[str, frozenset[str]]] = {
    "step": frozenset({"index", "op"}),
    "step_result": frozenset({"index", "result"}),
    "build_error": frozenset({"error"}),
    "scope": frozenset({"scope"}),
    "effect": frozenset({"scope", "hash", "envelope"}),
    "outcome": frozenset({"of", "outcome", "error"}),
    "commit": frozenset({"commit"}),
    "commit_result": frozenset({"of", "result", "error"}),
    "load_session": frozenset({"scope", "head_revision", "nodes", "error"}),
    "enqueue": frozenset({"batch", "error"}),
    "claim": frozenset({"boundary", "lease_ttl_ms", "max_batches", "claim", "error"}),
    "claim_by_ids": frozenset({"boundary", "lease_ttl_ms", "ids", "claim", "error"}),
    "abandon_claim": frozenset({"batches"}),
    "tombstone": frozenset({"ids"}),
    "save_session_meta": frozenset({"meta"}),
    "attachment_intent": frozenset({"attachment_id", "session_id"}),
    "attachment_commit_refs": frozenset({"session_id", "ids"}),
    "create_store": frozenset({"session_id", "relation"}),
    "delete_session_store": frozenset({"session_id"}),
    "llm_request": frozenset({"request", "streaming"}),
    "llm_script_exhausted": frozenset({"of"}),
    "tool_execute": frozenset(
        {
            "name",
            "args",
            "call_id",
            "attempt",
            "max_attempts",
            "replay_key",
            "session_id",
            "async_process_id",
        }
    ),
    "tool_cancel_seen": frozenset({"of"}),
    "hook": frozenset({"plugin", "point", "info"}),
    "plugin_build": frozenset({"plugin", "session_id"}),
    "plugin_snapshot": frozenset({"plugin", "count"}),
    "plugin_restore": frozenset({"plugin", "meta", "blob"}),
    "activity": frozenset({"session", "activity"}),
    "session_events": frozenset({"session", "events"}),
    "trace": frozenset({"record"}),
}
"""The kinds of events and the keys that each may have."""


class Recorder:
    """Takes events as they happen; each is frozen into JSON at once.

    Attributes:
        events: What was taken.
        wanted: The kinds that are taken; others get no number.
    """

    def __init__(self, wanted: Collection[str] = KINDS.keys()) -> None:
        self.events: list[dict[str, Any]] = []
        self.wanted = wanted

    def push(self, kind: str, **content: Any) -> int:
        """Append an event and return its number; 0 for one that nobody wants."""
        surplus = content.keys() - KINDS[kind]
        if surplus:
            message = f"an event of kind {kind} has no {', '.join(sorted(surplus))}"
            raise KeyError(message)
        if kind not in self.wanted:
            return 0
        seq = len(self.events)
        self.events.append({"seq": seq, "kind": kind, **{key: from_json(to_json(v)) for key, v in content.items()}})
        return seq
