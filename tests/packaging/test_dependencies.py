"""What the sources import is what pyproject.toml declares, not what happens to be installed along with it."""

import ast
import importlib.metadata
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[2]


def imported() -> Iterator[str]:
    """The top-level name of every absolute import in the package."""
    for module in (ROOT / "lash_nb").rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]


def declared() -> set[str]:
    """The distributions that the project asks for, its extras' too."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [text for texts in project["optional-dependencies"].values() for text in texts]
    return {canonicalize_name(Requirement(text).name) for text in [*project["dependencies"], *extras]}


def test_every_import_is_declared() -> None:
    """No module imports a distribution that the project does not ask for by name."""
    bringing = importlib.metadata.packages_distributions()
    foreign = set(imported()) - set(sys.stdlib_module_names) - {"lash_nb"}
    known = declared()

    assert [
        name for name in sorted(foreign) if known.isdisjoint(map(canonicalize_name, bringing.get(name, [name])))
    ] == []
