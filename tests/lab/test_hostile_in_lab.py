"""Texts of models, tools and files that want to be more than text, on every page of a notebook: nothing runs, nothing leaves its box."""

from typing import Any, Final

import pytest

from tests.lab.conftest import OpenNotebook
from tests.lab.page import LabPage

SCRIPT: Final = r'''%load_ext lash_nb
import lash_nb
from lash_nb import ScriptedProvider, call, calls, reply

SIGNS = (
    '<script>document.title="hurt"</script><img src=x onerror=\'document.title="hurt"\'></div></td></details>'
    "]]>--><!-- \x1b[31mred\x1b[0m\x1b]0;hurt\x07 \u202etfel ot thgir\u2066 \x00 $$x^2$$ \\(y\\) $5 and $7"
    ' [link](javascript:document.title="hurt") <a href="javascript:document.title=1">link</a> ![<b>alt" onerror="x](x)'
)
WORD = "W" * 1_000_000
NAME = "n" * 64

@lash_nb.tool
def say(text: str) -> dict[str, object]:
    """<script>document.title="hurt"</script> \x1b[31m \u202e $$x$$ ]]>"""
    return {SIGNS: SIGNS, "word": WORD, "list": [SIGNS, {"a": SIGNS}]}

@lash_nb.tool(name=NAME, description=SIGNS + WORD[:10_000])
async def fails(text: str, option: str = "") -> str:
    raise ValueError(SIGNS + WORD)

turns = iter([calls(("a", "say", {"text": SIGNS}), ("b", NAME, {"text": WORD[:100_000], SIGNS: SIGNS})), reply(SIGNS + "\n\n" + WORD[:100_000])] * 9)
provider = ScriptedProvider(lambda request: next(turns))
'''
OTHER: Final = r"""
name = "<img src=x onerror=alert(1)>\x1b[31m\u202e" + "f" * 150 + ".jsonl"
def broken(request):
    raise ValueError(SIGNS + WORD)

core = lash_nb.LashCore.standard().in_memory().provider(ScriptedProvider(broken)).model(SIGNS).trace_jsonl_path(name).tools(say).build()
other = await core.session(SIGNS).open()
await other.turn(SIGNS)
"""
CELLS: Final = (
    SCRIPT,
    "session = %lash new hostile",
    "%%lash -o turn\n{{SIGNS}}",
    "%lash tools",
    "%lash tools {{NAME}}",
    '%lash tools say \'{"text": "x"}\'',
    "%lash effects",
    "%lash envelope 3",
    "%lash graph",
    "session.graph.nodes[-1]",
    "turn",
    "%%lash --step\n{{SIGNS}}",
    "%lash continue --to tool_call",
    "%lash step",
    "%lash step",
    OTHER,
    "%lash trace '{{name}}'",
    "%lash trace '{{name}}' --summary",
    "%lash timeline",
    "%lash plot latency",
    "SIGNS[:5]; raise lash_nb.errors.CallerError(SIGNS + WORD[:10_000])",
)

HURT: Final = """() => {
  const wide = [...document.querySelectorAll(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea-output")]
    .filter((one) => one.scrollWidth > one.clientWidth + 1)
    .map((one) => `${one.closest(".jp-CodeCell").querySelector(".jp-InputPrompt").textContent} ${one.scrollWidth} > ${one.clientWidth}`);
  const page = document.querySelector(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-WindowedPanel-outer");
  return {
    title: document.title.includes("hurt"),
    links: document.querySelectorAll(".jp-OutputArea a[href^='javascript' i]").length,
    scripts: document.querySelectorAll(".jp-OutputArea script:not([type='application/vnd.jupyter.widget-view+json'])").length,
    handlers: document.querySelectorAll(".jp-OutputArea [onerror]").length,
    typeset: document.querySelectorAll(".jp-OutputArea mjx-container").length,
    page: page.scrollWidth > page.clientWidth + 1 || document.documentElement.scrollWidth > innerWidth,
    wide,
  };
}"""
UNHURT: Final = {"title": False, "links": 0, "scripts": 0, "handlers": 0, "typeset": 0, "page": False, "wide": []}


def hurt(notebook: LabPage) -> dict[str, Any]:
    """What is wrong on the page."""
    found: dict[str, Any] = notebook.page.evaluate(HURT)
    return found


@pytest.mark.slow
def test_hostile_texts_stay_text(open_notebook: OpenNotebook) -> None:
    """In cards, tables, the stepper, the explorer, the timeline and errors."""
    notebook = open_notebook(*CELLS)
    for cell in range(len(CELLS)):
        notebook.run(cell)
        notebook.screenshot(f"hostile_{cell:02d}", cell=cell)

    assert hurt(notebook) == UNHURT
    assert notebook.errors == []
