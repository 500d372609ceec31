"""Where plugins bring their hooks (lash 0.1.0-alpha.37, turns §14.2)."""

from typing import Final

from lash_nb.plugins._hooks import (
    AfterToolCallHook,
    AfterTurnHook,
    AssistantResponseHook,
    AssistantStreamHook,
    BeforeToolCallHook,
    BeforeTurnHook,
    CheckpointHook,
    PluginHooks,
    PluginLifecycleHook,
    SessionConfigMutator,
)

__all__ = ["HookRegistrar"]


class HookRegistrar:
    """Collects the hooks of a session's plugins. A hook is a function or a coroutine function of one context."""

    def __init__(self) -> None:
        self.hooks: Final = PluginHooks()
        """What was brought."""
        self._plugin = ""

    def begin(self, plugin_id: str) -> None:
        """Attribute what comes now to a plugin."""
        self._plugin = plugin_id

    def before_turn(self, hook: BeforeTurnHook) -> None:
        """Have a say before a turn begins; what fails there ends the turn with code `plugin_prepare_turn`."""
        self.hooks.before_turn.append((self._plugin, hook))

    def after_turn(self, hook: AfterTurnHook) -> None:
        """Have a say before a turn is stored; what fails there ends the turn with code `plugin_finalize_turn`."""
        self.hooks.after_turn.append((self._plugin, hook))

    def checkpoint(self, hook: CheckpointHook) -> None:
        """Have a say where more may come into a turn; what fails there stops the turn with code `plugin_checkpoint`."""
        self.hooks.checkpoint.append((self._plugin, hook))

    def before_tool_call(self, hook: BeforeToolCallHook) -> None:
        """Have a say before a tool runs; what fails there is the call's failure, `before_tool_call_failed`."""
        self.hooks.before_tool_call.append((self._plugin, hook))

    def after_tool_call(self, hook: AfterToolCallHook) -> None:
        """Have a say before the model sees a result; what fails there is the call's failure, `after_tool_call_failed`."""
        self.hooks.after_tool_call.append((self._plugin, hook))

    def assistant_stream(self, hook: AssistantStreamHook) -> None:
        """Change streamed text; what fails there is the model call's failure, `plugin_assistant_stream`."""
        self.hooks.assistant_stream.append((self._plugin, hook))

    def assistant_response(self, hook: AssistantResponseHook) -> None:
        """Change responses; what fails there is the model call's failure, `plugin_assistant_response`."""
        self.hooks.assistant_response.append((self._plugin, hook))

    def lifecycle(self, hook: PluginLifecycleHook) -> None:
        """Follow the session; what fails there is told of in the log."""
        self.hooks.lifecycle.append((self._plugin, hook))

    def session_config_mutator(self, mutator: SessionConfigMutator) -> None:
        """Change what the session is about to work with; what fails there is told of in the log."""
        self.hooks.config_mutators.append((self._plugin, mutator))
