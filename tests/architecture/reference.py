"""The API reference, built from docstrings: one page for each room's face. As a program it writes it: `python -m tests.architecture.reference build/docs`.

Rule: what pdoc warns of (an annotation that does not resolve, a name that is not there) is an error.
"""

import importlib
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Final

import pdoc.doc
import pdoc.render

from lash_nb import __version__
from tests.architecture.public_names import package_of
from tests.architecture.source import FACES

__all__ = ["PAGES", "build", "page"]

PAGES: Final = (*map(package_of, FACES), "lash_nb.clock", "lash_nb.errors")
"""The modules that have a page: all faces, and the two rooms that are one module each."""


def page(name: str) -> pdoc.doc.Module:
    """Return what is said of a module.

    Raises:
        Warning: something in it cannot be told.
    """
    module = _loaded(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return pdoc.doc.Module(module)


def build(folder: Path, names: Iterable[str] = PAGES) -> None:
    """Write the pages of these modules into `folder`, with an index and a search; errors as in `page`."""
    pages = {name: page(name) for name in names}
    files = {_path(name): _html(one, pages) for name, one in pages.items()}
    files |= {Path("index.html"): pdoc.render.html_index(pages), Path("search.js"): pdoc.render.search_index(pages)}
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def _html(one: pdoc.doc.Module, pages: dict[str, pdoc.doc.Module]) -> str:
    """Return a page as HTML, with links to the others; errors as in `page`."""
    pdoc.render.configure(docformat="google", show_source=False, footer_text=f"lash_nb {__version__}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return pdoc.render.html_module(one, pages)


def _path(name: str) -> Path:
    """Where the page of a module lies."""
    return Path(*name.split(".")).with_suffix(".html")


def _loaded(name: str) -> ModuleType:
    """Return a module; of a lazy face, everything that it promises is there."""
    module = importlib.import_module(name)
    for public in module.__all__:
        getattr(module, public)
    return module


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "build/docs")
    build(target)
    sys.stdout.write(f"{len(PAGES)} pages: open {target / 'index.html'}\n")
