"""Tools and plugins: what a session can do beside talking to a model."""

from lash_nb.plugins._batch import BATCH_DEFINITION, BatchToolProvider
from lash_nb.plugins._builtin import embed_tools, lash_triggers
from lash_nb.plugins._compact import authority_type, call_path, compact_contract, compact_markdown
from lash_nb.plugins._context import (
    AttachmentSink,
    ToolCall,
    ToolContext,
    ToolDispatch,
    ToolPrepareContext,
    tool_replay_key,
)
from lash_nb.plugins._direct import AskDirectly, DirectCompletion, DirectCompletions
from lash_nb.plugins._dispatch import ToolDispatcher
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
from lash_nb.plugins._output_budget import ToolOutputBudget, tool_output_budget
from lash_nb.plugins._plugin import PluginBuildContext, PluginFactory, SessionPlugin, StaticPlugin
from lash_nb.plugins._plugin_host import PluginHost, PluginStack
from lash_nb.plugins._plugin_session import PluginSession, revision_fingerprint
from lash_nb.plugins._protocol import ProtocolDriverPlugin, ProtocolPreamble, ProtocolSession
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
from lash_nb.plugins._validation import validate_tool_input

__all__ = [
    "BATCH_DEFINITION",
    "CONTEXT_SOURCE",
    "PLUGINS_SOURCE",
    "STANDARD_PROTOCOL",
    "AskDirectly",
    "AttachmentSink",
    "BatchToolProvider",
    "BudgetUnit",
    "DirectCompletion",
    "DirectCompletions",
    "FunctionTool",
    "FunctionToolProvider",
    "HistoryRewriteMetadata",
    "HistoryRewriter",
    "HistoryState",
    "ManualRewrite",
    "PeriodicRewrite",
    "PluginBuildContext",
    "PluginFactory",
    "PluginHost",
    "PluginRegistrar",
    "PluginSession",
    "PluginStack",
    "PromptContext",
    "PromptContributor",
    "ProtocolDriverPlugin",
    "ProtocolPreamble",
    "ProtocolSession",
    "RetrySleep",
    "RewriteContext",
    "RewriteTrigger",
    "SessionPlugin",
    "Spill",
    "StandardProtocolDriver",
    "StaticPlugin",
    "TextBudget",
    "TextWindow",
    "ToolCall",
    "ToolContext",
    "ToolDispatch",
    "ToolDispatcher",
    "ToolOutputBudget",
    "ToolPrepareContext",
    "ToolProvider",
    "ToolRegistry",
    "ToolResultProjection",
    "ToolResultProjector",
    "ToolSurface",
    "ToolSurfaceContribution",
    "ToolSurfaceContributor",
    "ToolSurfaceEntry",
    "WindowShrinkRewrite",
    "authority_type",
    "call_path",
    "compact_contract",
    "compact_markdown",
    "embed_tools",
    "lash_triggers",
    "revision_fingerprint",
    "standard_protocol",
    "tool",
    "tool_cancelled",
    "tool_err",
    "tool_failure",
    "tool_ok",
    "tool_output_budget",
    "tool_replay_key",
    "validate_tool_input",
]
