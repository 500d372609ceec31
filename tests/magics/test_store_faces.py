"""How what a folder keeps looks as the value of a cell."""

import asyncio
import shutil
from pathlib import Path
from typing import Any, Final

import pytest

from lash_nb import open_store
from lash_nb.stores import FileAttachmentStore, InMemoryAttachmentStore, collect_attachments
from lash_nb.wire import AttachmentCreateMeta, MediaType, SessionNodeRecord, from_builtins
from tests.magics.conftest import Shell

HOUR_MS: Final = 3_600_000
HOSTILE: Final = "<img src=x onerror=alert(1)>\x1b[31m\u202e"
ANSWERS: Final = "provider = ScriptedProvider(lambda request: reply('<script>alert(1)</script>'))\n"


@pytest.fixture
def kept(shell: Shell) -> Shell:
    """A shell with a session of one turn in the folder `kept`."""
    shell.run(f"{ANSWERS}%lash new demo --store kept --model '<b>m</b>'")
    shell.run("%%lash\n<img src=x onerror=alert(1)>")
    return shell


def both(shell: Shell, value: Any) -> tuple[str, str]:
    """HTML and text of a value, after the laws of all faces."""
    shown = shell.faces(value)
    html, text = shown["text/html"], shown["text/plain"]
    for markup in ("<script", "<b>m", "onerror=alert(1)>", "\x1b", "\u202e"):
        assert markup not in html
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 100
    assert len(text.splitlines()) <= 40
    return html, text


def test_a_folder_is_a_table_of_its_sessions(kept: Shell) -> None:
    """With what cannot be read, and the next line to type."""
    Path("kept/sessions/broken.db").write_bytes(b"no database at all, for sure")

    html, text = both(kept, open_store("kept"))

    for shown in (html, text):
        assert "Store kept" in shown
        assert "demo" in shown
        assert "broken.db is no SQLite database" in shown
    assert "&lt;b&gt;m&lt;/b&gt;" in html
    assert text.endswith("next: …['demo']")


def test_a_folder_of_many_sessions_is_cut_aloud(kept: Shell) -> None:
    """The first ones are shown, and the call that gives all."""
    Path("many").mkdir()
    (database,) = Path("kept/sessions").glob("*.db")
    kept.run("%lash park")
    for number in range(60):
        shutil.copyfile(database, f"many/{number}.db")

    html, text = both(kept, open_store("many"))

    assert "10 more: lash_nb.frames.sessions_df" in html
    assert "30 more: lash_nb.frames.sessions_df" in text


def test_a_stored_session_tells_what_there_is_of_it(kept: Shell) -> None:
    """Its facts and its graph; a file that is damaged since is told, not thrown."""
    session = open_store("kept")["demo"]
    html, text = both(kept, session)
    for shown in (html, text):
        assert "Stored session demo" in shown
        assert "1 turn · 2 nodes" in shown
        assert "root:frame:initial (active)" in shown
    late = open_store("kept")["demo"]
    kept.run("%lash park")
    late.row.path.write_bytes(b"no database" * 1_000)

    html, text = both(kept, late)
    assert "is no SQLite database" in html
    assert "is no SQLite database" in text


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "onerror=alert(1)"), (1, "alert(1)")],
)
def test_a_node_says_all_of_it(kept: Shell, number: int, said: str) -> None:
    """Where it hangs and what it says, not as the record's constructor."""
    node = kept.run("%lash graph --table")["graph_node_id"][number]
    html, text = both(kept, kept.run(f"%lash node {node}"))

    assert node in html
    assert said in text
    assert "SessionNodeRecord(" not in text
    assert text.endswith(f"next: %lash checkout {node}")


def test_a_long_plugin_node_is_cut_aloud(shell: Shell) -> None:
    """Its body is set as JSON."""
    made = {"node_id": HOSTILE, "timestamp": "2026-11-21T15:07:45Z", "kind": "plugin", "plugin_type": HOSTILE}
    node: SessionNodeRecord = from_builtins({**made, "body": {"said": "x" * 20_000}}, SessionNodeRecord)

    html, text = both(shell, node)

    assert "more characters" in html
    assert "plugin" in text


def test_a_check_is_a_table_of_what_is_wrong(kept: Shell) -> None:
    """What is lost stands out; that nothing is wrong is said."""
    html, text = both(kept, kept.run("%lash attachments --check"))
    assert "nothing is lost or broken" in html
    assert "nothing is lost or broken" in text
    put = FileAttachmentStore("kept/attachments")
    reference = put.put(b"one", AttachmentCreateMeta(media_type=MediaType(type="png"), label=HOSTILE))
    next(path for path in Path("kept/attachments").rglob(reference.id)).write_bytes(b"two")

    html, text = both(kept, kept.run("%lash attachments --check"))

    assert "1 lost or broken" in html
    assert "mismatch" in text


def test_a_collection_says_what_it_would_delete(shell: Shell) -> None:
    """And how to make it do so."""
    store = InMemoryAttachmentStore()
    store.put(b"one", AttachmentCreateMeta(media_type=MediaType(type="png")))

    html, text = both(shell, asyncio.run(collect_attachments(store, [], grace_ms=-HOUR_MS)))

    for shown in (html, text):
        assert "would delete 1 attachment, 3 B" in shown
        assert "to delete them: dry_run=False" in shown
    _, text = both(shell, asyncio.run(collect_attachments(store, [], grace_ms=-HOUR_MS, dry_run=False)))
    assert "deleted 1 attachment" in text


def test_attachments_of_a_stored_session_are_listed(kept: Shell) -> None:
    """As those of a live one."""
    _, text = both(kept, open_store("kept")["demo"].attachments)

    assert text.startswith("Attachments")
