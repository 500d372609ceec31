"""Interrupts in the middle of a transaction: it is kept whole or not at all, and the file goes on."""

import dis
import sys
from pathlib import Path
from types import FrameType
from typing import Any, Final

import pytest

from lash_nb.stores import FullGraph, SqliteSessionStore
from tests.stores.conftest import Open
from tests.stores.material import append, commit, draft, node, rewrite

_SIGNALS_ARE_SEEN_AFTER: Final = {
    dis.opmap[name] for name in ("CALL", "CALL_FUNCTION_EX", "CALL_KW", "JUMP_BACKWARD", "RESUME") if name in dis.opmap
}
"""The instructions after which Python raises what a signal's handler raises."""

_WHERE: Final = ("_sqlite_file.py", "_sqlite_session.py", "locks.py")
_SHARES: Final = 4
"""Into how many tests the places are divided."""


class Interrupter:
    """Raises KeyboardInterrupt where a Ctrl-C could, in the modules of SQLite stores, once.

    Attributes:
        left: How many such places are passed before.
        hit: The place.
    """

    def __init__(self, after: int) -> None:
        self.left = after
        self.hit: str | None = None
        self._last: dict[FrameType, int] = {}

    def __call__(self, frame: FrameType, event: str, _: Any) -> Any:
        """Follow each instruction of these modules."""
        if Path(frame.f_code.co_filename).name not in _WHERE:
            return None
        frame.f_trace_opcodes = True
        if event == "return":
            self._last.pop(frame, None)
        elif event == "opcode":
            before, self._last[frame] = self._last.get(frame), frame.f_code.co_code[frame.f_lasti]
            if before in _SIGNALS_ARE_SEEN_AFTER:
                self._count(frame)
        return self

    def _count(self, frame: FrameType) -> None:
        self.left -= 1
        if self.left < 0:
            sys.settrace(None)
            self.hit = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
            raise KeyboardInterrupt


async def interrupted(store: SqliteSessionStore, after: int) -> str | None:
    """Hide a node and commit another one, interrupted after so many places; return where."""
    interrupter, before = Interrupter(after), sys.gettrace()
    try:
        sys.settrace(interrupter)
        await store.tombstone_nodes(["n0"])
        await store.commit_runtime_state(commit(append(node("torn"))))
    except KeyboardInterrupt:
        assert interrupter.hit
    finally:
        sys.settrace(before)
    return interrupter.hit


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("offset", range(_SHARES))
async def test_an_interrupt_leaves_a_file_that_goes_on(open_it: Open, offset: int) -> None:
    """No lock stays, so that others may write at once; the same store writes on, and its count of nodes is right."""
    for after in range(offset, 1000, _SHARES):
        store, other = open_it(), open_it(busy_timeout_s=0)
        await store.commit_runtime_state(commit(rewrite(node("n0"), node("n1"))))
        where = await interrupted(store, after)
        await other.enqueue_work(draft())
        await store.commit_runtime_state(commit(append(node("next"))))
        head, read = await store.load_head(), await store.load_session(FullGraph())
        assert head is not None
        assert read is not None
        assert head.graph_node_count == len(read.graph.nodes), where
        store.release()
        other.release()
        if where is None:
            return
    raise AssertionError("an interrupt was always in time")
