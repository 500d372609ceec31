"""The browser halves: joined into one module each, and nothing in them parses a string as markup or code."""

import re
from pathlib import Path
from typing import Final

import pytest

from lash_nb.views._sources import module, stylesheet

SOURCES: Final = Path(__file__).parents[2] / "widgets" / "src"
VIEWS: Final = ("stepper", "graph", "timeline", "attachments")
SINKS: Final = (
    "innerHTML",
    "outerHTML",
    "insertAdjacentHTML",
    "document.write",
    "eval(",
    "new Function",
    "srcdoc",
    "DOMParser",
    "createContextualFragment",
    'setTimeout("',
    "javascript:",
)


@pytest.mark.parametrize("path", sorted(SOURCES.glob("*.js")), ids=lambda path: path.name)
def test_no_source_can_turn_text_into_markup_or_code(path: Path) -> None:
    """No browser half uses a way in which a string becomes markup or code."""
    text = path.read_text("utf-8")

    assert [sink for sink in SINKS if sink in text] == []


@pytest.mark.parametrize("path", sorted(SOURCES.iterdir()), ids=lambda path: path.name)
def test_every_source_is_short_and_reaches_no_other_machine(path: Path) -> None:
    """A source has fewer than 400 lines and names no address but the SVG namespace."""
    text = path.read_text("utf-8")

    assert text.count("\n") < 400
    assert set(re.findall(r"https?://[^\s\"']+", text)) <= {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("path", sorted(SOURCES.glob("*.js")), ids=lambda path: path.name)
def test_a_source_imports_the_kit_once_at_most(path: Path) -> None:
    """The import line of the kit occurs at most once, and imports name a sibling."""
    imports = re.findall(r'^import \{[^}]*\} from "(.*)";$', path.read_text("utf-8"), re.MULTILINE)

    assert imports.count("./kit.js") <= 1
    assert all((SOURCES / name).is_file() for name in imports)


@pytest.mark.parametrize("view", VIEWS)
def test_a_module_is_joined_kit_first_without_imports(view: str) -> None:
    """The front end gets one module: the kit in front, no import left, one default export."""
    joined = module(view)

    assert re.search(r"^import\b", joined, re.MULTILINE) is None
    assert joined.startswith((SOURCES / "kit.js").read_text("utf-8"))
    assert joined.count("export default") == 1
    assert joined.count("export function mount(") == 1


@pytest.mark.parametrize("view", VIEWS)
def test_a_stylesheet_touches_only_its_own_view(view: str) -> None:
    """Every selector of a style sheet begins below `.lash`, so that it changes nothing else on the page."""
    rules = re.sub(r"/\*.*?\*/", "", stylesheet(view), flags=re.DOTALL)
    selectors = [part.strip() for rule in re.findall(r"([^{}]+)\{", rules) for part in rule.split(",")]

    assert [one for one in selectors if one and not one.startswith((".lash", "@"))] == []
