"""What a turn begins with, after its plugins changed it (lash 0.1.0-alpha.37, turns §5.2, phase ContextTransform)."""

from collections.abc import Callable, Sequence

from lash_nb.effects import EffectHost
from lash_nb.errors import LashRuntimeError, PluginError, ToolRegistryError
from lash_nb.plugins import DirectCompletions, PreparedContext, TurnTransformContext
from lash_nb.providers import ProviderHandle
from lash_nb.runtime._context import TurnContext
from lash_nb.runtime._direct import DirectDesk
from lash_nb.wire import CausalRef, DirectRequest, LlmResponse, Message, PromptUsage, TurnScope

__all__ = ["TurnPreparation"]


class TurnPreparation:
    """Asks the transforms of a turn; what they ask of a model are effects of a scope of its own, `{turn}:prepare-turn`."""

    def __init__(self, turn: TurnContext, host: EffectHost, provider: Callable[[], ProviderHandle]) -> None:
        self._turn = turn
        self._host = host
        self._provider = provider

    async def prepared(self, messages: Sequence[Message], usage: PromptUsage | None) -> PreparedContext:
        """Return what the turn is to begin with, given the conversation with its input and the tokens of the last call.

        Raises:
            LashRuntimeError: `context_prepare_turn`, a transform failed; `session_tool_registry`, its tools clash.
        """
        turn = self._turn
        context = TurnTransformContext(
            session_id=turn.session_id,
            prompt_usage=usage,
            plugin_inputs=turn.plugin_inputs,
            max_context_tokens=turn.model.limits.context_window_tokens,
            direct=DirectCompletions(ask=self._ask, model=lambda: turn.model, usage_source="direct"),
        )
        given = PreparedContext(messages=messages)
        try:
            return await turn.writer.within(lambda: turn.plugins.prepare_turn_context(context, given))
        except PluginError as error:
            raise LashRuntimeError("context_prepare_turn", error.message) from error
        except ToolRegistryError as error:
            raise LashRuntimeError("session_tool_registry", error.message) from error

    async def _ask(self, request: DirectRequest, usage_source: str, caused_by: CausalRef | None, /) -> LlmResponse:
        turn, turn_id = self._turn, f"{self._turn.scope_id}:prepare-turn"
        controller = self._host.scoped(TurnScope(session_id=turn.session_id, turn_id=turn_id))
        desk = DirectDesk.of_turn(turn, turn_id=turn_id, controller=controller, provider=self._provider())
        return await desk.ask(request, usage_source, caused_by)
