"""Looking into stored sessions: nothing is written, nothing is left behind, a broken file hides no other."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lash_nb import LashCore, ScriptedProvider, frames, open_store, reply
from lash_nb.core import LashSession
from lash_nb.errors import CallerError, StoreError
from lash_nb.stores import SqliteSessionStore, StoreFolder
from tests.stores.material import draft


async def opened(folder: Path, session_id: str = "demo", model: str = "m") -> LashSession:
    """A session that is kept in a folder."""
    builder = LashCore.standard().stored_in(folder).provider(ScriptedProvider([reply("Fine."), reply("Still fine.")]))
    return await builder.model(model).build().session(session_id).open()


async def closed(folder: Path, session_id: str = "demo") -> None:
    """A stored session of one turn that nobody has open."""
    session = await opened(folder, session_id)
    await session.turn("How are you?").run()
    await session.close()


def contents(folder: Path) -> dict[Path, bytes]:
    """Every file of a folder."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_a_folder_is_listed_and_read(tmp_path: Path) -> None:
    """Rows tell of each session; the session itself is read when it is asked for."""
    await closed(tmp_path, "one")
    await closed(tmp_path, "two/../three")
    reader = open_store(tmp_path)

    assert sorted(reader) == ["one", "two/../three"]
    assert [(row.turns, row.nodes, row.state, row.model) for row in reader.sessions] == [(1, 2, "committed", "m")] * 2
    stored = reader["one"]
    assert [message.role for message in stored.messages] == ["User", "Assistant"]
    assert stored.graph.leaf_node_id == stored.messages[-1].id
    assert (stored.orphans, stored.queue, len(stored.attachments), len(stored.frames)) == ((), (), 0, 1)
    assert stored.meta is not None
    assert stored.meta.session_id == "one"
    assert list(frames.sessions_df(reader)["session_id"]) == [row.session_id for row in reader.sessions]
    assert str(frames.sessions_df(reader)["last_use"].dtype) == "datetime64[ns, UTC]"
    [used] = frames.ledger_df(stored.usage).to_dict("records")
    assert (used["source"], used["model"], used["total_tokens"]) == ("turn", "m", stored.row.tokens)


async def test_nothing_is_left_beside_the_files(tmp_path: Path) -> None:
    """The folder is the same before and after, to the byte and to the name."""
    await closed(tmp_path)
    before = contents(tmp_path)

    assert len(open_store(tmp_path)["demo"].messages) == 2

    assert contents(tmp_path) == before


async def test_a_session_is_read_while_it_is_written(tmp_path: Path) -> None:
    """What is committed shows, though it lies in the journal beside the database."""
    session = await opened(tmp_path)
    await session.turn("How are you?").run()
    first = open_store(tmp_path)["demo"]
    await session.turn("And now?").run()

    assert len(open_store(tmp_path)["demo"].messages) == 4
    assert len(first.messages) in {2, 4}  # as it is when it is first asked
    assert len(first.messages) == len(first.graph.nodes)
    await session.close()


async def test_a_broken_file_is_an_error_beside_the_others(tmp_path: Path) -> None:
    """What cannot be read is named with its file; everything else is listed."""
    await closed(tmp_path)
    (tmp_path / "sessions" / "zero.db").write_bytes(b"")
    (tmp_path / "sessions" / "noise.db").write_bytes(os.urandom(9000))
    with closing(sqlite3.connect(tmp_path / "sessions" / "other.db")) as other, other:
        other.execute("CREATE TABLE things (id)")

    reader = open_store(tmp_path)

    assert list(reader) == ["demo"]
    assert sorted(Path(str(error.fields["path"])).name for error in reader.errors) == [
        "noise.db",
        "other.db",
        "zero.db",
    ]
    assert "3 unreadable" in repr(reader)


async def test_queued_work_of_tomorrow_hides_nothing_else(tmp_path: Path) -> None:
    """The session is read; only who asks for its queue is told."""
    session = await opened(tmp_path)
    await session.turn("How are you?").run()
    assert session.store is not None
    await session.store.enqueue_work(draft(session_id="demo"))
    await session.park()
    with closing(sqlite3.connect(open_store(tmp_path)["demo"].row.path)) as connection, connection:
        connection.execute("UPDATE queued_work_batches SET slot_policy = 'of_tomorrow'")

    stored = open_store(tmp_path)["demo"]

    assert len(stored.messages) == 2
    with pytest.raises(StoreError, match="of_tomorrow"):
        _ = stored.queue


async def test_a_session_that_is_asked_for_by_its_id_is_read_alone(tmp_path: Path) -> None:
    """However many others there are: each file is read when it is needed, and the listing then is of that moment."""
    for name in ("one", "two", "three"):
        await closed(tmp_path, name)
    reader = open_store(tmp_path)
    assert ("one" in reader, "nope" in reader, len(reader["one"].messages)) == (True, False, 2)
    [two] = (tmp_path / "sessions").glob("two-*.db")
    two.write_bytes(b"no database any more, but long enough to be taken for one" * 20)

    assert sorted(reader) == ["one", "three"]
    assert [error.fields["path"] for error in reader.errors] == [str(two)]
    assert ("two" in reader, "three" in reader) == (False, True)


async def test_each_file_is_looked_at_once(tmp_path: Path) -> None:
    """What a reader told of a session it goes on telling, whatever becomes of the file."""
    for name in ("one", "two"):
        await closed(tmp_path, name)
    reader = open_store(tmp_path)
    assert ("one" in reader, [row.session_id for row in reader.latest(1, beginning="two")]) == (True, ["two"])
    for file in (tmp_path / "sessions").glob("*.db"):
        file.write_bytes(b"no database any more, but long enough to be taken for one" * 20)

    assert sorted(row.session_id for row in (*reader.latest(2), reader["one"].row)) == ["one", "one", "two"]
    assert (sorted(reader), reader.errors) == (["one", "two"], ())


@pytest.mark.parametrize("name", ["old-{}", "{}.old", "old"])
async def test_a_session_is_found_by_its_id_whatever_a_person_calls_its_file(tmp_path: Path, name: str) -> None:
    """Another beginning, another ending, another name."""
    await closed(tmp_path)
    file = StoreFolder(tmp_path).sessions.path_of("demo")
    file.rename(file.with_stem(name.format(file.stem)))

    assert len(open_store(tmp_path)["demo"].messages) == 2


async def test_a_file_under_the_name_of_another_session_is_an_error(tmp_path: Path) -> None:
    """Whether sessions are listed or asked for by their ids; who gives the file itself gets what it holds."""
    await closed(tmp_path)
    sessions = StoreFolder(tmp_path).sessions
    file = shutil.copy(sessions.path_of("demo"), sessions.path_of("other"))

    asked, listed = open_store(tmp_path), open_store(tmp_path)
    assert list(listed) == ["demo"]
    for reader in (asked, listed):
        assert ("other" in reader, len(reader["demo"].messages)) == (False, 2)
        [error] = reader.errors
        assert "other-d9298a10d1b07358.db holds session demo, and is named like another one" in error.message
        assert f"rename it to {sessions.path_of('demo').name}" in error.message
    assert len(open_store(file)["demo"].messages) == 2


async def test_a_database_that_tells_no_id_is_found_by_its_name(tmp_path: Path) -> None:
    """Nobody has written to it yet: it is listed, and found as it is listed."""
    file = StoreFolder(tmp_path).sessions.path_of("demo")
    file.parent.mkdir()
    await SqliteSessionStore(file).load_session_meta()

    reader = open_store(tmp_path)

    assert (file.stem in reader, list(reader)) == (True, [file.stem])


async def test_the_sessions_that_were_written_last_are_found_without_the_others(tmp_path: Path) -> None:
    """By the beginning of their ids, too, whatever the ids are made of; of an id without letters the name says nothing."""
    names = ["red", "red_", "red/2", "_red", "blue", "???", "r" * 100]
    for age, name in enumerate(names):
        await closed(tmp_path, name)
        file = StoreFolder(tmp_path).sessions.path_of(name)
        os.utime(file, (age, age))
    reader = open_store(tmp_path)

    assert [row.session_id for row in reader.latest(2)] == ["r" * 100, "???"]
    assert [row.session_id for row in reader.latest(9, beginning="red")] == ["red/2", "red_", "red"]
    assert [row.session_id for row in reader.latest(9, beginning="red_")] == ["red_"]
    assert [row.session_id for row in reader.latest(9, beginning="_")] == ["_red"]
    assert [row.session_id for row in reader.latest(9, beginning="?")] == ["???"]
    assert [row.session_id for row in reader.latest(9, beginning="r" * 90)] == ["r" * 100]
    assert reader.latest(9, beginning="green") == ()
    assert [row.session_id for name in ("blu", "bleu", "rde/2") if (row := reader.nearest(name))] == [
        "blue",
        "blue",
        "red/2",
    ]
    assert reader.nearest("something else") is None


async def test_one_id_in_two_files_is_not_guessed(tmp_path: Path) -> None:
    """A copied database is listed twice and read by neither."""
    await closed(tmp_path)
    file = next((tmp_path / "sessions").glob("*.db"))
    shutil.copy(file, file.with_name("copy.db"))
    reader = open_store(tmp_path)

    assert (len(reader), len(reader.sessions)) == (1, 2)
    with pytest.raises(CallerError, match=r"more than one file \(.*copy\.db"):
        reader["demo"]
    assert len(open_store(file)["demo"].messages) == 2


@pytest.mark.parametrize("what", ["missing", "empty"])
def test_a_folder_without_sessions_says_what_to_give(tmp_path: Path, what: str) -> None:
    """The message names the path and what is expected."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(CallerError, match=f"{what}.*give a database"):
        open_store(tmp_path / what)


async def test_an_unknown_session_names_those_that_are_there(tmp_path: Path) -> None:
    """Ids in messages are legible."""
    await closed(tmp_path, "a\x1b[31mb")
    reader = open_store(tmp_path)
    with pytest.raises(CallerError, match="nope is not there; there are") as failed:
        reader["nope"]
    assert "\x1b" not in str(failed.value) + repr(reader)
