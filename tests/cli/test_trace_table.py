"""`lash-nb trace FILE --table NAME`: the first rows in cells that fit, or all rows as CSV."""

import csv
import io
import json
from pathlib import Path

import pytest

from lash_nb import __version__
from lash_nb.cli import main
from tests.trace.lines import STATION, line, tool_end, tool_start


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[str]:
    """Return the lines that a command prints."""
    assert main(["trace", *map(str, arguments)]) == 0
    return capsys.readouterr().out.splitlines()


def test_the_first_rows_are_printed_and_the_others_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """Fifty unless another number is asked for; the last lines say how to see the rest."""
    lines = printed(capsys, STATION, "--table", "records")

    assert len(lines) == 53
    assert lines[-1] == "… and 153 more rows: --head N prints N rows, --csv all"
    assert len(printed(capsys, STATION, "--table", "records", "--head", 3)) == 6
    assert len(printed(capsys, STATION, "--table", "records", "--head", 203)) == 205


def test_a_long_cell_is_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One huge cell makes no column of padding; in CSV it is whole, as JSON."""
    trace, args = tmp_path / "a.jsonl", {"text": "x" * 100_000}
    trace.write_bytes(b"".join(map(line, [tool_start(0, "a", args=args), tool_end(1, "a", "success", args=args)])))

    shown = printed(capsys, trace, "--table", "tool_calls")
    (head, row) = csv.reader(io.StringIO("\n".join(printed(capsys, trace, "--table", "tool_calls", "--csv"))))

    assert max(map(len, shown)) < 1000
    assert json.loads(row[head.index("args")]) == args


def test_columns_are_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    """Those that are named, in that order, and no others."""
    lines = printed(capsys, STATION, "--table", "tool_calls", "--columns", "status,name", "--head", 1)
    rows = printed(capsys, STATION, "--table", "tool_calls", "--columns", "status,name", "--csv")

    assert lines[0].split() == ["status", "name"]
    assert rows[0] == "status,name"
    assert len(rows) == 2 + int(lines[-1].split()[2])


def test_a_file_without_a_record_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows of nothing would say that nothing happened; its bad lines can be read."""
    other = tmp_path / "other.jsonl"
    other.write_text('{"a":1}\n')

    for more in ([], ["--csv"]):
        assert main(["trace", str(other), "--table", "turns", *more]) == 1
        told = capsys.readouterr()
        assert told.out == ""
        assert "is no trace: none of 1 line is a record" in told.err

    assert len(printed(capsys, other, "--table", "errors", "--csv")) == 2


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """`lash-nb --version` prints it."""
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert (ended.value.code, capsys.readouterr().out) == (0, f"lash-nb {__version__}\n")
