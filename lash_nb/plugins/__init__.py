"""Tools and plugins: what a session can do beside talking to a model."""

from lash_nb.plugins._actions import (
    PluginAction,
    PluginActionContext,
    PluginActionDef,
    PluginActionHandler,
    PluginActionKind,
    SessionParam,
)
from lash_nb.plugins._attachment_sink import AttachmentSink
from lash_nb.plugins._batch import BATCH_DEFINITION, BatchToolProvider
from lash_nb.plugins._builtin import embed_tools, lash_triggers
from lash_nb.plugins._compact import authority_type, call_path, compact_contract, compact_markdown
from lash_nb.plugins._context import (
    ToolCall,
    ToolContext,
    ToolDispatch,
    ToolPrepareContext,
    tool_replay_key,
)
from lash_nb.plugins._direct import AskDirectly, DirectCompletion, DirectCompletions
from lash_nb.plugins._discovery import ToolDiscovery, ToolDiscoveryContext, ToolDiscoveryContributor
from lash_nb.plugins._dispatch import ToolDispatcher
from lash_nb.plugins._drawing import NoPictureError
from lash_nb.plugins._function_tool import FunctionTool, FunctionToolProvider, tool
from lash_nb.plugins._history import (
    HistoryRewriteMetadata,
    HistoryRewriter,
    HistoryState,
    ManualRewrite,
    PeriodicRewrite,
    RewriteContext,
    RewriteTrigger,
    WindowShrinkRewrite,
)
from lash_nb.plugins._hook_contexts import (
    AssistantResponseHookContext,
    AssistantResponseTransform,
    AssistantStreamHookContext,
    AssistantStreamTransform,
    CheckpointHookContext,
    PluginLifecycleEvent,
    SessionConfigChanged,
    SessionRestored,
    ToolCallHookContext,
    ToolResultHookContext,
    TurnFinalized,
    TurnHookContext,
    TurnPersisted,
    TurnResultHookContext,
    TurnResultSummary,
)
from lash_nb.plugins._hook_directives import (
    MESSAGE_ROLES,
    AbortTurn,
    CreateSession,
    EmitRuntimeEvents,
    EmitTrace,
    EnqueueMessages,
    PluginDirective,
    ReplaceToolArgs,
    ShortCircuitTool,
    TurnHookPoint,
    refusal,
)
from lash_nb.plugins._hook_tools import (
    HookDesk,
    ToolCallHooks,
)
from lash_nb.plugins._hooks import (
    AfterToolCallHook,
    AfterTurnHook,
    AssistantResponseHook,
    AssistantStreamHook,
    BeforeToolCallHook,
    BeforeTurnHook,
    CheckpointHook,
    HookAnswer,
    OwnedDirective,
    OwnedEvent,
    PluginHooks,
    PluginLifecycleHook,
    SessionConfigMutator,
    collected,
)
from lash_nb.plugins._library_values import figure_png
from lash_nb.plugins._output_budget import ToolOutputBudget, tool_output_budget
from lash_nb.plugins._picture import turn_picture
from lash_nb.plugins._plain_call import left_replay_keys, left_running, left_words
from lash_nb.plugins._plugin import PluginBuildContext, PluginFactory, SessionPlugin, StaticPlugin
from lash_nb.plugins._plugin_host import PluginHost, PluginStack
from lash_nb.plugins._plugin_session import PluginSession, revision_fingerprint
from lash_nb.plugins._plugin_spec import PluginSpec, PluginSpecFactory
from lash_nb.plugins._protocol import ProtocolDriverPlugin, ProtocolPreamble, ProtocolSession
from lash_nb.plugins._raising import HearToolRaise, hearing_tools_raise
from lash_nb.plugins._registrar import PluginRegistrar, PromptContext, PromptContributor, ToolSurfaceContributor
from lash_nb.plugins._registry import CONTEXT_SOURCE, PLUGINS_SOURCE, ToolRegistry
from lash_nb.plugins._result import tool_cancelled, tool_err, tool_failure, tool_ok
from lash_nb.plugins._retry import RetrySleep
from lash_nb.plugins._spill import Spill
from lash_nb.plugins._standard import STANDARD_PROTOCOL, StandardProtocolDriver, standard_protocol
from lash_nb.plugins._surface import ToolSurface, ToolSurfaceContribution, ToolSurfaceEntry
from lash_nb.plugins._text_window import BudgetUnit, TextBudget, TextWindow
from lash_nb.plugins._tool_projection import ToolResultProjection, ToolResultProjector
from lash_nb.plugins._tool_provider import ToolProvider
from lash_nb.plugins._turn_transform import PreparedContext, TurnContextTransform, TurnTransformContext

__all__ = [
    "BATCH_DEFINITION",
    "CONTEXT_SOURCE",
    "MESSAGE_ROLES",
    "PLUGINS_SOURCE",
    "STANDARD_PROTOCOL",
    "AbortTurn",
    "AfterToolCallHook",
    "AfterTurnHook",
    "AskDirectly",
    "AssistantResponseHook",
    "AssistantResponseHookContext",
    "AssistantResponseTransform",
    "AssistantStreamHook",
    "AssistantStreamHookContext",
    "AssistantStreamTransform",
    "AttachmentSink",
    "BatchToolProvider",
    "BeforeToolCallHook",
    "BeforeTurnHook",
    "BudgetUnit",
    "CheckpointHook",
    "CheckpointHookContext",
    "CreateSession",
    "DirectCompletion",
    "DirectCompletions",
    "EmitRuntimeEvents",
    "EmitTrace",
    "EnqueueMessages",
    "FunctionTool",
    "FunctionToolProvider",
    "HearToolRaise",
    "HistoryRewriteMetadata",
    "HistoryRewriter",
    "HistoryState",
    "HookAnswer",
    "HookDesk",
    "ManualRewrite",
    "NoPictureError",
    "OwnedDirective",
    "OwnedEvent",
    "PeriodicRewrite",
    "PluginAction",
    "PluginActionContext",
    "PluginActionDef",
    "PluginActionHandler",
    "PluginActionKind",
    "PluginBuildContext",
    "PluginDirective",
    "PluginFactory",
    "PluginHooks",
    "PluginHost",
    "PluginLifecycleEvent",
    "PluginLifecycleHook",
    "PluginRegistrar",
    "PluginSession",
    "PluginSpec",
    "PluginSpecFactory",
    "PluginStack",
    "PreparedContext",
    "PromptContext",
    "PromptContributor",
    "ProtocolDriverPlugin",
    "ProtocolPreamble",
    "ProtocolSession",
    "ReplaceToolArgs",
    "RetrySleep",
    "RewriteContext",
    "RewriteTrigger",
    "SessionConfigChanged",
    "SessionConfigMutator",
    "SessionParam",
    "SessionPlugin",
    "SessionRestored",
    "ShortCircuitTool",
    "Spill",
    "StandardProtocolDriver",
    "StaticPlugin",
    "TextBudget",
    "TextWindow",
    "ToolCall",
    "ToolCallHookContext",
    "ToolCallHooks",
    "ToolContext",
    "ToolDiscovery",
    "ToolDiscoveryContext",
    "ToolDiscoveryContributor",
    "ToolDispatch",
    "ToolDispatcher",
    "ToolOutputBudget",
    "ToolPrepareContext",
    "ToolProvider",
    "ToolRegistry",
    "ToolResultHookContext",
    "ToolResultProjection",
    "ToolResultProjector",
    "ToolSurface",
    "ToolSurfaceContribution",
    "ToolSurfaceContributor",
    "ToolSurfaceEntry",
    "TurnContextTransform",
    "TurnFinalized",
    "TurnHookContext",
    "TurnHookPoint",
    "TurnPersisted",
    "TurnResultHookContext",
    "TurnResultSummary",
    "TurnTransformContext",
    "WindowShrinkRewrite",
    "authority_type",
    "call_path",
    "collected",
    "compact_contract",
    "compact_markdown",
    "embed_tools",
    "figure_png",
    "hearing_tools_raise",
    "lash_triggers",
    "left_replay_keys",
    "left_running",
    "left_words",
    "refusal",
    "revision_fingerprint",
    "standard_protocol",
    "tool",
    "tool_cancelled",
    "tool_err",
    "tool_failure",
    "tool_ok",
    "tool_output_budget",
    "tool_replay_key",
    "turn_picture",
]
