"""The tables of the wire's golden data: what a type or operation of the reference is called and done with here."""

import struct
from collections.abc import Callable, Mapping
from operator import attrgetter, methodcaller
from typing import Any, Final

from lash_nb import wire
from lash_nb.stores import InMemoryAttachmentStore
from lash_nb.wire import Json, Octets, from_json, stable_hash

__all__ = ["OPERATIONS", "RENAMED"]

RENAMED: Final[Mapping[str, Any]] = {
    "PluginError": wire.PluginErrorRecord,
    "Result<LlmResponse,LlmCallError>": wire.LlmResult,
    "RuntimeEffectControllerError": wire.EffectErrorRecord,
    "TraceError": wire.TraceLlmError,
    "Value": Json,
}
"""Types of the golden data that have another name here."""


def _read(kind: Any, then: Callable[[Any], Any]) -> Callable[[bytes], Any]:
    return lambda raw: then(from_json(raw, kind))


def _turn_effect(given: Any) -> Any:
    session, turn, index, iteration, number, kind = given
    scope = wire.RuntimeScope(session_id=session, turn_id=turn, turn_index=index, protocol_iteration=iteration)
    return wire.turn_effect_invocation(scope, number, kind)


def _outcome(expected: type[Any], content: Callable[[Any], Any]) -> Callable[[bytes], Any]:
    """Read an outcome and give what it holds, when it is of the kind that is expected."""
    return _read(wire.RuntimeEffectOutcome, lambda outcome: content(wire.expect_outcome(outcome, expected)))


def _attachment_spec(given: Any) -> Any:
    mime, data, reference = given
    attachment = wire.LlmAttachment(mime=mime, data=data, reference=reference)
    return wire.LlmAttachmentSpec.from_attachment(attachment, InMemoryAttachmentStore().put)


def _lashlang_sleep(given: Any) -> Any:
    session, parent, scope, sequence = given
    return wire.lashlang_sleep_invocation(session, scope, sequence, parent)


def _append(given: Any) -> Any:
    record, request, sequence, stored, now = given
    return wire.prepare_process_event_append(record, request, sequence=sequence, stored=stored, occurred_at_ms=now)


def _media_type(mime: str) -> Json:
    found = wire.MediaType.from_mime(mime)
    return found and {"canonical": found.mime, "media_type": found}


OPERATIONS: Final[Mapping[str, Callable[[bytes], Any]]] = {
    "EffectScope.id": _read(wire.EffectScope, lambda scope: scope.id),
    "EffectScope.session_id": _read(wire.EffectScope, lambda scope: getattr(scope, "session_id", None)),
    "EffectScope.turn_id": _read(wire.EffectScope, lambda scope: getattr(scope, "turn_id", None)),
    "MediaType.from_mime": _read(str, _media_type),
    "LlmAttachmentSpec.from_attachment": _read(tuple[str, Octets, wire.AttachmentRef | None], _attachment_spec),
    "LlmRequestSpec.from_request": _read(
        wire.LlmRequest, lambda request: wire.LlmRequestSpec.from_request(request, InMemoryAttachmentStore().put)
    ),
    "LlmRequestSpec.into_request": _read(wire.LlmRequestSpec, lambda spec: spec.into_request()),
    "ModelToolReturn.from_output": _read(
        tuple[str, str, wire.ToolCallOutput], lambda given: wire.model_tool_return(*given)
    ),
    "ProcessAwaitOutput.from_tool_output": _read(wire.ToolCallOutput, wire.process_await_output),
    "ProcessAwaitOutput.into_tool_output": _read(wire.ProcessAwaitOutput, lambda output: output.into_tool_output()),
    "ProcessAwaitOutput.terminal_state": _read(wire.ProcessAwaitOutput, lambda output: output.terminal_state),
    "ProcessCommand.effect_id": _read(wire.ProcessCommand, lambda command: command.effect_id),
    "ProcessEventAppendRequest.cancel_requested": _read(
        tuple[str, str | None], lambda given: wire.ProcessEventAppendRequest.cancel_requested(*given)
    ),
    "ProcessRegistration.prepare": _read(wire.ProcessRegistration, lambda registration: registration.prepare()),
    "ProcessScope.id": _read(wire.ProcessScope, lambda scope: scope.id),
    "RuntimeEffectCommand.kind": _read(wire.RuntimeEffectCommand, wire.effect_kind),
    "RuntimeEffectEnvelope.try_new": _read(wire.RuntimeEffectEnvelope, lambda envelope: envelope.validate()),
    "RuntimeEffectOutcome.into_checkpoint": _outcome(wire.CheckpointOutcome, attrgetter("result")),
    "RuntimeEffectOutcome.into_direct_response": _outcome(wire.DirectOutcome, attrgetter("result")),
    "RuntimeEffectOutcome.into_exec_code": _outcome(wire.ExecOutcome, attrgetter("result")),
    "RuntimeEffectOutcome.into_llm_call": _outcome(wire.LlmOutcome, attrgetter("result", "text_streamed")),
    "RuntimeEffectOutcome.into_process": _outcome(wire.ProcessOutcome, attrgetter("result")),
    "RuntimeEffectOutcome.into_sync_execution_surface": _outcome(wire.SurfaceOutcome, attrgetter("result")),
    "RuntimeEffectOutcome.into_tool_call": _outcome(wire.ToolOutcome, attrgetter("result")),
    "RuntimeEffectOutcome.into_tool_call_effect": _outcome(wire.ToolOutcome, methodcaller("untagged")),
    "RuntimeEffectOutcome.kind": _read(wire.RuntimeEffectOutcome, wire.effect_kind),
    "RuntimeInvocation.causal_ref": _read(wire.RuntimeInvocation, lambda invocation: invocation.causal_ref()),
    "RuntimeInvocation.effect_id": _read(wire.RuntimeInvocation, lambda invocation: invocation.effect_id),
    "RuntimeInvocation.effect_kind": _read(wire.RuntimeInvocation, lambda invocation: invocation.effect_kind),
    "RuntimeInvocation.replay_key": _read(wire.RuntimeInvocation, lambda invocation: invocation.replay_key),
    "ToolCallOutput.attachments": _read(wire.ToolCallOutput, lambda output: output.attachments()),
    "ToolCallOutput.value_for_projection": _read(wire.ToolCallOutput, lambda output: output.value_for_projection()),
    "ToolValue.from_value": _read(Json, wire.ToolValue.from_value),
    "ToolValue.to_json_value": _read(wire.ToolValue, lambda value: value.to_json_value()),
    "TraceRuntimeSubject.graph_key": _read(
        tuple[wire.TraceRuntimeScope, wire.TraceRuntimeSubject], lambda given: given[1].graph_key(given[0])
    ),
    "child_tool_effect_invocation": _read(
        tuple[wire.RuntimeInvocation, int, str], lambda given: wire.child_tool_effect_invocation(*given)
    ),
    "attachment_id": _read(str, lambda digits: wire.content_id(bytes.fromhex(digits))),
    "direct_effect_invocation": _read(
        tuple[str, str, str, str | None, wire.CausalRef | None], lambda given: wire.direct_effect_invocation(*given)
    ),
    "direct_request_discriminator": _read(
        tuple[wire.LlmRequestSpec, wire.RuntimeReplay | None, wire.CausalRef | None],
        lambda given: wire.direct_request_discriminator(*given),
    ),
    "f64_bits": _read(str, lambda digits: struct.unpack(">d", bytes.fromhex(digits))[0]),
    "format_tool_output_content": _read(wire.ToolCallOutput, wire.format_tool_output_content),
    "host_event_invocation": _read(tuple[str, str], lambda given: wire.host_event_invocation(*given)),
    "lashlang_sleep_invocation": _read(tuple[str, wire.RuntimeInvocation | None, str, int], _lashlang_sleep),
    "materialize_process_event_semantics": _read(
        tuple[str, int, Json, wire.ProcessEventSemanticsSpec],
        lambda given: wire.materialize_process_event_semantics(*given),
    ),
    "number": from_json,
    "prepare_process_event_append": _read(
        tuple[
            wire.ProcessRecord,
            wire.ProcessEventAppendRequest,
            int,
            tuple[str, wire.ProcessEvent] | None,
            int,
        ],
        _append,
    ),
    "process_effect_invocation": _read(
        tuple[str, wire.RuntimeInvocation | None, str],
        lambda given: wire.process_effect_invocation(given[0], given[2], given[1]),
    ),
    "process_event_invocation": _read(
        tuple[str, str, int, str, wire.RuntimeReplay | None], lambda given: wire.process_event_invocation(*given)
    ),
    "process_event_payload_hash": _read(tuple[str, Json], lambda given: wire.process_event_payload_hash(*given)),
    "process_wake_input_from_event_payload": _read(Json, wire.process_wake_input_from_event_payload),
    "process_wake_turn_cause": _read(wire.ProcessWakeDelivery, wire.process_wake_turn_cause),
    "string": from_json,
    "tool_retry_sleep_invocation": _read(
        tuple[wire.RuntimeInvocation, str, int], lambda given: wire.tool_retry_sleep_invocation(*given)
    ),
    "trace_json_hash": _read(Json, stable_hash),
    "turn_effect_invocation": _read(tuple[str, str, int, int, int, wire.RuntimeEffectKind], _turn_effect),
}
"""What the golden data calls an operation: from the argument's text to the result."""
