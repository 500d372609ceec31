"""What a session owes its plugins: the protocol hears of it, and a plugin that cannot give its state costs no turn."""

from typing import Any, Final

import pytest

from lash_nb.core import LashCoreBuilder, ModePreset
from lash_nb.errors import LashRuntimeError, SessionError
from lash_nb.plugins import (
    PluginBuildContext,
    PluginRegistrar,
    ProtocolSession,
    SessionPlugin,
    StandardProtocolDriver,
    StaticPlugin,
    tool,
)
from lash_nb.providers import call
from lash_nb.stores import FullGraph, InMemorySessionStore
from lash_nb.wire import PluginMeta, PluginSnapshot, SwitchAgentFrameControl, ToolCallOutput, ToolSuccess, ToolValue
from tests.runtime.desk import builder


@tool(name="hand_over")
def hand_over() -> ToolCallOutput:
    """Go on elsewhere."""
    control = SwitchAgentFrameControl(frame_id="f2", task="go on")
    return ToolCallOutput(outcome=ToolSuccess(payload=ToolValue("ok")), control=control)


class Noting(ProtocolSession):
    """A protocol that writes down what it hears, and may refuse it."""

    def __init__(self, *, refuses_at: int = 0) -> None:
        self.heard: Final[list[str]] = []
        self._refuses_at = refuses_at

    async def initialize_session(self, session_id: str) -> None:
        """Hear of a beginning."""
        self._hear(f"initialize {session_id}")

    async def restore_session(self, session_id: str) -> None:
        """Hear of going on."""
        self._hear(f"restore {session_id}")

    def _hear(self, words: str) -> None:
        self.heard.append(words)
        if len(self.heard) == self._refuses_at:
            raise ValueError("not now")


def speaking(protocol: ProtocolSession, *replies: Any) -> LashCoreBuilder:
    """A core whose mode speaks the standard protocol with another session half."""

    def register(registrar: PluginRegistrar) -> None:
        registrar.set_protocol_session(protocol)
        registrar.set_protocol_driver(StandardProtocolDriver())

    made = builder(replies, hand_over).install_mode(ModePreset("noting", StaticPlugin("noting", register)))
    return made.default_mode("noting")


async def test_the_protocol_hears_of_the_session_and_of_its_frames() -> None:
    """It is told once that the session begins, then what it goes on from, again after a switch of the frame."""
    protocol = Noting()
    session = await speaking(protocol, call("hand_over"), "done").build().session("demo").open()
    result = await session.turn("hi").run()

    assert result.reply == "done"
    assert protocol.heard == ["initialize demo", "restore demo", "restore demo"]


@pytest.mark.parametrize("refuses_at", [1, 2])
async def test_a_protocol_may_refuse_a_session(refuses_at: int) -> None:
    """Opening fails with the protocol's words; what it had registered is taken back."""
    core = speaking(Noting(refuses_at=refuses_at)).build()

    with pytest.raises(SessionError, match="the protocol refuses session demo: not now"):
        await core.session("demo").open()


async def test_a_protocol_that_cannot_go_on_in_a_frame_keeps_the_turn_before() -> None:
    """The turn that switched is committed; the session takes the next turn in the new frame."""
    session = await speaking(Noting(refuses_at=3), call("hand_over"), "done").build().session("demo").open()

    with pytest.raises(LashRuntimeError, match="the protocol cannot go on in frame f2: not now") as caught:
        await session.turn("hi").run()

    assert caught.value.code == "protocol_restore_session"
    assert session.turn_index == 1
    assert (await session.turn("again").run()).reply == "done"


class Moody(SessionPlugin):
    """A plugin whose state can be had, or not."""

    id = "moody"

    def __init__(self) -> None:
        self.broken = ""

    def build(self, _context: PluginBuildContext) -> SessionPlugin:
        """Return itself."""
        return self

    def snapshot_revision(self) -> int:
        """Count nothing, or fail."""
        if self.broken == "revision":
            raise OSError("no revision")
        return 1 if self.broken else 0

    def snapshot(self) -> PluginSnapshot:
        """Give the state, or fail."""
        if self.broken == "snapshot":
            raise OSError("no state")
        return PluginSnapshot(meta=PluginMeta(plugin_id=self.id, plugin_version=self.version, state={"is": "whole"}))


@pytest.mark.parametrize("broken", ["revision", "snapshot"])
async def test_a_plugin_that_cannot_give_its_state_costs_no_turn(broken: str, caplog: pytest.LogCaptureFixture) -> None:
    """The turn is committed with what was stored of the plugins before; the log says why."""
    plugin, store = Moody(), InMemorySessionStore()
    session = await builder(["one", "two"]).plugin(plugin).build().session("demo").store(store).open()
    await session.turn("hi").run()
    before = await store.load_session(FullGraph())
    plugin.broken = broken
    result = await session.turn("again").run()
    read = await store.load_session(FullGraph())

    assert result.reply == "two"
    assert "is not stored: plugin snapshot error: `moody` cannot" in caplog.text
    assert read is not None
    assert read.checkpoint is not None
    assert read.checkpoint.plugin_snapshot is not None
    assert read.checkpoint.plugin_snapshot.plugins["moody"].meta.state == {"is": "whole"}
    assert before is not None
    assert before.checkpoint is not None
    assert read.checkpoint.plugin_snapshot_revision == before.checkpoint.plugin_snapshot_revision
