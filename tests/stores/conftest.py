"""A session in a file, for the tests of SQLite stores."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lash_nb.stores import SqliteSessionStore

Open = Callable[..., SqliteSessionStore]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the session is kept."""
    return tmp_path / "session.db"


@pytest.fixture
def open_it(path: Path) -> Iterator[Open]:
    """Opens the session, as often as asked, each time with a connection of its own."""
    made: list[SqliteSessionStore] = []

    def again(**options: Any) -> SqliteSessionStore:
        made.append(SqliteSessionStore(path, **options))
        return made[-1]

    yield again
    for store in made:
        store.release()
