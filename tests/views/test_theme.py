"""One visual language: the style sheet says in the browser what `plots._style` says in Python."""

import re
from dataclasses import asdict

from lash_nb.plots import DARK, KIND_COLORS, LIGHT
from lash_nb.views._sources import stylesheet


def declared(selector: str) -> dict[str, str]:
    """The custom properties of a block, host variables replaced by their fallbacks, lower case."""
    block = re.search(re.escape(selector) + r" \{(.*?)\}", stylesheet("graph"), re.DOTALL)
    assert block is not None
    pairs = re.findall(r"--lash-([\w-]+): (.+);", block[1])
    return {name: re.sub(r"var\(--jp-[\w-]+, (#\w+)\)", r"\1", value).lower() for name, value in pairs}


def test_surfaces_and_texts_are_those_of_the_light_theme() -> None:
    """Each color of the light theme stands in the style sheet under its name."""
    names = {name.replace("_", "-"): value.lower() for name, value in asdict(LIGHT).items()}

    assert {name: declared(".lash").get(name) for name in names} == names


def test_surfaces_and_texts_are_those_of_the_dark_theme() -> None:
    """Each color of the dark theme stands in the style sheet under its name."""
    names = {name.replace("_", "-"): value.lower() for name, value in asdict(DARK).items()}

    assert {name: declared('.lash[data-theme="dark"]').get(name) for name in names} == names


def test_every_effect_kind_has_its_color_in_the_browser() -> None:
    """Each kind's fill stands in the style sheet, and a rule uses it."""
    kinds = {f"kind-{name}": value.lower() for name, value in KIND_COLORS.items()}
    css = stylesheet("graph")

    assert {name: declared(".lash").get(name) for name in kinds} == kinds
    assert [kind for kind in KIND_COLORS if kind != "failure" and f'[data-kind="{kind}"]' not in css] == []
