"""How a system prompt is made of layers (turns §3)."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from lash_nb.machine import (
    contributions_layer,
    default_template,
    project_instructions,
    render_prompt,
    runtime_context,
)
from lash_nb.wire import (
    Availability,
    PromptContribution,
    PromptGate,
    PromptLayer,
    PromptSlot,
    PromptTemplate,
    PromptTemplateSection,
    SlotEntry,
    TextEntry,
)

TOOLS: Final[Mapping[str, Availability]] = {
    "gone": "off",
    "hidden": "searchable",
    "batch": "callable",
    "weather": "showcased",
}
NOTES: Final = PromptTemplate(
    sections=(
        PromptTemplateSection(entries=(TextEntry(content=" Base. "),)),
        PromptTemplateSection(title="Notes", entries=(SlotEntry(slot="intro"), SlotEntry(slot="guidance"))),
    )
)


def note(content: str, slot: PromptSlot = "guidance", **fields: Any) -> PromptContribution:
    """Return a contribution."""
    return PromptContribution(slot=slot, content=content, **fields)


def render(*layers: PromptLayer, tools: Mapping[str, Availability] = TOOLS) -> str:
    """Return the prompt of these layers over the template of two sections."""
    return render_prompt((PromptLayer(template=NOTES), *layers), execution="Run.", availability=tools.get)


def notes(*contributions: PromptContribution) -> str:
    """Return what the section of notes shows."""
    return render(contributions_layer(contributions)).removeprefix("Base.").removeprefix("\n\n## Notes\n\n")


def test_the_default_prompt_has_its_sections_in_order() -> None:
    """Identity, execution, guidance; a section without content is left out."""
    prompt = render_prompt((), execution="Run it.", availability=TOOLS.get)

    assert [line for line in prompt.splitlines() if line.startswith("#")] == ["## Execution", "## Guidance"]
    assert "## Execution\n\nRun it.\n\n## Guidance\n\n- " in prompt
    assert "\n\n\n" not in prompt


def test_every_slot_has_its_place_in_the_default_template() -> None:
    """A contribution to any slot shows once, project instructions before guidance."""
    slots = [
        entry.slot
        for section in default_template().sections
        for entry in section.entries
        if isinstance(entry, SlotEntry)
    ]
    layer = contributions_layer(note(f"<{slot}>", slot=slot) for slot in sorted(slots))

    prompt = render_prompt((layer,), execution="Run.", availability=TOOLS.get)

    assert sorted(slots, key=lambda slot: prompt.index(f"<{slot}>")) == slots
    assert slots == ["intro", "execution", "project_instructions", "guidance", "runtime_context", "environment"]


def test_guidance_speaks_of_asking_only_where_one_can_ask() -> None:
    """The bullet appears with a callable tool named `ask`."""
    without = render_prompt((), execution="", availability=lambda _name: "searchable")
    having = render_prompt((), execution="", availability=lambda _name: "callable")

    assert "`ask`" not in without
    assert len(having.splitlines()) == len(without.splitlines()) + 1
    assert "`ask`" in having.splitlines()[-3]


def test_a_section_without_content_is_left_out() -> None:
    """Its heading goes with it."""
    assert render() == "Base."


def test_titles_are_headings() -> None:
    """Sections stand two deep, contributions three; a blank title is none."""
    assert notes(note("a", title=" T "), note("b", title=" ")) == "b\n\n### T\n\na"


def test_the_two_constructors_bring_their_titles() -> None:
    """Nothing else adds a heading by itself."""
    assert (project_instructions("x").slot, project_instructions("x").title) == (
        "project_instructions",
        "Project Instructions",
    )
    assert (runtime_context("x").slot, runtime_context("x").title) == ("runtime_context", "Runtime Context")


def test_contributions_are_sorted_by_priority_title_and_content() -> None:
    """Untitled ones come before titled ones of the same priority; the slot's place in the template comes first of all."""
    shown = notes(
        note("z"), note("a", title="T"), note("y"), note("x", priority=-1), note("i", slot="intro", priority=9)
    )

    assert shown == "i\n\nx\n\ny\n\nz\n\n### T\n\na"


def test_blank_contributions_and_repetitions_are_dropped() -> None:
    """Trimmed text decides; the same text at another priority is another contribution, however it is gated."""
    gate = PromptGate(tools=("weather",))

    assert notes(note(" a "), note("a", gate=gate), note(" \n "), note("a", priority=1)) == "a\n\na"


@pytest.mark.parametrize(
    ("tools", "least", "shows"),
    [
        (["weather"], "showcased", True),
        (["hidden"], "callable", False),
        (["hidden"], "searchable", True),
        (["gone"], "off", True),
        (["gone"], "searchable", False),
        (["nope"], "off", False),
        (["nope", "weather"], "callable", True),
        ([], "showcased", True),
    ],
)
def test_a_gate_opens_with_any_of_its_tools(tools: list[str], least: Availability, shows: bool) -> None:
    """A tool must be there and offered far enough; a gate without tools is open."""
    gate = PromptGate(tools=tuple(tools), minimum_availability=least)

    assert notes(note("shown", gate=gate)) == ("shown" if shows else "")


def test_later_layers_add_reset_and_replace() -> None:
    """A reset removes what earlier layers gave to that slot, and nothing else."""
    first = contributions_layer([note("one"), note("kept", slot="intro")])

    assert render(first, contributions_layer([note("two")])).endswith("kept\n\none\n\ntwo")
    assert render(first, PromptLayer().replace_slot("guidance", (note("new", slot="intro"),))).endswith("kept\n\nnew")
    assert render(first, PromptLayer().replace_slot("guidance")).endswith("## Notes\n\nkept")


def test_the_last_template_wins() -> None:
    """A layer without a template leaves the one before in place."""
    own = PromptTemplate(sections=(PromptTemplateSection(entries=(TextEntry(content="Own."),)),))

    assert render(PromptLayer(template=own), PromptLayer()) == "Own."
