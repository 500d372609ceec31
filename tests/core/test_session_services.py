"""What an open session offers to those who serve it: its protocol, its state and tools by its id."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from lash_nb.core import ModePreset, SessionStateService
from lash_nb.errors import CallerError, PluginError, SessionError
from lash_nb.plugins import PluginRegistrar, ProtocolSession, StandardProtocolDriver, StaticPlugin
from lash_nb.wire import ToolState
from tests.runtime.desk import answers, builder, open_session, settle, weather


async def test_the_standard_protocol_takes_no_extension() -> None:
    """It says so, and what was given; the session stays usable."""
    session = await open_session(answers())
    with pytest.raises(SessionError, match="does not accept session extensions, such as this dict") as error:
        await session.control.mode.apply_session_extension({"project": "lash"})
    assert error.value.variant == "Protocol"
    assert (await session.turn("hi")).reply == "ok 1"


async def test_a_protocol_may_take_an_extension_which_waits_for_the_turn() -> None:
    """It is the very object; nothing of it is stored."""
    taken: list[object] = []

    class Taking(ProtocolSession):
        async def apply_session_extension(self, extension: object) -> None:
            taken.append(extension)

    def register(registrar: PluginRegistrar) -> None:
        registrar.set_protocol_session(Taking())
        registrar.set_protocol_driver(StandardProtocolDriver())

    gate, extension = asyncio.Event(), object()

    async def model(_: Any) -> str:
        await gate.wait()
        return "done"

    preset = ModePreset("mine", StaticPlugin("mine", register))
    core = builder(model).install_mode(preset).build()
    session = await core.session("demo").mode("mine").open()
    turn = session.start("hi")
    applying = asyncio.create_task(session.control.mode.apply_session_extension(extension))
    await settle()
    assert taken == []
    gate.set()
    await asyncio.gather(applying, turn.wait())
    assert taken == [extension]
    await session.close()
    with pytest.raises(CallerError) as closed:
        await session.control.mode.apply_session_extension(extension)
    assert closed.value.code == "session_closed"


async def test_a_session_is_served_by_its_id() -> None:
    """Snapshot, catalog and tools are the session's own; a change is one of the session."""
    session = await open_session(answers(), weather)
    await session.turn("hi")
    service = session.control.state.session_state_service()
    assert await service.snapshot_current() == await service.snapshot_session("demo") == session.control.state.export()
    assert await service.tool_catalog("demo") == session.tool_catalog()
    before = await service.tool_state("demo")
    assert before == session.tools.state()

    generation = await service.set_tool_availability("demo", "weather", "off")
    assert session.tools.describe("weather").manifest.effective_availability == "off"
    assert await service.set_tools_availability("demo", ["weather"], None) == generation + 1
    assert await service.apply_tool_state("demo", session.tools.state()) == generation + 2
    with pytest.raises(PluginError, match="generation") as stale:
        await service.apply_tool_state("demo", before)
    with pytest.raises(PluginError, match="oracle") as unknown:
        await service.set_tool_availability("demo", "oracle", "off")
    assert (stale.value.kind, unknown.value.kind) == ("session", "session")


SERVES: dict[str, Callable[[SessionStateService], Awaitable[Any]]] = {
    "snapshot": lambda service: service.snapshot_session("child"),
    "catalog": lambda service: service.tool_catalog("child"),
    "tools": lambda service: service.tool_state("child"),
    "apply": lambda service: service.apply_tool_state("child", ToolState(tools={}, generation=1)),
    "availability": lambda service: service.set_tool_availability("child", "weather", "off"),
}


@pytest.mark.parametrize("ask", SERVES.values(), ids=list(SERVES))
async def test_a_session_that_is_not_known_is_not_served(ask: Callable[[SessionStateService], Awaitable[Any]]) -> None:
    """By the reference's words, and what to do instead."""
    session = await open_session(answers())
    with pytest.raises(PluginError, match="unknown session `child`; this service is of session demo") as error:
        await ask(session.control.state.session_state_service())
    assert error.value.kind == "session"
