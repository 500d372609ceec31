"""The face of a package: imports and a sorted list of public names, which changes only on purpose."""

import ast
import importlib
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.public_names import WRITTEN, package_of, public_names
from tests.architecture.source import FACES, PACKAGE, name_of, tree_of

LAZY: Final = {"__getattr__", "__dir__"}
"""The root loads pandas and the widgets only when asked for them."""


def is_face_statement(node: ast.stmt, *, root: bool) -> bool:
    """Whether a statement may stand in a face: docstring, import, `__all__`, and in the root what makes it lazy."""
    match node:
        case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant(value=str())):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__")]):
            return True
        case ast.FunctionDef(name=name):
            return root and name in LAZY
        case ast.Assign() | ast.AnnAssign():
            return root
        case ast.If(test=ast.Name(id="TYPE_CHECKING"), body=body):
            return root and all(is_face_statement(line, root=root) for line in body)
    return False


@pytest.mark.parametrize("face", FACES, ids=name_of)
def test_a_face_holds_no_logic(face: Path) -> None:
    """A package's `__init__` imports and lists, nothing more."""
    root = face.parent == PACKAGE

    assert [ast.unparse(node) for node in tree_of(face).body if not is_face_statement(node, root=root)] == []


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
