"""The report as a file: it takes the place of an older one whole or not at all, whoever else writes there."""

import errno
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lash_nb.errors import CallerError, TraceReadError
from lash_nb.trace import read_trace
from lash_nb.views import trace_report, write_trace_report
from tests.trace.lines import record, tool_end

RECORDS = [record(0, "turn_started"), tool_end(1, "c", "success"), record(2, "turn_completed")]


class Watching(list[dict[str, Any]]):
    """Records that note which files are in a folder whenever one of them is read."""

    def __init__(self, folder: Path) -> None:
        super().__init__(RECORDS)
        self.folder = folder
        self.seen: list[set[str]] = []

    def __getitem__(self, place: Any) -> Any:
        self.seen.append({file.name for file in self.folder.iterdir()})
        return super().__getitem__(place)


def halves(folder: Path) -> set[str]:
    """The names under which half-written reports stand while one is written to `report.html`."""
    records = Watching(folder)
    trace = read_trace(records)
    records.seen.clear()
    write_trace_report(folder / "report.html", trace)
    return {name for names in records.seen for name in names} - {"report.html"}


def test_each_half_written_report_has_a_name_of_its_own(tmp_path: Path) -> None:
    """Hidden, beside its place, and never the same: two that are written at a time do not meet, and no link waits at its name."""
    first, second = halves(tmp_path), halves(tmp_path)

    assert len(first) == len(second) == 1
    assert first != second
    assert all(name.startswith(".lash-nb-report-") and name.endswith(".part") for name in first | second)
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_an_older_report_stands_until_the_new_one_is_whole(tmp_path: Path) -> None:
    """Whoever reads meanwhile reads the older one."""
    target = tmp_path / "report.html"
    target.write_text("older")
    read: list[str] = []

    class Reading(Watching):
        def __getitem__(self, place: Any) -> Any:
            read.append(target.read_text())
            return super().__getitem__(place)

    write_trace_report(target, read_trace(Reading(tmp_path)))

    assert set(read) == {"older"}
    assert target.read_text().endswith("</body></html>\n")


def test_several_at_once_leave_one_whole_report(tmp_path: Path) -> None:
    """The last one that is ready stands there."""
    target, trace = tmp_path / "report.html", read_trace(RECORDS)
    writers = [threading.Thread(target=write_trace_report, args=(target, trace)) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    assert target.read_text() == "".join(trace_report(trace))


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_the_mode_of_an_older_report_is_kept(mode: int, tmp_path: Path) -> None:
    """Who may not read the older report may not read the new one, half-written or whole."""
    target = tmp_path / "report.html"
    target.touch()
    target.chmod(mode)
    modes: list[int] = []

    class Looking(Watching):
        def __getitem__(self, place: Any) -> Any:
            modes.extend(stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir())
            return super().__getitem__(place)

    write_trace_report(target, read_trace(Looking(tmp_path)))

    assert {*modes, stat.S_IMODE(target.stat().st_mode)} == {mode}


def test_a_link_stays_one(tmp_path: Path) -> None:
    """What it leads to is replaced."""
    (tmp_path / "runs").mkdir()
    (tmp_path / "latest.html").symlink_to(tmp_path / "runs" / "1.html")

    write_trace_report(tmp_path / "latest.html", read_trace(RECORDS))

    assert (tmp_path / "latest.html").is_symlink()
    assert (tmp_path / "runs" / "1.html").read_text().endswith("</body></html>\n")


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "Input/output error"), ValueError("of the records"), KeyboardInterrupt()]
)
def test_a_failure_leaves_nothing_behind(error: BaseException, tmp_path: Path) -> None:
    """Neither half a report nor a change of the older one; an error that is not of writing is not told as one."""
    target = tmp_path / "report.html"
    target.write_text("older")

    class Failing(Watching):
        def __getitem__(self, place: Any) -> Any:
            if self.seen is not fine:
                raise error
            return super().__getitem__(place)

    records = Failing(tmp_path)
    fine = records.seen
    trace = read_trace(records)
    records.seen = []

    with pytest.raises(CallerError if isinstance(error, OSError) else type(error)):
        write_trace_report(target, trace)
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    assert target.read_text() == "older"


def test_what_a_killed_process_left_is_neither_used_nor_touched(tmp_path: Path) -> None:
    """It may be another process's that still writes."""
    left = tmp_path / ".lash-nb-report-0011223344556677.part"
    left.write_text("half")

    write_trace_report(tmp_path / "report.html", read_trace(RECORDS))

    assert left.read_text() == "half"


@pytest.mark.parametrize("places", [range(-5, 2), range(3), range(5, 5), range(3, 1), range(1, 9, 2), range(9, 1, -1)])
def test_a_range_that_is_none_of_places_is_refused(places: range, tmp_path: Path) -> None:
    """Before anything is written."""
    with pytest.raises(CallerError, match="count from 1, one by one"):
        write_trace_report(tmp_path / "report.html", read_trace(RECORDS), turns=places)
    assert list(tmp_path.iterdir()) == []


def test_a_range_may_end_behind_the_last_turn() -> None:
    """However far."""
    assert "".join(trace_report(read_trace(RECORDS), turns=range(1, 10**30))).endswith("</body></html>\n")


def test_records_that_are_gone_are_told(tmp_path: Path) -> None:
    """A list that was cleared since has no report, and the error says why."""
    records = list(RECORDS)
    trace = read_trace(records)
    records.clear()

    with pytest.raises(TraceReadError, match="had 3 records when it was read and has 0 now"):
        write_trace_report(tmp_path / "report.html", trace)
    assert list(tmp_path.iterdir()) == []


def hostile_records() -> Iterator[Any]:
    """Yield what a list may hold that is no record."""
    ring: dict[str, Any] = record(0, "turn_started")
    ring["me"] = ring
    yield from (ring, {"x": "\ud800"}, '{"x": "\ud800"}', {"x": object()}, object(), None, os.environ)


def test_records_that_json_cannot_hold_are_bad_lines() -> None:
    """They are told in the report, and the others are there."""
    trace = read_trace([*RECORDS, *hostile_records(), RECORDS[0]])

    page = "".join(trace_report(trace))
    page.encode()

    assert (len(trace), trace.bad_lines) == (4, 7)
    assert "7 bad lines" in page
    assert "dict that JSON cannot hold: Encoding objects of type object is unsupported" in page
