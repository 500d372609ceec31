"""The five operations on a prompt layer, the same for a core, a session and a turn (lash 0.1.0-alpha.37, facade §11)."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Self

from lash_nb.wire import PromptContribution, PromptLayer, PromptSlot, PromptTemplate

__all__ = ["PromptLayerSink"]


class PromptLayerSink(ABC):
    """Something that holds a prompt layer; every operation returns it."""

    @abstractmethod
    def _held_prompt_layer(self) -> PromptLayer:
        """Return the layer as it is, an empty one when nothing was said."""

    @abstractmethod
    def prompt_layer(self, layer: PromptLayer) -> Self:
        """Use this layer instead of all that was said about the prompt."""

    def prompt_template(self, template: PromptTemplate) -> Self:
        """Order the system prompt by this template."""
        return self.prompt_layer(self._held_prompt_layer().with_template(template))

    def prompt_contribution(self, contribution: PromptContribution) -> Self:
        """Add a piece of text to the system prompt."""
        return self.prompt_layer(self._held_prompt_layer().add(contribution))

    def replace_prompt_slot(self, slot: PromptSlot, contributions: Iterable[PromptContribution]) -> Self:
        """Fill a slot of the system prompt with these pieces only."""
        return self.prompt_layer(self._held_prompt_layer().replace_slot(slot, tuple(contributions)))

    def clear_prompt_slot(self, slot: PromptSlot) -> Self:
        """Leave a slot of the system prompt empty."""
        return self.prompt_layer(self._held_prompt_layer().replace_slot(slot))
