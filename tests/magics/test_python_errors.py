"""Errors of the Python API in a cell: what happened, what to do next, and which line it was; no page of traceback."""

import pytest

from tests.magics.conftest import Shell


def test_a_tool_without_hints_is_refused_in_one_line(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """Defining a tool with a bare parameter says what to write instead, and at which line."""
    shell.ip.run_cell("@lash_nb.tool\ndef bare(city):\n    return city")  # type: ignore[no-untyped-call]

    (line,) = capsys.readouterr().out.splitlines()
    assert line == (
        "CallerError: caller: tool bare: parameter city has no type hint; write bare(city: str)  (line 1: @lash_nb.tool)"
    )


def test_an_error_names_the_line_that_called(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """In a function of one's own, also an async one, the line that called the library is named, not the one that called the function."""
    shell.run("%lash new demo")
    capsys.readouterr()
    shell.ip.run_cell(  # type: ignore[no-untyped-call]
        "session = %lash use demo\nasync def mine():\n    await session.inject(5)\nawait mine()"
    )

    (line,) = capsys.readouterr().out.splitlines()
    assert line.endswith("(line 3: await session.inject(5))")
    assert line.startswith("CallerError: ")
