"""Every shipped session store, for the contract that all of them keep."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from lash_nb.clock import Clock, ManualClock
from lash_nb.stores import InMemorySessionStore, SessionStore, SqliteSessionStore
from lash_nb.wire import DurabilityTier


class Kind(NamedTuple):
    """A kind of session store."""

    make: Callable[[Clock, Path], SessionStore]
    """Makes one; the same folder means the same session, where stores outlive the process."""
    tier: DurabilityTier
    """Whether they do."""


KINDS: dict[str, Kind] = {
    "memory": Kind(lambda clock, _: InMemorySessionStore(clock), "inline"),
    "sqlite": Kind(lambda clock, folder: SqliteSessionStore(folder / "session.db", clock=clock), "durable"),
}


@pytest.fixture
def clock() -> ManualClock:
    """A clock that the test moves."""
    return ManualClock(1_800_000_000_000_000_000)


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each shipped kind of store."""
    return KINDS[request.param]


@pytest.fixture
def store(kind: Kind, clock: ManualClock, tmp_path: Path) -> Iterator[SessionStore]:
    """An empty store."""
    made = kind.make(clock, tmp_path)
    yield made
    made.release()


@pytest.fixture(params=[name for name, kind in KINDS.items() if kind.tier == "durable"])
def opening(request: pytest.FixtureRequest, clock: ManualClock, tmp_path: Path) -> Iterator[Callable[[], SessionStore]]:
    """Opens the same session again and again, for each kind of store that outlives the process."""
    made: list[SessionStore] = []

    def again() -> SessionStore:
        made.append(KINDS[request.param].make(clock, tmp_path))
        return made[-1]

    yield again
    for one in made:
        one.release()
