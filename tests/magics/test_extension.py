"""Loading and unloading: nothing twice, nothing left."""

from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from lash_nb import LashSession, TurnResult
from lash_nb.trace import Trace
from tests.magics.conftest import Shell


def fingerprint(ip: InteractiveShell) -> dict[str, Any]:
    """Everything in a shell that an extension may touch."""
    manager, formatters = ip.magics_manager, ip.display_formatter
    assert formatters is not None
    return {
        "magics": {kind: sorted(names) for kind, names in manager.magics.items()},
        "registry": sorted(manager.registry),
        "transformers": list(ip.input_transformers_post),
        "matchers": list(ip.Completer.custom_matchers),
        "callbacks": {name: list(found) for name, found in ip.events.callbacks.items()},
        "printers": {mime: set(one.type_printers) for mime, one in formatters.formatters.items()},
        "singletons": set(formatters.ipython_display_formatter.singleton_printers),
    }


def test_unloading_leaves_nothing(ip: InteractiveShell) -> None:
    """After load, a turn that is left waiting, and unload the shell is what it was."""
    shell = Shell(ip)
    shell.run("%load_ext lash_nb")  # the shell itself adds the magic that loads
    shell.run("%unload_ext lash_nb")
    before = fingerprint(ip)

    shell.run("%load_ext lash_nb")
    shell.run("%lash new demo")
    shell.run("%%lash --step\nHello")
    shell.run("%unload_ext lash_nb")

    assert before == fingerprint(ip)
    assert "not found" in shell.refuse("%lash sessions")


def test_reloading_leaves_nothing_twice(shell: Shell) -> None:
    """One transformer, one matcher, one callback, however often it is loaded."""
    before = fingerprint(shell.ip)

    shell.run("%reload_ext lash_nb")
    shell.run("%reload_ext lash_nb")

    after = fingerprint(shell.ip)
    assert {name: len(found) for name, found in before.items()} == {name: len(found) for name, found in after.items()}
    assert list(shell.run("%lash sessions")["session"]) == []


def test_closing_sessions_is_said(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """Who loads it again with sessions open is told which ones are gone; without any, nothing is said."""
    shell.run("one = %lash new one\ntwo = %lash new two")
    capsys.readouterr()

    shell.run("%reload_ext lash_nb")
    assert capsys.readouterr().out.count("closed the sessions of %lash: one, two") == 1

    shell.run("%reload_ext lash_nb")
    assert "closed" not in capsys.readouterr().out


def test_a_turn_that_waits_ends_with_the_extension(shell: Shell) -> None:
    """Its task is over as soon as the loop runs; the tool that waited was never called."""
    shell.run("provider = provider_of(call('weather', {'city': 'Oslo'}), reply('x'))\nsession = %lash new demo")
    shell.run("%%lash --step\nHello")
    shell.run("running = session.stepper.running")

    shell.run("%unload_ext lash_nb")
    shell.run("import asyncio; await asyncio.sleep(0.05)")

    assert shell["running"].done
    assert [entry.envelope.kind for entry in shell["session"].effects if entry.status == "ok"] == [
        "sync_execution_surface"
    ]
    shell.run("%load_ext lash_nb")


@pytest.mark.parametrize("kind", [TurnResult, LashSession, Trace])
def test_a_printer_of_the_users_own_comes_back(ip: InteractiveShell, kind: type) -> None:
    """What the user had set for one of our types is set again."""
    assert ip.display_formatter is not None
    formatter = ip.display_formatter.formatters["text/plain"]
    mine = lambda value, printer, cycle: printer.text("mine")  # noqa: E731, ARG005 - a printer's signature
    formatter.for_type(kind, mine)
    try:
        Shell(ip).run("%load_ext lash_nb")
        Shell(ip).run("%unload_ext lash_nb")

        assert formatter.type_printers[kind] is mine
    finally:
        formatter.pop(kind, None)
