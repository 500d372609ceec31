"""`lash-nb trace` as a whole process: light to start, whole or not at all, every error one line."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from lash_nb.cli import main
from tests.trace.lines import STATION, line, tool_end

PROGRAM: Final = (sys.executable, "-m", "lash_nb.cli")
HEAVY: Final = {
    "pandas",
    "matplotlib",
    "IPython",
    "ipywidgets",
    "anywidget",
    "traitlets",
    "pydantic",
    "httpx",
    "asyncio",
}


def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the program as a person does."""
    command = [*PROGRAM, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload,no-any-return]  # passed through


def test_a_report_is_written(tmp_path: Path) -> None:
    """`trace FILE -o report.html --title T` writes the page and says where and how large it is."""
    target = tmp_path / "report.html"

    done = run("trace", STATION, "-o", target, "--title", "The weather desk")

    page = target.read_text(encoding="utf-8")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{target}: {len(page.encode()) / 1000:.1f} kB\n"
    assert page.startswith("<!doctype html>")
    assert page.endswith("</body></html>\n")
    assert "<h1>The weather desk</h1>" in page


def test_a_report_can_be_piped() -> None:
    """`-o -` prints the page and nothing else."""
    done = run("trace", STATION, "-o", "-")

    assert done.stdout.startswith("<!doctype html>")
    assert done.stdout.endswith("</body></html>\n")


def test_several_files_are_one_trace(tmp_path: Path) -> None:
    """All files are named and read together."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl").write_bytes(line(tool_end(0, name, "success", name=f"tool_{name}")))

    done = run("trace", "a.jsonl", "b.jsonl", "-o", "out.html", cwd=tmp_path)

    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert done.returncode == 0
    assert all(word in page for word in ("a.jsonl (", "b.jsonl (", "tool_a", "tool_b"))


def test_neither_a_report_nor_a_summary_waits_for_what_draws(tmp_path: Path) -> None:
    """No pandas, matplotlib, IPython or widget library is loaded on the way, and no event loop."""
    program = (
        "import json, sys; from lash_nb.cli import main; main(sys.argv[1:4]); main([*sys.argv[1:3], '-o', sys.argv[4]]);"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    command = [sys.executable, "-c", program, "trace", str(STATION), "--summary", str(tmp_path / "report.html")]

    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1]

    assert HEAVY.isdisjoint(json.loads(loaded))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["none.jsonl", "-o", "out.html"], "'none.jsonl' cannot be read: there is no such file"),
        ([".", "-o", "out.html"], "it is a directory"),
        (["trace.jsonl", "-o", "no/folder/out.html"], "cannot be written: No such file or directory"),
        (["trace.jsonl", "-o", "."], "cannot be written: Is a directory"),
        (["trace.jsonl", "-o", "trace.jsonl"], "would overwrite the trace 'trace.jsonl'"),
        (["trace.jsonl", "-o", "/dev/full"], "cannot be written: No space left on device"),
        (["trace.jsonl", "-o", "out.html", "--turns", "5-3"], "takes places of turns as 41-60 or 7, not '5-3'"),
        (["trace.jsonl", "-o", "out.html", "--turns", "24"], "none at place 24"),
        (["trace.jsonl", "--title", "T"], "add -o report.html"),
        (["trace.jsonl", "--turns", "1-3"], "add -o report.html"),
        (["trace.jsonl", "--csv"], "name it, e.g. --table tool_calls"),
        (["trace.jsonl", "--table", "turns", "--columns", "status,no"], "no column 'no'; it has turn_index, status"),
        (["trace.jsonl", "--table", "nothing"], "there is no table 'nothing'; there are records, turns, llm_calls"),
    ],
    ids=str,
)
def test_an_error_is_one_line_and_changes_nothing(
    arguments: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1, one line that says what to do, and no file more or less."""
    (tmp_path / "trace.jsonl").write_bytes(STATION.read_bytes())
    monkeypatch.chdir(tmp_path)

    code = main(["trace", *arguments])

    printed = capfd.readouterr()
    assert (code, printed.out) == (1, "")
    assert printed.err.startswith("lash-nb: ")
    assert told in printed.err
    assert printed.err.count("\n") == 1
    assert [file.name for file in tmp_path.iterdir()] == ["trace.jsonl"]
    assert (tmp_path / "trace.jsonl").read_bytes() == STATION.read_bytes()


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in which the command is run."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("written", "seems"),
    [
        (b"Dear diary,\nnothing happened.\n", "none of 2 lines is a record, and it seems to be text"),
        (b'{\n  "a": 1\n}\n', "seems to be JSON of another kind"),
        (b"SQLite format 3\0rest", "seems to be a SQLite database"),
        (b"\x89PNG\r\n\x1a\n\0\0", "seems to be of a binary format"),
    ],
)
@pytest.mark.parametrize("shown", [["-o", "bad.html"], ["--summary"], []])
def test_what_is_no_trace_gets_no_report_and_no_numbers(
    written: bytes, seems: str, shown: list[str], workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A page of bad lines alone would look like a report: the error says what the file seems to be."""
    file, page = workplace / "a.txt", workplace / "bad.html"
    file.write_bytes(written)

    code = main(["trace", str(file), *shown])

    out, told = capsys.readouterr()
    assert (code, out) == (1, "")
    assert told.startswith("lash-nb: a.txt is no trace: ")
    assert seems in told
    assert told.count("\n") == 1
    assert not page.exists()


def test_a_missing_file_is_told_without_words_of_notebooks(capsys: pytest.CaptureFixture[str]) -> None:
    """A shell has no `%ls`."""
    assert main(["trace", "none.jsonl"]) == 1
    assert main(["trace", "none-*.jsonl"]) == 1

    assert "%" not in capsys.readouterr().err


@contextmanager
def powerless() -> Iterator[None]:
    """Root may read and write everything, so let it be somebody else for a while."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def test_what_is_not_permitted_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A trace that may not be read, and a folder that may not be written, are errors of one line."""
    monkeypatch.chdir(tmp_path)
    Path("trace.jsonl").write_bytes(STATION.read_bytes())
    tmp_path.chmod(0o555)
    with powerless():
        unwritable = main(["trace", "trace.jsonl", "-o", "out.html"])
    Path("trace.jsonl").chmod(0)
    with powerless():
        unreadable = main(["trace", "trace.jsonl"])
    tmp_path.chmod(0o700)

    folder, file = capsys.readouterr().err.splitlines()
    assert (unwritable, unreadable) == (1, 1)
    assert "'out.html' cannot be written: Permission denied" in folder
    assert "'trace.jsonl' cannot be read: reading it is not permitted" in file


def test_a_full_disk_leaves_the_older_report(tmp_path: Path) -> None:
    """When there is no room for the page, the one that was there stays, and no half of the new one."""
    target = tmp_path / "report.html"
    target.write_text("older")

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))

    done = run("trace", STATION, "-o", target, preexec_fn=little_room)

    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot be written: File too large" in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    assert target.read_text() == "older"


def test_a_full_disk_behind_a_redirection_is_told() -> None:
    """`lash-nb trace FILE > full` ends with one line, once."""
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run([*PROGRAM, "trace", STATION], stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    said = "lash-nb: the output cannot be written: No space left on device; free some room, or write it elsewhere\n"
    assert (done.returncode, done.stderr) == (1, said)


def test_the_summary_counts_by_model_and_by_tool(capsys: pytest.CaptureFixture[str]) -> None:
    """`--summary` aligns calls, ends, tokens and latencies in columns, one row a model or tool."""
    assert main(["trace", str(STATION), "--summary"]) == 0

    rows = {words[0]: words[1:] for words in map(str.split, capsys.readouterr().out.splitlines()) if words}
    assert rows["desk-model"][:2] == ["43", "0"]
    assert rows["desk-model"][2:6] == ["82.2k", "40.1k", "848", "25"]
    assert rows["station_reading"][:4] == ["17", "14", "2", "1"]
    assert rows["turns"] == ["22", "completed,", "1", "cancelled"]
    assert rows["bad"] == ["lines", "0"]


def test_unknown_records_are_counted_aloud(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Records of a type or version that nobody knows are told with type, version and the first line."""
    known = tool_end(0, "c", "success")
    path = tmp_path / "newer.jsonl"
    path.write_bytes(line(known) + line({**known, "type": "not_yet"}) * 2 + line({**known, "schema_version": 4_000}))

    assert main(["trace", str(path)]) == 0

    printed = capsys.readouterr().out
    assert "unknown      3 records, kept and shown raw" in printed
    assert "2 not_yet, schema version 2, the first in line 2" in printed
    assert "1 tool_call_completed, schema version 4000, the first in line 4" in printed
