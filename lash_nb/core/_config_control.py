"""What a session works with: provider, model, prompt (lash 0.1.0-alpha.37, facade §7)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lash_nb.core._choices import chosen_model, chosen_provider
from lash_nb.providers import LlmProvider, ProviderHandle
from lash_nb.runtime import LashRuntime
from lash_nb.wire import ModelSpec, PromptContribution, PromptLayer, PromptSlot, PromptTemplate

__all__ = ["ConfigControl", "SessionConfigPatch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionConfigPatch:
    """What is to change; None leaves as it is."""

    provider: LlmProvider | ProviderHandle | None = None
    """Who answers."""
    model: ModelSpec | str | None = None
    """Which model is asked."""
    prompt: PromptLayer | None = None
    """The session's prompt layer, as a whole."""


class ConfigControl:
    """The configuration of one session; what is set counts from the next turn on, and is stored with its first commit."""

    def __init__(self, runtime: LashRuntime) -> None:
        self._runtime = runtime

    async def update(self, patch: SessionConfigPatch) -> None:
        """Set what the patch gives."""
        provider = None if patch.provider is None else chosen_provider(patch.provider)
        model = None if patch.model is None else chosen_model(patch.model)
        await self._runtime.update_session_config(provider=provider, model=model, prompt=patch.prompt)

    async def update_session_config(
        self,
        *,
        provider: LlmProvider | ProviderHandle | None = None,
        model: ModelSpec | str | None = None,
        prompt: PromptLayer | None = None,
    ) -> None:
        """Set what is given; None leaves as it is."""
        await self.update(SessionConfigPatch(provider=provider, model=model, prompt=prompt))

    async def set_prompt_template(self, template: PromptTemplate) -> None:
        """Order the system prompt by this template."""
        await self._change_prompt(lambda layer: layer.with_template(template))

    async def clear_prompt_template(self) -> None:
        """Order the system prompt by the host's template again."""
        await self._change_prompt(lambda layer: layer.with_template(None))

    async def add_prompt_contribution(self, contribution: PromptContribution) -> None:
        """Add a piece of text to the system prompt."""
        await self._change_prompt(lambda layer: layer.add(contribution))

    async def replace_prompt_slot(self, slot: PromptSlot, contributions: Iterable[PromptContribution]) -> None:
        """Fill a slot of the system prompt with these pieces only."""
        pieces = tuple(contributions)
        await self._change_prompt(lambda layer: layer.replace_slot(slot, pieces))

    async def clear_prompt_slot(self, slot: PromptSlot) -> None:
        """Leave a slot of the system prompt empty."""
        await self._change_prompt(lambda layer: layer.replace_slot(slot))

    async def _change_prompt(self, change: Callable[[PromptLayer], PromptLayer]) -> None:
        await self.update(SessionConfigPatch(prompt=change(self._runtime.state.effective_policy().prompt)))
