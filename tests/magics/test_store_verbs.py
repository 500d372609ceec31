"""Sessions that a folder keeps: begun, gone on with, parked, forked, deleted, from the cell."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lash_nb import LashSession, ScriptedProvider
from lash_nb.views import static_html
from tests.magics.conftest import Shell
from tests.magics.test_completion import offered

ANSWERS = "provider = ScriptedProvider(lambda request: reply(f'Reply {len(request.messages)}.'))\n"


@pytest.fixture
def stored(shell: Shell) -> Shell:
    """A shell with a session of two turns in the folder `kept`."""
    shell.run(f"{ANSWERS}%lash new demo --store kept")
    shell.run("%%lash\nOne.")
    shell.run("%%lash\nTwo.")
    return shell


def again(shell: Shell) -> None:
    """Forget everything, as a new kernel does."""
    shell.run("%unload_ext lash_nb\n%load_ext lash_nb")


def test_a_session_is_gone_on_with(stored: Shell) -> None:
    """What the kernel loses, the folder has."""
    again(stored)

    session = stored.run("%lash open demo --store kept")

    assert isinstance(session, LashSession)
    assert (session.turn_index, len(session.graph.nodes)) == (2, 4)
    assert stored.run("%%lash\nThree.").turn_index == 3


def test_a_session_of_another_provider_is_gone_on_with(stored: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """The provider of this notebook answers it from now on, and the cell says so at once; it stays so when the session is opened again."""
    again(stored)
    stored.ip.user_ns["provider"] = ScriptedProvider(["From elsewhere.", "Once more."], kind="elsewhere")
    capsys.readouterr()
    stored.run("%lash open demo --store kept")
    told = capsys.readouterr().out

    assert "worked with scripted-model of scripted before; from now on scripted-model of elsewhere answers" in told
    assert "%lash open demo --provider VAR --model ID" in told
    assert stored.run("%%lash\nThree.").reply == "From elsewhere."
    again(stored)
    capsys.readouterr()
    stored.run("%lash open demo --store kept")
    assert "worked with" not in capsys.readouterr().out
    assert stored.run("%%lash\nFour.").reply == "Once more."


@pytest.mark.parametrize("place", ["open", "parked", "stored"])
def test_another_provider_and_model_can_be_chosen_for_a_session_that_there_is(stored: Shell, place: str) -> None:
    """Wherever the session is, the line says who answers from now on."""
    stored.ip.user_ns["other"] = ScriptedProvider(["From elsewhere."], kind="elsewhere")
    if place == "parked":
        stored.run("%lash park demo")
    if place == "stored":
        again(stored)
    session = stored.run("%lash open demo --store kept --provider other --model large")

    assert (session.policy_snapshot().provider_id, session.policy_snapshot().model.id) == ("elsewhere", "large")
    assert stored.run("%%lash\nThree.").reply == "From elsewhere."


def test_python_says_who_answers_a_session_of_another_provider(
    stored: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    """The Python of the line lets the provider answer, too, and only where that is another one."""
    again(stored)
    capsys.readouterr()
    stored.run("%lash explain open demo --store kept")
    same = capsys.readouterr().out
    stored.ip.user_ns["provider"] = ScriptedProvider(["From elsewhere."], kind="elsewhere")
    stored.run("%lash explain open demo --store kept")
    other = capsys.readouterr().out

    assert "configure" not in same
    assert "await session.configure(lash_nb.core.SessionConfigPatch(provider=provider))" in other


@pytest.mark.parametrize("place", ["open", "parked", "stored"])
def test_limits_of_a_model_can_be_said_for_a_session_that_there_is(stored: Shell, place: str) -> None:
    """Also where nobody else knows them."""
    if place == "parked":
        stored.run("%lash park demo")
    if place == "stored":
        again(stored)
    session = stored.run("%lash open demo --store kept --provider ollama --model mine --window 4000")

    model = session.policy_snapshot().model
    assert (model.id, model.limits.context_window_tokens) == ("mine", 4_000)
    assert "want a --model ID" in stored.refuse("%lash open demo --window 5000")
    stored.run("%lash open demo --model mine --window 5000")
    model = session.policy_snapshot().model
    assert (model.id, model.limits.context_window_tokens) == ("mine", 5_000)


@pytest.mark.parametrize("asked", ["--provider offline", "--provider ollama --model mine --window 4000", "--model m"])
def test_python_of_another_answerer_runs(stored: Shell, asked: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed for a line does what the line does."""
    again(stored)
    capsys.readouterr()
    stored.run(f"%lash explain open demo --store kept {asked}")
    stored.run(capsys.readouterr().out)
    printed = stored["session"].policy_snapshot()
    session = stored.run(f"%lash open demo --store kept {asked}")

    assert (session.policy_snapshot().provider_id, session.policy_snapshot().model) == (
        printed.provider_id,
        printed.model,
    )


def test_a_setting_says_where_sessions_are(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """`%config` shows and sets it; every line that needs a folder takes it from there."""
    shell.run("%config Lash")
    assert "Lash.store" in capsys.readouterr().out
    shell.run(f"{ANSWERS}%config Lash.store = 'kept'\n%config Lash.residency = 'active_path_only'\n%lash new demo")
    shell.run("%%lash\nOne.")
    shell.run("%unload_ext lash_nb\n%load_ext lash_nb\n%config Lash.store = 'kept'")
    assert list(shell.run("%lash sessions")["state"]) == ["stored"]
    assert shell.run("%lash open demo").turn_index == 1
    assert Path("kept/sessions").is_dir()
    shell.run(
        "%config Lash.store = ''\n%config Lash.residency = 'keep_all'"
    )  # or it would hold for every shell after this one


def test_a_cell_that_is_run_again_begins_nothing_anew(stored: Shell) -> None:
    """A stored session is never begun over; the line says how to go on with it."""
    assert stored.refuse("%lash new demo --store kept").endswith("%lash use demo")
    again(stored)
    assert stored.refuse("%lash new demo --store kept").endswith("%lash open demo --store kept")


def test_all_sessions_are_in_one_table(stored: Shell) -> None:
    """Open, parked and stored ones, with what there is of them."""
    stored.run("%lash new other --store kept\n%lash new memory")
    stored.run("%lash park other")
    stored.run("%%lash\nHi.")
    table = stored.run("%lash sessions").set_index("session")

    assert dict(table["state"]) == {"demo": "idle", "memory": "idle", "other": "parked"}
    assert dict(table["turns"]) == {"demo": 2, "memory": 1, "other": 0}
    assert dict(table["current"]) == {"demo": False, "memory": True, "other": False}
    assert table.loc["demo", "nodes"] == 4
    assert table.loc["demo", "last_use"].tzinfo is not None
    again(stored)
    assert list(stored.run("%lash sessions --store kept")["state"]) == ["stored", "stored"]


def test_nodes_that_are_not_in_memory_are_counted(stored: Shell) -> None:
    """A session that has only its path in memory is as large as it is stored."""
    stored.run(f"%lash checkout {stored.run('%lash graph --table')['graph_node_id'][1]}")
    stored.run("%%lash\nOther two.")
    again(stored)

    session = stored.run("%lash open demo --store kept --residency active_path_only")

    assert len(session.graph.nodes) == 4
    assert list(stored.run("%lash sessions")["nodes"]) == [6]


@pytest.mark.parametrize("folder", ["", "--store kept"])
def test_a_session_is_parked_and_resumed(shell: Shell, folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is lost on the way, in memory and in a folder."""
    shell.run(f"{ANSWERS}%lash new demo {folder}")
    shell.run("%%lash\nOne.")
    shell.run("%lash park")
    assert "%lash resume demo" in capsys.readouterr().out
    assert shell.refuse("%lash use demo").endswith("%lash resume demo")
    assert "not parked; parked: demo" in shell.refuse("%lash resume other")

    session = shell.run("%lash resume demo")

    assert [message.role for message in session.read_view().messages] == ["User", "Assistant"]
    assert shell.run("%%lash\nTwo.").turn_index == 2


def test_a_session_is_deleted_when_it_is_meant(stored: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """Without `--yes` the line says what would be lost, and loses nothing."""
    stored.run("%lash delete demo")
    assert "would delete session demo: 2 turns, 4 nodes" in capsys.readouterr().out
    assert list(stored.run("%lash sessions")["session"]) == ["demo"]
    stored.run("%lash delete demo --yes")
    assert list(stored.run("%lash sessions --store kept")["session"]) == []
    assert "no session demo" in stored.refuse("%lash open demo --store kept")


@pytest.mark.parametrize("residency", ["keep_all", "active_path_only"])
def test_a_checkout_tells_how_much_is_on_other_branches(
    shell: Shell, residency: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of what is stored, however little of it is in memory."""
    shell.run(f"{ANSWERS}%lash new demo --store kept --residency {residency}")
    shell.run("%%lash\nOne.")
    stand = shell.run("%lash graph --table")["graph_node_id"][1]
    shell.run("%%lash\nTwo.")
    shell.run(f"%lash checkout {stand}")
    assert "(2 nodes are on other branches" in capsys.readouterr().out


def test_a_branch_is_checked_out_and_vacuumed(stored: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """The next prompt goes on from there; what is on the other branch is shown, and deleted when it is meant."""
    stand = stored.run("%lash graph --table")["graph_node_id"][1]
    stored.run(f"%lash checkout {stand[:12]}")
    assert f"stands at {stand}" in capsys.readouterr().out
    stored.run("%%lash\nOther two.")

    orphans = stored.run("%lash orphans")
    assert list(orphans["text"]) == ["Two.", "Reply 4."]
    node = stored.run(f"%lash node {orphans['graph_node_id'][0]}")
    assert node.message.parts[0].content == "Two."
    stored.run("%lash vacuum --dry-run")
    assert "would delete 2 nodes" in capsys.readouterr().out
    stored.run("%lash vacuum --yes")
    assert "deleted 2 nodes" in capsys.readouterr().out
    assert len(stored.run("%lash graph --table")) == 4
    assert len(stored.run("%lash orphans")) == 0


def test_a_mistyped_session_is_refused_by_a_look_at_the_names(stored: Shell) -> None:
    """The nearest one is named, and the last ones; of a full folder no other file is read, so that nobody hears of a damaged one."""
    for number in range(10):
        stored.run(f"%lash new run-{number} --store kept")
    again(stored)
    (damaged,) = Path("kept/sessions").glob("run-0-*.db")
    damaged.write_bytes(b"no database" * 1_000)
    for second, file in enumerate(sorted(Path("kept/sessions").glob("run-*.db")), 1):  # they are closed in any order
        os.utime(file, (second, second))

    told = stored.refuse("%lash open dmeo --store kept")

    assert "no session dmeo in kept; did you mean demo? the last ones are demo, run-9, run-8, " in told
    assert "; all: %lash sessions; begin it: %lash new dmeo --store kept" in told
    assert "not readable" not in told


def test_a_fork_is_a_session_of_its_own(stored: Shell) -> None:
    """It begins with the way to its node, and is stored at once."""
    node = stored.run("%lash graph --table")["graph_node_id"][1]
    fork = stored.run(f"%lash fork {node} --as other")
    assert (fork.session_id, fork.turn_index, len(fork.graph.nodes)) == ("other", 1, 2)
    assert stored.run("%%lash\nElsewhere.").session_id == "other"
    assert sorted(stored.run("%lash sessions")["session"]) == ["demo", "other"]
    assert "open already" in stored.refuse(f"%lash fork {node} --as other")


def test_a_fork_tells_its_own_turns(stored: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """Timeline, plot and usage leave out what the other session did, before and later; the graph has times and tokens of the whole way."""
    stored.run("%lash fork 1 --as other")
    view, told = stored.run("%lash timeline"), "nothing of its own yet; what came before: %lash timeline --session demo"
    assert told in view.text()
    assert told in static_html(view)
    assert "<svg" not in static_html(view)
    assert view.counts == told
    assert "in no trace at hand" not in stored.run("%lash graph").text()
    stored.run("%%lash\nElsewhere.")
    stored.run("%lash use demo")
    stored.run("%%lash\nThree.")

    turns = {
        name: [
            (turn.session_id, turn.turn_index) for turn in stored.run(f"%lash timeline --session {name}").trace.turns
        ]
        for name in ("other", "demo")
    }
    assert turns == {"other": [("other", 2)], "demo": [("demo", 1), ("demo", 2), ("demo", 3)]}
    stored.run("%lash use other")
    assert list(stored.run("%lash usage --by turn")["turn_index"]) == [2]
    graph = stored.run("%lash graph")
    assert [bool(took) for took in graph.columns["took"]] == [True, True]
    capsys.readouterr()
    stored.run("%lash explain graph\n%lash explain timeline --session other")
    told = capsys.readouterr().out
    assert "SessionGraphView(session.graph, turns=core.trace)" in told
    assert "TraceTimelineView(sessions['other'].trace)" in told


def test_a_turn_is_named_by_the_number_that_the_graph_prints(stored: Shell) -> None:
    """Its last node is meant: a fork has the turn whole."""
    text = stored.faces(stored.run("%lash graph --svg"))["text/plain"]
    assert "1  One." in text

    assert [node.node_id for node in stored.run("%lash fork 1 --as y").graph.nodes] == list(
        stored.run("%lash open demo\n%lash graph --table")["graph_node_id"][:2]
    )
    assert stored.run("%lash node 2").message.parts[0].content == "Reply 4."


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("%lash open nowhere", "no session nowhere in kept; there are demo"),
        ("%lash node mz", "no node and no turn mz; the last turns are 2, 1 (%lash graph), the last nodes m"),
        ("%lash node {x}", "the value of a variable is written {{variable}}"),
        ("%lash node m", "4 nodes have an id that begins with m"),
        ("%lash checkout mz", "no node and no turn mz"),
        ("%lash checkout 3", "no node and no turn 3; the last turns are 2, 1 (%lash graph), the last nodes m"),
        ("%lash fork mz", "required: --as"),
        ("%lash new x --residency active_path_only", "active_path_only needs a folder"),
        ("%lash new x --residency some", "invalid choice"),
        ("%lash new x --store README.md/x", "README.md"),
        ("%lash delete nowhere --yes", "no session nowhere"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(stored: Shell, line: str, told: str) -> None:
    """With what there is, or what to type."""
    Path("README.md").write_text("a file", "utf-8")
    assert told in stored.refuse(line)


def test_a_file_that_cannot_be_read_is_told_of(stored: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """Where it would be listed, and when it is asked for; it hides no other session."""
    stored.run("%lash new other --store kept")
    again(stored)
    (damaged,) = Path("kept/sessions").glob("other-*.db")
    damaged.write_bytes(b"no database" * 1_000)
    capsys.readouterr()

    assert list(stored.run("%lash sessions --store kept")["session"]) == ["demo"]
    assert f"Not listed: {damaged} is no SQLite database" in capsys.readouterr().out
    assert stored.refuse("%lash open other --store kept").startswith(
        f"magics_session: session other: {damaged} is no SQLite database"
    )
    assert "there are demo, and 1 file not readable: %lash sessions" in stored.refuse("%lash open x --store kept")
    assert f"{damaged} is no SQLite database" in stored.refuse("%lash new other --store kept")


def test_a_database_of_another_version_is_left_alone(stored: Shell) -> None:
    """The line names both versions."""
    again(stored)
    (other,) = Path("kept/sessions").glob("demo-*.db")
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = other.read_bytes()

    assert "says version 99" in stored.refuse("%lash open demo --store kept")
    assert other.read_bytes() == before


def test_an_empty_listing_says_what_to_type(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """Not a head without rows."""
    for face in shell.faces(shell.run("%lash sessions")).values():
        assert "Begin one: %lash new NAME" in face
        assert "last use" not in face
    shell.run("%lash sessions --store nowhere")
    assert "Nothing is stored in nowhere yet" in capsys.readouterr().out


def test_completion_offers_what_is_kept(stored: Shell) -> None:
    """Names of sessions and beginnings of nodes, of open and of stored ones."""
    node = stored.run("%lash graph --table")["graph_node_id"].iloc[-1]
    for line, words in (
        ("%lash open d", "demo"),
        ("%lash delete d", "demo"),
        ("%lash park d", "demo"),
        (f"%lash checkout {node[:4]}", node),
        (f"%lash fork {node[:4]}", node),
        (f"%lash node {node[:4]}", node),
        ("%lash new x --residency act", "active_path_only"),
        ("%lash new x --store ke", "kept/"),
        ("%lash vacuum --d", "--dry-run"),
    ):
        assert words in offered(stored, line), line


def test_attachments_are_checked(stored: Shell) -> None:
    """All bytes of the folder are hashed again."""
    assert stored.run("%lash attachments --check").rows == ()
    stored.run("%lash new plain")
    assert stored.run("%lash attachments --check").ok


@pytest.mark.parametrize(
    "line",
    [
        "open demo",
        "park",
        "resume demo",
        "delete demo",
        "orphans",
        "vacuum",
        "node m1",
        "fork m1 --as x",
        "checkout m1",
        "attachments --check",
        "sessions",
    ],
)
def test_every_line_has_its_python(stored: Shell, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What a line does can be typed without it."""
    stored.run(f"%lash explain {line}")
    compile(capsys.readouterr().out, "cell", "exec", flags=8192)  # with await at the top, as in a cell


def test_a_session_in_memory_is_not_deleted_but_ends_with_the_kernel(shell: Shell) -> None:
    """Without a folder the line says which flag names one, and what becomes of a session that has none."""
    shell.run("provider = ScriptedProvider(['ok'])\n%lash new c")

    said = shell.refuse("%lash delete c")

    assert "name it with --store DIR" in said
    assert "what is in memory alone ends with the kernel" in said


def test_a_node_in_place_of_its_id_is_said_short(stored: Shell) -> None:
    """Its whole repr would be; the line says what to write."""
    stored.run("session = %lash use demo")
    told = stored.refuse("%lash fork {{session.graph.nodes[0]}} --as x")

    assert told.endswith("a node is named by its id: {{….node_id}}")
    assert len(told) < 260
