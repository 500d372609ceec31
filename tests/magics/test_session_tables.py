"""What a session has and would do: its tools, its next prompt, its usage."""

import re
from html import unescape
from pathlib import Path

import pandas as pd
import pytest

from lash_nb.core import ToolDescription
from lash_nb.runtime import PromptPreview
from lash_nb.wire import CompletedToolCall
from tests.magics.conftest import Shell
from tests.magics.test_completion import offered

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def demo(shell: Shell) -> Shell:
    """A session with a tool and a turn of two model calls."""
    shell.run(
        "usage = lash_nb.wire.LlmUsage(input_tokens=1000, output_tokens=50, cached_input_tokens=400, reasoning_tokens=10)"
    )
    shell.run("provider = provider_of(call('weather', {'city': 'Oslo'}), reply('Cold.', usage=usage))")
    shell.run("session = %lash new demo --model some-model")
    shell.run("%%lash -o turn\nWhat is the weather in Oslo?")
    return shell


def test_tools_are_a_table(demo: Shell) -> None:
    """One row per tool; a new one is there at once, and a change counts the generation up."""
    table = demo.run("%lash tools")
    assert isinstance(table, pd.DataFrame)
    assert {"tool", "availability", "scheduling", "retry", "source", "generation", "description"} <= set(table)
    assert list(table["tool"]) == ["batch", "weather"]
    assert "those of one reply run one by one" in demo.faces(table)["text/plain"]

    demo.run('@lash_nb.tool\ndef tide(port: str) -> str:\n    "The tide."\n    return port')

    again = demo.run("%lash tools")
    assert list(again["tool"]) == ["batch", "tide", "weather"]
    assert again["generation"].iloc[0] > table["generation"].iloc[0]
    assert "tide" in demo.faces(again)["text/html"]
    assert "tide" in demo.faces(again)["text/plain"]


def test_a_tool_shows_its_contract(demo: Shell) -> None:
    """Signature and schemas, in two faces."""
    tool = demo.run("%lash tools weather")

    assert isinstance(tool, ToolDescription)
    for face in demo.faces(tool).values():
        assert "Look up the weather of a city." in face
        assert "city" in face


def test_a_tool_is_tried_from_the_cell(demo: Shell) -> None:
    """Its value, its time; the conversation does not hear of it."""
    before = len(demo["session"].graph.nodes)
    done = demo.run("""done = %lash tools weather '{"city": "Rome"}'\ndone""")

    assert isinstance(done, CompletedToolCall)
    for face in demo.faces(done).values():
        assert "celsius" in face
        assert " ms" in face
    assert before == len(demo["session"].graph.nodes)


def test_a_tool_that_fails_says_so_in_one_line(demo: Shell) -> None:
    """A refusal of the tool is its result; a mistake in the line is a line below the cell."""
    done = demo.run("%lash tools weather {}")
    assert "invalid_tool_args" in demo.faces(done)["text/plain"].splitlines()[0]

    assert """write e.g. %lash tools weather '{"city": "…"}'""" in demo.refuse("%lash tools weather {city: Oslo}")
    demo.run("@lash_nb.tool\ndef tide(hours: int, deep: bool) -> str:\n    return ''")
    assert """write e.g. %lash tools tide '{"hours": 1, "deep": true}'""" in demo.refuse("%lash tools tide hours=3")
    assert "takes JSON" in demo.refuse(f"%lash tools weather {'[' * 10_000}")
    assert "no tool wether; the session's tools: batch, tide, weather" in demo.refuse("%lash tools wether")


def test_a_tool_that_raises_says_where(
    demo: Shell, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last line of the user's own, in a cell or a file, whoever raised in the end; a call that was refused has none."""
    source = "import json\n\ndef level(text):\n    return json.loads(text)  # \u202e\n"
    (tmp_path / "tidal.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    lines = ["    if text == 'no':", "        raise KeyError(text)", "    import tidal", "    return tidal.level(text)"]
    demo.run("\n".join(["@lash_nb.tool", "async def tide(text: str) -> str:", *lines]))

    demo.run("%lash tools tide {}")
    assert " raised in " not in capsys.readouterr().out
    demo.run("""done = %lash tools tide '{"text": "no"}'""")
    assert re.fullmatch(
        r"KeyError raised in Cell In\[\d+\], line 4, in tide: raise KeyError\(text\)\n", capsys.readouterr().out
    )
    assert "line 4" not in str(demo["done"])
    demo.run("""done = %lash tools tide '{"text": "{"}'""")
    assert re.fullmatch(
        r"JSONDecodeError raised in .*tidal\.py, line 4, in level: return json\.loads\(text\)  # \ufffd\n",
        capsys.readouterr().out,
    )


def test_a_failure_of_a_tool_is_told_to_its_end(demo: Shell) -> None:
    """As text in lines that fit; of one that is longer than a screen the last line says how to read the rest."""
    where = "; ".join(f"the station in region {number} is offline" for number in range(10))
    demo.run('@lash_nb.tool\ndef read(text: str) -> str:\n    """Read."""\n    raise OSError(text)')

    told = [
        demo.faces(demo.run(f"""%lash tools read '{{"text": "{where * times}"}}'"""))["text/plain"] for times in (1, 20)
    ]

    assert f"→ tool_error · OSError: {where} " in " ".join(told[0].split())
    assert all(len(line) <= 100 for text in told for line in text.splitlines())
    assert (
        told[1].splitlines()[-1] == "all of it: done = %lash tools read '{…}', then done.output.outcome.payload.message"
    )
    assert len(demo.faces(demo.run("%lash tools read {}"))["text/plain"].splitlines()) == 1


def test_the_text_of_a_tool_is_told_to_its_end(demo: Shell) -> None:
    """What is longer than a line goes on in the next one."""
    said = " ".join(f"It tells the tide of station {number}." for number in range(9))
    demo.run(f'@lash_nb.tool\ndef tides(x: str) -> str:\n    """{said}"""\n    return x')

    assert said in " ".join(demo.faces(demo.run("%lash tools tides"))["text/plain"].split())


def test_what_a_tool_says_is_text(demo: Shell) -> None:
    """Never markup."""
    demo.run(f'@lash_nb.tool\ndef evil(x: str) -> str:\n    """{HOSTILE}"""\n    return x')
    for line in (
        "%lash tools",
        "%lash tools evil",
        f"""%lash tools evil '{{"x": "{HOSTILE}"}}'""",
        f"%lash prompt {HOSTILE}",
    ):
        html = demo.faces(demo.run(line))["text/html"]
        assert "<img" not in html
        assert "onerror" in html


def test_what_a_tool_says_does_not_turn(demo: Shell) -> None:
    """A direction that a text sets is no part of what a page shows."""
    demo.run('@lash_nb.tool\ndef evil(x: str) -> str:\n    """Pays \u202eeno\u202c."""\n    return x')
    for line in ("%lash tools", "%lash tools evil", '%lash tools evil \'{"x": "\u202e"}\'', "%lash prompt '\u202eno'"):
        html = demo.faces(demo.run(line))["text/html"]
        assert "\u202e" not in html
        assert "\ufffd" in html


def test_the_next_prompt_is_seen_before_it_is_sent(demo: Shell) -> None:
    """By component, with sizes, each text to be opened; no model is asked."""
    calls = len(demo["session"].effects)
    preview = demo.run("%lash prompt 'And tomorrow?'")

    assert isinstance(preview, PromptPreview)
    assert {"system", "tool", "history", "input"} == {one.kind for one in preview.components}
    html, text = demo.faces(preview)["text/html"], demo.faces(preview)["text/plain"]
    for face in (html, text):
        assert "system prompt" in face
        assert "≈" in face
        assert "characters" in face
    assert "And tomorrow?" in html
    assert "<details>" in html
    assert calls == len(demo["session"].effects)


def test_a_long_history_is_cut_aloud(shell: Shell) -> None:
    """The first messages and the last ones, and how many are between them."""
    shell.run("provider = ScriptedProvider(lambda request: reply('Yes.'))\nsession = %lash new long")
    shell.run("for n in range(20): await session.turn(f'Question {n}?')")
    faces = shell.faces(shell.run("%lash prompt"))

    assert "17 messages more" in faces["text/html"]
    assert "17 messages more" in faces["text/plain"]


def test_usage_by_model_source_and_turn(demo: Shell) -> None:
    """The ledger of the session, and the turns of its trace."""
    table = demo.run("%lash usage")

    assert isinstance(table, pd.DataFrame)
    assert list(
        table[["source", "model", "input_tokens", "cached_input_tokens"]].itertuples(index=False, name=None)
    ) == [("turn", "some-model", 1120, 400)]
    assert list(demo.run("%lash usage --by model")["model"]) == ["some-model"]
    assert list(demo.run("%lash usage --by source")["source"]) == ["turn"]
    assert list(demo.run("%lash usage --by turn")["turn_index"]) == [1]
    assert "in all 1.1k in (400 cached)" in demo.faces(table)["text/plain"]


def test_usage_costs_what_the_prices_say(demo: Shell) -> None:
    """By turn and over the session the same; what has no price is named and never free."""
    demo.run("prices = {'some-model': lash_nb.frames.Price(input=10, cached_input=1, cache_write=0, output=100)}")
    expected = (720 * 10 + 400 * 1 + 80 * 100) / 1e6

    assert pytest.approx(expected) == demo.run("%lash usage")["total_usd"].sum()
    assert pytest.approx(expected) == demo.run("%lash usage --by turn")["total_usd"].sum()
    assert "$0.0156" in demo.faces(demo.run("%lash usage"))["text/html"]
    assert "input, not cached" in demo.faces(demo.run("%lash usage --by turn"))["text/plain"]

    demo.run("other = {'another': lash_nb.frames.Price(input=10, output=100)}")
    unpriced = demo.faces(demo.run("%lash usage --prices other"))["text/plain"]
    assert "cost not known, without some-model: no price" in unpriced
    for face in demo.faces(demo.run("%lash usage --by turn --prices other")).values():
        assert "without some-model: no price" in face
    assert "prices are a dict by model" in demo.refuse("%lash usage --prices usage")
    demo.run("numbers, nothing = {'some-model': 3}, {}")
    assert "numbers['some-model'] is of type int, and prices are" in demo.refuse("%lash usage --prices numbers")
    assert "nothing is empty, and prices are" in demo.refuse("%lash usage --prices nothing")


def test_a_tool_opens_in_the_table(demo: Shell) -> None:
    """With its schema, and the line that tries it: typed as it stands there, it works."""
    html = demo.faces(demo.run("%lash tools"))["text/html"]
    (trial,) = re.findall(r"<code>(%lash tools weather .*?)</code>", html)

    assert html.count("<details") == 2
    assert "&quot;city&quot;" in html
    assert demo.run(unescape(trial)).tool_name == "weather"


def test_another_session_is_looked_at(demo: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """With `--session`, wherever it stands; what is offered to type next names it, too, and `explain` says which one is meant."""
    demo.run("provider = provider_of('No.')\nother = %lash new other")
    for line, words in (
        ("tools --session demo", "weather"),
        ("tools --session=demo weather", "Look up the weather"),
        ("tools weather --session demo", "Look up the weather"),
        ("""tools weather '{"city": "Rome"}' --session demo""", "Rome"),
        ("""tools --session demo weather '{"city": "--session"}'""", "--session"),
        ("prompt --session demo", "Assistant: weather"),
        ("usage --session demo", "1.1k"),
        ("usage --by turn --session demo", "1.1k"),
        ("effects --session demo", "weather"),
        ("result --session demo", "Cold."),
        ("envelope 1 --session demo", "demo:"),
    ):
        assert words in demo.faces(demo.run(f"%lash {line}"))["text/plain"], line
    assert "%lash tools --session demo NAME" in demo.faces(demo.run("%lash tools --session demo"))["text/html"]
    assert "%lash usage --session demo --prices VAR" in demo.faces(demo.run("%lash usage --session demo"))["text/html"]
    offered = demo.faces(demo.run("%lash effects --session demo"))["text/plain"].rpartition("one in full: ")[2]
    hint = offered.partition(", of an earlier turn")[0]
    assert hint == "%lash envelope --session demo EFFECT"
    assert demo.run(hint.replace("EFFECT", "1")).envelope.invocation.scope.session_id == "demo"
    assert "; all: %lash effects --session demo" in demo.refuse(hint)
    assert "one that is done: %lash envelope --session demo EFFECT" in demo.refuse("%lash envelope --session demo")
    assert "no session nobody" in demo.refuse("%lash usage --session nobody")
    assert "expected one argument" in demo.refuse("%lash tools --session")

    capsys.readouterr()
    demo.run("%lash explain tools --session demo weather")
    session, python = capsys.readouterr().out.splitlines()
    assert session.startswith("session = sessions['demo']")
    assert python == "session.control.tools.describe('weather')"


def test_usage_is_added_up(demo: Shell) -> None:
    """A last row has the sums of all turns, in both faces; nothing used is said."""
    demo.run("%lash new more --provider offline")
    assert "Nothing was used yet" in repr(demo.run("%lash usage"))
    demo.run("%%lash\nOne")
    demo.run("%%lash\nTwo")
    table = demo.run("%lash usage --by turn")
    last = repr(table).splitlines()[len(table) + 2]

    assert last.split()[:3] == ["in", "all", str(table["llm_calls"].sum())]
    assert "<b>in all</b>" in demo.faces(table)["text/html"]


def test_completion_knows_tools_and_prices(demo: Shell) -> None:
    """From the verb table."""
    demo.run("prices = {'some-model': lash_nb.frames.Price(input=1, output=1)}")
    for line, word in (
        ("%lash tools we", "weather"),
        ("%lash usage --by t", "turn"),
        ("%lash usage --prices p", "prices"),
        ("%lash pro", "prompt"),
    ):
        assert word in offered(demo, line), line


@pytest.mark.parametrize(
    "line",
    [
        "tools",
        "tools weather",
        """tools weather '{"city": "Oslo"}'""",
        "prompt",
        "prompt 'So?'",
        "usage",
        "usage --by turn",
    ],
)
def test_every_line_has_its_python(demo: Shell, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What a line does can be typed without it, and gives the same."""
    demo.run(f"%lash explain {line}")
    python = capsys.readouterr().out

    assert type(demo.run(python)) in type(demo.run(f"%lash {line}")).__mro__


@pytest.mark.parametrize("verb", ["tools", "prompt", "usage"])
def test_every_verb_has_help(demo: Shell, verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """As every other."""
    demo.run(f"%lash {verb} --help")
    assert f"usage: %lash {verb}" in capsys.readouterr().out


def test_looking_changes_nothing(shell: Shell) -> None:
    """Tools that are as they were count as no change; a tool that is defined anew does."""
    shell.run("provider = provider_of('one', 'two')\n%lash new demo")
    before = shell.run("%lash tools")["generation"].iloc[0]
    shell.run("%%lash\nHello")
    assert shell.run("%lash tools")["generation"].iloc[0] == before

    shell.run(
        "@lash_nb.tool\ndef weather(city: str, day: str) -> str:\n    'Tell the weather of a day.'\n    return city"
    )
    assert shell.run("%lash tools")["generation"].iloc[0] > before


def test_a_long_table_of_a_session_shows_what_was_done_last(shell: Shell) -> None:
    """With how many earlier rows there are, and what gives them; bars stand at their own rows."""
    shell.run(
        "provider = lash_nb.ScriptedProvider(lambda request: 'a' * len(request.messages))\nsession = %lash new demo"
    )
    shell.run("for number in range(60): await session.turn(str(number))")

    for line, rows in (("%lash effects", 180), ("%lash usage --by turn", 60)):
        table = shell.run(line)
        faces = shell.faces(table)
        text = faces["text/plain"]
        assert len(table) == rows
        assert re.search(r"^ *(180 +)?60 ", text, re.MULTILINE)
        assert not re.search(r"^ *(1 +)?1 ", text, re.MULTILINE)
        assert f"{rows - 30} earlier rows: _.head({rows - 30})" in text
        assert f"{rows - 50} earlier rows: _.head({rows - 50})" in faces["text/html"]
    assert faces["text/html"].count("<tr") == 1 + 50 + 1
    assert f"{180 - 30} earlier rows: …[:150]" in shell.faces(shell["session"].effects)["text/plain"]
