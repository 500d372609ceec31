"""Files that are damaged, locked, full or something else, and outcomes that cannot be kept: a clear error, with the file and what to do."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lash_nb.effects import SqliteEffectHost
from lash_nb.errors import RuntimeEffectControllerError, StoreError
from lash_nb.wire import RuntimeEffectEnvelope, RuntimeEffectOutcome
from tests.effects.material import SCOPE, World, called, model_call, said, settle, tool_call


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is."""
    return tmp_path / "effects.db"


@pytest.fixture
def host(path: Path) -> Iterator[SqliteEffectHost]:
    """A host that gives up soon."""
    made = SqliteEffectHost(path, busy_timeout_s=0.05)
    yield made
    made.release()


async def perform(host: SqliteEffectHost, envelope: RuntimeEffectEnvelope, world: World | None = None) -> Any:
    """Perform an envelope in the scope of these tests."""
    return await host.scoped(SCOPE).execute_effect(envelope, world or World())


async def refusal(host: SqliteEffectHost, envelope: RuntimeEffectEnvelope, world: World | None = None) -> Any:
    """Perform an envelope that fails, and return the error, which names the file."""
    with pytest.raises(RuntimeEffectControllerError) as refused:
        await perform(host, envelope, world)
    assert host.path in refused.value.message
    return refused.value


def write(path: Path, text: str) -> None:
    """Put a text in place of the file."""
    path.write_text(text)


def content(path: Path) -> bytes:
    """What the file holds."""
    return path.read_bytes()


def delete(path: Path) -> None:
    """Delete the file and what lies beside it."""
    for name in ("", "-wal", "-shm"):
        path.with_name(path.name + name).unlink()


def change(path: Path, query: str, *values: object) -> None:
    """Write behind the host's back."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(query, values)


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ("PRAGMA user_version = 3", "says version 3"),
        ("CREATE TABLE t (x)", "says version 0"),
    ],
)
async def test_another_schema_is_left_alone(path: Path, host: SqliteEffectHost, made: str, told: str) -> None:
    """A database of another version, or of something else, is refused by its version, when it is opened and when it is used."""
    change(path, made)
    before, world = content(path), World()
    with pytest.raises(StoreError, match=told) as opened:
        SqliteEffectHost.open(path)
    error = await refusal(host, model_call(), world)

    assert opened.value.fields["path"] == str(path)
    assert error.code == "sqlite_effect_replay_store"
    assert "is no effect replay database of version 1" in error.message
    assert (world.asked, content(path)) == ([], before)


async def test_what_is_no_database_is_left_alone(path: Path, host: SqliteEffectHost) -> None:
    """A text stays a text."""
    write(path, "no database, but a text that is long enough for a header " * 20)
    before, world = content(path), World()
    with pytest.raises(StoreError, match="is no SQLite database; give another path"):
        SqliteEffectHost.open(path)

    assert "is no SQLite database" in (await refusal(host, model_call(), world)).message
    assert (world.asked, content(path)) == ([], before)


def test_a_folder_that_is_not_there_is_told_when_the_host_is_opened(tmp_path: Path) -> None:
    """Opening a host looks at its file."""
    with pytest.raises(StoreError, match=r"cannot be opened.*see whether its folder exists"):
        SqliteEffectHost.open(tmp_path / "nowhere" / "effects.db")


async def test_a_locked_file_is_told_before_anything_is_performed(path: Path, host: SqliteEffectHost) -> None:
    """Who cannot note that it begins does not begin; when the lock is gone everything works."""
    await perform(host, model_call())
    world = World()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        error = await refusal(host, tool_call(), world)
        other.execute("ROLLBACK")

    assert "is in use by another process; wait until that one is done" in error.message
    assert world.asked == []
    assert await perform(host, tool_call(), world) == called("c1", {})


async def test_a_disk_that_fills_up_in_the_middle_is_told(path: Path) -> None:
    """An outcome that could not be kept: the error says that the effect was performed, and the next run performs it again."""

    async def talk(_: RuntimeEffectEnvelope) -> RuntimeEffectOutcome:
        return said("word " * 100_000)

    host = SqliteEffectHost(path, max_bytes=100_000)
    error = await refusal(host, model_call(), World(talk))
    host.release()
    larger = SqliteEffectHost(path)
    try:
        assert await asyncio.wait_for(perform(larger, model_call(), World(talk)), timeout=20) == said("word " * 100_000)
    finally:
        larger.release()

    assert error.code == "sqlite_effect_replay_store"
    assert "was performed, and will be again" in error.message
    assert "make room on the disk" in error.message


async def test_a_file_that_is_deleted_while_an_effect_runs_is_told(path: Path, host: SqliteEffectHost) -> None:
    """The outcome goes nowhere in silence."""
    opened = asyncio.Event()

    async def wait(_: RuntimeEffectEnvelope) -> RuntimeEffectOutcome:
        await opened.wait()
        return said("late")

    running = asyncio.create_task(refusal(host, model_call(), World(wait)))
    await settle()
    delete(path)
    opened.set()

    assert "was deleted while it was open" in (await running).message


@pytest.mark.parametrize(
    ("change_of_row", "code", "told"),
    [
        ("status = 'sleeping'", "corrupt_row", "has the status 'sleeping'"),
        ("outcome_json = NULL", "corrupt_row", "has no outcome"),
        ("status = 'failed'", "corrupt_row", "has no error"),
        ("outcome_json = 'no json'", "decode", "has an outcome that cannot be read"),
        ('outcome_json = \'{"type":"sleep"}\'', "decode", "has an outcome of kind sleep"),
        ("outcome_json = 5", "decode", "has an outcome that cannot be read"),
        ("status = 'failed', error_json = '{}'", "decode", "has an error that cannot be read"),
        ("due_at_ms = 1", "corrupt_row", "says when a sleep ends"),
    ],
)
async def test_a_row_that_says_nothing_is_told(
    path: Path, host: SqliteEffectHost, change_of_row: str, code: str, told: str
) -> None:
    """The message names the row; once that is deleted, the effect is performed again."""
    await perform(host, model_call())
    change(path, f"UPDATE runtime_effect_replay SET {change_of_row}")  # noqa: S608 - the cases above
    world = World()
    error = await refusal(host, model_call(), world)
    assert (error.code, world.asked) == (f"sqlite_effect_replay_{code}", [])
    assert told in error.message
    assert "delete the row with scope_id 't1' and replay_key 'demo:t1:1:0:llm_call:1'" in error.message
    change(path, "DELETE FROM runtime_effect_replay")

    assert await perform(host, model_call(), world) == said("from scripted-model")


async def test_an_outcome_that_json_cannot_carry_is_told(host: SqliteEffectHost) -> None:
    """Half a letter cannot be kept; the row is free for who gives a whole one."""

    async def half(_: RuntimeEffectEnvelope) -> RuntimeEffectOutcome:
        return said("\ud800")

    with pytest.raises(RuntimeEffectControllerError) as refused:
        await perform(host, model_call(), World(half))

    assert refused.value.code == "sqlite_effect_replay_encode"
    assert "effect 1 (llm_call) of t1" in refused.value.message
    assert await perform(host, model_call()) == said("from scripted-model")
