"""Prompt templates and contributions (lash 0.1.0-alpha.37, turns §3.1)."""

from typing import Literal, TypeAlias

import msgspec
from msgspec import field

from lash_nb.wire._base import I32, Wire
from lash_nb.wire._tool_definition import Availability

__all__ = [
    "BuiltinEntry",
    "PromptBuiltin",
    "PromptContribution",
    "PromptGate",
    "PromptLayer",
    "PromptSlot",
    "PromptSlotLayer",
    "PromptTemplate",
    "PromptTemplateEntry",
    "PromptTemplateSection",
    "SlotEntry",
    "TextEntry",
]

PromptSlot: TypeAlias = Literal[
    "intro", "execution", "guidance", "project_instructions", "runtime_context", "environment"
]
"""Places of a prompt that contributions fill, in the order in which they are sorted."""
PromptBuiltin: TypeAlias = Literal["main_agent_intro", "execution_instructions", "core_guidance"]
"""Texts that the runtime brings."""


class TextEntry(Wire, frozen=True, kw_only=True, tag_field="kind", tag="text"):
    """Fixed text."""

    content: str
    """The text."""


class BuiltinEntry(Wire, frozen=True, kw_only=True, tag_field="kind", tag="builtin"):
    """A text of the runtime."""

    builtin: PromptBuiltin
    """Which one."""


class SlotEntry(Wire, frozen=True, kw_only=True, tag_field="kind", tag="slot"):
    """The contributions to a slot."""

    slot: PromptSlot
    """Which one."""


PromptTemplateEntry: TypeAlias = TextEntry | BuiltinEntry | SlotEntry
"""One entry of a section."""


class PromptTemplateSection(Wire, frozen=True, kw_only=True):
    """A section of the prompt; left out when it would be empty."""

    title: str | None = None
    """Its heading."""
    entries: tuple[PromptTemplateEntry, ...] = ()
    """What it holds."""


class PromptTemplate(Wire, frozen=True, kw_only=True):
    """The order of a prompt."""

    sections: tuple[PromptTemplateSection, ...]
    """The sections."""


class PromptGate(Wire, frozen=True, kw_only=True):
    """Tools of which at least one must be offered for a contribution to show."""

    tools: tuple[str, ...] = ()
    """Tool names; none means always."""
    minimum_availability: Availability = field(default_factory=lambda: "off")
    """How far the tool must be offered."""


_OPEN_GATE = PromptGate()


class PromptContribution(Wire, frozen=True, kw_only=True):
    """A piece of text for a slot."""

    slot: PromptSlot
    """Where it goes."""
    title: str | None = None
    """Its heading."""
    priority: I32 = field(default_factory=int)
    """Smaller comes first."""
    gate: PromptGate = _OPEN_GATE
    """When it shows."""
    content: str
    """The text."""

    def __post_init__(self) -> None:
        if not self.gate.tools:  # such a gate is open whatever else it says, and is not written
            msgspec.structs.force_setattr(self, "gate", _OPEN_GATE)


class PromptSlotLayer(Wire, frozen=True, kw_only=True):
    """What a layer does to a slot."""

    reset: bool = field(default_factory=bool)
    """Whether contributions of earlier layers are dropped."""
    contributions: tuple[PromptContribution, ...] = ()
    """What it adds."""


class PromptLayer(Wire, frozen=True, kw_only=True):
    """One of the layers that are laid over each other to make a prompt."""

    template: PromptTemplate | None = None
    """Replaces the template of earlier layers."""
    slots: dict[PromptSlot, PromptSlotLayer] = field(default_factory=dict)
    """Changes by slot."""

    @property
    def is_empty(self) -> bool:
        """Whether the layer changes nothing."""
        return self.template is None and not self.slots

    def with_template(self, template: PromptTemplate | None) -> "PromptLayer":
        """Return the layer with another template."""
        return PromptLayer(template=template, slots=self.slots)

    def add(self, contribution: PromptContribution) -> "PromptLayer":
        """Return the layer with one more contribution."""
        held = self.slots.get(contribution.slot, PromptSlotLayer())
        return self._with_slot(
            contribution.slot, PromptSlotLayer(reset=held.reset, contributions=(*held.contributions, contribution))
        )

    def replace_slot(self, slot: PromptSlot, contributions: tuple[PromptContribution, ...] = ()) -> "PromptLayer":
        """Return the layer with a slot that starts anew; without contributions the slot is cleared."""
        forced = tuple(
            PromptContribution(slot=slot, title=c.title, priority=c.priority, gate=c.gate, content=c.content)
            for c in contributions
        )
        return self._with_slot(slot, PromptSlotLayer(reset=True, contributions=forced))

    def _with_slot(self, slot: PromptSlot, layer: PromptSlotLayer) -> "PromptLayer":
        return PromptLayer(template=self.template, slots={**self.slots, slot: layer})
