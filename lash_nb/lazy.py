"""Faces that load what stands behind a name when the name is first used.

Drawing libraries take most of a second to load; who only reads a trace or writes a report never waits for them. Such a face imports its
names twice: for type checkers under `TYPE_CHECKING`, and for everybody else through this table of homes.
"""

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["lazy_face"]


def lazy_face(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the `__getattr__` and the `__dir__` of a package.

    Args:
        package: Its dotted name.
        homes: For each public name the module in the package that has it; a name that is its own home is that module.
    """
    face = sys.modules[package]

    def load(name: str) -> Any:
        """Load a public name when it is first used."""
        home = homes.get(name)
        if home is None:
            message = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(message)
        module = importlib.import_module(f"{package}.{home}")
        value = module if home == name else getattr(module, name)
        setattr(face, name, value)
        return value

    def names() -> list[str]:
        """List what a person can ask for."""
        return sorted({*vars(face), *homes})

    return load, names
