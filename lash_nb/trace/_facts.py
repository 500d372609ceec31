"""What a fact is called in which release: the one place that knows the shapes of other traces than our own.

lash wrote schema version 2 in ten shapes (nine in tagged releases, one between them; `_shapes` lists them) and versions 3 to 36 on its main
branch; the version does not name the shape, so a record is read by the members that it has: of the places of a fact the first one that is
there wins. Source: golden records of these releases, and for versions 8 to 36 the reference's type definitions.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from lash_nb.trace._place import Place, at
from lash_nb.trace._record_facts import RECORD_FACTS
from lash_nb.trace._told import TOLD

__all__ = [
    "ATTEMPT_FACTS",
    "CONTEXT_FACTS",
    "INDEXED_FACTS",
    "KNOWN_VERSIONS",
    "RECORD_FACTS",
    "RECORD_TYPES",
    "WITHHELD",
    "Place",
    "RecordType",
    "is_withheld",
    "kind_of",
    "member",
    "read_attempt_fact",
    "read_fact",
    "reader_of",
]

KNOWN_VERSIONS: Final = range(1, 37)
"""Schema versions whose records are described here."""

WITHHELD: Final = "omitted"
"""What a record says of its content when the host kept texts out of it (version 36)."""


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
    "mode_step": RecordType("protocol_step", "1–2a"),
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


CONTEXT_FACTS: Final[Mapping[str, tuple[Place, ...]]] = {
    "session_id": at("session_id"),
    "turn_id": at("turn_id"),
    "turn_index": at("turn_index", "2–"),
    "protocol_iteration": (
        Place("protocol_iteration", "2b–"),
        Place("mode_iteration", "2a"),
        Place("iteration", "1"),
    ),
    "effect_id": at("effect_id"),
    "llm_call_id": at("llm_call_id"),
    "graph_node_id": at("graph_node_id", "2f–"),
    "parent_graph_node_id": at("parent_graph_node_id", "2f–"),
    "waited_ms": at("metadata.waited_ms", "2"),
    "cause_call_id": (Place("metadata.caused_by.call_id", "2–"), Place("originating_tool_call_id", "2a–2b")),
}
"""Facts of a record's context, for every type of record."""

ATTEMPT_FACTS: Final[Mapping[str, tuple[Place, ...]]] = {
    "ordinal": at("ordinal", "3–"),
    "outcome": (Place("detail.outcome.outcome", "36"), Place("outcome.outcome", "36"), Place("outcome", "3–")),
    "duration_ms": (Place("duration_ms", "3–35"), Place("duration", "36")),
    "delay_ms": (Place("delay_ms", "3–"), Place("delay", "36")),
    "reason": (Place("detail.outcome.message", "36"), Place("reason", "3–35")),
    "error_class": at("detail.outcome.class", "36"),
    "error_code": at("detail.outcome.code", "36"),
    "started_at_ms": (Place("started_at_ms", "36"), Place("started_at", "36")),
    "ended_at_ms": at("ended_at_ms", "36"),
    "request_model": at("request_model", "36"),
    "served_model": (Place("evidence.served_model", "36"), Place("execution_evidence.served_model", "4–35")),
    "provider_request_id": (
        Place("evidence.provider_request_id", "36"),
        Place("execution_evidence.provider_request_id", "4–35"),
    ),
    "provider_response_id": (
        Place("evidence.provider_response_id", "36"),
        Place("execution_evidence.provider_response_id", "4–35"),
    ),
    "finish_reason": (
        Place("evidence.provider_finish_reason", "36"),
        Place("execution_evidence.provider_finish_reason", "4–35"),
    ),
    "interruption": (
        Place("evidence.collection_interruption", "36"),
        Place("execution_evidence.collection_interruption", "4–35"),
    ),
    "charge": at("charge_safety.outcome", "11–35"),
    "charge_reason": at("charge_safety.reason", "11–35"),
    "tokens_at_stake": at("charge_safety.tokens_at_stake", "11–35"),
    "generation_disposition": at("generation_disposition", "12–35"),
    "usage": at("usage", "12–"),
    "usage_disposition": at("usage_disposition", "19–"),
}
"""Facts of one attempt of a call, inside its list of attempts."""

INDEXED_FACTS: Final = (
    "name",
    "model_variant",
    "call_id",
    "issuing_node_id",
    "status",
    "done_reason",
    "next_frame",
    "duration_ms",
    "usage",
)
"""Those that the index holds; the others are read from bodies."""


def kind_of(type_name: str) -> str:
    """Return what a record of that type is about; an unknown type is a kind of its own."""
    known = RECORD_TYPES.get(type_name)
    return known.kind if known else type_name


def read_fact(name: str, body: Mapping[str, Any]) -> Any:
    """Return a fact of a whole record, told alike for all releases; None when the record does not have it.

    Args:
        name: A fact of `RECORD_FACTS` or `CONTEXT_FACTS`.
        body: The record, as `trace[row]` gives it.
    """
    ways = _WAYS[name]
    return _found(name, body, ways.get(str(body.get("type")), ways[None]))


def reader_of(kind: str) -> Callable[[str, Mapping[str, Any]], Any]:
    """Return `read_fact` for records of one kind, which is faster where there are many of them."""
    ways_to = {name: ways.get(kind, ways[None]) for name, ways in _WAYS.items()}
    return lambda name, body: _found(name, body, ways_to[name])


def _found(name: str, body: Mapping[str, Any], ways: tuple[tuple[str, ...], ...]) -> Any:
    for steps in ways:
        value: Any = body
        for step in steps:  # as `_walk` does, which this is too often done to call
            value = value.get(step) if type(value) is dict else _item(value, step)
        if value is not None:
            told = TOLD.get(name)
            return told(value, body) if told else value
    return None


def is_withheld(body: Mapping[str, Any]) -> bool:
    """Return whether the host kept texts out of a record: what is empty in it may not have been."""
    return body.get("content") == WITHHELD


def read_attempt_fact(name: str, attempt: Mapping[str, Any]) -> Any:
    """Return a fact of one attempt of a call; None when it does not have it."""
    found = (member(attempt, place.path) for place in ATTEMPT_FACTS[name])
    return next((value for value in found if value is not None), None)


def member(value: Any, path: str) -> Any:
    """Follow the members of a path down; None where it leads nowhere."""
    return _walk(value, tuple(path.split(".")))


def _walk(value: Any, steps: tuple[str, ...]) -> Any:
    for step in steps:
        value = value.get(step) if type(value) is dict else _item(value, step)
    return value


def _item(value: Any, step: str) -> Any:
    """Return an item of a list; of what is none, and so has no members, nothing."""
    is_place = isinstance(value, list) and step.lstrip("-").isdecimal() and -len(value) <= int(step) < len(value)
    return value[int(step)] if is_place else None


def _steps(places: tuple[Place, ...], *above: str) -> tuple[tuple[str, ...], ...]:
    return tuple((*above, *place.path.split(".")) for place in places)


_WAYS: Final[Mapping[str, Mapping[str | None, tuple[tuple[str, ...], ...]]]] = {
    **{
        name: {
            None: (),
            **{type_name: _steps(by_kind[one.kind]) for type_name, one in RECORD_TYPES.items() if one.kind in by_kind},
        }
        for name, by_kind in RECORD_FACTS.items()
    },
    **{name: {None: _steps(places, "context")} for name, places in CONTEXT_FACTS.items()},
}
"""The members to follow to each fact, by type of record; under none those of any other type. A kind is the name of one of its types."""
