"""A file that two processes index, one from each end."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import enumerate as threads
from typing import Any, Final

import pytest

from lash_nb.spare import spare
from lash_nb.trace import TEXT_COLUMNS, TraceIndex, read_trace
from lash_nb.trace._ahead import Indexed, read_ahead
from lash_nb.trace._scan import Piece, read_from
from tests.trace.lines import STATION

BLOCK: Final = 1 << 16
LINES: Final = STATION.read_bytes().splitlines(keepends=True) * 4


@contextmanager
def pieces_of(path: Path) -> Iterator[Iterator[Piece | Indexed]]:
    """The pieces of a file in small blocks, asked for when the other process has indexed all that it can."""
    with path.open("rb", buffering=0) as file:
        pieces = read_ahead(path, file, read_from(file), 0, block=BLOCK)
        yield pieces


def wait_for_the_other() -> None:
    """Wait until the other process has told all."""
    end = time.monotonic() + 60
    while any(thread.name == "lash_nb-read-ahead" for thread in threads()):
        assert time.monotonic() < end
        time.sleep(0.01)


def children() -> set[str]:
    """Return the processes that this one has started and not yet left behind."""
    return {one for tasks in Path("/proc/self/task").glob("*/children") for one in tasks.read_text("ascii").split()}


def columns(index: TraceIndex) -> dict[str, Any]:
    """Return what an index holds."""
    numbers = ("offset", "length", "line", "time_ns", "turn_index", "protocol_iteration", "without_zone")
    return {
        **{name: list(index.text(name)) for name in TEXT_COLUMNS},
        **{name: getattr(index, name).tolist() for name in numbers},
        "duration_ms": list(map(repr, index.duration_ms.tolist())),
        "usage": index.usages(range(len(index))),
    }


@pytest.mark.parametrize("bad", [None, 3, 700], ids=["good", "bad at the beginning", "bad in the middle"])
def test_two_processes_tell_what_one_does(tmp_path: Path, bad: int | None) -> None:
    """Blocks of the other process are those of this one; one with a bad line comes as it is, and so do the first and the last."""
    lines = [b"{bad\n" if number == bad else line for number, line in enumerate(LINES)]
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(lines))
    whole, index, first_line, taken, missed = read_trace(path), TraceIndex(), 1, 0, list[int]()

    with pieces_of(path) as pieces:
        for piece in pieces:
            if isinstance(piece, Indexed):
                index.take(piece.records, first_line)
                first_line += piece.lines
                taken += 1
            else:
                first_line += index.add(piece.data, piece.offset, first_line, lambda count, _: missed.append(count))
                wait_for_the_other()
        index.settle()

    assert columns(index) == columns(whole.index)
    assert sum(missed) == whole.bad_lines
    blocks = path.stat().st_size // BLOCK - 2
    assert blocks - 2 <= taken <= blocks


def test_a_process_that_waits_for_work_gets_it(tmp_path: Path) -> None:
    """It is the only one, and is gone with the pieces."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(LINES))
    before = children()

    with spare("lash_nb.trace._ahead"):
        waiting = children() - before
        with pieces_of(path) as pieces:
            first = next(pieces)
            during = children() - before
            wait_for_the_other()
            taken = [piece for piece in pieces if isinstance(piece, Indexed)]

        assert children() == before

    assert isinstance(first, Piece)
    assert len(waiting) == 1
    assert during == waiting
    assert taken


def test_a_process_for_which_there_is_no_work_is_not_left() -> None:
    """As when the trace is not there."""
    before = children()

    with spare("lash_nb.trace._ahead"):
        assert len(children() - before) == 1

    assert children() == before


def test_no_process_is_left_when_reading_ends_early(tmp_path: Path) -> None:
    """As when somebody interrupts it, or the trace cannot be read on."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(LINES))
    before = children()

    with pieces_of(path) as pieces:
        next(pieces)
        during = children() - before
        del pieces

    assert len(during) == 1
    assert children() == before


@pytest.mark.parametrize("program", [None, "/usr/bin/true"], ids=["no interpreter", "one that ends at once"])
def test_a_file_is_read_without_the_other_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str | None
) -> None:
    """Whatever keeps it from beginning: all pieces are read here."""
    path, interpreter = tmp_path / "a.jsonl", tmp_path / "python3"
    path.write_bytes(b"".join(LINES))
    if program:
        interpreter.symlink_to(program)
    monkeypatch.setattr(sys, "executable", str(interpreter))

    with pieces_of(path) as pieces:
        read = b"".join(bytes(piece.data) for piece in pieces if isinstance(piece, Piece))

    assert read == path.read_bytes()


@pytest.mark.parametrize("entry", [Path("/nowhere"), b"/nowhere"], ids=["a path", "bytes"])
def test_what_is_no_text_among_the_places_of_modules_is_passed_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: object
) -> None:
    """As an import does it: notebooks put paths there."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(LINES))
    monkeypatch.setattr(sys, "path", [entry, *sys.path])

    with pieces_of(path) as pieces:
        next(pieces)
        wait_for_the_other()
        assert any(isinstance(piece, Indexed) for piece in pieces)


def test_who_else_writes_to_the_output_of_the_other_process_is_not_listened_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a `sitecustomize` does that prints a greeting: all is read here, and no thread fails for it."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(LINES))
    (tmp_path / "sitecustomize.py").write_text("print('Welcome to this machine, and good luck with it!')")
    monkeypatch.syspath_prepend(tmp_path)
    failed: list[object] = []
    monkeypatch.setattr("threading.excepthook", failed.append)

    with pieces_of(path) as pieces:
        first = next(pieces)
        wait_for_the_other()
        read = b"".join(bytes(piece.data) for piece in [first, *pieces] if isinstance(piece, Piece))

    assert (read, failed) == (path.read_bytes(), [])


def test_a_program_that_starts_the_other_process_leaves_nothing_to_wait_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it is ended, what it started ends with it, however long that would have gone on."""
    path, program, began, lived = (tmp_path / name for name in ("a.jsonl", "python3", "began", "lived"))
    path.write_bytes(b"".join(LINES))
    program.write_text(f"#!/bin/sh\n(echo > {began}; sleep 20; echo > {lived})\nexit\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))

    with pieces_of(path) as pieces:
        next(pieces)
        while not began.exists():
            time.sleep(0.001)
        for _ in pieces:
            pass

    assert not lived.exists()
