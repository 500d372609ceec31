"""What is done by one thread at a time goes on for all others, whatever is thrown into that one."""

import io
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final

import msgspec
import pytest
from matplotlib.figure import Figure

from lash_nb.clock import ManualClock
from lash_nb.locks import exclusively, give_back
from lash_nb.plugins._drawing import drawn_png
from lash_nb.stores import AgentFrameSwitched, FileAttachmentStore, InMemoryLiveReplayStore, LiveReplaySubscription
from lash_nb.stores._sqlite_file import SqliteFile
from lash_nb.stores._sqlite_resting import Resting
from lash_nb.stores._sqlite_schema import ANY_SCHEMA
from lash_nb.trace._column import Codes
from lash_nb.trace._contexts import ContextTable
from lash_nb.trace._facts import CONTEXT_FACTS
from lash_nb.trace._spool import Spool, SpooledSource
from lash_nb.views._graph_turns import cut_turns
from lash_nb.wire import AttachmentCreateMeta, MediaType, SharedSequence

Work = Callable[[], object]


class ThrownError(BaseException):
    """What is thrown into a thread, as Ctrl-C is."""


def test_work_is_given_what_it_is_given_and_its_result_comes_back() -> None:
    """It holds the lock, and nobody does afterwards."""
    lock = threading.RLock()

    assert exclusively(lock, divmod, 17, 5) == (3, 2)
    assert is_free(lock)


def test_work_that_fails_gives_the_lock_back() -> None:
    """And so does an interrupt after which the lock is held once more than anything would give it back."""
    lock = threading.RLock()

    def take_and_fail() -> None:
        lock.acquire()
        raise ThrownError

    with pytest.raises(ThrownError):
        exclusively(lock, take_and_fail)
    assert is_free(lock)


def test_the_lock_of_another_thread_stays_its_own() -> None:
    """Only who holds it can give it back."""
    lock = threading.RLock()
    with lock:
        in_another_thread(lambda: give_back(lock))

        assert not is_free(lock)


def is_free(lock: threading.RLock) -> bool:
    """Whether another thread gets it."""
    return in_another_thread(lambda: lock.acquire(blocking=False))


def in_another_thread(work: Callable[[], object]) -> bool:
    """Whether another thread has done this before long, and what came of it was true."""
    done: list[object] = []
    other = threading.Thread(target=lambda: done.append(work()), daemon=True)
    other.start()
    other.join(20)
    return bool(done and done[0])


def _database(folder: Path) -> Work:
    file = SqliteFile(folder / "a.db", ANY_SCHEMA)

    def use() -> None:
        file.read_now(lambda connection: connection.execute("SELECT 1").fetchone())
        file.release()

    return use


def _resting(folder: Path) -> Work:
    resting, file = Resting(), SqliteFile(folder / "a.db", ANY_SCHEMA)

    def use() -> None:
        resting.lay_down(file)
        resting.wake(file)
        resting.close()

    return use


def _attachments(folder: Path) -> Work:
    store = FileAttachmentStore(folder)

    def use() -> None:
        kept = store.put(b"bytes", AttachmentCreateMeta(media_type=MediaType(type="png")))
        store.delete(kept.id, put_until_ms=0)

    return use


def _live_replay(_: Path) -> Work:
    store = InMemoryLiveReplayStore(clock=ManualClock())
    cursor = store.current_cursor("s", 1)
    subscription = store.subscribe_after_cursor(cursor)
    assert isinstance(subscription, LiveReplaySubscription)

    def use() -> None:
        store.append("s", 1, AgentFrameSwitched("f"))
        store.replay_after_cursor(cursor)
        subscription.close()
        store.trim_session("s")

    return use


def _unpacked(_: Path) -> Work:
    source = SpooledSource(io.BytesIO(b"{}"), Spool(), name="trace.gz")
    return lambda: list(source.pieces(0))


def _contexts(_: Path) -> Work:
    table = ContextTable({name: Codes() for name in CONTEXT_FACTS})

    def use() -> None:
        rows = table.encode([msgspec.Raw(b'{"session_id":"s"}')])
        table.take(table.unread())
        table.column("session_id")
        table.rare(rows)

    return use


def _written(_: Path) -> Work:
    items = SharedSequence([1, 2])
    return lambda: items.to_json(lambda some: [b"%d" % one for one in some])


def _turns(_: Path) -> Work:
    def use() -> None:
        with cut_turns(()):
            pass

    return use


PLACES: Final[dict[str, Callable[[Path], Work]]] = {
    "a database": _database,
    "databases that rest": _resting,
    "attachments in a folder": _attachments,
    "events to catch up with": _live_replay,
    "an unpacked trace": _unpacked,
    "contexts of a trace": _contexts,
    "the JSON of a list": _written,
    "turns of a graph": _turns,
    "drawings": lambda _: lambda: drawn_png(Figure(figsize=(0.1, 0.1))),
}


@pytest.mark.skipif(sys.version_info < (3, 14), reason="before, nothing came between a `with` and its body")
@pytest.mark.parametrize("place", PLACES)
def test_an_interrupt_of_who_takes_a_lock_holds_up_nobody_else(place: str, tmp_path: Path) -> None:
    """It comes when a lock is taken and before anything is there that would give it back; whichever of the locks it is."""
    use = PLACES[place](tmp_path)
    use()
    times = 0
    while True:
        thrower = Thrower(times)
        sys.setprofile(thrower)
        try:
            use()
        except ThrownError:
            times += 1
        else:
            break
        finally:
            sys.setprofile(None)
        assert in_another_thread(lambda: use() or True), thrower.place
    assert times > 0


class Thrower:
    """Raises an error where a lock of the library was taken, the so manieth time that one is."""

    def __init__(self, after: int) -> None:
        self.place = ""
        self._left = after

    def __call__(self, frame: FrameType, event: str, called: object) -> None:
        """Look at what the interpreter does."""
        is_ours = "lash_nb" in frame.f_code.co_filename
        if is_ours and event == "c_return" and "__enter__" in repr(called) and "lock" in repr(called).lower():
            self._left -= 1
            if self._left == -1:
                self.place = f"{frame.f_code.co_qualname}, line {frame.f_lineno}"
                raise ThrownError
