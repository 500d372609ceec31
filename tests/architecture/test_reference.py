"""The API reference: every room has a page, and every public name stands there with its docstring."""

import importlib
import inspect
from pathlib import Path

import pytest
from pdoc.doc import Class, Function

from tests.architecture.reference import PAGES, build, page
from tests.architecture.source import PACKAGE


def test_every_room_has_a_page() -> None:
    """All packages, and the rooms of one module that others use."""
    packages = {f"lash_nb.{one.parent.name}" for one in PACKAGE.glob("*/__init__.py")}

    assert set(PAGES) == packages | {"lash_nb", "lash_nb.clock", "lash_nb.errors"}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_holds_what_its_face_promises(name: str) -> None:
    """Each name of `__all__`, nothing more, and of each class and function what it is; nothing that pdoc would warn of."""
    face = importlib.import_module(name)
    promised = [
        one for one in face.__all__ if not inspect.ismodule(getattr(face, one))
    ]  # rooms have pages of their own

    members = page(name).members

    assert sorted(members) == sorted(promised)
    silent = [one.name for one in members.values() if isinstance(one, Class | Function) and not one.docstring.strip()]
    assert silent == []


def test_a_page_is_written(tmp_path: Path) -> None:
    """Docstrings beside their names, an index, a search, and no path of the machine that built them."""
    errors = importlib.import_module("lash_nb.errors")

    build(tmp_path, ["lash_nb.errors"])

    written = {path.relative_to(tmp_path).as_posix(): path.read_text("utf-8") for path in tmp_path.rglob("*.*")}
    assert sorted(written) == ["index.html", "lash_nb/errors.html", "search.js"]
    for name in errors.__all__:
        told = str(inspect.getdoc(getattr(errors, name))).partition("\n")[0]
        assert f'id="{name}"' in written["lash_nb/errors.html"]
        assert min(told.partition(sign)[0] for sign in "`'*") in written["lash_nb/errors.html"]
        assert name in written["search.js"]
    assert [path for path, text in written.items() if str(PACKAGE.parent) in text] == []
