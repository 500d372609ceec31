"""Files that rest are there at once for who comes back, and few of them are open."""

import sqlite3
from pathlib import Path

import pytest

from lash_nb import LashCore, ScriptedProvider, open_store, reply
from lash_nb.errors import LashError
from lash_nb.stores import FullGraph, SqliteSessionStore
from lash_nb.stores._sqlite_file import SqliteFile
from lash_nb.stores._sqlite_schema import ANY_SCHEMA
from tests.stores.material import append, commit, node

MOST = 16


def open_databases(folder: Path) -> set[str]:
    """Names of the databases below a folder that this process has open."""
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            target = Path(descriptor.readlink())
        except OSError:  # closed meanwhile
            continue
        if target.is_relative_to(folder) and target.suffix == ".db":
            found.add(target.name)
    return found


pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are counted in /proc")


async def resting(path: Path) -> SqliteSessionStore:
    """A store with one commit that rests."""
    store = SqliteSessionStore(path)
    await store.commit_runtime_state(commit(append(node("a"))))
    store.rest()
    return store


async def test_few_files_rest_at_once(tmp_path: Path) -> None:
    """The one that rests longest is closed for another; all of them go on when they are used."""
    stores = [await resting(tmp_path / f"{number:02}.db") for number in range(MOST + 4)]
    assert open_databases(tmp_path) == {f"{number:02}.db" for number in range(4, MOST + 4)}
    assert [(await store.load_session(FullGraph())) is not None for store in stores] == [True] * len(stores)
    for store in stores:
        store.release()
    assert open_databases(tmp_path) == set()


async def test_a_file_in_use_does_not_rest(tmp_path: Path) -> None:
    """It stays open however many others rest later, and is closed by its release."""
    used = await resting(tmp_path / "used.db")
    await used.load_head()
    others = [await resting(tmp_path / f"{number:02}.db") for number in range(MOST + 1)]
    assert "used.db" in open_databases(tmp_path)
    used.release()
    used.rest()
    assert "used.db" not in open_databases(tmp_path)
    for store in others:
        store.release()


async def test_parked_sessions_hold_few_files(tmp_path: Path) -> None:
    """They all go on; what is looked at from outside is what was parked."""
    core = (
        LashCore.standard().stored_in(tmp_path).provider(ScriptedProvider(lambda _: reply("Fine."))).model("m").build()
    )
    parked = []
    for number in range(MOST + 4):
        session = await core.session(f"s{number}").open()
        await session.turn("How are you?").run()
        parked.append(await session.park())

    assert len(open_databases(tmp_path)) == MOST
    assert {row.turns for row in open_store(tmp_path).sessions} == {1}
    again = [await core.resume(one) for one in parked]
    assert {session.turn_index for session in again} == {1}
    for session in again:
        await session.close()
    assert open_databases(tmp_path) == set()


async def test_a_session_whose_file_goes_away_while_it_rests_is_not_made_anew(tmp_path: Path) -> None:
    """A parked session that is deleted stays deleted."""
    core = LashCore.standard().stored_in(tmp_path).provider(ScriptedProvider([reply("Fine.")])).model("m").build()
    session = await core.session("gone").open()
    await session.turn("How are you?").run()
    parked = await session.park()
    await core.delete_session("gone")
    assert open_databases(tmp_path) == set()
    with pytest.raises(LashError, match=r"was deleted while it was open|is not there"):
        await core.resume(parked)
    assert open_databases(tmp_path) == set()


async def test_a_store_that_is_let_go_closes_its_database(tmp_path: Path) -> None:
    """Python 3.13 warns of every connection that only the garbage collector ends."""
    file = SqliteFile(tmp_path / "s.db", ANY_SCHEMA)  # no store gives its connection away
    connection = file.read_now(lambda connection: connection)
    del file
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")
