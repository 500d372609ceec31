"""What of the registry the model gets to see."""

import pytest

from lash_nb.errors import ToolRegistryError
from lash_nb.plugins import PLUGINS_SOURCE, ToolRegistry, ToolSurface, ToolSurfaceContribution
from lash_nb.wire import SessionToolAccess, ToolDefinition
from tests.plugins.offered import Offered, definition


def registry(*definitions: ToolDefinition) -> ToolRegistry:
    """A registry of these tools."""
    made = ToolRegistry()
    made.upsert_source(PLUGINS_SOURCE, [Offered(*definitions)])
    return made


ALL_LEVELS = registry(
    definition("gone", availability={"base": "off"}),
    definition("hidden", availability={"base": "searchable"}),
    definition("plain", availability={"base": "callable"}),
    definition("weather", description="The weather."),
)


def test_the_model_calls_the_callable_tools() -> None:
    """Specs and names are those of callable tools, by name; the specs are the same objects each time."""
    surface = ToolSurface(ALL_LEVELS)

    assert surface.tool_names == ("plain", "weather")
    assert [spec.name for spec in surface.model_tool_specs()] == ["plain", "weather"]
    assert surface.model_tool_specs() is surface.model_tool_specs()


def test_the_prompt_shows_the_showcased_tools_and_notes() -> None:
    """Only showcased tools have lines in the prompt; notes of plugins follow, trimmed, blank ones not."""
    surface = ToolSurface(ALL_LEVELS, contributions=[ToolSurfaceContribution(notes=(" Be brief. ", " "))])

    assert surface.prompt_docs() == "### await tools.weather({})? -> any\nThe weather.\n\nBe brief."


def test_every_known_tool_has_an_availability() -> None:
    """Tools that are off are known and off; others are not known."""
    surface = ToolSurface(ALL_LEVELS)

    assert [surface.availability(name) for name in ("gone", "hidden", "plain", "weather", "nope")] == [
        "off",
        "searchable",
        "callable",
        "showcased",
        None,
    ]


def test_contributions_change_availability_in_order() -> None:
    """A later plugin wins over an earlier one, None changes nothing, and an override of the session is the start."""
    live = registry(definition("a"), definition("b"))
    live.set_availability("b", "searchable")
    changes = [
        ToolSurfaceContribution(availability={"a": "off"}),
        ToolSurfaceContribution(availability={"a": "callable", "b": None}),
    ]

    surface = ToolSurface(live, contributions=changes)

    assert (surface.availability("a"), surface.availability("b")) == ("callable", "searchable")


def test_hidden_tools_stay_off() -> None:
    """What the session must not have is off, whatever a plugin says."""
    access = SessionToolAccess(hidden_tools=("weather",))
    change = ToolSurfaceContribution(availability={"weather": "showcased"})

    surface = ToolSurface(ALL_LEVELS, tool_access=access, contributions=[change])

    assert surface.availability("weather") == "off"
    assert surface.is_hidden("weather")


def test_a_session_may_have_a_list_of_its_own() -> None:
    """Tools given to the session stand instead of the registry's."""
    own = definition("only", description="Mine.")

    surface = ToolSurface(ALL_LEVELS, tool_access=SessionToolAccess(tools=(own,)))

    assert surface.tool_names == ("only",)
    assert "Mine." in surface.prompt_docs()


@pytest.mark.parametrize("name", ["Weather", "get-weather", "42", "_"])
def test_agent_code_must_be_able_to_write_the_call(name: str) -> None:
    """A callable tool whose name is no lower-case word needs an operation; the error says so."""
    with pytest.raises(ToolRegistryError, match="give it an agent surface with an operation"):
        ToolSurface(registry(definition(name)))

    assert ToolSurface(registry(definition(name, agent_surface={"operation": "ok"}))).tool_names == (name,)


def test_two_callable_tools_need_two_call_paths() -> None:
    """The same path twice is refused, unless one of the two cannot be called."""
    twin = {"agent_surface": {"operation": "a"}}

    with pytest.raises(ToolRegistryError, match=r"`a` and `b` have the same call path `tools\.a`"):
        ToolSurface(registry(definition("a"), definition("b", **twin)))

    assert ToolSurface(registry(definition("a"), definition("b", **twin, availability={"base": "off"})))
