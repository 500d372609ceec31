"""How a system prompt is made of layers (lash 0.1.0-alpha.37, turns §3): resolve, gate, merge, render.

Layers lie over each other in the order capability, surface, core, session, turn; later ones win or add.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias, get_args

import msgspec

from lash_nb.machine._prompt_texts import core_guidance, main_agent_intro
from lash_nb.wire import (
    Availability,
    BuiltinEntry,
    PromptBuiltin,
    PromptContribution,
    PromptGate,
    PromptLayer,
    PromptSlot,
    PromptTemplate,
    PromptTemplateEntry,
    PromptTemplateSection,
    SlotEntry,
    TextEntry,
    at_least,
)

__all__ = [
    "PromptPiece",
    "ToolAvailabilityOf",
    "contributions_layer",
    "default_template",
    "project_instructions",
    "prompt_pieces",
    "render_prompt",
    "runtime_context",
]

ToolAvailabilityOf: TypeAlias = Callable[[str], Availability | None]
"""How far a tool is offered, by name; None when there is no such tool."""

_SLOT_ORDER: Final[Mapping[PromptSlot, int]] = {slot: index for index, slot in enumerate(get_args(PromptSlot))}
_DEFAULT_TEMPLATE: Final = PromptTemplate(
    sections=(
        PromptTemplateSection(entries=(BuiltinEntry(builtin="main_agent_intro"), SlotEntry(slot="intro"))),
        PromptTemplateSection(
            title="Execution",
            entries=(BuiltinEntry(builtin="execution_instructions"), SlotEntry(slot="execution")),
        ),
        PromptTemplateSection(
            title="Guidance",
            entries=(
                BuiltinEntry(builtin="core_guidance"),
                SlotEntry(slot="project_instructions"),
                SlotEntry(slot="guidance"),
            ),
        ),
        PromptTemplateSection(
            title="Environment", entries=(SlotEntry(slot="runtime_context"), SlotEntry(slot="environment"))
        ),
    )
)


def default_template() -> PromptTemplate:
    """Return the template that is used when no layer brings one."""
    return _DEFAULT_TEMPLATE


def project_instructions(content: str) -> PromptContribution:
    """Return instructions of the project, under a heading of their own."""
    return PromptContribution(slot="project_instructions", title="Project Instructions", content=content)


def runtime_context(content: str) -> PromptContribution:
    """Return facts about where the agent runs, under a heading of their own."""
    return PromptContribution(slot="runtime_context", title="Runtime Context", content=content)


def contributions_layer(contributions: Iterable[PromptContribution]) -> PromptLayer:
    """Return a layer that adds `contributions`, in order."""
    layer = PromptLayer()
    for contribution in contributions:
        layer = layer.add(contribution)
    return layer


def render_prompt(layers: Iterable[PromptLayer], *, execution: str, availability: ToolAvailabilityOf) -> str:
    """Return the system prompt.

    Args:
        layers: The layers, lowest first.
        execution: The protocol's text for the builtin `execution_instructions`.
        availability: How far each tool is offered; opens and closes gates.
    """
    pieces = prompt_pieces(layers, execution=execution, availability=availability)
    return "\n\n".join(text for piece in pieces for text in (piece.heading, piece.text) if text)


class PromptPiece(NamedTuple):
    """One text of a system prompt, and what put it there."""

    entry: PromptTemplateEntry
    """The entry of the template that it fills."""
    layer: int | None
    """Which layer contributed it, counted from 0; None for what the template and the runtime bring."""
    heading: str
    """The heading of its section, above the first text of it; else empty."""
    text: str
    """The text, with its own heading."""


def prompt_pieces(
    layers: Iterable[PromptLayer], *, execution: str, availability: ToolAvailabilityOf
) -> Iterator[PromptPiece]:
    """Yield the texts of the system prompt in order; arguments as of `render_prompt`, which joins them with empty lines."""
    template, contributions = _resolved(layers)
    shown = _merged(held for held in contributions if _is_open(held.item.gate, availability))
    builtins: dict[PromptBuiltin, str] = {
        "main_agent_intro": main_agent_intro(),
        "execution_instructions": execution,
        "core_guidance": core_guidance(can_ask=_offered("ask", "callable", availability)),
    }
    for section in template.sections:
        heading = f"## {title}" if (title := _title(section.title)) else ""
        for entry in section.entries:
            for layer, text in _entry(entry, shown, builtins):
                if text:
                    yield PromptPiece(entry, layer, heading, text)
                    heading = ""


class _Held(NamedTuple):
    """A contribution and the layer that holds it."""

    layer: int
    item: PromptContribution


def _resolved(layers: Iterable[PromptLayer]) -> tuple[PromptTemplate, list[_Held]]:
    """Lay the layers over each other: the last template, and of each slot what was added since its last reset."""
    template = _DEFAULT_TEMPLATE
    held: dict[PromptSlot, list[_Held]] = {}
    for number, layer in enumerate(layers):
        template = layer.template or template
        for slot, change in layer.slots.items():
            if change.reset:
                held[slot] = []
            forced = (_Held(number, msgspec.structs.replace(one, slot=slot)) for one in change.contributions)
            held.setdefault(slot, []).extend(forced)
    return template, [one for items in held.values() for one in items]


def _is_open(gate: PromptGate, availability: ToolAvailabilityOf) -> bool:
    return not gate.tools or any(_offered(tool, gate.minimum_availability, availability) for tool in gate.tools)


def _offered(tool: str, least: Availability, availability: ToolAvailabilityOf) -> bool:
    level = availability(tool)
    return level is not None and at_least(level, least)


def _merged(contributions: Iterable[_Held]) -> Sequence[_Held]:
    """Trim, drop what is blank, sort, and drop what stands twice in a row; gates have done their work and go."""
    trimmed = (
        _Held(
            layer,
            PromptContribution(slot=item.slot, title=_title(item.title), priority=item.priority, content=content),
        )
        for layer, item in contributions
        if (content := item.content.strip())
    )
    ordered = sorted(trimmed, key=lambda held: _rank(held.item))
    return [held for index, held in enumerate(ordered) if index == 0 or held.item != ordered[index - 1].item]


def _rank(item: PromptContribution) -> tuple[int, int, str, str]:
    return (_SLOT_ORDER[item.slot], item.priority, item.title or "", item.content)


def _title(title: str | None) -> str | None:
    return (title or "").strip() or None


def _entry(
    entry: PromptTemplateEntry, shown: Sequence[_Held], builtins: Mapping[PromptBuiltin, str]
) -> Iterator[tuple[int | None, str]]:
    match entry:
        case TextEntry(content=content):
            yield None, content.strip()
        case BuiltinEntry(builtin=builtin):
            yield None, builtins[builtin].strip()
        case SlotEntry(slot=slot):
            for layer, item in shown:
                if item.slot == slot:
                    yield layer, f"### {item.title}\n\n{item.content}" if item.title else item.content
