"""Queued inputs of a process that was killed: whoever opens the session finds them in their order, and each is in the history once."""

import asyncio
import os
import signal
from functools import partial
from pathlib import Path

import pytest

from lash_nb import LashCore, LashSession, ScriptedProvider, reply, tool
from lash_nb.providers import call
from lash_nb.runtime import Residency
from lash_nb.wire import LlmRequest, LlmResponse
from tests.effects.processes import FORKING, ended, forked
from tests.runtime.desk import messages_of, texts

pytestmark = [
    pytest.mark.filterwarnings(FORKING),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no way to be another process"),
]

WHOLE = ["Weather?", "", "", "Told: rain", "And wind?", "Told: And wind?", "Bye.", "Told: Bye."]
"""The history of three inputs, the first of which needs a tool."""


@tool
def weather() -> str:
    """Tell the weather."""
    return "rain"


def die(_: object = None) -> LlmResponse:
    """End this process without a chance to tidy up."""
    os.kill(os.getpid(), signal.SIGKILL)
    return reply("too late")


def answer(request: LlmRequest, deadly: str = "") -> LlmResponse:
    """Ask for the weather, then tell it; die of one text."""
    block = request.messages[-1].blocks[-1]
    text = block.ToolResult.content if block.ToolResult else block.Text.text if block.Text else ""
    if text == deadly:
        return die()
    return call("weather", {}, id="c1") if text == "Weather?" else reply(f"Told: {text}")


async def opened(folder: Path, deadly: str = "", residency: Residency = "keep_all") -> LashSession:
    """The session in a folder, with a model that may kill the process."""
    model = ScriptedProvider(partial(answer, deadly=deadly))
    core = LashCore.standard().stored_in(folder).provider(model).model("m").tools(weather).residency(residency)
    return await core.build().session("s").open()


async def queue_all(folder: Path) -> None:
    """Queue three inputs."""
    session = await opened(folder)
    for text in ("Weather?", "And wind?", "Bye."):
        await session.queue(text)
    await session.close()


async def run_and_die(folder: Path, deadly: str, residency: Residency) -> None:
    """Run what comes first, and die of a text, or with the turn."""
    session = await opened(folder, deadly, residency)
    await session.next_queued_turn()
    die()


async def claim_and_die(folder: Path) -> None:
    """Die before anything is done with what is held."""
    session = await opened(folder)
    assert session.store is not None
    assert await session.store.claim_ready_work(session_id="s", boundary="idle", owner="me") is not None
    die()


async def run_all(folder: Path, residency: Residency) -> tuple[list[str], int, int]:
    """Run what is queued; the history, how many turns there are, and how much waits still."""
    session = await opened(folder, residency=residency)
    while await session.next_queued_turn() is not None:
        pass
    assert session.store is not None
    waits = len(await session.store.list_queued_work("s"))
    told = texts(messages_of(session.graph)), session.turn_index, waits
    await session.close()
    return told


def test_what_was_claimed_and_not_begun_comes_first(tmp_path: Path) -> None:
    """It is seen at once, too."""
    asyncio.run(queue_all(tmp_path))
    assert ended(forked(lambda: claim_and_die(tmp_path))) == -signal.SIGKILL

    async def waiting() -> int:
        session = await opened(tmp_path)
        count = len(await session.queued_work())
        await session.close()
        return count

    assert asyncio.run(waiting()) == 3
    assert asyncio.run(run_all(tmp_path, "keep_all")) == (WHOLE, 3, 0)


@pytest.mark.parametrize("residency", ["keep_all", "active_path_only"])
@pytest.mark.parametrize("deaths", [["Weather?"], ["rain"], ["Weather?", "rain", "rain"], ["nothing"]], ids=" ".join)
def test_a_turn_that_was_killed_is_run_again_in_its_place(
    deaths: list[str], residency: Residency, tmp_path: Path
) -> None:
    """Before its first model call, after its tool, several times, or when it was over: its input stands once in the history, whole and in order."""
    asyncio.run(queue_all(tmp_path))
    for deadly in deaths:
        assert ended(forked(partial(run_and_die, tmp_path, deadly, residency))) == -signal.SIGKILL

    assert asyncio.run(run_all(tmp_path, residency)) == (WHOLE, 3, 0)


async def another_turn(folder: Path) -> None:
    """Say something else first."""
    session = await opened(folder)
    await session.turn("Wait.")
    await session.close()


def test_what_was_said_after_a_killed_turn_stays_before_its_next_run(tmp_path: Path) -> None:
    """Nobody takes back what somebody went on from."""
    asyncio.run(queue_all(tmp_path))
    assert ended(forked(partial(run_and_die, tmp_path, "rain", "keep_all"))) == -signal.SIGKILL
    asyncio.run(another_turn(tmp_path))

    history = ["Weather?", "", "", "Wait.", "Told: Wait.", *WHOLE]
    assert asyncio.run(run_all(tmp_path, "keep_all")) == (history, 5, 0)
