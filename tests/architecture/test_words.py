"""What is written in the sources: nothing unfinished, and a sentence for every test."""

import ast
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.source import MODULES, TESTS, functions, name_of

UNFINISHED: Final = tuple(
    "".join(halves)
    for halves in [("TO", "DO"), ("FIX", "ME"), ("XX", "X"), ("NotImplemented", "Error"), ("pragma: no", " cover")]
)
"""Put together here, so that this file does not hold what it forbids."""


@pytest.mark.parametrize("module", [*MODULES, *TESTS], ids=name_of)
def test_nothing_is_left_for_later(module: Path) -> None:
    """No source or test holds a mark of unfinished work."""
    text = module.read_text(encoding="utf-8")

    assert [token for token in UNFINISHED if token in text] == []


@pytest.mark.parametrize("module", TESTS, ids=name_of)
def test_every_test_is_a_sentence(module: Path) -> None:
    """Every test function says in its docstring what holds."""
    tests = [function for function in functions(module) if function.name.startswith("test_")]

    assert [test.name for test in tests if not ast.get_docstring(test)] == []
