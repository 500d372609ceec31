"""Open sessions, choose among them, and get told in one line what went wrong."""

import json
import os
import re
from pathlib import Path
from typing import Final

import pytest

from lash_nb import LashSession, TurnResult
from lash_nb.magics._verbs import VERBS
from tests.magics.conftest import Shell
from tests.stores.material import png


def test_a_session_answers_a_prompt(shell: Shell) -> None:
    """The cell's value is the turn's result; `-o` keeps it."""
    shell.run("provider = provider_of(call('weather', {'city': 'Oslo'}), reply('Oslo is clear.'))")
    session = shell.run("%lash new demo")

    result = shell.run("%%lash -o turn\nWhat is the weather in Oslo?")

    assert isinstance(session, LashSession)
    assert isinstance(result, TurnResult)
    assert result.reply == "Oslo is clear."
    assert [(call.tool, call.output.status) for call in result.tool_calls] == [("weather", "success")]
    assert shell["turn"] is result
    assert shell.run("%lash result") is result


def test_a_session_that_python_opened_is_told_from_one_that_nobody_opened(shell: Shell) -> None:
    """By its variable or its name: the verbs do not have it, and the message says where to ask it."""
    shell.run("core = lash_nb.LashCore.notebook(provider_of('yes'), model='m').build()")
    shell.run("mine = await core.session('trip').open()")
    told = "mine holds one that the verbs do not know: ask it in Python, as in mine.effects; else "

    assert f"no session yet; {told}open one first" in shell.refuse("%lash effects")
    shell.run("session = %lash new demo")
    for name in ("mine", "trip"):
        assert f"no session {name}; {told}there are demo" in shell.refuse(f"%lash use {name}")
    for name in ("session", "nowhere"):
        assert f"no session {name}; there are demo: %lash use NAME" in shell.refuse(f"%lash use {name}")


@pytest.mark.parametrize("name", ["1st", "the-turn", "class"])
def test_a_result_goes_into_a_variable_or_the_turn_is_not_run(shell: Shell, name: str) -> None:
    """A name that no expression can read is refused before the model is asked."""
    shell.run("%lash new demo")

    assert shell.refuse(f"%%lash -o {name}\nhello").startswith(f"magics_usage: {name} cannot name a variable")
    assert shell.run("%lash use demo").turn_index == 0


@pytest.mark.parametrize(("line", "is_value"), [("answer= <<", True), ("answer <<", False), ("-o answer", True)])
def test_a_result_is_kept_in_a_variable(shell: Shell, line: str, is_value: bool) -> None:
    """`name= <<` keeps and shows, `name <<` only keeps."""
    shell.run("provider = provider_of('yes')\n%lash new demo")

    value = shell.run(f"%%lash {line}\nHello")

    assert shell["answer"].reply == "yes"
    assert (shell["answer"] if is_value else None) is value


def test_a_prompt_gets_the_values_of_expressions(shell: Shell) -> None:
    """The model reads the value; braces alone stay as they are."""
    shell.run("provider = provider_of('yes')\nplace = 'Oslo'\n%lash new demo")

    shell.run('%%lash\nIn {{place.upper()}}: {"a": {"b": 1}}')

    assert shell["provider"].requests[0].messages[-1].blocks[0].Text.text == 'In OSLO: {"a": {"b": 1}}'


def test_an_expression_that_fails_runs_nothing(shell: Shell) -> None:
    """One line says which expression, and the model is not asked."""
    shell.run("provider = provider_of('yes')\n%lash new demo")

    message = shell.refuse("%%lash\nIn {{nowhere}}")

    assert "nowhere" in message
    assert shell["provider"].requests == []


def test_tools_are_read_again_before_each_prompt(shell: Shell) -> None:
    """A tool that is defined after the session is offered, one that is gone is not."""
    shell.run("provider = provider_of('one', 'two')\n%lash new demo")
    shell.run("%%lash\nHello")
    shell.run('@lash_nb.tool\ndef tide(port: str) -> str:\n    """Tell the tide."""\n    return "low"\ndel weather')

    shell.run("%%lash\nAgain")

    offered = [[tool.name for tool in request.tools] for request in shell["provider"].requests]
    assert offered == [["batch", "weather"], ["batch", "tide"]]


def test_only_named_tools_are_offered(shell: Shell) -> None:
    """`--tools` takes variables, of plain typed functions too."""
    shell.run("provider = provider_of('one')\ndef tide(port: str) -> str:\n    return 'low'")
    shell.run("%lash new demo --tools tide")

    shell.run("%%lash\nHello")

    assert [tool.name for tool in shell["provider"].requests[0].tools] == ["batch", "tide"]


def test_the_only_provider_answers(shell: Shell) -> None:
    """Without `--provider` it is the variable `provider`, else the only one, else the offline stand-in."""
    assert shell.run("%lash new a").policy_snapshot().provider_id == "offline"

    shell.run("mine = ScriptedProvider(['x'], kind='mine')")
    assert shell.run("%lash new b").policy_snapshot().provider_id == "mine"

    shell.run("other = ScriptedProvider(['x'], kind='other')")
    assert "--provider mine" in shell.refuse("%lash new c")
    assert shell.run("%lash new c --provider other").policy_snapshot().provider_id == "other"

    shell.run("provider = ScriptedProvider(['x'], kind='preferred')")
    assert shell.run("%lash new d").policy_snapshot().provider_id == "preferred"


def test_model_and_system_prompt_reach_the_model(shell: Shell) -> None:
    """`--model` and `--system` are what the model is asked by."""
    shell.run("provider = provider_of('x')\n%lash new demo --model tiny-1 --system 'Speak like a sailor.'")

    shell.run("%%lash\nHello")

    request = shell["provider"].requests[0]
    assert request.model == "tiny-1"
    assert "Speak like a sailor." in request.messages[0].blocks[0].Text.text


def test_a_session_opened_twice_leaves_the_first(shell: Shell) -> None:
    """A cell that is run again opens a new session; the older one has another name, and nothing of it is lost."""
    first = shell.run("provider = ScriptedProvider(lambda request: 'x')\n%lash new demo")
    shell.run("%%lash\nHello")

    second = shell.run("%lash new demo")

    assert second is not first
    assert shell.run("%lash use demo~1") is first
    listed = shell.run("%lash sessions")
    assert list(zip(listed["session"], listed["current"], listed["turns"], strict=True)) == [
        ("demo~1", True, 1),
        ("demo", False, 0),
    ]


def test_a_prompt_may_name_its_session(shell: Shell) -> None:
    """`--session` speaks to another session than the current one, which stays the current one."""
    shell.run("provider = ScriptedProvider(lambda request: 'x')\n%lash new a")
    shell.run("%lash new b")

    assert shell.run("%%lash --session a\nHello").session_id == "a"
    assert list(shell.run("%lash sessions")["current"]) == [False, True]


def test_the_trace_goes_to_a_file_too(shell: Shell) -> None:
    """`--trace FILE` writes what `session.trace` and `%lash trace FILE` show."""
    shell.run("provider = provider_of('x')\nsession = %lash new demo --trace deep/run.jsonl")
    shell.run("%%lash\nHello")

    written = [json.loads(line) for line in Path("deep/run.jsonl").read_text(encoding="utf-8").splitlines()]

    assert [record["type"] for record in written] == [record["type"] for record in shell["session"].trace]
    assert len(written) == len(shell.run("%lash trace deep/run.jsonl").trace)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("%lash stpe", "did you mean %lash step?"),
        ("%lash frobnicate", "%lash help"),
        ("%lash tokens", "did you mean %lash plot tokens?"),
        ("%lash latency run.jsonl", "did you mean %lash plot latency?"),
        ("%lash step", "%lash new demo"),
        ("%%lash\nHello", "%lash new demo"),
        ("%lash use nobody", "%lash new demo"),
        ("%lash new", "%lash new --help"),
        ("%lash new a --provder x", "did you mean --provider?"),
        ("%lash new a --provider nobody", "nobody = lash_nb.ScriptedProvider"),
        ("%lash new a --provider weather", "no provider"),
        ("%lash new a --tools nothing", "@lash_nb.tool"),
        ("%lash new a --trace .", "--trace FILE"),
        ("%lash new 'a", "close the quote"),
        ("%lash trace missing.jsonl", "no such file"),
        ("%lash trace x --table nothing", "records"),
        ("%lash explain", "%lash explain new demo"),
        ("%lash help frobnicate", "%lash help"),
    ],
)
def test_a_mistake_is_told_in_one_line(shell: Shell, cell: str, said: str) -> None:
    """The line says what is wrong and what to type next; there is no traceback."""
    assert said in shell.refuse(cell)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("%%lash\n   ", "write it below %%lash"),
        (
            "%%lash --image missing.png\nHello",
            "'missing.png' cannot be read: No such file or directory; check the path",
        ),
        ("%%lash --image text.png\nHello", "'text.png' is no PNG"),
        ("%%lash --image cut.png\nHello", "'cut.png' is a png picture whose end is missing; make it anew"),
        ("%%lash --image pipe\nHello", "'pipe' is no plain file but a pipe or a device, which may never end"),
        ("%%lash --image sparse.png\nHello", "'sparse.png' is a file of 50,000,000,000 bytes, and no provider takes"),
        ("%%lash --image {{'Figure(640x480)'}}\nHello", "or give a figure itself: session.turn('…').image(fig)"),
        ("%%lash --image my plot.png\nHello", "a path with blanks, which is quoted: --image '… plot.png'"),
        ("%%lash tell me\nHello", "%%lash --help"),
        ("%%lash --session nobody\nHello", "there are demo"),
        ("%lash envelope", "%lash step"),
        ("%lash envelope 99", "write a prompt"),
        ("%lash continue", "%lash step"),
        ("%lash continue --to lunch", "invalid choice"),
        ("%lash inject 1", "under way"),
        ("%lash cancel", "under way"),
        ("%lash result", "%%lash"),
        ("%lash attachments 12ab", "there are: none"),
        ("%lash attachments --save x.png", "which attachment"),
        ("%lash step {{1/0}}", "ZeroDivisionError"),
    ],
)
def test_a_mistake_in_a_session_is_told_in_one_line(shell: Shell, cell: str, said: str) -> None:
    """So it is where a session is open, and the session takes the next prompt."""
    Path("text.png").write_text("no picture", encoding="utf-8")
    Path("cut.png").write_bytes(png(3, 2)[:-1])
    os.mkfifo("pipe")
    Path("sparse.png").touch()
    os.truncate("sparse.png", 50 * 10**9)
    shell.run("provider = provider_of('still here')\n%lash new demo")

    assert said in shell.refuse(cell)
    assert shell.run("%%lash\nHello").reply == "still here"


def test_a_script_that_runs_out_ends_the_turn_not_the_session(shell: Shell) -> None:
    """The turn's card says what to do, and the next prompt is answered."""
    shell.run("provider = provider_of()\n%lash new demo")
    failed = shell.run("%%lash\nHello")
    shell.run("provider._replies.append('better')")

    assert not failed.is_success
    assert "give ScriptedProvider more replies" in failed.errors[0].message
    assert shell.run("%%lash\nAgain").reply == "better"


def test_an_unexpected_error_keeps_its_traceback(shell: Shell) -> None:
    """What is a defect, of ours or of the user's own classes, is not dressed up as a usage error."""
    shell.run(
        "class Odd:\n    kind = 'odd'\n    options = lash_nb.providers.ProviderOptions()\n    requires_streaming = False\n"
        "    def supports_variant(self): ...\n    def complete(self): ..."
    )
    shell.run(
        "class Strange(Odd):\n    @property\n    def kind(self):\n        raise_once = globals().pop('armed', None)\n        return 1 / 0 if raise_once is None and 'fail' in globals() else 'odd'"
    )
    shell.run("provider = Strange()\nfail = True")

    with pytest.raises(ZeroDivisionError):
        shell.run("armed = 1\n%lash new demo --provider provider")


@pytest.mark.parametrize(
    "cell", ["%lash", "%lash help", "%lash --help", "%lash help step", "%lash new --help", "%%lash --help\nx"]
)
def test_help_is_printed(shell: Shell, cell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every verb and both magics tell how they are used."""
    assert shell.run(cell) is None
    assert "%lash" in capsys.readouterr().out


def test_a_semicolon_hides_the_value(shell: Shell) -> None:
    """As it does with Python's own expressions."""
    assert shell.run("%lash new demo;") is None


def test_a_terminal_sees_the_turn_once(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """The reply comes as it is written, a tool call as a line of its own, then the counters; the value adds nothing to it."""
    shell.run("provider = provider_of(call('weather', {'city': 'Oslo'}), reply('Oslo is clear.'))\n%lash new demo")
    capsys.readouterr()

    shell.run("%%lash\nWhat is the weather in Oslo?")

    printed = capsys.readouterr().out
    assert next(line for line in printed.splitlines() if "weather" in line) == "→ weather"
    assert printed.count("Oslo is clear.") == 1
    assert "2 model calls  1 tool call" in printed


def test_a_terminal_takes_no_orders_from_the_model(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """What the model writes is shown, not obeyed."""
    shell.run("provider = provider_of(reply('safe \\x1b[31mred\\x1b]0;title\\x07'))\n%lash new demo")
    shell.run("%%lash\nColor me")

    printed = capsys.readouterr().out
    assert "safe \ufffd[31mred" in printed
    assert "\x1b" not in printed


NAMED: Final = re.compile(r"%lash ([a-z]+)")
WORDS: Final = {"and", "at", "cannot", "in", "of", "or", "with"}
"""What stands behind `%lash` where the text is about the magic itself."""


def test_every_verb_that_is_named_anywhere_is_there() -> None:
    """No message, page or document sends a person to a verb that does not exist."""
    root = Path(__file__).parents[2]
    pages = [*root.glob("*.md"), *root.glob("docs/*.md"), *root.glob("notebooks/*.ipynb")]
    texts = [*root.glob("lash_nb/**/*.py"), *root.glob("widgets/src/*.js"), *pages]
    named = {verb for text in texts for verb in NAMED.findall(text.read_text("utf-8"))}

    assert named - WORDS <= VERBS.keys()
    assert len(named) > len(VERBS) / 2


def test_a_blank_name_is_none(shell: Shell) -> None:
    """The session gets an id of its own, and is the current one like every other; what it says of itself is printable."""
    session = shell.run("%lash new ''")
    assert shell.run("%%lash\nhi").session_id == session.session_id

    assert "\x1b" not in shell.faces(shell.run("%lash new '\x1b[31mred'"))["text/plain"]
