"""Completion knows verbs, flags, names, ids and files, and offers nothing of Python's own beside them."""

from pathlib import Path

import pytest
from IPython.core.completer import provisionalcompleter

from lash_nb.magics._verbs import VERBS
from tests.magics.conftest import Shell


def offered(shell: Shell, text: str) -> list[str]:
    """What the shell offers at the end of the text."""
    with provisionalcompleter():
        return [one.text for one in shell.ip.Completer.completions(text, len(text))]


@pytest.fixture
def paused(shell: Shell) -> Shell:
    """Two sessions, the second with a turn that waits."""
    Path("traces").mkdir()
    Path("traces/one.jsonl").touch()
    Path("tired.png").touch()
    shell.run("provider = provider_of('x')\n%lash new alpha")
    shell.run("%lash new beta")
    shell.run("%%lash --step\nHello")
    return shell


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("%lash st", ["step"]),
        ("x = %lash env", ["envelope"]),
        ("1 + 1\n%lash canc", ["cancel"]),
        ("%lash use ", ["alpha", "beta"]),
        ("%lash continue --to to", ["tool_call"]),
        ("%lash continue -", ["--to", "--help"]),
        ("%lash new c --pro", ["--provider"]),
        ("%lash new c --provider p", ["provider"]),
        ("%lash new c --tools we", ["weather"]),
        ("%lash trace t", ["tired.png", "traces/"]),
        ("%lash trace traces/", ["traces/one.jsonl"]),
        ("%lash trace x --table t", ["turns", "tool_calls"]),
        ("%lash envelope ", ["2", "1"]),
        ("%lash effects --t", ["--turn"]),
        ("%lash effects --turn ", ["1"]),
        ("%%lash --se", ["--session"]),
        ("%%lash --session ", ["alpha", "beta"]),
        ("%%lash --image ti", ["tired.png"]),
        ("%lash explain continue --to to", ["tool_call"]),
        ("%lash help inj", ["inject"]),
    ],
)
def test_what_is_offered(paused: Shell, text: str, words: list[str]) -> None:
    """Exactly the words that may stand there."""
    assert words == offered(paused, text)


def test_all_verbs_are_offered(shell: Shell) -> None:
    """After the magic's name come the verbs, in the order of the help."""
    assert list(VERBS) == offered(shell, "%lash ")


def test_python_is_completed_as_before(shell: Shell) -> None:
    """In any other line nothing of ours is offered, and nothing is kept back."""
    shell.run("celsius_in_oslo = 4")

    assert offered(shell, "celsius_in") == ["celsius_in_oslo"]
