"""The command line: what a person types and reads."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from lash_nb.cli import main
from tests.conftest import NOTEBOOKS, Demo
from tests.trace.lines import line, llm_end, llm_start, tool_end, tool_start

STATION: Final = NOTEBOOKS / "data" / "station.trace.jsonl"


def test_a_trace_is_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    """`trace FILE` counts what is in the file: records, turns, calls by their end, bad lines."""
    assert main(["trace", str(STATION)]) == 0

    printed = capsys.readouterr().out
    assert "station.trace.jsonl: 203 records, 1 session, 23 turns" in printed
    assert "bad lines    0" in printed


@pytest.mark.parametrize("table", ["records", "turns", "llm_calls", "tool_calls", "usage"])
def test_a_table_is_printed(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`trace FILE --table NAME` prints its first rows and columns, and names the other columns."""
    assert main(["trace", str(STATION), "--table", table]) == 0

    printed = capsys.readouterr().out
    assert len(printed.splitlines()) > 20
    assert "session_id" in printed
    assert len(printed.splitlines()[0].split()) == 7
    assert "columns: " in printed
    assert "choose with --columns a,b, --csv has all" in printed


def test_a_bad_line_is_told_with_its_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line that is not JSON is named with its number and reason, and the rest is counted."""
    lines = STATION.read_text(encoding="utf-8").splitlines(keepends=True)
    broken = tmp_path / "broken.jsonl"
    broken.write_text("".join([*lines[:2], "{not json\n", *lines[2:]]), encoding="utf-8")

    assert main(["trace", str(broken)]) == 0

    printed = capsys.readouterr().out
    assert "203 records" in printed
    assert "line 3: " in printed


@pytest.mark.parametrize("shown", [[], ["--table", "llm_calls"], ["--table", "tool_calls"]], ids=str)
def test_a_hostile_trace_gives_the_terminal_no_orders(
    shown: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names with escape sequences, and cells of the wrong type, are shown as far as they can be; nothing recolors or retitles the terminal."""
    evil = "\x1b]0;owned\x07\x1b[31m\u202egnp.exe\r\x9b2J"
    path = tmp_path / f"{evil.replace('/', '')}.jsonl"
    start, end = tool_start(1, evil, name=evil), tool_end(2, evil, evil, name=evil)
    path.write_bytes(b"".join(map(line, [start, end, llm_start(3, evil), llm_end(4, evil, stream_summary=[1])])))

    assert main(["trace", str(path), *shown]) == 0

    printed = capsys.readouterr()
    assert [one for one in (printed.out + printed.err).split("\n") if not one.isprintable()] == []


def test_very_many_bad_lines_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They are not told line by line."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(line(tool_start(1, "call")) + b"x\n" * 1000)

    assert main(["trace", str(path)]) == 0

    assert "and 980 more" in capsys.readouterr().out


def test_whoever_reads_may_stop() -> None:
    """`lash-nb trace … | head` ends without a word when `head` has seen enough."""
    command = [sys.executable, "-m", "lash_nb.cli", "trace", str(STATION), "--table", "records"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        said = process.stderr.read()

    assert (process.returncode, said) == (1, b"")


def test_a_missing_trace_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not there gives exit code 1 and one line with its name, no traceback."""
    assert main(["trace", str(tmp_path / "none.jsonl")]) == 1

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("lash-nb: ")
    assert "none.jsonl" in line


def test_a_demo_without_notebooks_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder without the tour gives exit code 1 and says which option to use."""
    assert main(["demo", "--notebooks", str(tmp_path)]) == 1

    assert "--notebooks DIR" in capsys.readouterr().err


@pytest.mark.slow
def test_the_demo_checks_itself(demo_run: Demo) -> None:
    """With no terminal the demo shows a turn, its effects and a trace, executes every notebook, and says where the results are."""
    assert demo_run.done.returncode == 0, demo_run.done.stdout + demo_run.done.stderr
    assert "Oslo is clear, at 4 °C." in demo_run.done.stdout
    assert "tool_call" in demo_run.done.stdout
    assert "203 records" in demo_run.done.stdout
    assert "The executed notebooks are in _executed/." in demo_run.done.stdout
    assert {file.name for file in demo_run.executed.iterdir()} == {file.name for file in NOTEBOOKS.glob("*.ipynb")}


def test_a_failing_notebook_fails_the_demo(tmp_path: Path) -> None:
    """A notebook with an error is named with the error, the others are executed all the same, nothing else is said, and the exit code is 1."""
    folder = tmp_path / "notebooks"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / STATION.name).write_bytes(STATION.read_bytes())
    write_notebook(folder / "01_first_turn.ipynb", "1 / 0")
    write_notebook(folder / "02_next.ipynb", "6 * 7")

    done = subprocess.run(
        [sys.executable, "-m", "lash_nb.cli", "demo", "--check", "--notebooks", str(folder)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "FAILED 01_first_turn.ipynb: ZeroDivisionError: division by zero" in done.stdout
    assert "ok     02_next.ipynb" in done.stdout
    assert done.stderr == ""
    assert "42" in (tmp_path / "_executed" / "02_next.ipynb").read_text(encoding="utf-8")


def write_notebook(path: Path, source: str) -> None:
    """Write a notebook of one code cell."""
    cell: dict[str, object] = {
        "id": "only",
        "cell_type": "code",
        "source": source,
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
    kernel = {"name": "python3", "display_name": "Python 3"}
    notebook = {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(notebook), encoding="utf-8")
