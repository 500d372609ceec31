"""Interrupts in the middle of a transaction: it is kept whole or not at all, and the file goes on."""

import sys
from typing import Final

import pytest

from lash_nb.stores import FullGraph, SqliteSessionStore
from tests.interrupts import Interrupter
from tests.stores.conftest import Open
from tests.stores.material import append, commit, draft, node, rewrite

_WHERE: Final = frozenset(("_sqlite_file.py", "_sqlite_session.py", "locks.py"))
_SHARES: Final = 4
"""Into how many tests the places are divided."""


async def interrupted(store: SqliteSessionStore, after: int) -> str | None:
    """Hide a node and commit another one, interrupted after so many places; return where."""
    interrupter, before = Interrupter(after, _WHERE), sys.gettrace()
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
