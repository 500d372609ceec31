"""The size bar: rooms stay small enough to be read in one sitting."""

import statistics
from itertools import chain
from typing import Final

from tests.architecture.source import FACES, MODULES, line_count, measured, name_of

ROOMS: Final = [module for module in MODULES if module not in FACES]
"""Modules without the faces, whose shortness would flatter the median."""

MODULE_CEILING: Final = 400
MODULE_MEDIAN: Final = 250
FUNCTION_CEILING: Final = 60
FUNCTION_MEDIAN: Final = 10
BANNED: Final = {"utils", "util", "helpers", "helper", "manager", "misc", "common"}


def test_no_module_is_too_long() -> None:
    """No module has more than 400 lines."""
    assert [name_of(module) for module in MODULES if line_count(module) > MODULE_CEILING] == []


def test_most_modules_are_short() -> None:
    """Half of the modules have fewer than 250 lines."""
    assert statistics.median(map(line_count, ROOMS)) < MODULE_MEDIAN


def test_no_function_is_too_long() -> None:
    """No function has more than 60 lines, its docstring left out."""
    assert [
        function for function in chain.from_iterable(map(measured, MODULES)) if function.lines > FUNCTION_CEILING
    ] == []


def test_most_functions_are_short() -> None:
    """Half of the functions have at most 10 lines, their docstrings left out."""
    assert (
        statistics.median(function.lines for function in chain.from_iterable(map(measured, MODULES))) <= FUNCTION_MEDIAN
    )


def test_no_module_is_a_drawer_for_everything() -> None:
    """No module or package has a name that says nothing about what it owns."""
    named = {name_of(module): {part.strip("_") for part in module.with_suffix("").parts} for module in MODULES}

    assert [name for name, parts in named.items() if parts & BANNED] == []
