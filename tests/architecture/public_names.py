"""The public names of every package; run as a program it writes them down: `python -m tests.architecture.public_names`."""

import importlib
from pathlib import Path
from typing import Final

from tests.architecture.source import FACES, PACKAGE

WRITTEN: Final = Path(__file__).parent / "public_names.txt"
"""One line a name, `package:name`."""


def package_of(face: Path) -> str:
    """The dotted name of the package that an `__init__.py` is the face of."""
    return ".".join(face.parent.relative_to(PACKAGE.parent).parts)


def public_names() -> list[str]:
    """Every public name as `package:name`, sorted."""
    packages = map(package_of, FACES)
    return sorted(f"{package}:{name}" for package in packages for name in importlib.import_module(package).__all__)


if __name__ == "__main__":
    WRITTEN.write_text("".join(f"{name}\n" for name in public_names()), encoding="utf-8")
