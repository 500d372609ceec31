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


def test_a_turn_names_the_line_where_its_tool_raised(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """Each turn names its own line, as text and on the page; neither the record nor the model has it."""
    shell.run(
        '@lash_nb.tool\ndef half(part: int) -> float:\n    "Divide."\n    if part:\n        1 / 0\n    return 1 / part'
    )
    asked = "lash_nb.calls(('same', 'half', {'part': %d}))"
    shell.run(f"provider = provider_of({asked % 0}, reply('no'), {asked % 1}, reply('no'))\nsession = %lash new demo")
    capsys.readouterr()
    first = shell.run("%%lash\nhalve")
    printed = capsys.readouterr().out
    second = shell.run("%%lash\nhalve it again")

    for result, where in ((first, "line 6, in half: return 1 / part"), (second, "line 5, in half: 1 / 0")):
        faces = shell.faces(result)
        assert f", {where}" in " ".join(faces["text/plain"].split())
        assert f", {where}" in faces["text/html"]
        assert where not in str(result.tool_calls)
    assert "line 6, in half: return 1 / part" in printed
    assert "in half" not in str([entry.envelope for entry in shell["session"].effects])


def test_a_turn_names_the_line_where_its_provider_raised(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """As it does of a tool: below what went wrong, on the page and as text, and not in the result."""
    shell.run("def answer(request):\n    spoken = {}\n    return spoken['reply']")
    shell.run("provider = lash_nb.ScriptedProvider(answer)\nsession = %lash new demo")
    capsys.readouterr()
    result = shell.run("%%lash\nHi")

    faces = shell.faces(result)
    for said in (capsys.readouterr().out, faces["text/plain"]):
        assert "line 3, in answer: return spoken['reply']" in " ".join(said.split())
    assert "line 3, in answer: return spoken[&#x27;reply&#x27;]" in faces["text/html"]
    assert "line 3" not in str(result.errors)


@pytest.mark.parametrize(
    "cell",
    [
        "await {}.turn('Hi').run()",
        "await {}.step('Hi')\nawait {}.continue_()",
        "await {}.start('Hi').wait()",
        "stream = {}.turn('Hi').stream()\nasync for _ in stream: pass\nawait stream.result()",
        "await {}.queue('Hi')\nawait {}.next_queued_turn()",
    ],
    ids=["run", "step", "start", "stream", "queued"],
)
@pytest.mark.parametrize("session", ["session", "other"])
def test_a_turn_in_python_names_the_line_where_its_provider_raised(shell: Shell, session: str, cell: str) -> None:
    """However it was begun, in a session of %lash and in one of a core of one's own."""
    shell.run("def answer(request):\n    spoken = {}\n    return spoken['reply']")
    shell.run("provider = lash_nb.ScriptedProvider(answer)\nsession = %lash new demo")
    shell.run("core = lash_nb.LashCore.standard().in_memory().provider(provider).model('m').build()")
    shell.run("other = await core.session('demo').open()")

    result = shell.run(cell.replace("{}", session))

    faces = shell.faces(result)
    assert "line 3, in answer: return spoken['reply']" in " ".join(faces["text/plain"].split())
    assert "line 3, in answer: return spoken[&#x27;reply&#x27;]" in faces["text/html"]


def test_two_turns_of_a_cell_name_their_own_lines(shell: Shell) -> None:
    """Although both failed for the same reason, side by side."""
    shell.run(
        "def first(request):\n    raise KeyError\nasync def second(request):\n    await asyncio.sleep(0)\n    raise KeyError"
    )
    shell.run(
        "import asyncio\nasync def ask(function):\n    provider = lash_nb.ScriptedProvider(function)\n"
        "    core = lash_nb.LashCore.standard().in_memory().provider(provider).model('m').build()\n"
        "    session = await core.session('demo').open()\n    return await session.turn('Hi')"
    )

    results = shell.run("await asyncio.gather(ask(first), ask(second))")

    said = [" ".join(shell.faces(result)["text/plain"].split()) for result in results]
    assert ["line 2, in first" in text for text in said] == [True, False]
    assert ["line 5, in second" in text for text in said] == [False, True]


def test_a_turn_of_a_core_of_ones_own_names_the_line_where_its_tool_raised(shell: Shell) -> None:
    """Each call its own, as in one of %lash."""
    shell.run(
        '@lash_nb.tool\ndef half(part: int) -> float:\n    "Divide."\n    return 1 / part\n'
        '@lash_nb.tool\ndef late(part: int) -> float:\n    "Wait."\n    raise TimeoutError'
    )
    shell.run("provider = provider_of(calls(('a', 'half', {'part': 0}), ('b', 'late', {'part': 0})), 'no')")
    shell.run("core = lash_nb.LashCore.standard().in_memory().provider(provider).model('m').tools(half, late).build()")

    result = shell.run("await (await core.session('demo').open()).turn('halve')")

    text = " ".join(shell.faces(result)["text/plain"].split())
    assert "line 4, in half: return 1 / part" in text
    assert "line 8, in late: raise TimeoutError" in text
    assert "in half" not in str(result.tool_calls)
