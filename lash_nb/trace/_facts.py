"""What a fact is called in which release: the one place that knows the shapes of other traces than our own.

lash wrote schema version 2 in eight shapes and versions 3 to 36 on its main branch; the version does not name the shape, so a record is
read by the members that it has: of the places of a fact the first one that is there wins. Source: golden records of these releases, and
for versions 8 to 36 the reference's type definitions.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

__all__ = [
    "CONTEXT_FACTS",
    "INDEXED_FACTS",
    "KNOWN_VERSIONS",
    "RECORD_FACTS",
    "RECORD_TYPES",
    "Place",
    "RecordType",
    "kind_of",
    "member",
    "read_fact",
]

KNOWN_VERSIONS: Final = range(1, 37)
"""Schema versions whose records are described here."""


class RecordType(NamedTuple):
    """A type of record."""

    kind: str
    """What the record is about, whatever the release calls it: the type's name in the release that this package follows, else its first."""
    versions: str
    """Schema versions, or shapes of version 2 (a letter), that write it."""


def _same(versions: str, *types: str) -> dict[str, RecordType]:
    return {name: RecordType(name, versions) for name in types}


RECORD_TYPES: Final[Mapping[str, RecordType]] = {
    **_same("1–15", "session_started", "token_usage"),
    **_same("1–", "turn_started", "turn_completed", "prompt_built", "custom"),
    **_same(
        "1–", "llm_call_started", "llm_call_completed", "llm_call_failed", "tool_call_started", "tool_call_completed"
    ),
    **_same("2–", "runtime_stream_event"),
    **_same("2–35", "provider_stream_event"),
    "mode_step": RecordType("protocol_step", "2a"),
    **_same("2b–", "protocol_step"),
    "process_tracking": RecordType("lashlang_execution", "2d"),
    **_same("2e–6", "lashlang_execution"),
    "language_execution": RecordType("lashlang_execution", "7–"),
    **_same("2h–35", "provider_request"),
    **_same("2h–", "effect_envelope_diff"),
    **_same("2h–2h", "session_execution_lease.frame_handoff_transferred"),
    "rolling_history_compaction_needed": RecordType("compaction_needed", "2h–24"),
    "rolling_history_compaction_started": RecordType("compaction_started", "2h–24"),
    "rolling_history_compaction_completed": RecordType("compaction_completed", "2h–24"),
    "rolling_history_prompt_pruned": RecordType("prompt_view_pruned", "2h–24"),
    **_same(
        "3–", "journaled_effect_started", "journaled_effect_settled", "durable_wait_parked", "durable_wait_resolved"
    ),
    **_same("3–", "durable_timer_started", "durable_timer_resolved", "store_error_observed"),
    **_same("3–35", "durable_segment_boundary"),
    **_same("5–", "composition_changed"),
    **_same("6–", "provider_replay_dropped"),
    **_same("9–", "exec_code_started", "exec_code_completed", "exec_code_failed", "observation_projection"),
    **_same("13–", "attachment_degraded"),
    "rlm_step": RecordType("program_step", "17–35"),
    **_same("25–", "compaction_needed", "compaction_started", "compaction_completed"),
    **_same("25–35", "prompt_view_pruned"),
    **_same("32–", "prompt_view_attachments_pruned"),
    **_same("36–", "provider_event", "program_step", "prompt_composition_failed", "llm_attempt_completed"),
    **_same("36–", "domain_completed", "tool_receipt", "step_body_started", "tool_check_conflict"),
}
"""Every type of record that lash has written."""


class Place(NamedTuple):
    """Where a fact stands."""

    path: str
    """Members from the record (or its context) down, with dots; `-1` is the last item of a list."""
    versions: str
    """Schema versions, or shapes of version 2 (a letter), that have it there."""


def _at(path: str, versions: str = "1–") -> tuple[Place, ...]:
    return (Place(path, versions),)


CONTEXT_FACTS: Final[Mapping[str, tuple[Place, ...]]] = {
    "session_id": _at("session_id"),
    "turn_id": _at("turn_id"),
    "turn_index": _at("turn_index", "2–"),
    "protocol_iteration": (
        Place("protocol_iteration", "2b–"),
        Place("mode_iteration", "2a"),
        Place("iteration", "1"),
    ),
    "effect_id": _at("effect_id"),
    "llm_call_id": _at("llm_call_id"),
    "graph_node_id": _at("graph_node_id", "2f–"),
    "parent_graph_node_id": _at("parent_graph_node_id", "2f–"),
    "cause_call_id": (Place("metadata.caused_by.call_id", "2–"), Place("originating_tool_call_id", "2a–2b")),
}
"""Facts of a record's context, for every type of record."""

_NAME: Final = _at("name")
_EVENT_NAME: Final = (Place("event.event_name", "2–35"), Place("event.payload.type", "36"))

RECORD_FACTS: Final[Mapping[str, Mapping[str, tuple[Place, ...]]]] = {
    "name": {
        "llm_call_started": _at("request.model"),
        "llm_call_completed": _at("response.request_model", "14–"),
        "tool_call_started": _NAME,
        "tool_call_completed": _NAME,
        "tool_receipt": _NAME,
        "custom": _NAME,
        "protocol_step": (Place("plugin_id", "2b–"), Place("mode", "2a")),
        "lashlang_execution": _at("event.kind", "2d–"),
        "provider_request": _at("event.endpoint", "2h–35"),
        "provider_stream_event": _EVENT_NAME,
        "provider_event": (Place("event.direction.event_name", "36"), Place("event.direction.endpoint", "36")),
        "runtime_stream_event": _EVENT_NAME,
        "provider_replay_dropped": _at("event.replay_kind", "6–"),
        "journaled_effect_started": _at("effect_name", "3–"),
        "journaled_effect_settled": _at("effect_name", "3–"),
        "durable_wait_parked": _at("wait_kind", "3–"),
        "durable_wait_resolved": _at("wait_kind", "3–"),
        "durable_segment_boundary": _at("reason", "3–35"),
        "store_error_observed": _at("operation", "3–"),
        "attachment_degraded": _at("label", "13–"),
    },
    "model_variant": {"llm_call_started": _at("request.model_variant")},
    "call_id": {
        "tool_call_started": _at("call_id"),
        "tool_call_completed": _at("call_id"),
        "tool_receipt": _at("call_id", "36"),
        "step_body_started": _at("step.call_id", "36"),
    },
    "status": {
        "turn_completed": (Place("outcome.status", "8–"), Place("status", "1–7")),
        "tool_call_completed": (Place("output.outcome.status", "2–"), Place("success", "1")),
        "tool_receipt": _at("terminal", "36"),
        "journaled_effect_settled": _at("status", "3–"),
        "durable_wait_resolved": _at("resolution", "3–"),
        "durable_timer_resolved": _at("status", "3–"),
        "store_error_observed": _at("error_class", "3–"),
        "program_step": _at("outcome", "17–"),
        "domain_completed": _at("completion.status", "36"),
    },
    "done_reason": {
        "turn_completed": (Place("outcome.done_reason", "8–"), Place("done_reason", "1–7")),
        "llm_call_completed": _at("response.terminal_reason"),
        "llm_call_failed": (Place("error.terminal_reason", "2–"), Place("error.code", "1")),
    },
    "duration_ms": {
        "llm_call_completed": _at("response.duration_ms"),
        "tool_call_completed": _at("duration_ms"),
        "exec_code_completed": _at("duration_ms", "9–"),
        "durable_timer_started": _at("duration_ms", "3–"),
        "durable_timer_resolved": _at("duration_ms", "3–"),
        "prompt_composition_failed": _at("elapsed_ms", "36"),
    },
    "usage": {
        "llm_call_completed": _at("usage"),
        "token_usage": _at("usage", "1–15"),
    },
    "next_frame": {
        "turn_completed": (
            Place("outcome.frame_switch.frame_key", "8–"),
            Place("agent_frame_switch.frame_key", "4–7"),
            Place("agent_frame_switch.frame_id", "2c–3"),
            Place("handoff.successor_session_id", "2a–2b"),
        ),
    },
    "served_model": {
        "llm_call_completed": (
            Place("attempts.-1.execution_evidence.served_model", "4–35"),
            Place("attempts.-1.evidence.served_model", "36"),
        ),
    },
    "error_code": {"llm_call_failed": _at("error.code")},
    "error_message": {"llm_call_failed": _at("error.message", "1–35")},
    "replay_key": {
        "lashlang_execution": _at("event.identity.subject.address.replay_key", "20–"),
    },
}
"""Facts of a record by its kind; what is not listed for a kind, a record of that kind does not have."""

INDEXED_FACTS: Final = ("name", "model_variant", "call_id", "status", "done_reason", "duration_ms", "usage")
"""Those that the index holds; the others are read from bodies."""


def kind_of(type_name: str) -> str:
    """Return what a record of that type is about; an unknown type is a kind of its own."""
    known = RECORD_TYPES.get(type_name)
    return known.kind if known else type_name


def read_fact(name: str, body: Mapping[str, Any]) -> Any:
    """Return a fact of a whole record, None when the record does not have it."""
    places = RECORD_FACTS[name].get(kind_of(str(body.get("type"))), ())
    return next((value for place in places if (value := member(body, place.path)) is not None), None)


def member(value: Any, path: str) -> Any:
    """Follow the members of a path down; None where it leads nowhere."""
    for step in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.lstrip("-").isdecimal() and -len(value) <= int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value
