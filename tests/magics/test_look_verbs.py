"""Look at what happened: as tables, views, pictures and plots."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from ipywidgets import Widget

from lash_nb.core import LashCore
from lash_nb.frames import TRACE_TABLES, llm_calls_df, tool_calls_df, turns_df
from lash_nb.magics._effects_table import entries_table
from lash_nb.trace import Trace, read_trace
from lash_nb.views import AttachmentsView, SessionGraphView, TraceExplorerView, TraceTimelineView, static_html
from tests.magics.conftest import Shell
from tests.stores.material import png
from tests.trace.lines import line, llm_end, llm_start, record

STATION = Path(__file__).parents[2] / "notebooks" / "data" / "station.trace.jsonl"
PICTURE = png(1, 1)


@pytest.fixture
def done(shell: Shell) -> Shell:
    """A session with one finished turn with a picture and a tool call."""
    Path("dot.png").write_bytes(PICTURE)
    shell.run("provider = provider_of(call('weather', {'city': 'Oslo'}), reply('Cold.'))")
    shell.run("session = %lash new demo")
    shell.run("%%lash --image dot.png -o turn\nWhat is the weather there?")
    return shell


def test_effects_are_a_table(done: Shell) -> None:
    """One row per envelope, the pending one too."""
    table = done.run("%lash effects")

    assert isinstance(table, pd.DataFrame)
    assert {"kind", "effect_id", "replay_key", "turn_index", "protocol_iteration", "duration_ms", "status"} <= set(
        table
    )
    assert len(done["session"].effects) == len(table)


def test_the_graph_has_four_faces(done: Shell) -> None:
    """Widget, table of nodes, plot, picture without a widget."""
    assert isinstance(done.run("%lash graph"), SessionGraphView)
    assert len(done["session"].graph.nodes) == len(done.run("%lash graph --table"))
    assert hasattr(done.run("%lash graph --plot"), "figure")
    assert done.run("%lash graph --svg")._repr_svg_().startswith("<svg")


def test_a_session_that_is_no_fork_asks_for_no_other_trace(done: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """All records of the core would be read a second time; the way of a fork begins with turns of another session."""
    asked: list[LashCore] = []
    read: Any = vars(LashCore)["trace"]

    def noting(core: LashCore) -> Trace | None:
        asked.append(core)
        found: Trace | None = read.fget(core)
        return found

    monkeypatch.setattr(LashCore, "trace", property(noting))
    done.run("%lash graph")
    alone = len(asked)
    done.run("%lash fork 1 --as fork")

    assert [bool(took) for took in done.run("%lash graph").columns["took"]] == [True]
    assert alone == 0 < len(asked)


def test_a_picture_makes_no_widget(done: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks as the widget's own picture and text; a long session would send as much again as both for a widget that nobody sees."""
    views = [done.run("%lash graph"), done.run("%lash timeline")]
    made: list[Widget] = []
    monkeypatch.setattr(Widget, "_widget_construction_callback", made.append)
    pictures = [done.run("%lash graph --svg"), done.run("%lash timeline --svg")]

    assert [(one._repr_svg_(), repr(one)) for one in pictures] == [(view.static_svg(), view.text()) for view in views]
    assert made == []


def test_the_timeline_is_that_of_the_session_or_of_a_file(done: Shell) -> None:
    """Without a file it shows what was looked at last: the session, or the trace that was opened after its last prompt."""
    assert done.run("%lash timeline").trace.name == "session demo"
    assert STATION.name == done.run(f"%lash timeline {STATION}").trace.name
    assert STATION.name == done.run("%lash timeline").trace.name

    done.run("%lash use demo")

    assert isinstance(done.run("%lash timeline"), TraceTimelineView)
    assert done.run("%lash timeline").trace.name == "session demo"
    assert hasattr(done.run("%lash timeline --plot"), "figure")
    assert done.run("%lash timeline --svg")._repr_svg_().startswith("<svg")


def test_whose_trace_is_drawn_is_said(done: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that was opened a while ago is told, with the line that shows the session instead; then the session is what was shown last."""
    done.run(f"%lash trace {STATION} --summary\n%lash new other\n%lash use demo\n%lash trace {STATION} --summary")
    capsys.readouterr()
    titles = [done.run("%lash plot latency").get_title("left")]
    told = f"{STATION.name}, which was opened last; of the session: %lash plot latency --session\n"
    assert told in capsys.readouterr().out
    titles += [done.run(f"%lash plot {rest}").get_title("left") for rest in ("latency --session", "latency")]
    assert titles == [f"Latency · {name}" for name in (STATION.name, "session demo", "session demo")]
    assert "which was opened last" not in capsys.readouterr().out

    done.run(f"%lash timeline {STATION}")
    assert done.run("%lash timeline --session other").trace.name == "session other"
    assert "leave one of them out: %lash timeline --session" in done.refuse(f"%lash timeline {STATION} --session")
    done.run("%lash explain plot latency --session\n%lash explain timeline --session other")
    assert "plots.latency(session.trace)" in (said := capsys.readouterr().out)
    assert "TraceTimelineView(sessions['other'].trace)" in said


def test_a_trace_is_opened(shell: Shell) -> None:
    """The value is the explorer of the trace, and each of its tables can be asked for."""
    view = shell.run(f"%lash trace {STATION}")

    assert isinstance(view, TraceExplorerView)
    assert 203 == len(view.trace) == len(shell.run(f"%lash trace {STATION} --table records"))
    for name, table in {"turns": turns_df, "llm_calls": llm_calls_df, "tool_calls": tool_calls_df}.items():
        shown = shell.run(f"%lash trace {STATION} --table {name}")
        assert isinstance(shown, pd.DataFrame)
        pd.testing.assert_frame_equal(table(read_trace(STATION)), shown, check_frame_type=False)


@pytest.mark.parametrize("name", TRACE_TABLES)
def test_every_table_of_a_trace_is_shown(shell: Shell, name: str) -> None:
    """Whatever stands in its cells, also where it has no row."""
    shown = shell.faces(shell.run(f"%lash trace {STATION} --table {name}"))

    assert f"{name} of {STATION.name}" in shown["text/html"]
    assert max(map(len, shown["text/plain"].splitlines())) <= 100


def test_a_table_of_a_trace_is_one_line_per_row(shell: Shell) -> None:
    """Times of day and units as everywhere; what there is no room for is named, none is hidden behind dots."""
    shown = shell.faces(shell.run(f"%lash trace {STATION} --table turns"))

    assert shown["text/plain"].startswith(f"turns of {STATION.name}  ")
    assert "columns not shown: " in shown["text/plain"]
    assert not re.search(r"\.\d{6}|\.\.\.", shown["text/plain"])
    assert max(map(len, shown["text/plain"].splitlines())) <= 100
    assert "<th" in shown["text/html"]
    assert " ... " not in shown["text/html"]


def test_several_files_and_patterns_are_one_trace(shell: Shell, capsys: Any) -> None:
    """As in the terminal; the Python says the same, and a summary is printed."""
    for number in range(3):
        Path(f"run-{number}.jsonl").write_bytes(line(record(number, "turn_started")))

    assert len(shell.run("%lash trace run-0.jsonl run-2.jsonl").trace) == 2
    assert shell.run("%lash trace run-*.jsonl --summary") is None
    assert "3 records" in capsys.readouterr().out
    shell.run("%lash explain trace run-0.jsonl run-2.jsonl --summary")
    assert "read_trace(['run-0.jsonl', 'run-2.jsonl'])\nprint(" in capsys.readouterr().out


def test_turns_of_a_report_are_chosen_in_a_cell(shell: Shell) -> None:
    """`--turns` goes with `--report`; without it the line says what to add."""
    shell.run(f"%lash trace {STATION} --report some.html --turns 2-3")

    assert Path("some.html").read_text(encoding="utf-8").count("turn id turn-") == 2
    assert "add --report report.html" in shell.refuse(f"%lash trace {STATION} --turns 2-3")
    assert "41-60 or 7" in shell.refuse(f"%lash trace {STATION} --report some.html --turns x")


def test_a_report_is_written_from_a_cell(shell: Shell, tmp_path: Path, capsys: Any) -> None:
    """The page is there, its size is told, and the trace is the one that the next line means."""
    assert shell.run(f"%lash trace {STATION} --report {tmp_path}/report.html") is None

    page = (tmp_path / "report.html").read_bytes()
    assert page.startswith(b"<!doctype html>")
    assert f"report.html, {len(page) / 1000:.1f} kB" in capsys.readouterr().out
    assert shell.run("%lash timeline").trace.name == STATION.name


def test_bad_lines_of_a_trace_are_told_and_the_rest_is_shown(shell: Shell) -> None:
    """With the number of the line and the reason, in every face."""
    lines = STATION.read_text(encoding="utf-8").splitlines()
    Path("broken.jsonl").write_text("\n".join([*lines[:3], "{no json", *lines[3:6]]) + '\n{"half": ', encoding="utf-8")

    view = shell.run("%lash trace broken.jsonl")
    trace = view.trace
    errors = shell.run("%lash trace broken.jsonl --table errors")
    shown = {"text/plain": repr(view), "text/html": static_html(view)}

    assert len(trace) == 6
    assert list(errors["line"]) == [4, 8]
    assert "! line 4: " in shown["text/plain"]
    assert all(str(error.line) in shown["text/html"] for error in trace.errors)


def test_attachments_are_listed_and_saved(done: Shell, capsys: Any) -> None:
    """A picture on a turn is listed by its content id, selected by the beginning of it, and written to a file."""
    view = done.run("%lash attachments")
    (row,) = done["session"].attachments

    assert isinstance(view, AttachmentsView)
    assert ("dot.png", 1, 1, len(PICTURE)) == (row.ref.label, row.ref.width, row.ref.height, row.ref.byte_len)
    assert row.ref.id in done.run(f"%lash attachments {row.ref.id[:8]}").selection

    done.run(f"%lash attachments {row.ref.id[:8]} --save copy.png")

    assert Path("copy.png").read_bytes() == PICTURE
    assert "copy.png" in capsys.readouterr().out
    assert "choose another path" in done.refuse(f"%lash attachments {row.ref.id[:8]} --save copy.png")


@pytest.mark.parametrize(
    "expression",
    ["turn", "session.effects", "session.effects[0]", "session.trace", "session.graph", "session.graph.nodes[-1]"],
)
def test_our_values_have_faces(done: Shell, expression: str) -> None:
    """Results, effects, traces and graphs are shown as HTML and as text of at most 100 columns."""
    value = done.run(expression)

    shown = done.faces(value)

    assert {"text/html", "text/plain"} <= set(shown)
    assert "<script" not in shown["text/html"]
    assert max(map(len, shown["text/plain"].splitlines())) <= 100


def test_effects_as_a_value_are_the_table_of_the_magic(done: Shell) -> None:
    """Line by line the same, whichever session is current, but for what to type for one in full; before the first turn, too."""
    same = done.faces(done.run("%lash effects"))["text/plain"].splitlines()[:-3]

    assert done.faces(done["session"].effects)["text/plain"].splitlines()[: len(same)] == same
    assert done.faces(done.run("%lash step Again?\nsession.stepper.entries"))["text/plain"].count("pending") == 1
    assert "Nothing happened yet" in done.faces(done.run("%lash new other").effects)["text/html"]


def test_a_reply_in_the_graph_is_markdown_as_in_the_views(shell: Shell) -> None:
    """Of what a model wrote; what a person typed stays as it was typed, and nothing of it is markup."""
    shell.run("provider = provider_of(reply('**4** in Oslo.\\n\\n- [x] looked <script>'))\nsession = %lash new demo")
    shell.run("%%lash\nHow **cold** is it?")
    asked, told = (shell.faces(node)["text/html"] for node in shell["session"].graph.nodes)

    assert "**cold**" in asked
    assert "<strong>4</strong> in Oslo." in told
    assert "as said" in told
    assert "<script" not in told
    assert "**4** in Oslo." in shell.faces(shell["session"].graph.nodes[-1])["text/plain"]


@pytest.mark.parametrize(
    ("expression", "lines"),
    [
        ("session.effects[1:3]", ["<EffectEntry 2: llm_call scripted-model, ok>", "<EffectEntry 3: tool_call weather, ok>"]),
        ("{'waits': session.effects[-1]}", ["<EffectEntry 7: checkpoint before_completion, ok>"]),
        ("session.graph.nodes", ["user What is the weather there?", "call weather(", "tool weather →", "assistant Cold."]),
        ("session.control.tools.listing()", ["<ToolDescription batch: Make several", "<ToolDescription weather: "]),
    ],
)  # fmt: skip
def test_our_values_in_a_list_are_one_line_each(done: Shell, expression: str, lines: list[str]) -> None:
    """What each of them is: in full it is shown alone."""
    text = done.faces(done.run(expression))["text/plain"]

    assert [said for said in lines if said not in text] == []
    assert len(text.splitlines()) <= len(done.run(expression))
    assert max(map(len, text.splitlines())) <= 110


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("session.stepper", "<Stepper of "),
        ("session.control", ".config, .tools, "),
        ("session.control.tools", "<ToolsControl: "),
        ("session.control.triggers", "<TriggersControl"),
        ("session.store", "gone with the kernel"),
        ("lash_nb.stores.SqliteSessionStore('some.db')", "<SqliteSessionStore "),
        ("session.turn('secret')", "await ….run()"),
    ],
)
def test_a_part_of_a_session_says_what_it_is(done: Shell, expression: str, said: str) -> None:
    """In one line, without its address or what was said."""
    text = done.faces(done.run(expression))["text/plain"]

    assert said in text
    assert "\n" not in text
    assert " at 0x" not in text
    assert "secret" not in text


def test_a_usage_report_is_a_table(done: Shell) -> None:
    """The rows of the magic, and its sums."""
    shown = done.faces(done.run("session.usage_report()"))

    rows = done.faces(done.run("%lash usage"))["text/plain"].splitlines()[1:-2]
    assert [row for row in rows if row not in shown["text/plain"]] == []
    assert "<table" in shown["text/html"]


def test_a_session_says_what_it_is(done: Shell) -> None:
    """In one line, with the next command."""
    shown = done.faces(done["session"])

    assert shown["text/plain"] == "Session demo · scripted-model by scripted · 1 turn · next: a prompt below %%lash"


def test_a_session_that_is_not_the_current_one_says_how_it_goes_on(done: Shell) -> None:
    """A prompt of a cell is for another one, or for none."""
    done.run("%lash new 'b c'")
    waits = done.faces(done["session"])["text/plain"]
    done.run("%lash park demo")
    parked = done.faces(done["session"])["text/plain"]
    done.run("%lash resume demo")
    left = done.faces(done["session"])["text/plain"]
    done.run("own = await lash_nb.LashCore.notebook(lash_nb.ScriptedProvider(['x'])).build().session('mine').open()")

    assert waits.endswith(" · next: %lash use demo")
    assert parked.endswith(" · parked; next: %lash resume demo")
    assert left.endswith(" · next: session = %lash use demo")
    assert done.faces(done["own"])["text/plain"].endswith(" · next: await session.turn('…')")


@pytest.mark.parametrize(
    "line",
    [
        "new demo --provider provider --tools weather --trace x.jsonl --system Hi",
        "use demo",
        "sessions",
        "result",
        "step",
        "step Hello",
        "envelope",
        "envelope 2",
        "continue --to tool_call",
        "inject '{\"a\": 1}'",
        "cancel",
        "graph",
        "graph --svg",
        "graph --table",
        "graph --plot",
        "effects",
        "effects --turn 1",
        "attachments",
        "attachments 12ab",
        "attachments 12ab --save x.png",
        "trace x.jsonl",
        "trace x.jsonl --table llm_calls",
        "trace x.jsonl --report x.html",
        "timeline",
        "timeline x.jsonl --plot",
        "%lash timeline --svg",
        "%%lash -o turn --image a.png",
        "%%lash --step",
        "%%lash --step --image a.png",
        "%%lash --schema City --image a.png",
        "help",
        "explain new demo",
    ],
)
def test_every_line_is_explained_as_python(done: Shell, line: str, capsys: Any) -> None:
    """What `%lash explain` prints is Python that compiles where a cell may await."""
    capsys.readouterr()

    assert done.run(f"%lash explain {line}") is None

    printed = capsys.readouterr().out
    compile(printed, "<explained>", "exec", flags=0x2000)  # ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    assert printed.strip()


def test_the_explained_python_does_the_same(done: Shell, capsys: Any) -> None:
    """What is printed for a session opens one that answers like it."""
    capsys.readouterr()
    done.run("provider = provider_of(call('weather', {'city': 'Oslo'}), reply('Cold.'))\n%lash explain new demo")
    done.run(capsys.readouterr().out)

    result = done.run("await session.turn('What is the weather there?').run()")

    assert done["turn"].reply == result.reply
    assert [call.tool for call in done["turn"].tool_calls] == [call.tool for call in result.tool_calls]


def test_a_table_is_shown_although_a_cell_does_not_fit(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """Damage in one record leaves one cell empty, and the first of them is told in one line."""
    start, end = llm_start(1, "x"), llm_end(2, "x", stream_summary={"first_visible_token_latency_ms": "soon"})
    Path("odd.jsonl").write_bytes(line(start) + b"no record\n" + line(end))

    table = shell.run("%lash trace odd.jsonl --table llm_calls")

    assert len(table) == 1
    assert capsys.readouterr().err.startswith(
        "1 cell left empty, the first: column 'first_visible_token_latency_ms', row 0:"
    )


def test_each_plot_of_a_trace_is_one_line(shell: Shell, capsys: Any) -> None:
    """The value is the axes of the plot; `explain` names the function, and the next line needs no file."""
    shell.run("prices = {'desk-model': __import__('lash_nb').frames.Price(input=3, output=15)}")
    titles = [shell.run(f"%lash plot latency {STATION}").get_title("left")]
    titles += [shell.run(f"%lash plot {name}").get_title("left") for name in ("tokens", "tool_outcomes", "cache_share")]
    titles += [shell.run("%lash plot cost --prices prices").get_title("left")]

    names = ["Latency", "Tokens by turn", "Tool outcomes", "Cache hits", "Cost by turn"]
    assert titles == [f"{name} · {STATION.name}" for name in names]
    capsys.readouterr()
    shell.run("%lash explain plot latency a.jsonl")
    assert capsys.readouterr().out.strip() == "lash_nb.plots.latency(lash_nb.read_trace('a.jsonl'))"


def test_the_explained_trace_is_the_one_that_is_shown(shell: Shell, capsys: Any) -> None:
    """Without a file a line means the one opened last, before any that of the session; what stops following closes nothing."""
    lines = ("timeline", "plot latency", "trace --stop")
    for opened in (False, True):
        if opened:
            shell.run(f"%lash trace {STATION}")
        capsys.readouterr()
        for one in lines:
            shell.run(f"%lash explain {one}")
        said = capsys.readouterr().out.splitlines()
        trace = f"lash_nb.read_trace({str(STATION)!r})" if opened else "session.trace"

        assert said[0] == f"lash_nb.views.TraceTimelineView({trace})"
        assert said[1] == f"lash_nb.plots.latency({trace})"
        assert said[2].startswith("view.is_following = False")


def test_a_cost_needs_prices(shell: Shell) -> None:
    """The error shows how a price table is written."""
    said = shell.refuse(f"%lash plot cost {STATION}")

    assert "cost by which prices? prices = {'some-model': lash_nb.frames.Price(input=3, output=15)}" in said


def test_the_graph_knows_the_turns_of_earlier_kernels(shell: Shell) -> None:
    """Where the session's trace file, or the trace that was opened last, tells of them; and then the same numbers, times and tokens as before."""
    shell.run("provider = provider_of(*map(reply, 'abcd'))\nsession = %lash new demo --store kept --trace run.jsonl")
    shell.run("%%lash\nFirst?")
    before = shell.run("%lash graph").columns
    shell.run("%unload_ext lash_nb\n%load_ext lash_nb")
    shell.run("session = %lash open demo --store kept --trace run.jsonl")
    shell.run("%%lash\nSecond?")
    after = shell.run("%lash graph").columns

    assert all(before["took"])
    assert [after[name][1] for name in ("number", "took", "tokens")] == [
        before[name][0] for name in ("number", "took", "tokens")
    ]
    shell.run("%unload_ext lash_nb\n%load_ext lash_nb")
    shell.run("session = %lash open demo --store kept")
    untold = shell.run("%lash graph")
    assert not any(untold.columns["took"])
    for face in (untold.note, untold.text(), untold.static_html()):
        assert "times and tokens of 2 turns are in no trace at hand: %lash trace FILE, then %lash graph" in face
    shell.run("%lash trace run.jsonl --summary")
    told = shell.run("%lash graph")
    assert all(told.columns["took"])
    assert told.note == ""
    assert "in no trace" not in told.text()


def test_numbers_of_branches_do_not_depend_on_a_trace(shell: Shell) -> None:
    """The live graph, its twin, the graph as a value and the report call a turn the same."""
    shell.run("provider = provider_of(*map(reply, 'abcd'))\nsession = %lash new demo")
    shell.run("%%lash\nFirst?")
    shell.run("%%lash\nSecond?")
    shell.run("node = session.graph.nodes[1].node_id\n%lash checkout {{node}}")
    shell.run("%%lash\nOr rather?")
    view = shell.run("%lash graph")

    assert view.columns["number"] == [3, 2, 1]
    assert SessionGraphView(shell["session"].graph).columns["number"] == [3, 2, 1]
    assert list(turns_df(shell["session"].trace)["turn_index"]) == [1, 2, 3]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("plot", "PLOT; say which: timeline, latency, tokens, cost, tool_outcomes, cache_share"),
        ("plot latncy", "did you mean latency?"),
        ("plot latency a.jsonl b.jsonl", "see %lash plot --help"),
        ("effects 12", "unrecognized arguments: 12; did you mean %lash envelope 12?"),
        ("effects --all", "see %lash effects --help"),
        ("usage --by modl", "did you mean model?"),
        ("usage model", "did you mean --by model?"),
    ],
)
def test_a_line_that_does_not_fit_says_what_was_meant(done: Shell, line: str, said: str) -> None:
    """A choice that is missing is listed, one that is nearly right is named, and so is the verb that takes the argument."""
    assert done.refuse(f"%lash {line}").endswith(said)


def test_failed_effects_are_marked(shell: Shell) -> None:
    """The page marks them as a card does; every kind says what it is about."""
    shell.run("@lash_nb.tool\ndef broken() -> str:\n    'Break.'\n    raise OSError('wet')")
    shell.run("provider = provider_of(call('broken'), reply('no'))\nsession = %lash new demo")
    shell.run("%%lash\nhello")
    table = shell.run("%lash effects")
    html = shell.faces(table)["text/html"]

    assert re.search(r"color-mix[^>]*>failed<", html)
    assert not re.search(r"color-mix[^>]*>ok<", html)
    assert set(table.query("kind == 'sync_execution_surface'")["what"]) == {"surface"}
    assert table["what"].notna().all()


def test_effects_are_one_line_each(done: Shell) -> None:
    """What a person reads is shown, the rest is named and stands in the value."""
    table = done.run("%lash effects")
    html = done.faces(table)["text/html"]

    assert "columns not shown: protocol_iteration, replay_key" in html
    assert str(table["replay_key"].iloc[0]) not in html
    assert len(done.faces(table)["text/plain"].splitlines()) == len(table) + 5


def test_effects_of_one_turn(shell: Shell) -> None:
    """By its number, as in the column; the Python does the same, and a turn that is not there is refused with those that are."""
    shell.run("provider = provider_of('a', 'b', 'c')\nsession = %lash new demo")
    shell.run("%%lash\nhello")
    alone = shell.refuse("%lash effects --turn 7")
    for _ in range(2):
        shell.run("%%lash\nhello")
    table = shell.run("%lash effects --turn 2")
    faces = shell.faces(table)

    assert set(table["turn_index"]) == {2}
    assert len(shell.run("%lash effects")) == 3 * len(table)
    assert list(table["order"]) == [4, 5, 6]
    assert "Effects of demo, turn 2" in faces["text/plain"]
    assert "one in full: %lash envelope 2:EFFECT" in faces["text/plain"]
    assert "no longer kept" not in faces["text/html"]
    assert "no effects of turn 7 of demo are kept here; there are those of turns 1 to 3" in shell.refuse(
        "%lash effects --turn 7"
    )
    assert "there are those of turn 1: %lash effects" in alone
    assert "invalid int value" in shell.refuse("%lash effects --turn last")


def test_effects_that_are_no_longer_kept_are_counted(shell: Shell) -> None:
    """A journal holds the last five thousand: the table of a longer session says how many it had before."""
    shell.run("provider = provider_of(reply('ok'))\nsession = %lash new demo\n_ = await session.turn('hi')")
    later = shell.run(
        "import msgspec\n[msgspec.structs.replace(one, order=one.order + 2_500) for one in session.effects]"
    )

    for entries, said in ((later, True), (shell["session"].effects, False)):
        for face in shell.faces(entries_table(entries, attachment_data=shell["session"].attachment_data)).values():
            assert ("2,500 earlier no longer kept" in face) == said


@pytest.mark.parametrize(
    "line",
    ["trace {} --table turns", "trace {} --summary", "trace {} --report page.html", "timeline {}", "plot tokens {}"],
)
def test_a_file_without_a_record_is_refused(shell: Shell, line: str) -> None:
    """Rows of nothing would say that nothing happened; its bad lines can be seen, and what was opened before is still meant."""
    Path("notes.txt").write_text("Oslo\nBergen\n")
    shell.run(f"%lash trace {STATION}")

    said = shell.refuse(f"%lash {line.format('notes.txt')}")

    assert "notes.txt is no trace: none of 2 lines is a record, and it seems to be text; line 1: not JSON" in said
    assert not Path("page.html").exists()
    assert shell.run("%lash timeline").trace.name == STATION.name
    assert len(shell.run("%lash trace notes.txt --table errors")) == 2
    assert "no line of it is a record" in shell.run("%lash trace notes.txt").text()
