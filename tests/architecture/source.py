"""The package as a text: its modules, their trees and their functions."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = ROOT / "lash_nb"
MODULES: Final = sorted(PACKAGE.rglob("*.py"))
FACES: Final = [module for module in MODULES if module.name == "__init__.py"]
TESTS: Final = sorted((ROOT / "tests").rglob("test_*.py"))

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Measured(NamedTuple):
    """A function and how many lines it has, its docstring left out: prose is not what makes a function long."""

    place: str
    lines: int


def name_of(module: Path) -> str:
    """The path of a file as it is written in a message."""
    return module.relative_to(ROOT).as_posix()


def tree_of(module: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(module.read_text(encoding="utf-8"), filename=str(module))


def line_count(module: Path) -> int:
    """How many lines a file has."""
    return len(module.read_text(encoding="utf-8").splitlines())


def functions(module: Path) -> Iterator[Function]:
    """Every function and method of a file, nested ones too."""
    for node in ast.walk(tree_of(module)):
        if isinstance(node, Function):
            yield node


def measured(module: Path) -> Iterator[Measured]:
    """Every function of a file with its length."""
    for function in functions(module):
        prose = function.body[0] if ast.get_docstring(function) else None
        docstring = prose.end_lineno - prose.lineno + 1 if prose is not None and prose.end_lineno else 0
        yield Measured(
            f"{name_of(module)}:{function.name}",
            (function.end_lineno or function.lineno) - function.lineno + 1 - docstring,
        )
