"""Where each fact of a record stands, by kind of record and release: the table behind `_facts`.

Of the places of a fact the first one that is there wins, so later releases stand first. Versions are schema versions, or shapes of
version 2 (a letter).
"""

from collections.abc import Mapping
from typing import Final

from lash_nb.trace._execution_facts import EXECUTION_FACTS
from lash_nb.trace._place import ByKind, Place, Places, at

__all__ = ["RECORD_FACTS"]


def _for(kinds: str, *places: Place) -> dict[str, Places]:
    return dict.fromkeys(kinds.split(), places)


_TOOLS: Final = "tool_call_started tool_call_completed"
_CODE: Final = "lashlang_execution"
_CALLS: Final = "llm_call_completed llm_call_failed"
_PROVIDER: Final = "provider_request provider_stream_event provider_event"
_STREAM: Final = f"{_PROVIDER} runtime_stream_event"
_DIAGNOSTIC: Final = "payload.diagnostic.payload"
"""Until version 8 what is told about a block of code stands in a step of the protocol `runtime`."""
_DIRECTED: Final = (Place("event.direction.event_name", "36"), Place("event.direction.endpoint", "36"))


def _of_bytes(sent: str, requested: str) -> dict[str, Places]:
    """A fact about bytes that went over the wire: until version 35 those of a request stand under names of their own."""
    return {
        **_for("provider_stream_event provider_event", Place(f"event.{sent}", "2–")),
        "provider_request": at(f"event.{requested}", "2h–35"),
    }


def _of_block(kind: str, path: str, versions: str = "9–") -> dict[str, Places]:
    """A fact about a block of code: in a record of its own, or in the runtime's diagnostic."""
    return {
        **{one: at(path, versions) for one in kind.split()},
        "protocol_step": at(f"{_DIAGNOSTIC}.{path}", "2–8"),
    }


_COMMON: Final[Mapping[str, ByKind]] = {
    "name": {
        "llm_call_started": at("request.model"),
        "llm_call_completed": at("response.request_model", "14–"),
        **_for(f"{_TOOLS} tool_receipt custom", Place("name", "1–")),
        "protocol_step": (Place("plugin_id", "2b–"), Place("mode", "1–2a")),
        "lashlang_execution": at("event.kind", "2d–"),
        "provider_request": at("event.endpoint", "2h–35"),
        "provider_stream_event": at("event.event_name", "2–35"),
        "provider_event": _DIRECTED,
        "runtime_stream_event": (Place("event.event_name", "2–35"), Place("event.payload.type", "36")),
        "provider_replay_dropped": at("event.replay_kind", "6–"),
        **_for("journaled_effect_started journaled_effect_settled", Place("effect_name", "3–")),
        **_for("durable_wait_parked durable_wait_resolved", Place("wait_kind", "3–")),
        "durable_segment_boundary": at("reason", "3–35"),
        "store_error_observed": at("operation", "3–"),
        "attachment_degraded": at("label", "13–"),
    },
    "model_variant": {"llm_call_started": at("request.model_variant")},
    "call_id": {
        **_for(f"{_TOOLS} tool_receipt", Place("call_id", "1–")),
        "step_body_started": at("step.call_id", "36"),
    },
    "status": {
        "turn_completed": (Place("outcome.status", "8–"), Place("status", "1–7")),
        "tool_call_completed": (Place("output.outcome.status", "2–"), Place("success", "1")),
        "tool_receipt": at("terminal", "36"),
        "journaled_effect_settled": at("status", "3–"),
        "durable_wait_resolved": at("resolution", "3–"),
        "durable_timer_resolved": at("status", "3–"),
        "store_error_observed": at("error_class", "3–"),
        "program_step": at("outcome", "17–"),
        "domain_completed": at("completion.status", "36"),
    },
    "done_reason": {
        "turn_completed": (Place("outcome.done_reason", "8–"), Place("done_reason", "1–7")),
        "llm_call_completed": at("response.terminal_reason"),
        "llm_call_failed": (Place("error.terminal_reason", "2–"), Place("error.code", "1")),
    },
    "duration_ms": {
        "llm_call_completed": at("response.duration_ms"),
        "tool_call_completed": at("duration_ms"),
        "exec_code_completed": at("duration_ms", "9–"),
        **_for("durable_timer_started durable_timer_resolved", Place("duration_ms", "3–")),
        "prompt_composition_failed": at("elapsed_ms", "36"),
    },
    "usage": {"llm_call_completed": at("usage"), "token_usage": at("usage", "1–15")},
}

_TURNS: Final[Mapping[str, ByKind]] = {
    "input_items": {"turn_started": at("metadata.input_item_count")},
    "next_frame": {
        "turn_completed": (
            Place("outcome.frame_switch.frame_key", "8–"),
            Place("agent_frame_switch.frame_key", "4–7"),
            Place("agent_frame_switch.frame_id", "2c–3"),
            Place("handoff.successor_session_id", "2a–2b"),
        ),
    },
    "cancel_request_id": {"turn_completed": at("outcome.evidence.request_id", "8–")},
    "cancel_origin": {"turn_completed": at("outcome.evidence.origin", "8–")},
    "cancel_reason": {"turn_completed": at("outcome.evidence.reason", "8–")},
}

_MODEL: Final[Mapping[str, ByKind]] = {
    "messages": {"llm_call_started": at("request.messages")},
    "tools": {"llm_call_started": at("request.tools"), "composition_changed": at("tool_schemas", "5–")},
    "attachments": {"llm_call_started": (Place("request.attachments", "1–17"), Place("request.messages", "18–"))},
    "tool_choice": {"llm_call_started": at("request.tool_choice")},
    "output_spec": {"llm_call_started": at("request.output_spec")},
    "text": {"llm_call_completed": at("response.text")},
    "parts": {"llm_call_completed": at("response.parts")},
    "provider_usage": {"llm_call_completed": at("provider_usage")},
    "stream_summary": _for(_CALLS, Place("stream_summary", "1–")),
    "generation_disposition": {
        "llm_call_completed": (
            Place("response.generation_disposition", "2h–11"),
            Place("attempts.-1.generation_disposition", "12–35"),
        ),
    },
    "served_model": _for(
        _CALLS,
        Place("attempts.-1.execution_evidence.served_model", "4–35"),
        Place("attempts.-1.evidence.served_model", "36"),
    ),
    "attempts": _for(f"{_CALLS} tool_call_completed", Place("attempts", "3–")),
    "attempt": {"llm_attempt_completed": at("attempt", "36")},
    "observation": {"llm_attempt_completed": at("observation", "36")},
    "error_code": {
        "llm_call_failed": at("error.code"),
        "tool_call_completed": at("output.outcome.payload.code", "2–"),
        "domain_completed": at("completion.error_code", "36"),
    },
    "error_namespace": {"llm_call_failed": (Place("error.code_namespace", "26–35"), Place("error.code", "36"))},
    "error_kind": {
        "llm_call_failed": at("error.failure_kind", "26–"),
        "exec_code_completed": at("error.kind", "15–"),
    },
    "error_message": {
        "llm_call_failed": at("error.message", "1–35"),
        "tool_call_completed": at("output.outcome.payload.message", "2–"),
        "store_error_observed": at("message", "3–"),
        "lashlang_execution": (Place("event.failure.message", "30–"), Place("event.error", "2d–")),
        "prompt_composition_failed": at("error", "36"),
        "exec_code_completed": (Place("error.message", "15–"), Place("error", "9–14")),
        "exec_code_failed": at("error", "9–"),
        "protocol_step": at(f"{_DIAGNOSTIC}.error", "2–8"),
        "program_step": at("diagnostic", "17–"),
    },
    "error_raw": {"llm_call_failed": at("error.raw", "1–35")},
    "retryable": {"llm_call_failed": at("error.retryable")},
    "replay_key": {
        _CODE: at("event.identity.subject.address.replay_key", "20–"),
        **_for(f"llm_call_started {_CALLS}", Place("context.metadata.replay_key", "2–")),
    },
    "cause": _for(f"turn_started llm_call_started {_CALLS}", Place("context.metadata.caused_by", "2–")),
}

_TOOL: Final[Mapping[str, ByKind]] = {
    "provider_call_id": _for(_TOOLS, Place("provider_call_id", "36")),
    "issuing_node_id": _for(_TOOLS, Place("issuing_node_id", "36")),
    "args": _for(_TOOLS, Place("args", "1–")),
    "result": {"tool_call_completed": (Place("output.outcome.payload", "2–"), Place("result", "1"))},
    "control": {"tool_call_completed": at("output.control", "2–")},
    "control_frame": {
        "tool_call_completed": (Place("output.control.frame_key", "4–"), Place("output.control.frame_id", "2–3"))
    },
    "error_class": {
        "tool_call_completed": at("output.outcome.payload.class", "2–"),
        "store_error_observed": at("error_class", "3–"),
    },
    "terminal": {"tool_receipt": at("terminal", "36")},
    "started_at_ms": {
        "tool_receipt": at("started_at_ms", "36"),
        "durable_wait_resolved": at("started_at_ms", "36"),
        "domain_completed": at("completion.started_at_ms", "36"),
    },
}

_BLOCKS: Final[Mapping[str, ByKind]] = {
    "phase": {"protocol_step": at("payload.diagnostic.phase", "2–8")},
    "code": _of_block("exec_code_started", "code"),
    "code_chars": _of_block("exec_code_started", "code_chars"),
    "code_duration_ms": _of_block("exec_code_completed", "duration_ms"),
    "output": _of_block("exec_code_completed", "output"),
    "output_chars": _of_block("exec_code_completed", "output_chars"),
    "observation_count": _of_block("exec_code_completed", "observation_count"),
    "terminal_finish": _of_block("exec_code_completed", "terminal_finish"),
    "tool_calls": _of_block("exec_code_completed", "tool_calls"),
    "projections": {
        "exec_code_completed": (Place("observation_projections", "10–"), Place("observation_truncation", "9")),
        "observation_projection": at("projections", "9–"),
        "protocol_step": (
            Place(f"{_DIAGNOSTIC}.observation_truncation", "2–8"),
            Place(f"{_DIAGNOSTIC}.projections", "2–8"),
        ),
    },
    "stop_reason": {"exec_code_failed": at("reason", "23–")},
    "step_index": {"program_step": at("step_index", "17–")},
}

_PROMPTS: Final[Mapping[str, ByKind]] = {
    "prompt_hash": {"prompt_built": at("prompt_hash"), "composition_changed": at("fingerprint", "5–")},
    "prompt_chars": {"prompt_built": at("prompt_chars")},
    "prompt_text": {"composition_changed": at("rendered_system_prompt", "5–")},
    "components": {"prompt_built": at("components")},
    "limits": {"prompt_composition_failed": at("limits", "36")},
}

_STREAMS: Final[Mapping[str, ByKind]] = {
    "provider": _for(_PROVIDER, Place("event.provider", "2–")),
    "sequence": _for(_STREAM, Place("event.sequence", "2–")),
    "elapsed_ms": _for(_STREAM, Place("event.elapsed_ms", "2–")),
    "direction": {"provider_event": at("event.direction.direction", "36")},
    "item_id": {
        **_for("provider_stream_event provider_event", Place("event.item_id", "2–")),
        "runtime_stream_event": (Place("event.item_id", "2–35"), Place("event.payload.item_id", "36")),
    },
    "output_index": _for(
        "provider_stream_event provider_event runtime_stream_event", Place("event.output_index", "2–")
    ),
    "raw_len": _of_bytes("raw_len", "body_len"),
    "raw_sha256": _of_bytes("raw_sha256", "body_sha256"),
    "raw_json": _of_bytes("raw_json", "body_json"),
    "omitted_reason": {
        "provider_event": at("event.raw_json_omitted_reason", "36"),
        "provider_request": at("event.body_json_omitted_reason", "2h–35"),
    },
    "stream_text": {
        "runtime_stream_event": (
            Place("event.visible_text", "2–35"),
            Place("event.payload.text", "36"),
            Place("event.payload.event.text", "36"),
        ),
    },
    "raw_text": {
        "runtime_stream_event": (Place("event.raw_text", "2–35"), Place("event.payload.raw_text", "36")),
    },
    "block_id": {
        "runtime_stream_event": (Place("event.block_id", "24–35"), Place("event.payload.event.block.id", "36")),
    },
    "block_phase": {"runtime_stream_event": at("event.payload.event.phase", "36")},
    "stream_call_id": {
        "runtime_stream_event": (Place("event.call_id", "2–35"), Place("event.payload.call_id", "36")),
    },
    "tool_name": {
        "runtime_stream_event": (Place("event.tool_name", "2–35"), Place("event.payload.tool_name", "36")),
    },
    "input_json": {
        "runtime_stream_event": (Place("event.input_json", "2–35"), Place("event.payload.input_json", "36")),
    },
    "partial_usage": {
        "runtime_stream_event": (Place("event.usage", "2–35"), Place("event.payload.usage", "36")),
        "token_usage": at("usage", "1–15"),
        "domain_completed": at("completion.usage", "36"),
    },
}

_CONTEXTS: Final[Mapping[str, ByKind]] = {
    "used_tokens": {
        **_for(
            "compaction_needed prompt_view_pruned",
            Place("used_tokens", "29–"),
            Place("context_budget_tokens", "2h–28"),
        ),
        "prompt_view_attachments_pruned": at("used_tokens", "32–"),
    },
    "max_context_tokens": _for(
        "compaction_needed prompt_view_pruned prompt_view_attachments_pruned", Place("max_context_tokens", "2h–")
    ),
    "threshold_tokens": {"compaction_needed": at("threshold_tokens", "2h–")},
    "dropped_messages": {"prompt_view_pruned": at("dropped_prefix_messages", "2h–35")},
    "retained_messages": {"prompt_view_pruned": at("retained_messages", "2h–35")},
    "pruned_attachments": {"prompt_view_attachments_pruned": at("pruned_attachments", "32–")},
    "source_messages": {"compaction_started": at("source_messages", "2h–")},
    "has_instructions": {"compaction_started": at("instructions_present", "2h–")},
    "summary_nodes": {"compaction_completed": at("summary_nodes", "2h–")},
}

_OTHERS: Final[Mapping[str, ByKind]] = {
    "payload": _for("custom protocol_step", Place("payload", "1–")),
    "effect_kind": _for("journaled_effect_started journaled_effect_settled", Place("effect_kind", "3–")),
    "effects_executed": {"durable_segment_boundary": at("effects_executed", "3–35")},
    "journaled_bytes": {"durable_segment_boundary": at("journaled_bytes_estimate", "3–35")},
    "recorded_hash": {"effect_envelope_diff": at("event.recorded_envelope_hash", "2h–")},
    "rebuilt_hash": {"effect_envelope_diff": at("event.reconstructed_envelope_hash", "2h–")},
    "divergent_paths": {"effect_envelope_diff": at("event.divergent_paths", "2h–")},
}

RECORD_FACTS: Final[Mapping[str, ByKind]] = {
    name: places
    for area in (
        _COMMON,
        _TURNS,
        _MODEL,
        _TOOL,
        _BLOCKS,
        EXECUTION_FACTS,
        _PROMPTS,
        _STREAMS,
        _CONTEXTS,
        _OTHERS,
    )
    for name, places in area.items()
}
"""Facts of a record by its kind; what is not listed for a kind, a record of that kind does not have."""
