"""Following a trace that grows: the view keeps up while no cell runs, and stops when there is nothing to follow."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import pytest

from lash_nb.magics._following import Following
from lash_nb.trace import read_trace
from lash_nb.views import TraceExplorerView
from tests.magics.conftest import Shell
from tests.magics.kernel import Kernel
from tests.trace.lines import line, record

BEAT: Final = 0.01


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A trace of one record, as a host begins it."""
    path = tmp_path / "run.jsonl"
    path.write_bytes(line(record(0, "turn_started")))
    return path


@pytest.fixture
async def following() -> AsyncIterator[Following]:
    """What follows, quickly; nothing is followed after the test."""
    one = Following(beat=BEAT)
    yield one
    one.stop()
    await asyncio.sleep(0)


async def until(condition: Callable[[], object]) -> None:
    """Wait until something is so, a few seconds at most."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - a view tells nobody that it was drawn again
            await asyncio.sleep(BEAT)


async def test_a_view_shows_what_is_written_meanwhile(file: Path, following: Following) -> None:
    """New records come into the table; what was selected stays."""
    view = TraceExplorerView(read_trace(file), selection=0)
    following.start(view)
    with file.open("ab") as out:
        out.write(line(record(1, "turn_completed")) * 3)
    await until(lambda: len(view.rows) == 4)

    assert (view.selection, view.is_following) == (0, True)


async def test_a_closed_view_is_not_followed(file: Path, following: Following) -> None:
    """Closing the view ends it."""
    view = TraceExplorerView(read_trace(file))
    following.start(view)
    view.close()
    await until(lambda: not following.stop())


async def test_a_view_that_no_longer_follows_stays_as_it_is(file: Path, following: Following) -> None:
    """What `%lash explain trace --stop` prints is enough: the view is there, and nothing looks after it any more."""
    view, before = TraceExplorerView(read_trace(file)), len(asyncio.all_tasks())
    following.start(view)
    view.is_following = False
    await until(lambda: len(asyncio.all_tasks()) == before)

    assert view.comm is not None
    assert following.stop() == []


async def test_a_file_that_is_gone_is_said_in_the_view(file: Path, following: Following) -> None:
    """The view says that it no longer follows, and why."""
    view = TraceExplorerView(read_trace(file))
    following.start(view)
    file.unlink()  # noqa: ASYNC240 - as another process would
    await until(lambda: view.problem)

    assert "no such file" in view.problem
    assert not view.is_following
    assert following.stop() == []


@pytest.mark.parametrize("is_replaced", [True, False])
async def test_a_file_that_is_another_one_is_said_with_the_line_that_follows_it(
    file: Path, following: Following, *, is_replaced: bool
) -> None:
    """After rotation and after truncation the view says once what to type next."""
    view = TraceExplorerView(read_trace(file))
    following.start(view, again="%lash trace run.jsonl --follow")
    if is_replaced:
        file.rename(file.with_suffix(".1"))  # noqa: ASYNC240 - as another process would
    file.write_bytes(b"")  # noqa: ASYNC240 - as above
    await until(lambda: view.problem)

    what = "replaced" if is_replaced else "cut short"
    assert view.problem.endswith(
        f"was {what} since it was read. To follow what is there now: %lash trace run.jsonl --follow"
    )


async def test_stopping_names_what_was_followed(file: Path, following: Following) -> None:
    """Stopping ends all of it at once."""
    view = TraceExplorerView(read_trace(file))
    following.start(view)

    assert following.stop() == ["run.jsonl"]
    assert not view.is_following


def test_outside_of_a_notebook_nothing_is_followed(shell: Shell, file: Path) -> None:
    """A terminal has no idle kernel: the line says what to call instead."""
    assert "view.refresh()" in shell.refuse(f"%lash trace {file} --follow")
    assert "which trace?" in shell.refuse("%lash trace")


@pytest.mark.slow
def test_a_kernel_follows_while_it_is_idle(kernel: Kernel, file: Path) -> None:
    """Between two cells the view takes in what was written; `--stop` ends it."""
    kernel.run(f"%load_ext lash_nb\nimport asyncio\nview = %lash trace {file} --follow")
    with file.open("ab") as out:
        out.write(line(record(1, "turn_completed")))
    shown = kernel.run(
        "for attempt in range(100):\n    await asyncio.sleep(0.1)\n    if len(view.rows) == 2: break\nlen(view.rows)"
    ).outputs[-1]["data"]["text/plain"]
    stopped = kernel.run("%lash trace --stop").printed
    kernel.run("%unload_ext lash_nb")

    assert (shown, stopped) == ("2", "No longer followed: run.jsonl\n")
