"""Where a magic may be awaited it is; everywhere else it stays what it is."""

import ast
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from lash_nb.magics._transformer import AwaitTransformer
from lash_nb.wire import to_json
from tests.magics.conftest import Shell


def transformed(ip: InteractiveShell, cell: str) -> str:
    """The Python that the shell would run."""
    lines = ip.input_transformer_manager.transform_cell(cell).splitlines(keepends=True)
    return "".join(AwaitTransformer(ip)(lines))


def awaited(ip: InteractiveShell, cell: str) -> int:
    """How many magics of the cell are awaited."""
    tree = ast.parse(transformed(ip, cell))
    return sum(isinstance(node, ast.Await) for node in ast.walk(tree))


@pytest.mark.parametrize(
    ("cell", "count"),
    [
        ("%lash step", 1),
        ("x = %lash step", 1),
        ("%%lash -o turn\nWhat is 'this'?\n\"Well\"", 1),
        ("y = 1; é = 'ü'\nx = %lash sessions\n%lash graph", 2),
        ("for i in range(3):\n    %lash step", 1),
        (
            "try:\n    if x:\n        %lash step\n    else:\n        %lash graph\nexcept ValueError:\n    %lash cancel",
            3,
        ),
        ("match x:\n    case 1:\n        %lash step", 1),
        ("async def f():\n    x = %lash step\n    return x", 1),
        ("def f():\n    x = %lash step\n    return x", 0),
        ("class A:\n    x = %lash sessions", 0),
        ("async def f():\n    def g():\n        %lash step", 0),
        ("%time x = 1", 0),
        ("print('%lash step')", 0),
        ("text = 'run_line_magic(\\'lash\\','", 0),
    ],
)
def test_what_may_be_awaited_is(ip: InteractiveShell, cell: str, count: int) -> None:
    """Top level, loops, conditions, handlers and async functions may; plain functions and classes may not."""
    assert count == awaited(ip, cell)


def test_an_async_function_gives_its_own_variables(shell: Shell) -> None:
    """Expressions in braces see the variables of the function in which the magic stands."""
    shell.run("%lash new demo")
    shell.run("async def ask(city):\n    turn = %lash step What is the weather in {{city}}?\n    return turn")

    shell.run("await ask('Narvik')")

    assert "Narvik" in to_json(shell.run("%lash envelope").envelope).decode()


def test_without_autoawait_nothing_is_rewritten(ip: InteractiveShell) -> None:
    """Where the shell awaits nothing, the real magic runs."""
    ip.autoawait = False
    try:
        assert awaited(ip, "%lash step") == 0
    finally:
        ip.autoawait = True


def test_a_cell_that_is_no_python_is_left_to_the_shell(ip: InteractiveShell) -> None:
    """The shell reports the syntax error itself."""
    assert "await" not in transformed(ip, "%lash step\nthis is no python")


@pytest.mark.parametrize(
    "cell", ["%time x = %lash sessions", "%%time\nx = %lash sessions", "%%capture\nx = %lash sessions"]
)
def test_magics_around_the_magic_run_it(shell: Shell, cell: str) -> None:
    """A magic that runs code itself awaits nothing, so the code it runs holds the real magic."""
    shell.run("%lash new demo")

    shell.run(cell)

    assert list(shell["x"]["session"]) == ["demo"]


def test_a_function_runs_a_turn(shell: Shell, capsys: Any) -> None:
    """In a plain function the magic waits for the turn itself."""
    shell.run("provider = provider_of(reply('one'), reply('two'))\n%lash new demo")
    shell.run("def ask():\n    get_ipython().run_cell_magic('lash', '-o turn', 'Hello')\n    return turn.reply")

    assert shell.run("[ask(), ask()]") == ["one", "two"]
    assert "one" in capsys.readouterr().out


def test_a_question_is_text_and_no_call_for_help(shell: Shell) -> None:
    """What ends in a question mark is said, also in an assignment; a cell that only quotes such a line is left alone."""
    shell.run("provider = provider_of(reply('one'))\n%lash new demo")

    shell.run("%lash queue And what about Lima?")
    waits = shell.run("turn = %lash step Is it (warm?")
    shell.run("text = '''\n%lash queue Is it?\n'''")

    assert waits is None
    assert "Is it (warm?" in to_json(shell.run("%lash envelope").envelope).decode()
    assert "And what about Lima?" in shell.run("%lash queue").to_string()
    assert shell["text"] == "\n%lash queue Is it?\n"


@pytest.mark.usefixtures("shell")
@pytest.mark.parametrize("cell", ["%lash?", "%lash queue?", "%%lash\n%lash queue Is it?"])
def test_help_and_prompts_are_left_to_the_shell(ip: InteractiveShell, cell: str) -> None:
    """A magic or a verb with a question mark asks for help, and a prompt may quote a magic."""
    assert "'queue Is it?')" not in (python := transformed(ip, cell))
    assert "pinfo" in python or cell.startswith("%%")


def test_nothing_of_ours_stays_among_the_transformers(ip: InteractiveShell, shell: Shell) -> None:
    """Loaded again it is there once, unloaded not at all."""
    shell.run("%reload_ext lash_nb")
    loaded = len(ip.input_transformers_cleanup)
    shell.run("%unload_ext lash_nb")

    assert len(ip.input_transformers_cleanup) == loaded - 1
