"""Where full outputs go, and when they go away."""

import os
import stat
import sys
import tempfile
from pathlib import Path

import pytest

from lash_nb.plugins import Spill

WEEK = 7 * 24 * 3600


def aged(path: Path, seconds: float) -> Path:
    """The file, made that much older."""
    facts = path.stat()
    os.utime(path, (facts.st_atime - seconds, facts.st_mtime - seconds))
    return path


def kept(spill: Spill, text: str, tool: str = "lines") -> Path:
    """A text that was written down."""
    path = spill.keep(tool, {}, text)
    assert path is not None
    return path


def test_a_text_is_written_down_whole(tmp_path: Path) -> None:
    """The name tells the tool; the same text of the same call has one file, another text another one."""
    spill = Spill(tmp_path)
    path = kept(spill, "é\n" * 3)

    assert path.read_text(encoding="utf-8") == "é\n" * 3
    assert path.name.startswith("lines-")
    assert kept(spill, "é\n" * 3) == path
    assert kept(spill, "e") != path
    assert [one.name for one in tmp_path.iterdir() if one.suffix == ".tmp"] == []


def test_a_text_of_several_pieces_is_whole(tmp_path: Path) -> None:
    """Longer texts are written piece by piece, and no character is cut in two."""
    text = "é" * 300_000 + "\n" + "x" * 300_000

    assert kept(Spill(tmp_path), text).read_text(encoding="utf-8") == text


@pytest.mark.parametrize("tool", ["../../etc/passwd", "a/b", "nul\0", "x" * 400, "ütf"])
def test_no_name_of_a_tool_leaves_the_folder(tmp_path: Path, tool: str) -> None:
    """Whatever is not a letter, a digit, - or _ becomes _."""
    assert kept(Spill(tmp_path / "in"), "text", tool).parent == tmp_path / "in"


def test_old_files_go_when_another_comes(tmp_path: Path) -> None:
    """A week after its last use; a file that is used again stays; what is not ours is not touched."""
    spill = Spill(tmp_path)
    old, used = aged(kept(spill, "old"), WEEK + 60), aged(kept(spill, "used"), WEEK + 60)
    other = tmp_path / "notes.txt"
    other.write_text("mine")
    aged(other, 10 * WEEK)

    kept(Spill(tmp_path), "used")

    assert (old.exists(), used.exists(), other.exists()) == (False, True, True)


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_a_link_is_neither_followed_nor_written_through(tmp_path: Path) -> None:
    """A name that somebody else turned into a link gets a file of its own; what the link points to stays."""
    spill, target = Spill(tmp_path / "in"), tmp_path / "target"
    path = kept(spill, "text")
    target.write_text("mine")
    path.unlink()
    path.symlink_to(target)

    assert kept(spill, "text").read_text() == "text"
    assert target.read_text() == "mine"
    assert not path.is_symlink()


@pytest.mark.skipif(sys.platform == "win32", reason="modes and owners are another matter there")
def test_nobody_else_may_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By default the folder is this user's own among the temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = kept(Spill(), "text")

    assert path.parent.name == "lash-tool-output"
    assert path.parent.parent.parent == tmp_path
    assert stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="as above")
def test_a_folder_that_is_a_link_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who made the folder first does not get the texts."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    own = Spill().folder.parent
    (tmp_path / "theirs").mkdir()
    own.symlink_to(tmp_path / "theirs")

    assert Spill().keep("lines", {}, "text") is None
    assert list((tmp_path / "theirs").iterdir()) == []


def test_where_nothing_can_be_written_there_is_no_file(tmp_path: Path) -> None:
    """The result is shown all the same."""
    (tmp_path / "file").write_text("in the way")

    assert Spill(tmp_path / "file").keep("lines", {}, "text") is None
