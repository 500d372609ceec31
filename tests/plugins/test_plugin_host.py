"""How the plugins of a core become those of a session."""

import gc
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from lash_nb.errors import LashError, PluginError
from lash_nb.machine import ChatProjector, StandardDriver
from lash_nb.plugins import (
    PluginBuildContext,
    PluginHost,
    PluginRegistrar,
    PluginStack,
    ProtocolSession,
    SessionPlugin,
    StandardProtocolDriver,
    StaticPlugin,
    ToolSurfaceContribution,
    embed_tools,
    lash_triggers,
    revision_fingerprint,
    standard_protocol,
    tool_output_budget,
)
from lash_nb.wire import (
    PluginMeta,
    PluginSessionSnapshot,
    PluginSnapshot,
    PromptContribution,
    SessionToolAccess,
    turn_commit_hash,
)
from tests.plugins.offered import Offered, definition
from tests.stores.material import append, commit, node


class Counter(SessionPlugin):
    """A plugin with a state: a number."""

    id = "counter"

    def __init__(self, *, broken: bool = False) -> None:
        self.count = 0
        self.ready = False
        self.broken = broken

    def build(self, context: PluginBuildContext) -> SessionPlugin:
        """Be its own factory, for one session."""
        self.built_for = context.session_id
        return self

    def snapshot_revision(self) -> int:
        """The number itself."""
        return self.count

    def snapshot(self) -> PluginSnapshot:
        """The number as state."""
        if self.broken:
            raise ZeroDivisionError
        meta = PluginMeta(plugin_id=self.id, plugin_version="1", revision=self.count, state={"count": self.count})
        return PluginSnapshot(meta=meta)

    def restore(self, snapshot: PluginSnapshot) -> None:
        """The number again."""
        self.count = (snapshot.meta.state or {}).get("count", 0)

    def session_ready(self) -> None:
        """Note it."""
        self.ready = True


def host(*more: Counter | StaticPlugin) -> PluginHost:
    """A host of the standard protocol and `more`."""
    return PluginHost([standard_protocol(), *more])


def contributing(register: Callable[[PluginRegistrar], None], id: str = "mine") -> StaticPlugin:
    """A plugin that registers so."""
    return StaticPlugin(id, register)


def test_triggers_come_first_unless_they_are_given() -> None:
    """Every host has the plugin of triggers, once, where its list of plugins has it."""
    assert [plugin.id for plugin in PluginHost([standard_protocol()]).factories] == [
        "lash.triggers",
        "standard_protocol",
    ]
    given = PluginHost([standard_protocol(), lash_triggers()])
    assert [plugin.id for plugin in given.factories] == ["standard_protocol", "lash.triggers"]


def test_a_session_has_the_tools_of_its_plugins() -> None:
    """Given tools and the protocol's own one are registered in one source."""
    session = PluginHost([standard_protocol(), embed_tools([Offered(definition("weather"))])]).build_session("s")

    assert (session.registry.generation, session.tool_surface().tool_names) == (1, ("batch", "weather"))


def test_the_standard_protocol_gives_the_model_its_tools() -> None:
    """The preamble has the driver, one projector for the session, the specs and the section on execution."""
    session = host().build_session("s")
    first, second = (session.driver.preamble(session.tool_surface()) for _ in range(2))

    assert isinstance(first.driver, StandardDriver)
    assert isinstance(first.projector, ChatProjector)
    assert first.projector is second.projector
    assert first.tool_specs is second.tool_specs
    assert first.sync_execution_surface
    assert "batch" in first.execution_section


def test_the_fingerprint_is_the_references() -> None:
    """Ids, versions and revisions in order give the number that recorded sessions carry."""
    stack = [standard_protocol(), embed_tools([]), tool_output_budget()]

    assert PluginHost(stack).build_session("s").revision() == 7846542797311186430
    assert revision_fingerprint([("a", "1", 0)]) != revision_fingerprint([("a", "1", 1)])


def test_state_is_captured_and_restored() -> None:
    """A plugin's state comes back in a new session, and the fingerprint follows its revision."""
    first = Counter()
    session = host(first).build_session("s")
    first.count = 3
    snapshot = session.capture()
    session.unregister()
    second = Counter()
    again = host(second).build_session("s", snapshot)

    assert second.count == 3
    assert (again.is_current(snapshot), again.revision()) == (True, session.revision())
    second.count = 4
    assert not again.is_current(snapshot)


def test_a_plugin_without_stored_state_gets_an_empty_one() -> None:
    """Restoring asks every plugin, also those that were not there when the state was stored."""
    counter = Counter()
    counter.count = 5

    host(counter).build_session("s", PluginSessionSnapshot())

    assert counter.count == 0


def test_every_plugin_learns_that_the_session_is_ready() -> None:
    """A plugin is built for its session and told when all are registered."""
    counter = Counter()
    host(counter).build_session("s")

    assert (counter.built_for, counter.ready) == ("s", True)


def test_a_session_is_open_once() -> None:
    """The same id is refused while a handle lives, and free when it is closed or forgotten."""
    plugins = host()
    session = plugins.build_session("s")

    with pytest.raises(PluginError, match="session `s` is open already; close the other handle first"):
        plugins.build_session("s")
    session.unregister()
    session.unregister()
    forgotten = plugins.build_session("s")
    del forgotten
    gc.collect()
    assert plugins.build_session("s").session_id == "s"


def test_a_closed_session_does_not_free_its_successor() -> None:
    """Closing an old handle late leaves the new one registered."""
    plugins = host()
    old = plugins.build_session("s")
    old.unregister()
    new = plugins.build_session("s")
    old.unregister()

    with pytest.raises(PluginError, match="open already"):
        plugins.build_session(new.session_id)


def raises(_registrar: PluginRegistrar) -> None:
    """A plugin that cannot register."""
    raise KeyError("x")


def second_driver(registrar: PluginRegistrar) -> None:
    """A plugin that brings a protocol driver too."""
    registrar.set_protocol_driver(StandardProtocolDriver())


def only_session(registrar: PluginRegistrar) -> None:
    """Half a protocol."""
    registrar.set_protocol_session(ProtocolSession())


def second_batch(registrar: PluginRegistrar) -> None:
    """A tool that the protocol has."""
    registrar.add_tool_provider(Offered(definition("batch")))


@pytest.mark.parametrize(
    ("factories", "message"),
    [
        ([tool_output_budget()], "missing protocol driver capability; give the host a protocol"),
        ([contributing(only_session)], "missing protocol driver capability"),
        (
            [standard_protocol(), contributing(second_driver)],
            "duplicate protocol driver for `mine`: `standard_protocol`",
        ),
        (
            [standard_protocol(), contributing(second_batch)],
            "duplicate plugin tool name `batch` of `standard_protocol`",
        ),
        ([standard_protocol(), contributing(raises)], "`mine` raised KeyError: 'x'"),
    ],
)
def test_plugins_that_do_not_fit_build_no_session(factories: list[StaticPlugin], message: str) -> None:
    """A missing protocol, a second one, a tool twice or a plugin that fails: the error names the plugin, and the id stays free."""
    plugins = PluginHost(factories)

    for _ in range(2):
        with pytest.raises(PluginError, match="registration") as caught:
            plugins.build_session("s")
        assert message in str(caught.value)


def test_a_state_that_cannot_be_given_is_a_snapshot_error() -> None:
    """A plugin that fails to give its state is named."""
    session = host(Counter(broken=True)).build_session("s")

    with pytest.raises(PluginError, match="snapshot error: `counter` cannot give its state"):
        session.capture()


def test_a_state_that_stands_in_a_plugin_of_its_own_is_asked_for() -> None:
    """Methods and a version that one plugin has, and not its class, count from when it has them."""
    plugin = contributing(lambda _: None)
    session = host(plugin).build_session("s")
    seen = [session.revision()]
    plugin.version = "2"
    seen.append(session.revision())
    plugin.snapshot_revision = lambda: 7  # type: ignore[method-assign]  # what a user may do
    seen.append(session.revision())

    assert len(set(seen)) == 3
    assert session.capture().plugins["mine"].meta == PluginMeta(plugin_id="mine", plugin_version="2", revision=7)


def test_a_plugin_that_tells_no_state_opens_a_session() -> None:
    """What only looks like a plugin is missed when its state is wanted, not before."""

    class Duck:
        id = "duck"
        version = "1"

        def build(self, _context: PluginBuildContext) -> Any:
            return self

        def register(self, _registrar: PluginRegistrar) -> None:
            """Bring nothing."""

        def session_ready(self) -> None:
            """Need nothing."""

        def restore(self, _snapshot: PluginSnapshot) -> None:
            """Keep nothing."""

    session = PluginHost([standard_protocol(), Duck()]).build_session("s")

    with pytest.raises(PluginError, match="snapshot error: `duck` cannot give its state"):
        session.capture()


def test_a_captured_state_is_of_whoever_asked() -> None:
    """What somebody puts into it does not come back to the next one."""
    session = host().build_session("s")
    taken = session.capture()
    taken.plugins["more"] = taken.plugins["standard_protocol"]

    assert "more" not in session.capture().plugins


def test_a_state_that_its_plugin_changes_in_place_is_another_one() -> None:
    """A commit with it is another commit, though the plugin gives the same record."""

    class Diary(Counter):
        """Keeps one record for good."""

        kept = PluginSnapshot(meta=PluginMeta(plugin_id="counter", plugin_version="1", state=[]))

        def snapshot(self) -> PluginSnapshot:
            """The record."""
            return self.kept

    session, one = PluginHost([standard_protocol(), Diary()]).build_session("s"), commit(append(node("m1")))
    hashes = []
    for day in (1, 2):
        Diary.kept.meta.state.append(day)
        checkpoint = replace(one.checkpoint, plugin_snapshot=session.capture())
        hashes.append(turn_commit_hash(replace(one, checkpoint=checkpoint)))

    assert hashes[0] != hashes[1]


async def test_prompt_texts_are_collected_once_and_sorted() -> None:
    """Plugins are asked in order; no text twice in a slot; by name of the slot, then priority, then order."""

    def one(_context: object) -> list[PromptContribution]:
        return [
            PromptContribution(slot="intro", content="b"),
            PromptContribution(slot="guidance", content="later", priority=2),
        ]

    async def two(_context: object) -> list[PromptContribution]:
        return [
            PromptContribution(slot="intro", content=" b "),
            PromptContribution(slot="guidance", content="first"),
            PromptContribution(slot="environment", content="e"),
        ]

    session = host(
        contributing(lambda registrar: registrar.add_prompt_contributor(one)),
        contributing(lambda registrar: registrar.add_prompt_contributor(two), "other"),
    ).build_session("s")

    given = await session.prompt_contributions(session.tool_surface())

    assert [one.content for one in given] == ["e", "first", "later", "b"]


async def test_a_prompt_contributor_that_fails_is_named() -> None:
    """The error names the plugin and what it raised, also when it fails while it is awaited."""

    async def broken(_context: object) -> list[PromptContribution]:
        raise ValueError("no")

    session = host(contributing(lambda registrar: registrar.add_prompt_contributor(broken))).build_session("s")

    with pytest.raises(PluginError, match="`mine` raised ValueError: no"):
        await session.prompt_contributions(session.tool_surface())


def test_plugins_change_what_is_offered() -> None:
    """A contributor of the surface switches tools, and is asked each time."""
    levels = {"batch": ToolSurfaceContribution(availability={"batch": "off"})}

    def change(_session_id: str) -> ToolSurfaceContribution:
        return levels.get("batch", ToolSurfaceContribution())

    session = host(contributing(lambda registrar: registrar.add_tool_surface_contributor(change))).build_session("s")

    assert session.tool_surface().tool_names == ()
    levels.clear()
    assert session.tool_surface().tool_names == ("batch",)


def test_the_surface_is_the_same_until_something_changes() -> None:
    """Asking again costs nothing; a change of the registry makes a new surface."""
    session = host().build_session("s")
    before = session.tool_surface()

    assert session.tool_surface() is before
    session.registry.set_availability("batch", "off")
    assert session.tool_surface() is not before
    assert session.tool_surface().tool_names == ()


def test_a_tool_resolved_on_the_way_does_not_become_state() -> None:
    """A turn that finds an unlisted tool offers it from then on; the session's state does not know it."""
    provider = Offered(definition("a"), unlisted=[definition("extra")])
    session = PluginHost([standard_protocol(), embed_tools([provider])]).build_session("s")
    session.surface_registry.resolve_manifest("extra")

    assert "extra" in session.tool_surface().tool_names
    assert (session.registry.generation, "extra" in session.registry.state().tools) == (1, False)


def test_hidden_tools_of_a_session_are_off() -> None:
    """What a session must not have is passed from the host to its surface."""
    session = host().build_session("s", tool_access=SessionToolAccess(hidden_tools=("batch",)))

    assert session.tool_surface().availability("batch") == "off"


def test_a_stack_is_edited_before_it_becomes_a_host() -> None:
    """Plugins are pushed, replaced in place, removed and filtered by id."""
    stack = PluginStack([standard_protocol()])
    stack.push(tool_output_budget())
    stack.extend([embed_tools([]), lash_triggers()])

    assert stack.replace("embed_tools", contributing(lambda _: None))
    assert not stack.replace("nope", tool_output_budget())
    assert stack.remove("tool_output_budget")
    assert not stack.remove("tool_output_budget")
    assert ([plugin.id for plugin in stack], len(stack)) == (["standard_protocol", "mine", "lash.triggers"], 3)


def test_errors_of_plugins_are_the_librarys() -> None:
    """All that leaves this room is caught as one family."""
    assert issubclass(PluginError, LashError)
