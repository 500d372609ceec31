"""The report of a trace: one page with everything that matters first, bounded, whole without a network or a script."""

import re
import stat
import tarfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import pytest

from lash_nb.errors import CallerError
from lash_nb.frames import llm_calls_df, tool_calls_df
from lash_nb.trace import Trace, read_trace
from lash_nb.views import summary_text, trace_report, write_trace_report
from lash_nb.views._report_numbers import by_model, by_tool
from tests.trace.lines import DATA, STATION, line, llm_end, llm_start, record, tool_end, tool_start
from tests.views.injections import INJECTIONS
from tests.views.report_samples import QUESTION, hostile_trace, long_trace

VECTORS: Final = Path(__file__).parents[1] / "vectors"
ALONE: Final = {"meta", "!doctype"}
OURS: Final = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "h1",
        "h2",
        "p",
        "small",
        "b",
        "i",
        "u",
        "s",
        "a",
        "code",
        "pre",
    ),
    *("dl", "dt", "dd", "div", "span", "table", "thead", "tbody", "tr", "th", "td", "details", "summary"),
    *("svg", "path", "text", "title"),
}
ATTRIBUTES: Final = {
    *(
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
        "class",
        "id",
        "href",
        "style",
        "viewbox",
        "role",
        "aria-label",
    ),
    *("d", "x", "y", "text-anchor", "font-size"),
}


class Page(HTMLParser):
    """A page as a browser would take it: what is on it, and whatever the report cannot have written.

    Attributes:
        said: All text outside the style sheet.
        foreign: Tags, attributes, addresses and styles that are not ours, and tags that are not closed in order.
        anchors: Names of places.
        links: Names of places that are linked to.
    """

    def __init__(self, parts: str) -> None:
        super().__init__()
        self.said = ""
        self.foreign: list[str] = []
        self.anchors: set[str] = set()
        self.links: set[str] = set()
        self._open: list[str] = []
        self.feed(parts)
        self.close()
        self.foreign += self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Compare with what a report writes."""
        self.said += "\n" if tag in {"div", "p", "dd", "td", "details"} else ""
        self.foreign += [tag] * (tag not in OURS) + [f"{tag} {name}" for name, _ in attrs if name not in ATTRIBUTES]
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values["id"]} if "id" in values else set()
        self.links |= {values["href"].removeprefix("#")} if "href" in values else set()
        self.foreign += [
            value for name, value in values.items() if name == "href" and not re.fullmatch(r"#t\d+", value)
        ]
        self.foreign += [value for name, value in values.items() if name == "id" and not re.fullmatch(r"t\d+", value)]
        self.foreign += [
            value
            for name, value in values.items()
            if name == "style" and not re.fullmatch(r"left:[\d.]+%(;width:[\d.]+%)?", value)
        ]
        self.foreign += [
            value for name, value in values.items() if name == "class" and not re.fullmatch(r"[a-z_ ]+", value)
        ]
        if tag not in ALONE:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the element that was opened last."""
        if not self._open or self._open.pop() != tag:
            self.foreign.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        """Take what is read."""
        if "style" not in self._open:
            self.said += data


def page_of(trace: Trace, **wanted: object) -> Page:
    """The report of a trace, taken apart."""
    return Page("".join(trace_report(trace, **wanted)))  # type: ignore[arg-type]  # passed through


def test_the_report_of_a_small_trace_has_every_turn_and_every_failure() -> None:
    """All 23 turns of the weather desk are there with question, calls and answers; the two tool failures stand above and lead to their turns."""
    page = page_of(read_trace(STATION), files=[STATION])

    assert page.foreign == []
    assert page.anchors == {f"t{place}" for place in range(1, 24)}
    assert page.links == {"t5", "t8"}
    for words in (
        "How warm is it in Oslo?",
        "station_offline",
        "The station in Perth does not answer",
        "368.4 kB",
        "82.2k",
    ):
        assert words in page.said
    assert page.said.index("What is wrong") < page.said.index("station_offline") < page.said.index("Numbers")
    assert "left out" not in page.said


def test_a_tool_that_succeeds_is_no_failure() -> None:
    """A result that speaks of errors is a result: only the status of a call says that it failed."""
    result = {"error": "none", "status": "failure", "code": "fine"}
    page = page_of(read_trace(b"".join(map(line, [tool_start(0, "c"), tool_end(1, "c", "success", payload=result)]))))

    assert "✕" not in page.said.replace("✕ turns with a failure", "")
    assert "no failure, no bad line, no unknown record" in page.said


@pytest.mark.parametrize("path", sorted(DATA.glob("*.jsonl")), ids=lambda path: path.stem)
def test_real_traces_have_a_report(path: Path) -> None:
    """Traces of real runs, also one that ends in the middle of a turn, become pages whose elements all close."""
    trace = read_trace(path)
    page = page_of(trace)

    assert page.foreign == []
    assert len(page.anchors) == len(trace.turns)


@pytest.mark.slow
@pytest.mark.parametrize("packed", ["traces", "traces_later"])
def test_traces_of_every_release_have_a_report(packed: str) -> None:
    """Whatever release wrote a trace, its page has our elements only, a place for each turn, and a summary that fits a terminal."""
    with tarfile.open(VECTORS / f"{packed}.tar.gz") as files:
        members = [member for member in files if member.name.endswith(".jsonl")]
        traces = {member.name: read_trace(file.read()) for member in members if (file := files.extractfile(member))}
    pages = {name: page_of(trace) for name, trace in traces.items()}

    assert len(traces) > 50
    assert {name: page.foreign for name, page in pages.items() if page.foreign} == {}
    assert {name: len(page.anchors) for name, page in pages.items()} == {n: len(t.turns) for n, t in traces.items()}
    assert max(len(words) for trace in traces.values() for words in summary_text(trace).splitlines()) <= 100


def test_an_empty_trace_has_a_report() -> None:
    """A file to which nothing was written yet is a page that says so."""
    page = page_of(read_trace(b""))

    assert page.foreign == []
    assert "The trace has no turn." in page.said


def test_a_long_trace_is_cut_aloud() -> None:
    """A page keeps its size; both ends and a failure of every sort are there, and each gap says how many turns, how many failed, and how to see them."""
    trace = long_trace(3_000, filler="x" * 700)
    parts = "".join(trace_report(trace, files=["my trace.jsonl"], max_bytes=1_000_000))
    page = Page(parts)
    gaps = re.findall(
        r"([\d,]+) turns? left out here(?:, ([\d,]+) with a failure)?: --turns (\d+)(?:-(\d+))?", page.said
    )
    left = {place for *_, first, last in gaps for place in range(int(first), int(last or first) + 1)}

    assert 800_000 < len(parts.encode()) <= 1_000_000
    assert page.foreign == []
    assert {f"t{place}" for place in (1, 2, 20, 2981, 3000, 30, 40, 50)} <= page.anchors
    assert page.anchors.isdisjoint(f"t{place}" for place in left)
    assert len(page.anchors) + len(left) == 3_000
    assert sum(int(count.replace(",", "")) for count, *_ in gaps) == len(left)
    assert sum(int(failed.replace(",", "") or 0) for _, failed, *_ in gaps) == sum(place % 10 == 0 for place in left)
    assert f"{len(page.anchors):,} of 3,000 turns are on this page" in page.said
    assert "lash-nb trace 'my trace.jsonl' -o part.html --turns A-B" in page.said


def test_failures_come_before_quiet_turns() -> None:
    """Where there is room for a part of the trace only, its failures are on the page and most quiet turns are not."""
    page = page_of(long_trace(3_000, filler="x" * 1_200), max_bytes=1_000_000)

    assert {f"t{place}" for place in range(10, 3_001, 10)} <= page.anchors
    assert "t1501" not in page.anchors


def test_a_page_has_no_more_turns_than_a_person_reads() -> None:
    """Of 2,000 short turns all are on the page, of one more 800, however much room there is."""
    whole, digest = ("".join(trace_report(long_trace(turns))) for turns in (2_000, 2_001))

    assert (whole.count(' id="t'), digest.count(' id="t')) == (2_000, 800)
    assert "800 of 2,001 turns are on this page" in digest


def test_what_was_left_out_can_be_asked_for() -> None:
    """A report of some turns has these and no others, and the numbers of the whole trace."""
    page = page_of(long_trace(100), turns=range(41, 46))

    assert page.anchors == {f"t{place}" for place in range(41, 46)}
    assert QUESTION.format(43) in page.said
    assert QUESTION.format(46) not in page.said
    assert "100 model calls" in page.said


def test_turns_that_are_not_there_are_refused() -> None:
    """A place beyond the last turn is an error that says how many there are."""
    with pytest.raises(CallerError, match="23 turns, none at place 24"):
        trace_report(read_trace(STATION), turns=range(24, 30))


def test_a_page_of_no_size_is_refused() -> None:
    """A limit that not even the numbers fit into is an error."""
    with pytest.raises(CallerError, match="at least 1,000,000"):
        trace_report(read_trace(STATION), max_bytes=999_999)


def test_long_texts_are_cut_with_their_size_and_the_way_to_all_of_them() -> None:
    """Of a long question, answer, argument and result the beginning is shown; the rest is counted, and `trace[…]` gives it."""
    text = "w" * 40_000
    message = {"role": "user", "blocks": [{"kind": "text", "text": text}]}
    records = [
        {**llm_start(0, "c"), "request": {"model": "m", "messages": [message]}},
        llm_end(1, "c", response={"text": text, "duration_ms": 1}),
        tool_end(2, "t", "success", args={"a": text}, payload={"b": [text]}),
    ]
    trace = read_trace(b"".join(map(line, records)))
    parts = "".join(trace_report(trace))

    assert len(parts) < 30_000
    assert parts.count("of 40,000 characters; all: trace[0]") == 1
    assert parts.count("of 40,000 characters; all: trace[1]") == 1
    assert parts.count("characters; all: trace[2]") == 2


def test_a_record_too_long_to_decode_is_named() -> None:
    """A record of megabytes is not read for the page, which says so and where it is."""
    trace = read_trace(line(tool_end(0, "t", "success", payload="y" * 2_000_000)))
    page = page_of(trace)

    assert "a record too long for this page: trace[0]" in page.said


def test_many_calls_of_one_turn_are_cut_and_failures_stay() -> None:
    """Of 500 calls of a turn 60 are shown, the one that failed among them, and the others are counted."""
    ends = [tool_end(n * 0.01, f"c{n}", "failure" if n == 250 else "success", name=f"tool{n}") for n in range(500)]
    page = page_of(read_trace(b"".join(map(line, ends))))

    assert "440 more calls left out" in page.said
    assert "tool250(" in page.said
    assert "tool499(" in page.said
    assert "tool251(" not in page.said


def test_bad_lines_unknown_records_and_open_ends_are_counted_aloud() -> None:
    """What is no record, what nobody knows and what has no end stands on the page with line, reason and number."""
    data = (
        line(record(0, "turn_started"))
        + b"{not json\n"
        + line(record(1, "newer_than_this")) * 3
        + line(llm_start(2, "c"))
    )
    page = page_of(read_trace(data))

    assert "1 bad line skipped, the other 5 records are here" in page.said
    assert "{not json" in page.said
    assert re.search(r"(?s)3 records of a type or version .*newer_than_this\s+2\s+3\s+3", page.said)
    assert "1 turn, 1 model call without an end in the file" in page.said


def test_calls_without_an_end_in_a_cancelled_turn_say_so() -> None:
    """They are cancelled with their turn, and not without an end for ever."""
    calls = [record(0, "turn_started"), llm_start(1, "c"), tool_start(2, "t", name="dig")]
    end = record(3, "turn_completed", status="failed", done_reason="cancelled")
    trace = read_trace(b"".join(map(line, [*calls, end])))
    page = page_of(trace)

    assert page.said.count("cancelled with its turn") == 2
    assert "without an end" not in page.said
    assert "not finished" not in summary_text(trace)
    assert [words.split() for words in summary_text(trace).splitlines() if "dig" in words] == [
        ["dig", "1", "0", "0", "1"]
    ]


def test_code_is_shown_with_what_it_printed_and_why_it_failed() -> None:
    """A block of code that a model wrote stands among the calls of its turn; one that fails is told above, too."""

    def phase(at: float, name: str, **payload: object) -> dict[str, object]:
        return record(
            at, "protocol_step", plugin_id="runtime", payload={"diagnostic": {"phase": name, "payload": payload}}
        )

    records = [
        record(0, "turn_started"),
        phase(1, "exec_code_started", code="print(<6 * 7>)"),
        phase(2, "exec_code_completed", output="forty-two", error=None, duration_ms=3, tool_calls=[]),
        phase(3, "exec_code_started", code="1 / 0"),
        phase(4, "exec_code_completed", output="", error="division by zero", duration_ms=1, tool_calls=[]),
    ]
    page = page_of(read_trace(b"".join(map(line, records))))

    assert page.foreign == []
    assert page.said.index("print(<6 * 7>)") < page.said.index("forty-two") < page.said.index("1 / 0")
    assert page.said.index("division by zero") < page.said.index("Numbers")
    assert page.said.count("division by zero") == 2
    assert page.links == {"t1"}


def test_what_failed_says_why_in_whatever_shape() -> None:
    """A failure is a code with a message, a message alone, or nothing but a text; a call that was cancelled is no failure."""
    records = [
        record(0, "turn_started"),
        tool_end(1, "a", "failure", payload={"code": "no_route", "message": "all roads closed"}),
        tool_end(2, "b", "failure", payload="only words"),
        record(3, "llm_call_failed", context={"llm_call_id": "c"}, error={"message": "model gone", "retryable": False}),
        record(
            4,
            "llm_call_failed",
            context={"llm_call_id": "d"},
            error={"message": "stopped", "terminal_reason": "cancelled"},
        ),
        tool_end(5, "e", "cancelled", payload={"message": "not needed any more"}),
    ]
    page = page_of(read_trace(b"".join(map(line, records))))

    for words in ("no_route · all roads closed", "✕ only words", "✕ model gone", "⊘ cancelled not needed any more"):
        assert words in page.said
    assert "✕ stopped" not in page.said


def test_calls_outside_any_turn_are_shown() -> None:
    """Direct completions of a host belong to no turn and are on the page all the same."""
    ends = [
        record(
            0,
            "llm_call_failed",
            turn=None,
            context={"llm_call_id": "x"},
            error={"code": "gone", "message": "no such host"},
        )
    ]
    page = page_of(read_trace(b"".join(map(line, ends))))

    assert "1 call outside any turn" in page.said
    assert page.said.count("no such host") == 2


@pytest.mark.parametrize("evil", INJECTIONS)
def test_hostile_text_stays_text(evil: str) -> None:
    """Wherever a text stands, the page has only our elements, names and styles, and the terminal gets no orders."""
    trace = hostile_trace([evil, evil])

    assert page_of(trace, title=evil, files=[evil]).foreign == []
    assert [words for words in summary_text(trace).splitlines() if not words.isprintable()] == []


def test_the_page_asks_for_nothing() -> None:
    """No script, no address, no picture from elsewhere, and a policy that would refuse them."""
    parts = "".join(trace_report(long_trace(50)))

    assert not re.search(r"<script|javascript:|https?:|url\(|@import|\bon\w+=", parts)
    assert "default-src 'none'" in parts


def test_latencies_are_those_of_the_tables() -> None:
    """Percentiles by model and by tool are the same as pandas computes from the tables of calls."""
    trace = read_trace(STATION)
    models, tools = llm_calls_df(trace), tool_calls_df(trace)

    for found, table, key in ((by_model(trace), models, "model"), (by_tool(trace), tools, "name")):
        for one in found:
            durations = table[table[key] == one.name]["duration_ms"]
            assert one.calls == len(durations)
            for percent in (50, 95, 99):
                assert one.latency(percent) == pytest.approx(durations.quantile(percent / 100))


def test_the_summary_fits_a_terminal() -> None:
    """No line is longer than 100 columns, however many calls, models and tools of whatever name there are."""
    names = [f"{'long-name-' * 12}{number}" for number in range(30)]
    records = [tool_end(number * 0.1, f"c{number}", "cancelled", name=name) for number, name in enumerate(names)]
    records += [one for n, name in enumerate(names) for one in (llm_start(n * 0.1, name), llm_end(n * 0.1, name))]
    words = summary_text(read_trace(b"".join(map(line, records)) + b"bad\n" * 30, name="n" * 300))

    assert max(map(len, words.splitlines())) <= 100
    assert "… and 10 more tools" in words
    assert "and 10 more: --table errors" in words


def test_a_report_replaces_an_older_one_whole(tmp_path: Path) -> None:
    """The file has the size that is returned, the mode that it had, and nothing else is left in the folder."""
    target = tmp_path / "report.html"
    target.write_text("older")
    target.chmod(0o640)

    size = write_trace_report(target, read_trace(STATION), files=[STATION])

    assert target.stat().st_size == size > 10_000
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_a_link_to_a_report_stays_a_link(tmp_path: Path) -> None:
    """What is replaced is the file behind a link."""
    (tmp_path / "real.html").write_text("older")
    (tmp_path / "link.html").symlink_to("real.html")

    write_trace_report(tmp_path / "link.html", read_trace(STATION))

    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "real.html").read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize("named", ["trace.jsonl", "*.jsonl"])
def test_a_report_never_overwrites_its_trace(named: str, tmp_path: Path) -> None:
    """A file that the trace was read from, by name or by pattern, is refused and stays as it was."""
    source = tmp_path / "trace.jsonl"
    source.write_bytes(STATION.read_bytes())

    with pytest.raises(CallerError, match="would overwrite the trace"):
        write_trace_report(source, read_trace(source), files=[tmp_path / named])

    assert source.read_bytes() == STATION.read_bytes()


@pytest.mark.parametrize("place", ["folder", "no/such/folder.html", "a\0b.html"])
def test_a_place_that_cannot_be_written_is_told_in_one_line(place: str, tmp_path: Path) -> None:
    """A folder, a missing folder and a name that no file can have are errors of one line, and leave nothing behind."""
    (tmp_path / "folder").mkdir()

    with pytest.raises(CallerError, match="cannot be written") as caught:
        write_trace_report(f"{tmp_path}/{place}", read_trace(STATION))

    assert caught.value.code == "report_write"
    assert [file.name for file in tmp_path.iterdir()] == ["folder"]


def test_every_tool_call_is_in_a_column() -> None:
    """A receipt that does not say how its call ended, and a word that nobody knows, stand under `unknown`; nothing is left out of the sum."""
    receipt: dict[str, Any] = {"call_id": "r", "name": "t", "started_at_ms": 1, "terminal": "final"}
    records = [record(1, "tool_receipt", **receipt), tool_end(2, "a", "sideways"), tool_end(3, "b", "success")]
    trace = read_trace([*records, tool_start(4, "c")])
    (tool,) = by_tool(trace)
    heads, cells = (
        words.split() for words in summary_text(trace).splitlines() if words.split()[:1] in (["tool"], ["t"])
    )

    assert heads[1:6] == ["calls", "success", "failure", "open", "unknown"]
    assert cells[1:6] == ["4", "1", "0", "1", "2"]
    assert sum(tool.statuses.values()) == tool.calls == 4
    assert '<th class="n">unknown</th>' in "".join(trace_report(trace))


def test_the_ticks_of_a_short_report_are_not_rounded() -> None:
    """Half milliseconds say so: no two of them read alike."""
    page = "".join(trace_report(read_trace([tool_start(0, "a"), tool_end(0.003, "a", "success", duration_ms=3)])))

    assert re.findall(r">([^<>]+ ms)</text>", page) == [f"{half / 2:g} ms" for half in range(7)]
