"""Pictures that tools gave, in the values of cells: looked up in the sessions that are open, and in those of variables."""

from typing import Final

import pytest

from lash_nb import views
from tests.magics.conftest import Shell

DRAWING: Final = '''
from matplotlib.figure import Figure

@lash_nb.tool
def draw(city: str) -> object:
    """Draw the weather of a city."""
    figure = Figure(figsize=(2, 1), dpi=100)
    figure.subplots().plot([3, 1, 4])
    return {"city": city, "chart": figure}

provider = provider_of(call("draw", {"city": "Oslo"}), reply("Drawn."))
session = %lash new demo
turn = await session.turn("Draw.").run()
'''


@pytest.fixture
def drawn(shell: Shell) -> Shell:
    """A session in which a tool drew."""
    shell.run(DRAWING)
    return shell


@pytest.mark.parametrize(
    "expression",
    [
        "turn",
        "session.effects",
        "session.effects[2]",
        "%lash effects",
        "session.graph",
        "next(node for node in session.graph.nodes if any(part.attachment for part in node.message.parts))",
        """%lash tools draw '{"city": "Rome"}'""",
    ],
)
def test_a_value_shows_what_a_tool_drew(drawn: Shell, expression: str) -> None:
    """The card of a turn, the effects, one of them, the graph, a node of it, and a tool that is tried."""
    shown = drawn.faces(drawn.run(expression))

    assert shown["text/html"].count('src="data:image/png;base64,') == 1
    assert "png 200 × 100" in shown["text/html"]
    assert "base64" not in shown["text/plain"]


@pytest.mark.parametrize("expression", ["turn", "mine.effects", "mine.graph"])
def test_a_session_that_python_opened_shows_what_a_tool_drew(shell: Shell, expression: str) -> None:
    """It is in a variable, and `%lash` knows nothing of it."""
    opened = "mine = await lash_nb.LashCore.standard().in_memory().provider(provider).model('m').tools(draw).build().session('mine').open()"
    code = DRAWING.replace("session = %lash new demo", opened).replace("session.", "mine.")
    shell.run(code)
    assert shell.faces(shell.run(expression))["text/html"].count('src="data:image/png;base64,') == 1


def test_a_graph_shows_what_a_tool_drew(drawn: Shell) -> None:
    """In the detail of its turn."""
    view = drawn.run("%lash graph")
    view.select(0)

    assert view.detail["attachments"][0]["source"].startswith("data:image/png;base64,")
    assert views.static_html(view).count('src="data:image/png;base64,') == 1


TABLE: Final = '''
@lash_nb.tool
def readings() -> object:
    """Give readings."""
    import pandas
    return pandas.DataFrame({"city": ["Oslo"] * 30, "celsius": [0.1 + 0.2] * 30})

provider = provider_of(reply("Nothing."))
%lash new demo
'''


def test_a_table_of_a_tool_that_is_tried_is_a_table(shell: Shell) -> None:
    """A line each row, and how many there are."""
    shell.run(TABLE)
    shown = shell.faces(shell.run("%lash tools readings {}"))
    lines = shown["text/plain"].splitlines()

    assert "DataFrame of 2 columns and 30 rows, 20 of them here" in lines[0]
    assert lines[1].split() == ["city", "celsius"]
    assert lines[2].split() == ["0", "Oslo", "0.3"]
    assert lines[-1].startswith("the value: done = %lash tools readings '{…}'")
    assert shown["text/html"].count("<tr") == 21
    assert "<details open" not in shown["text/html"]


def test_a_picture_of_a_tool_that_is_tried_is_told_in_words(drawn: Shell) -> None:
    """What stands for it in JSON says nothing to a person."""
    shown = drawn.faces(drawn.run("""%lash tools draw '{"city": "Rome"}'"""))

    assert "$lash_tool_value" not in shown["text/plain"]
    assert "<details open" not in shown["text/html"]


def test_below_a_failure_is_no_way_to_a_value(shell: Shell) -> None:
    """It has none."""
    shell.run(TABLE.replace("import pandas", "raise KeyError"))

    assert "payload" not in shell.faces(shell.run("%lash tools readings {}"))["text/plain"]
