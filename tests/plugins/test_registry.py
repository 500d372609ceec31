"""Which tools a session has, and how that changes."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lash_nb.errors import ToolRegistryError
from lash_nb.plugins import CONTEXT_SOURCE, PLUGINS_SOURCE, ToolRegistry
from lash_nb.wire import Availability, CompactToolContract, Json, ToolState, ToolStateEntry, to_json
from tests.plugins.offered import Offered, definition

WEATHER = definition("weather")
NEWS = definition("news")
EXTRA = definition("extra")


def registry(*providers: Offered) -> ToolRegistry:
    """A registry as a fresh session has it."""
    made = ToolRegistry()
    made.upsert_source(PLUGINS_SOURCE, providers or [Offered(WEATHER, NEWS)])
    return made


def names(of: ToolRegistry) -> list[str]:
    """The tools of a registry."""
    return [manifest.name for manifest in of.manifests()]


def test_a_fresh_registry_is_at_generation_one() -> None:
    """One source makes one change; tools are sorted by name and carry their compact contract."""
    fresh = registry()

    assert fresh.generation == 1
    assert list(fresh.state().tools) == ["news", "weather"]
    assert [manifest.compact_contract is None for manifest in fresh.manifests()] == [False, False]


def test_adding_and_removing_a_live_source_reads_all_again() -> None:
    """An add costs one change and one for each source, a remove gives the generation before the others are read again."""
    live = registry()

    assert (live.add_live_source(Offered(EXTRA)), live.generation) == ("live:1", 4)
    assert names(live) == ["extra", "news", "weather"]
    assert (live.remove_source("live:1"), live.generation) == (5, 6)
    assert names(live) == ["news", "weather"]


def test_an_unknown_source_cannot_be_removed() -> None:
    """The error names the source and what there is."""
    with pytest.raises(ToolRegistryError, match="unknown tool source: live:9; there are plugins") as caught:
        registry().remove_source("live:9")

    assert caught.value.code == "UnknownSource"


def test_a_refused_source_uses_up_its_name() -> None:
    """A clash changes nothing, and the next live source gets the next number."""
    live = registry()

    with pytest.raises(ToolRegistryError, match="`weather` from source `live:1` conflicts with source `plugins`"):
        live.add_live_source(Offered(definition("weather", id="tool:other")))

    assert (live.generation, names(live)) == (1, ["news", "weather"])
    assert live.add_live_source(Offered(EXTRA)) == "live:2"


@pytest.mark.parametrize(
    ("offered", "message"),
    [
        (Offered(definition("a"), definition("a", id="tool:b")), "duplicate tool name `a` in source `live:1`"),
        (Offered(definition("a"), definition("b", id="tool:a")), "duplicate tool id `tool:a` in source `live:1`"),
        (Offered(definition("b", id="tool:news")), "duplicate tool id `tool:news` from source `live:1` conflicts"),
        (Offered(definition(" ")), "blank name or id"),
        (Offered(definition("b", id=" ")), "blank name or id"),
    ],
)
def test_names_and_ids_are_unique(offered: Offered, message: str) -> None:
    """Within a source and across sources, no two tools share a name or an id, and none is blank."""
    with pytest.raises(ToolRegistryError, match=message):
        registry().add_live_source(offered)


def test_an_override_survives_a_refresh() -> None:
    """How far a session offers a tool is kept when its source is read again, and can be taken back."""
    live = registry()

    assert live.set_availability("weather", "off") == 2
    live.refresh_sources()
    assert live.state().tools["weather"].manifest.effective_availability == "off"

    live.set_availability("weather", None)
    assert live.state().tools["weather"].manifest.effective_availability == "showcased"


def test_the_availability_of_an_unknown_tool_cannot_be_set() -> None:
    """The error names the tool and those that there are."""
    with pytest.raises(ToolRegistryError, match="unknown tool `nope`; there are news, weather"):
        registry().set_availability("nope", "off")


def test_a_state_is_applied_only_to_the_generation_it_was_made_of() -> None:
    """An edit of an old state is refused; an edit of the current one counts one change."""
    live = registry()
    state = live.state()

    assert live.apply_state(ToolState(generation=1, tools={"news": state.tools["news"]})) == 2
    assert names(live) == ["news"]
    with pytest.raises(ToolRegistryError, match="generation mismatch: expected 1, actual 2") as caught:
        live.apply_state(state)
    assert caught.value.code == "GenerationMismatch"


def test_a_stored_state_is_restored_with_its_generation() -> None:
    """Restoring asks for no generation and adopts the stored one."""
    live = registry()
    live.restore_state(ToolState(generation=9, tools={}))

    assert (live.generation, names(live)) == (9, [])


def test_a_state_needs_a_source_for_each_tool() -> None:
    """A tool of the state must be known, once, under the same name and id."""
    manifest = definition("extra").manifest()
    unknown = ToolState(generation=1, tools={"extra": ToolStateEntry(manifest=manifest)})
    misnamed = ToolState(generation=1, tools={"weather": ToolStateEntry(manifest=manifest)})
    other_id = definition("weather", id="tool:w").manifest()
    foreign = ToolState(generation=1, tools={"weather": ToolStateEntry(manifest=other_id)})

    for state, message in (
        (unknown, "no tool source has `extra`"),
        (misnamed, "`weather` holds a manifest named `extra`"),
        (foreign, "has id `tool:weather`, but the tool state says `tool:w`"),
    ):
        with pytest.raises(ToolRegistryError, match=message):
            registry().restore_state(state)


def test_a_compact_contract_that_its_source_changes_in_place() -> None:
    """It is seen when the sources are read again, and counts as a change."""
    compact = CompactToolContract(name="tools.own", signature="own()", returns="any", parameters=({"name": "city"},))
    live = registry(Offered(replace(WEATHER, compact_contract=compact)))
    before = to_json(live.state())
    compact.parameters[0]["name"] = "town"
    assert to_json(live.state()) == before

    live.refresh_sources(only_changed=True)

    assert (live.generation, b"town" in to_json(live.state())) == (2, True)


def test_an_unlisted_tool_is_bound_when_it_is_asked_for() -> None:
    """A source may know more than it lists; asking for such a tool adds it and counts one change."""
    lazy = registry(Offered(WEATHER, unlisted=[NEWS]))

    assert lazy.resolve_contract("news") == NEWS.contract()
    assert (lazy.generation, names(lazy)) == (2, ["news", "weather"])
    assert lazy.resolve_manifest("nope") is None
    assert lazy.provider("nope") is None


def test_a_fork_goes_its_own_way() -> None:
    """Neither of two forks sees what the other one changes."""
    base = registry()
    fork = base.fork()
    fork.set_availability("weather", "off")
    base.add_live_source(Offered(EXTRA))

    assert names(fork) == ["news", "weather"]
    assert base.state().tools["weather"].manifest.availability_override is None


def test_a_fork_with_a_state_is_at_least_at_generation_one() -> None:
    """A child that inherits an empty state of generation 0 starts at 1."""
    fork = registry().fork_with_state(ToolState(generation=0, tools={}))

    assert (fork.generation, names(fork)) == (1, [])


def test_an_overlay_replaces_by_name_and_by_id() -> None:
    """Tools of a turn stand in for those of the same name or id instead of clashing with them."""
    live = registry()
    theirs = Offered(definition("weather", id="tool:mine"), definition("paper", id="tool:news"))
    live.overlay_source(CONTEXT_SOURCE, [theirs])

    assert names(live) == ["paper", "weather"]
    assert live.provider("weather") is theirs


EDITS: dict[str, Callable[[ToolRegistry, Availability], object]] = {
    "override": lambda live, level: live.set_availability("weather", level),
    "clear": lambda live, _: live.set_availability("news", None),
    "refresh": lambda live, _: live.refresh_sources(),
    "again": lambda live, _: live.upsert_source(PLUGINS_SOURCE, [Offered(WEATHER, NEWS)]),
    "add": lambda live, _: live.remove_source(live.add_live_source(Offered(EXTRA))),
    "apply": lambda live, _: live.apply_state(live.state()),
}
LEVELS: st.SearchStrategy[Availability] = st.sampled_from(["off", "searchable", "callable", "showcased"])


@given(edits=st.lists(st.tuples(st.sampled_from(sorted(EDITS)), LEVELS), max_size=8))
def test_laws_of_change(edits: list[tuple[str, Availability]]) -> None:
    """Whatever the edits: generations rise, a state restores to itself, and equal generations mean equal states."""
    live = registry()
    for edit, level in edits:
        before = live.state()
        EDITS[edit](live, level)
        assert live.generation > before.generation
        assert live.state().generation == live.generation

    copy = registry()
    copy.restore_state(live.state())
    assert copy.state() == live.state()
    assert live.fork().state() == live.state()


@pytest.mark.parametrize(
    ("schema", "where"),
    [
        ({"type": "strin"}, r"\$\.type: 'strin'"),
        ({"properties": {"city": {"minLength": "two"}}}, r"\$\.properties\.city\.minLength"),
        ({"required": "city"}, r"\$\.required"),
        ("text", "it is a str, not an object"),
        ([], "it is a list, not an object"),
    ],
)
def test_a_schema_that_is_none_is_refused(schema: Json, where: str) -> None:
    """The error names the tool and the place, before any model sees it."""
    with pytest.raises(ToolRegistryError, match=f"the input schema of tool `weather` is no JSON Schema: {where}"):
        registry(Offered(replace(WEATHER, input_schema=schema)))


def test_everything_is_a_schema() -> None:
    """`true` takes any arguments."""
    assert names(registry(Offered(replace(WEATHER, input_schema=True)))) == ["weather"]
