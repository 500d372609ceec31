"""How a system prompt is made of layers (lash 0.1.0-alpha.37, turns §3): resolve, gate, merge, render.

Layers lie over each other in the order capability, surface, core, session, turn; later ones win or add.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias, get_args

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
    "ToolAvailabilityOf",
    "contributions_layer",
    "default_template",
    "project_instructions",
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
    template, contributions = _resolved(layers)
    shown = _merged(item for item in contributions if _is_open(item.gate, availability))
    builtins: dict[PromptBuiltin, str] = {
        "main_agent_intro": main_agent_intro(),
        "execution_instructions": execution,
        "core_guidance": core_guidance(can_ask=_offered("ask", "callable", availability)),
    }
    sections = (_section(section, shown, builtins) for section in template.sections)
    return "\n\n".join(section for section in sections if section)


def _resolved(layers: Iterable[PromptLayer]) -> tuple[PromptTemplate, list[PromptContribution]]:
    """Lay the layers over each other: the last template, and of each slot what was added since its last reset."""
    template = _DEFAULT_TEMPLATE
    held: dict[PromptSlot, list[PromptContribution]] = {}
    for layer in layers:
        template = layer.template or template
        for slot, change in layer.slots.items():
            if change.reset:
                held[slot] = []
            forced = (msgspec.structs.replace(contribution, slot=slot) for contribution in change.contributions)
            held.setdefault(slot, []).extend(forced)
    return template, [contribution for items in held.values() for contribution in items]


def _is_open(gate: PromptGate, availability: ToolAvailabilityOf) -> bool:
    return not gate.tools or any(_offered(tool, gate.minimum_availability, availability) for tool in gate.tools)


def _offered(tool: str, least: Availability, availability: ToolAvailabilityOf) -> bool:
    level = availability(tool)
    return level is not None and at_least(level, least)


def _merged(contributions: Iterable[PromptContribution]) -> Sequence[PromptContribution]:
    """Trim, drop what is blank, sort, and drop what stands twice in a row; gates have done their work and go."""
    trimmed = (
        PromptContribution(slot=item.slot, title=_title(item.title), priority=item.priority, content=content)
        for item in contributions
        if (content := item.content.strip())
    )
    ordered = sorted(trimmed, key=_rank)
    return [item for index, item in enumerate(ordered) if index == 0 or item != ordered[index - 1]]


def _rank(item: PromptContribution) -> tuple[int, int, str, str]:
    return (_SLOT_ORDER[item.slot], item.priority, item.title or "", item.content)


def _title(title: str | None) -> str | None:
    return (title or "").strip() or None


def _section(
    section: PromptTemplateSection, shown: Sequence[PromptContribution], builtins: Mapping[PromptBuiltin, str]
) -> str:
    parts = [text for entry in section.entries for text in _entry(entry, shown, builtins) if text]
    if not parts:
        return ""
    title = _title(section.title)
    return "\n\n".join((f"## {title}", *parts) if title else parts)


def _entry(
    entry: PromptTemplateEntry, shown: Sequence[PromptContribution], builtins: Mapping[PromptBuiltin, str]
) -> Iterator[str]:
    match entry:
        case TextEntry(content=content):
            yield content.strip()
        case BuiltinEntry(builtin=builtin):
            yield builtins[builtin].strip()
        case SlotEntry(slot=slot):
            for item in shown:
                if item.slot == slot:
                    yield f"### {item.title}\n\n{item.content}" if item.title else item.content
