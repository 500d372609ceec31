"""The face of a package: imports and a sorted list of public names, which changes only on purpose."""

import ast
import importlib
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.public_names import WRITTEN, package_of, public_names
from tests.architecture.source import FACES, PACKAGE, name_of, tree_of

LAZY: Final = {PACKAGE, PACKAGE / "plots", PACKAGE / "views"}
"""Packages that load drawing libraries and widgets only when asked for what needs them."""


def is_face_statement(node: ast.stmt, *, lazy: bool) -> bool:
    """Whether a statement may stand in a face: docstring, import, `__all__`, and what makes some of them lazy."""
    match node:
        case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant(value=str())):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__")]):
            return True
        case ast.Assign(targets=[ast.Name(id="_HOMES")]):
            return lazy
        case ast.Assign(value=ast.Call(func=ast.Name(id="lazy_face"))):
            return lazy
        case ast.If(
            test=ast.Name(id="TYPE_CHECKING") | ast.UnaryOp(ast.Not(), ast.Name(id="TYPE_CHECKING")), body=body
        ):
            return lazy and all(is_face_statement(line, lazy=lazy) for line in body)
    return False


@pytest.mark.parametrize("face", FACES, ids=name_of)
def test_a_face_holds_no_logic(face: Path) -> None:
    """A package's `__init__` imports and lists, nothing more."""
    lazy = face.parent in LAZY

    assert [ast.unparse(node) for node in tree_of(face).body if not is_face_statement(node, lazy=lazy)] == []


@pytest.mark.parametrize("face", FACES, ids=name_of)
def test_a_face_keeps_its_promises(face: Path) -> None:
    """Every name in `__all__` stands there once and can be had; ruff keeps the list sorted."""
    package = importlib.import_module(package_of(face))
    names = list(package.__all__)

    assert len(names) == len(set(names))
    assert [name for name in names if not hasattr(package, name)] == []


def test_the_public_names_are_the_written_ones() -> None:
    """Every `__all__` is what the written list says, so that the API changes only on purpose."""
    rewrite = "after a change on purpose run: python -m tests.architecture.public_names"

    assert WRITTEN.read_text(encoding="utf-8").splitlines() == public_names(), rewrite


@pytest.mark.parametrize("package", sorted(LAZY), ids=name_of)
def test_a_lazy_face_imports_what_it_lists(package: Path) -> None:
    """What type checkers see behind a name is what everybody else gets: the same module, name by name."""
    face = package / "__init__.py"
    checked = {
        alias.name: (line.module or "").removeprefix(f"{package_of(face)}.")
        for node in tree_of(face).body
        if isinstance(node, ast.If)
        for line in node.body
        if isinstance(line, ast.ImportFrom)
        for alias in line.names
    }
    homes = importlib.import_module(package_of(face))._HOMES

    assert {name: home for name, home in homes.items() if home != name} == {
        name: home for name, home in checked.items() if home != package_of(face)
    }
