"""Frozen data that crosses a boundary, its canonical JSON and its stable hash (lash 0.1.0-alpha.37)."""

# fmt: off
# Some 370 names: packed, or the face would be longer than any room.

from lash_nb.wire._activity import (
    AcceptedInjectedTurnInput, AssistantProseDelta, ChildUsage, CodeBlockCompleted, CodeBlockStarted,
    CustomRuntimeEvent, ErrorActivity, ModelRequestStarted, PluginRuntime, PluginRuntimeEvent, QueuedInputAccepted,
    QueuedMessagesCommitted, QueuedWorkStarted, ReasoningDelta, RetryStatus, StatusRuntimeEvent, SubmittedValue,
    ToolCallActivityCompleted, ToolCallActivityStarted, ToolValueSubmitted, TurnActivity, TurnEvent, UsageActivity,
)
from lash_nb.wire._append import (
    AppendMessage, AppendPlugin, AppendProtocolEvent, AppendSessionNodesRequest, AppendSessionNodesResult,
    AppendedNodes, SessionAppendNode, StaleBranch,
)
from lash_nb.wire._base import External, Json, Octets, TwoWay, Wire, trimmed
from lash_nb.wire._child_session import (
    CurrentSessionStart, EmptyStart, ExistingSessionStart, SessionCreateRequest, SessionStartPoint, SnapshotStart,
)
from lash_nb.wire._commit import (
    BlobRef, HydratedSessionCheckpoint, PersistedSessionRead, PersistedTurnState, RuntimeCommit, RuntimeCommitResult,
    RuntimeTurnCommitStamp, SessionCheckpoint, SessionHeadMeta,
)
from lash_nb.wire._commit_hash import turn_commit_hash
from lash_nb.wire._direct_request import DirectMessage, DirectOutput, DirectPart, DirectRequest, DirectRole
from lash_nb.wire._effect import (
    CheckpointCommand, DirectCommand, ExecCodeCommand, LlmCallCommand, ProcessEffectCommand, RuntimeEffectCommand,
    RuntimeEffectEnvelope, SleepCommand, SyncExecutionSurfaceCommand, ToolCallCommand, effect_kind,
)
from lash_nb.wire._error_record import EffectErrorRecord, PluginErrorRecord
from lash_nb.wire._exec import (
    CheckpointDelivery, CheckpointKind, CheckpointResult, ExecImage, ExecResponse, ExecResult,
    ExecutionSurfaceSync, SurfaceResult, TextProjectionMetadata,
)
from lash_nb.wire._graph import (
    AppendGraph, ConversationRecord, EventNodePayload, GraphCommitDelta, PluginNodePayload, ProtocolEvent,
    SessionEventRecord, SessionGraph, SessionNodePayload, SessionNodeRecord, UnchangedGraph, active_path,
    conversation_messages,
)
from lash_nb.wire._host_event import (
    HostEventEmitReport, HostEventOccurrenceRecord, HostEventOccurrenceRequest,
)
from lash_nb.wire._identity import (
    child_tool_effect_invocation, child_tool_effect_invocations, direct_effect_invocation, direct_request_discriminator, host_event_invocation,
    lashlang_sleep_invocation, process_effect_invocation, process_event_invocation, tool_retry_sleep_invocation,
    turn_effect_invocation,
)
from lash_nb.wire._image import LONGEST_PICTURE_SIDE, MOST_PICTURE_BYTES, has_picture_header, image_dimensions, is_whole_image, picture_fault, sniff_image
from lash_nb.wire._injection import llm_reply, outcome_from, tool_outcome
from lash_nb.wire._invocation import (
    CausalEffect, CausalHostEvent, CausalProcess, CausalProcessEvent, CausalRef, CausalSessionNode, CausalToolCall,
    CausalTurn, DurabilityTier, EffectScope, EffectSubject, HostEventSubject, ProcessEffectScope,
    ProcessEventSubject, ProcessSubject, QueueDrainScope, RuntimeEffectKind, RuntimeInvocation,
    RuntimeOperationScope, RuntimeReplay, RuntimeScope, RuntimeSubject, SessionDeleteScope, SessionNodeSubject,
    TurnScope,
)
from lash_nb.wire._journal import EffectEntry, EffectOrigin, EffectStatus
from lash_nb.wire._json import (
    from_builtins, from_json, from_json_rows, json_lines, json_size, may_hold_long_integer, pretty_json, stable_hash, to_builtins, to_json,
)
from lash_nb.wire._lashlang_graph import (
    TraceLashlangEdgeSelection, TraceLashlangGraph, TraceLashlangGraphChildLink, TraceLashlangGraphEdge,
    TraceLashlangGraphNode, TraceLashlangNodeStatus,
)
from lash_nb.wire._llm import (
    ImageBlock, LlmContentBlock, LlmMessage, LlmRole, ProviderReasoningReplay, ProviderReplayMeta, ReasoningBlock,
    ResponseTextMeta, TextBlock, ToolCallBlock, ToolResultBlock,
)
from lash_nb.wire._llm_request import (
    GenerationOptions, JsonSchemaSpec, LlmAttachment, LlmAttachmentSpec, LlmOutputSpec, LlmRequest, LlmRequestSpec,
    LlmToolChoice, LlmToolSpec, OutputJsonSchema, SchemaProjectionOverride, StoreBytes,
)
from lash_nb.wire._llm_response import (
    LlmCallError, LlmOutputPart, LlmResponse, LlmResult, LlmTerminalReason, ReasoningPart, TextPart, ToolCallPart,
)
from lash_nb.wire._media import (
    AttachmentCreateMeta, AttachmentId, AttachmentMeta, AttachmentRef, AttachmentRow, AttachmentState,
    ImageMediaType, MediaType, content_id,
)
from lash_nb.wire._message import (
    DeletedPart, Message, MessageOrigin, MessageRole, Part, PartAttachment, PartKind, PluginMessage, PluginOrigin,
    ProcessOrigin, PrunedPart, PruneState, ResumeSafety, SummarizedPart, TurnCause,
    messages_are_prompt_resume_safe, reassign_part_ids,
)
from lash_nb.wire._message_tree import (
    SessionMessageTreeNode, first_user_message, message_tree, orphaned_node_ids, user_message_count,
)
from lash_nb.wire._outcome import (
    CheckpointOutcome, DirectOutcome, ExecOutcome, LlmOutcome, ProcessOutcome, RuntimeEffectOutcome, SleepOutcome,
    SurfaceOutcome, ToolCallEffectOutcome, ToolHostEventEffectOutcome, ToolOutcome, expect_outcome,
)
from lash_nb.wire._pointer import pointed_at
from lash_nb.wire._policy import ModelLimits, ModelSpec, PersistedSessionConfig, ProtocolTurnOptions, SessionPolicy
from lash_nb.wire._process import (
    ProcessCancelled, ProcessCompleted, ProcessExternalInput, ProcessExternalRef, ProcessFailed, ProcessInput,
    ProcessLashlangInput, ProcessRecord, ProcessRef, ProcessRegistration, ProcessRunning, ProcessSessionTurnInput,
    ProcessStatus, ProcessToolCallInput,
)
from lash_nb.wire._process_command import (
    ProcessAwaitCommand, ProcessAwaitOutcome, ProcessCancelCommand, ProcessCancelOutcome, ProcessCommand,
    ProcessDeleteSessionCommand, ProcessDeleteSessionOutcome, ProcessEffectOutcome, ProcessListCommand,
    ProcessListOutcome, ProcessSignalCommand, ProcessSignalOutcome, ProcessStartCommand, ProcessStartOutcome,
    ProcessTransferCommand, ProcessTransferOutcome,
)
from lash_nb.wire._process_event import (
    ProcessEvent, ProcessEventAppendRequest, ProcessEventAppendResult, ProcessEventSemantics,
    ProcessEventSemanticsSpec, ProcessEventType, ProcessTerminalSemantics, ProcessTerminalSpec,
    ProcessValueSelector, ProcessWake, ProcessWakeDedupeKey, ProcessWakeDelivery, ProcessWakeSpec,
    TemplateSelector, ValueSelector, WakeDedupeKey, process_event_payload_hash,
)
from lash_nb.wire._process_handle import (
    ProcessExecutionContext, ProcessHandleDescriptor, ProcessHandleGrant, ProcessHandleGrantEntry, ProcessLease,
    ProcessLeaseCompletion, ProcessListMode, ProcessSessionDeleteReport, ProcessStartGrant,
)
from lash_nb.wire._process_output import (
    ProcessAwaitCancelled, ProcessAwaitFailure, ProcessAwaitOutput, ProcessAwaitSuccess, ProcessTerminalState,
    process_await_output,
)
from lash_nb.wire._process_scope import ProcessProvenance, ProcessScope, ProcessScopeId
from lash_nb.wire._process_semantics import (
    PreparedProcessEventAppend, materialize_process_event_semantics, prepare_process_event_append,
    process_wake_input_from_event_payload, process_wake_turn_cause, process_wake_turn_text,
)
from lash_nb.wire._projection import (
    ChronologicalEntry, ChronologicalMessage, ChronologicalPayload, ChronologicalProjection,
    ChronologicalProtocolEvent, chronological_projection,
)
from lash_nb.wire._prompt import (
    BuiltinEntry, PromptBuiltin, PromptContribution, PromptGate, PromptLayer, PromptSlot, PromptSlotLayer,
    PromptTemplate, PromptTemplateEntry, PromptTemplateSection, SlotEntry, TextEntry,
)
from lash_nb.wire._queue import (
    DeliveryPolicy, MergeGroup, MergeKey, ProcessWakePayload, QueuedWorkBatch, QueuedWorkBatchDraft,
    QueuedWorkClaim, QueuedWorkClaimBoundary, QueuedWorkCompletion, QueuedWorkItem, QueuedWorkPayload,
    RefreshToolSurface, ResetSession, SessionCommand, SessionCommandPayload, SlotPolicy, TurnInputPayload,
)
from lash_nb.wire._rlm import (
    CustomFinalAnswer, MarkdownFinalAnswer, ProseOrSubmit, RawSubmitValue, RlmCreateExtras, RlmFinalAnswerFormat,
    RlmTermination, SubmitRequired,
)
from lash_nb.wire._sansio import SansIoSessionState, TurnTerminationPolicyState
from lash_nb.wire._schema import LashSchema, display_value, schema_alternatives
from lash_nb.wire._session import (
    AgentFrameAssignment, AgentFrameReason, AgentFrameRecord, AgentFrameStatus, ChildRelation, PluginArtifact,
    PluginMeta, PluginOptions, PluginSessionSnapshot, PluginSnapshot, SessionPluginSource, RootRelation, SessionMeta,
    SessionRelation, SessionSnapshot, SessionToolAccess, SubagentSessionContext, ToolState, ToolStateEntry,
)
from lash_nb.wire._session_event import (
    ChildTokenUsageEvent, DoneEvent, ErrorEvent, InjectedMessagesCommittedEvent, InjectedTurnInputAcceptedEvent,
    LlmRequestEvent, LlmResponseEvent, MessageEvent, PluginEvent, ReasoningDeltaEvent, RetryStatusEvent,
    SessionEvent, TextDeltaEvent, TokenUsageEvent, ToolCallEvent, ToolCallStartEvent, TurnOutcomeEvent,
)
from lash_nb.wire._shared import Shareable, SharedMap, SharedSequence, TupleLike, common_beginning
from lash_nb.wire._strict import nests_deeper
from lash_nb.wire._system_time import SystemTime
from lash_nb.wire._tool import (
    AttachmentReturnPart, CompletedToolCall, FailControl, FinishControl, ModelToolReturn, ModelToolReturnPart,
    PreparedToolCall, RetryExhausted, RetryNever, RetrySafe, SwitchAgentFrameControl, TextReturnPart,
    ToolCallOutcome, ToolCallOutput, ToolCallRecord, ToolCancellation, ToolCancelled, ToolControl, ToolFailed,
    ToolFailure, ToolFailureClass, ToolFailureSource, ToolRetryDisposition, ToolSuccess,
)
from lash_nb.wire._tool_definition import (
    Availability, CompactToolContract, FromInputSchemaContract, IdempotentRetryPolicy, MaterializeProjectedValues,
    NeverRetryPolicy, PreserveProjectedRefs, SafeRetryPolicy, StaticOutputContract, ToolActivation,
    ToolAgentSurface, ToolArgumentProjection, ToolAvailability, ToolContract, ToolDefinition, ToolManifest,
    ToolOutputContract, ToolRetryPolicy, ToolScheduling, at_least, open_object_schema,
)
from lash_nb.wire._tool_return import completed_call, format_tool_output_content, model_tool_return
from lash_nb.wire._tool_value import ToolValue
from lash_nb.wire._trace import (
    TRACE_SCHEMA_VERSION, Custom, LashlangExecution, LlmCallCompleted, LlmCallFailed, LlmCallStarted, PromptBuilt,
    TracePromptComponent, ProtocolStep, ProviderStreamEvent, RuntimeStreamEvent, SessionStarted, TokenUsageRecorded,
    ToolCallCompleted, ToolCallStarted, TraceContext, TraceEvent, TraceAgentFrameSwitch, TraceLevel, TraceRecord,
    TurnCompleted, TurnStarted,
)
from lash_nb.wire._trace_call import (
    StreamSummary, TraceAttachment, TraceContentBlock, TraceImageBlock, TraceLlmError, TraceLlmMessage,
    TraceLlmRequest, TraceLlmResponse, TraceProviderStreamEvent, TraceReasoningBlock, TraceRuntimeStreamEvent,
    TraceTextBlock, TraceToolCallBlock, TraceTokenUsage, TraceToolCallOutcome, TraceToolCallOutput, TraceToolCallStatus,
    TraceToolResultBlock, TraceToolSpec,
)
from lash_nb.wire._trace_lashlang import (
    LashlangBranchSelected, LashlangChildStarted, LashlangExecutionFinished, LashlangExecutionStarted,
    LashlangNodeCompleted, LashlangNodeFailed, LashlangNodeStarted, TraceBranchSelection, TraceEffectSubject,
    TraceLabelMetadata, TraceLashlangChildExecution, TraceLashlangExecutionEvent, TraceLashlangExecutionIdentity,
    TraceLashlangMap, TraceLashlangMapEdge, TraceLashlangMapNode, TraceLashlangStatus, TraceProcessSubject,
    TraceRuntimeScope, TraceRuntimeSubject, lashlang_event_key,
)
from lash_nb.wire._turn import (
    AgentFrameSwitch, AssistantMessageFinish, AssistantOutput, AssistantOutputState, ErrorEnvelope,
    ExecutionSummary, ImageRefItem, InputItem, StopReason, SubmittedErrorStop, SubmittedValueFinish, TextItem,
    ToolErrorStop, ToolValueFinish, TurnFinish, TurnInput, TurnIssue, TurnOutcome, TurnStop, TurnStopDetail,
)
from lash_nb.wire._turn_mark import bears_mark, marked_id
from lash_nb.wire._usage import (
    LlmUsage, PromptUsage, SessionUsageReport, UsageReportRow, TokenLedgerEntry, TokenUsage, UsageTotals,
    merged_ledger,
)

__all__ = [
    "LONGEST_PICTURE_SIDE", "MOST_PICTURE_BYTES", "TRACE_SCHEMA_VERSION", "AcceptedInjectedTurnInput", "AgentFrameAssignment", "AgentFrameReason", "AgentFrameRecord",
    "AgentFrameStatus", "AgentFrameSwitch", "AppendGraph", "AppendMessage", "AppendPlugin", "AppendProtocolEvent",
    "AppendSessionNodesRequest", "AppendSessionNodesResult", "AppendedNodes", "AssistantMessageFinish",
    "AssistantOutput", "AssistantOutputState", "AssistantProseDelta", "AttachmentCreateMeta", "AttachmentId",
    "AttachmentMeta", "AttachmentRef", "AttachmentReturnPart", "AttachmentRow", "AttachmentState", "Availability",
    "BlobRef", "BuiltinEntry", "CausalEffect", "CausalHostEvent", "CausalProcess", "CausalProcessEvent", "CausalRef",
    "CausalSessionNode", "CausalToolCall", "CausalTurn", "CheckpointCommand", "CheckpointDelivery", "CheckpointKind",
    "CheckpointOutcome", "CheckpointResult", "ChildRelation", "ChildTokenUsageEvent", "ChildUsage",
    "ChronologicalEntry", "ChronologicalMessage", "ChronologicalPayload", "ChronologicalProjection",
    "ChronologicalProtocolEvent", "CodeBlockCompleted", "CodeBlockStarted", "CompactToolContract", "CompletedToolCall",
    "ConversationRecord", "CurrentSessionStart", "Custom", "CustomFinalAnswer", "CustomRuntimeEvent", "DeletedPart",
    "DeliveryPolicy", "DirectCommand", "DirectMessage", "DirectOutcome", "DirectOutput", "DirectPart", "DirectRequest",
    "DirectRole", "DoneEvent", "DurabilityTier", "EffectEntry", "EffectErrorRecord", "EffectOrigin", "EffectScope",
    "EffectStatus", "EffectSubject", "EmptyStart", "ErrorActivity", "ErrorEnvelope", "ErrorEvent", "EventNodePayload",
    "ExecCodeCommand", "ExecImage", "ExecOutcome", "ExecResponse", "ExecResult", "ExecutionSummary",
    "ExecutionSurfaceSync", "ExistingSessionStart", "External", "FailControl", "FinishControl",
    "FromInputSchemaContract", "GenerationOptions", "GraphCommitDelta", "HostEventEmitReport",
    "HostEventOccurrenceRecord", "HostEventOccurrenceRequest", "HostEventSubject", "HydratedSessionCheckpoint",
    "IdempotentRetryPolicy", "ImageBlock", "ImageMediaType", "ImageRefItem", "InjectedMessagesCommittedEvent",
    "InjectedTurnInputAcceptedEvent", "InputItem", "Json", "JsonSchemaSpec", "LashSchema", "LashlangBranchSelected",
    "LashlangChildStarted", "LashlangExecution", "LashlangExecutionFinished", "LashlangExecutionStarted",
    "LashlangNodeCompleted", "LashlangNodeFailed", "LashlangNodeStarted", "LlmAttachment", "LlmAttachmentSpec",
    "LlmCallCommand", "LlmCallCompleted", "LlmCallError", "LlmCallFailed", "LlmCallStarted", "LlmContentBlock",
    "LlmMessage", "LlmOutcome", "LlmOutputPart", "LlmOutputSpec", "LlmRequest", "LlmRequestEvent", "LlmRequestSpec",
    "LlmResponse", "LlmResponseEvent", "LlmResult", "LlmRole", "LlmTerminalReason", "LlmToolChoice", "LlmToolSpec",
    "LlmUsage", "MarkdownFinalAnswer", "MaterializeProjectedValues", "MediaType", "MergeGroup", "MergeKey", "Message",
    "MessageEvent", "MessageOrigin", "MessageRole", "ModelLimits", "ModelRequestStarted", "ModelSpec",
    "ModelToolReturn", "ModelToolReturnPart", "NeverRetryPolicy", "Octets", "OutputJsonSchema", "Part",
    "PartAttachment", "PartKind", "PersistedSessionConfig", "PersistedSessionRead", "PersistedTurnState",
    "PluginArtifact", "PluginErrorRecord", "PluginEvent", "PluginMessage", "PluginMeta", "PluginNodePayload",
    "PluginOptions", "PluginOrigin", "PluginRuntime", "PluginRuntimeEvent", "PluginSessionSnapshot", "PluginSnapshot",
    "PreparedProcessEventAppend", "PreparedToolCall", "PreserveProjectedRefs", "ProcessAwaitCancelled",
    "ProcessAwaitCommand", "ProcessAwaitFailure", "ProcessAwaitOutcome", "ProcessAwaitOutput", "ProcessAwaitSuccess",
    "ProcessCancelCommand", "ProcessCancelOutcome", "ProcessCancelled", "ProcessCommand", "ProcessCompleted",
    "ProcessDeleteSessionCommand", "ProcessDeleteSessionOutcome", "ProcessEffectCommand", "ProcessEffectOutcome",
    "ProcessEffectScope", "ProcessEvent", "ProcessEventAppendRequest", "ProcessEventAppendResult",
    "ProcessEventSemantics", "ProcessEventSemanticsSpec", "ProcessEventSubject", "ProcessEventType",
    "ProcessExecutionContext", "ProcessExternalInput", "ProcessExternalRef", "ProcessFailed", "ProcessHandleDescriptor",
    "ProcessHandleGrant", "ProcessHandleGrantEntry", "ProcessInput", "ProcessLashlangInput", "ProcessLease",
    "ProcessLeaseCompletion", "ProcessListCommand", "ProcessListMode", "ProcessListOutcome", "ProcessOrigin",
    "ProcessOutcome", "ProcessProvenance", "ProcessRecord", "ProcessRef", "ProcessRegistration", "ProcessRunning",
    "ProcessScope", "ProcessScopeId", "ProcessSessionDeleteReport", "ProcessSessionTurnInput", "ProcessSignalCommand",
    "ProcessSignalOutcome", "ProcessStartCommand", "ProcessStartGrant", "ProcessStartOutcome", "ProcessStatus",
    "ProcessSubject", "ProcessTerminalSemantics", "ProcessTerminalSpec", "ProcessTerminalState", "ProcessToolCallInput",
    "ProcessTransferCommand", "ProcessTransferOutcome", "ProcessValueSelector", "ProcessWake", "ProcessWakeDedupeKey",
    "ProcessWakeDelivery", "ProcessWakePayload", "ProcessWakeSpec", "PromptBuilt", "PromptBuiltin",
    "PromptContribution", "PromptGate", "PromptLayer", "PromptSlot", "PromptSlotLayer", "PromptTemplate",
    "PromptTemplateEntry", "PromptTemplateSection", "PromptUsage", "ProseOrSubmit", "ProtocolEvent", "ProtocolStep",
    "ProtocolTurnOptions", "ProviderReasoningReplay", "ProviderReplayMeta", "ProviderStreamEvent", "PruneState",
    "PrunedPart", "QueueDrainScope", "QueuedInputAccepted", "QueuedMessagesCommitted", "QueuedWorkBatch",
    "QueuedWorkBatchDraft", "QueuedWorkClaim", "QueuedWorkClaimBoundary", "QueuedWorkCompletion", "QueuedWorkItem",
    "QueuedWorkPayload", "QueuedWorkStarted", "RawSubmitValue", "ReasoningBlock", "ReasoningDelta",
    "ReasoningDeltaEvent", "ReasoningPart", "RefreshToolSurface", "ResetSession", "ResponseTextMeta", "ResumeSafety",
    "RetryExhausted", "RetryNever", "RetrySafe", "RetryStatus", "RetryStatusEvent", "RlmCreateExtras",
    "RlmFinalAnswerFormat", "RlmTermination", "RootRelation", "RuntimeCommit", "RuntimeCommitResult",
    "RuntimeEffectCommand", "RuntimeEffectEnvelope", "RuntimeEffectKind", "RuntimeEffectOutcome", "RuntimeInvocation",
    "RuntimeOperationScope", "RuntimeReplay", "RuntimeScope", "RuntimeStreamEvent", "RuntimeSubject",
    "RuntimeTurnCommitStamp", "SafeRetryPolicy", "SansIoSessionState", "SchemaProjectionOverride", "SessionAppendNode",
    "SessionCheckpoint", "SessionCommand", "SessionCommandPayload", "SessionCreateRequest", "SessionDeleteScope",
    "SessionEvent", "SessionEventRecord", "SessionGraph", "SessionHeadMeta", "SessionMessageTreeNode", "SessionMeta",
    "SessionNodePayload", "SessionNodeRecord", "SessionNodeSubject", "SessionPluginSource", "SessionPolicy",
    "SessionRelation", "SessionSnapshot", "SessionStartPoint", "SessionStarted", "SessionToolAccess",
    "SessionUsageReport", "Shareable", "SharedMap", "SharedSequence", "SleepCommand", "SleepOutcome", "SlotEntry",
    "SlotPolicy", "SnapshotStart", "StaleBranch", "StaticOutputContract", "StatusRuntimeEvent", "StopReason",
    "StoreBytes", "StreamSummary", "SubagentSessionContext", "SubmitRequired", "SubmittedErrorStop", "SubmittedValue",
    "SubmittedValueFinish", "SummarizedPart", "SurfaceOutcome", "SurfaceResult", "SwitchAgentFrameControl",
    "SyncExecutionSurfaceCommand", "SystemTime", "TemplateSelector", "TextBlock", "TextDeltaEvent", "TextEntry",
    "TextItem", "TextPart", "TextProjectionMetadata", "TextReturnPart", "TokenLedgerEntry", "TokenUsage",
    "TokenUsageEvent", "TokenUsageRecorded", "ToolActivation", "ToolAgentSurface", "ToolArgumentProjection",
    "ToolAvailability", "ToolCallActivityCompleted", "ToolCallActivityStarted", "ToolCallBlock", "ToolCallCommand",
    "ToolCallCompleted", "ToolCallEffectOutcome", "ToolCallEvent", "ToolCallOutcome", "ToolCallOutput", "ToolCallPart",
    "ToolCallRecord", "ToolCallStartEvent", "ToolCallStarted", "ToolCancellation", "ToolCancelled", "ToolContract",
    "ToolControl", "ToolDefinition", "ToolErrorStop", "ToolFailed", "ToolFailure", "ToolFailureClass",
    "ToolFailureSource", "ToolHostEventEffectOutcome", "ToolManifest", "ToolOutcome", "ToolOutputContract",
    "ToolResultBlock", "ToolRetryDisposition", "ToolRetryPolicy", "ToolScheduling", "ToolState", "ToolStateEntry",
    "ToolSuccess", "ToolValue", "ToolValueFinish", "ToolValueSubmitted", "TraceAgentFrameSwitch", "TraceAttachment",
    "TraceBranchSelection", "TraceContentBlock", "TraceContext", "TraceEffectSubject", "TraceEvent", "TraceImageBlock",
    "TraceLabelMetadata", "TraceLashlangChildExecution", "TraceLashlangEdgeSelection", "TraceLashlangExecutionEvent",
    "TraceLashlangExecutionIdentity", "TraceLashlangGraph", "TraceLashlangGraphChildLink", "TraceLashlangGraphEdge",
    "TraceLashlangGraphNode", "TraceLashlangMap", "TraceLashlangMapEdge", "TraceLashlangMapNode",
    "TraceLashlangNodeStatus", "TraceLashlangStatus", "TraceLevel", "TraceLlmError", "TraceLlmMessage",
    "TraceLlmRequest", "TraceLlmResponse", "TraceProcessSubject", "TracePromptComponent", "TraceProviderStreamEvent",
    "TraceReasoningBlock", "TraceRecord", "TraceRuntimeScope", "TraceRuntimeStreamEvent", "TraceRuntimeSubject",
    "TraceTextBlock", "TraceTokenUsage", "TraceToolCallBlock", "TraceToolCallOutcome", "TraceToolCallOutput",
    "TraceToolCallStatus", "TraceToolResultBlock", "TraceToolSpec", "TupleLike", "TurnActivity", "TurnCause",
    "TurnCompleted", "TurnEvent", "TurnFinish", "TurnInput", "TurnInputPayload", "TurnIssue", "TurnOutcome", "TurnOutcomeEvent",
    "TurnScope", "TurnStarted", "TurnStop", "TurnStopDetail", "TurnTerminationPolicyState", "TwoWay", "UnchangedGraph",
    "UsageActivity", "UsageReportRow", "UsageTotals", "ValueSelector", "WakeDedupeKey", "Wire", "active_path",
    "at_least", "bears_mark", "child_tool_effect_invocation", "child_tool_effect_invocations", "chronological_projection", "common_beginning", "completed_call",
    "content_id", "conversation_messages", "direct_effect_invocation", "direct_request_discriminator", "display_value",
    "effect_kind", "expect_outcome", "first_user_message", "format_tool_output_content", "from_builtins", "from_json",
    "from_json_rows", "has_picture_header", "host_event_invocation", "image_dimensions", "is_whole_image", "json_lines", "json_size", "lashlang_event_key", "lashlang_sleep_invocation",
    "llm_reply", "marked_id", "materialize_process_event_semantics", "may_hold_long_integer", "merged_ledger", "message_tree",
    "messages_are_prompt_resume_safe", "model_tool_return", "nests_deeper", "open_object_schema", "orphaned_node_ids",
    "outcome_from", "picture_fault", "pointed_at", "prepare_process_event_append", "pretty_json", "process_await_output",
    "process_effect_invocation", "process_event_invocation", "process_event_payload_hash",
    "process_wake_input_from_event_payload", "process_wake_turn_cause", "process_wake_turn_text", "reassign_part_ids",
    "schema_alternatives", "sniff_image", "stable_hash", "to_builtins", "to_json", "tool_outcome",
    "tool_retry_sleep_invocation", "trimmed", "turn_commit_hash", "turn_effect_invocation", "user_message_count",
]
# fmt: on
