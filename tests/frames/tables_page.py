"""The lists of column groups and columns in `docs/tables.md`; run as a program it writes them anew: `python -m tests.frames.tables_page`."""

import ast
import importlib
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final

from lash_nb import frames
from lash_nb.frames import TRACE_TABLES, Column

__all__ = ["PAGE", "columns_listed", "groups_listed"]

PAGE: Final = Path(__file__).parents[2] / "docs" / "tables.md"
GROUP_HEAD: Final = "| group | what it tells | in the tables |\n|---|---|---|\n"
COLUMN_HEAD: Final = "| group or table | column | type | what it means, with its unit |\n|---|---|---|---|\n"
FACE: Final = Path(frames.__file__)
SHARED: Final = {f"lash_nb.frames.{name}" for name in ("_ids", "_tokens", "_records")}
"""Modules of groups that are in tables of other modules, too."""

Columns = tuple[Column, ...]


@cache
def homes() -> Mapping[str, str]:
    """Return the module that each public name of the frames comes from."""
    imports = (node for node in ast.parse(FACE.read_text("utf-8")).body if isinstance(node, ast.ImportFrom))
    return {alias.name: str(node.module) for node in imports for alias in node.names}


@cache
def tuples() -> Mapping[str, Columns]:
    """Return all public tuples of columns: groups and whole tables."""
    return {name: getattr(frames, name) for name in frames.__all__ if name.isupper() and name != "TRACE_TABLES"}


@cache
def groups() -> Mapping[str, Columns]:
    """Return the groups: all but those of whole tables."""
    whole = {name for name in tuples() if name.endswith("_COLUMNS")} - {"TOKEN_COLUMNS"}
    return {name: columns for name, columns in tuples().items() if name not in whole}


def told(name: str) -> str:
    """Return what a group's docstring says, without its full stop."""
    lines = ast.parse(Path(str(importlib.import_module(homes()[name]).__file__)).read_text("utf-8")).body
    for line, following in pairwise(lines):
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.target.id == name:
            assert isinstance(following, ast.Expr), name
            assert isinstance(following.value, ast.Constant), name
            return str(following.value.value).rstrip(".")
    raise AssertionError(name)


def tables_with(group: str) -> Iterator[str]:
    """Yield the tables that have a group's columns; in those of the same module they can be had for the asking."""
    home = homes()[group]
    near = {name for name in TRACE_TABLES if homes()[f"{name}_df"] == home}
    having = [name for name, table in TRACE_TABLES.items() if set(groups()[group]) <= set(table.columns)]
    yield from (f"`{name}_df`" for name in having if name in near or home in SHARED)
    if not near & set(having):
        yield from (f"`{name}_df`, to add" for name in TRACE_TABLES if name in near)


def groups_listed() -> str:
    """Return the list of groups as it stands on the page."""
    lines = []
    for name, columns in groups().items():
        fields = ", ".join(f"`{column.name}`" for column in columns)
        lines.append(f"| `{name}` | {told(name)}: {fields} | {', '.join(tables_with(name)) or 'always there'} |\n")
    return GROUP_HEAD + "".join(lines)


def columns_listed() -> str:
    """Return the list of columns as it stands on the page: those of groups, and of tables those that are in no group."""
    grouped = {column for columns in groups().values() for column in columns}
    lines = []
    for name, columns in tuples().items():
        own = [column for column in columns if name in groups() or column not in grouped]
        owners = [f"`{name}`", *[""] * len(own)]
        lines += [
            f"| {owner} | `{column.name}` | `{column.dtype}` | {column.doc.replace('|', '&#124;')} |\n"
            for owner, column in zip(owners, own, strict=False)
        ]
    return COLUMN_HEAD + "".join(lines)


def rewritten(page: str, head: str, table: str) -> str:
    """Return the page with the table below a head replaced."""
    start = page.index(head)
    end = page.find("\n\n", start) + 1 or len(page)
    return page[:start] + table + page[end:]


if __name__ == "__main__":
    text = PAGE.read_text("utf-8")
    text = rewritten(text, GROUP_HEAD, groups_listed())
    PAGE.write_text(rewritten(text, COLUMN_HEAD, columns_listed()), "utf-8")
