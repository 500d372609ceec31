"""How a benchmark is asked for its figures, and how it shows them."""

import argparse
import json
from collections.abc import Mapping
from typing import TypeAlias

__all__ = ["asking", "show", "show_rows"]

_Row: TypeAlias = Mapping[str, float]
_Table: TypeAlias = Mapping[str, _Row]


def asking(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser with what every benchmark takes: `--json`, which stands in `json`.

    Args:
        doc: The docstring of the benchmark.
    """
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def show(figures: _Row | _Table, *, as_json: bool, unit: str = "") -> None:
    """Print figures one below another, or all as one JSON object."""
    if as_json:
        print(json.dumps(figures))
        return
    named = dict[str, float]()
    for title, row in figures.items():
        named |= (
            {f"{title}: {name}": value for name, value in row.items()} if isinstance(row, Mapping) else {title: row}
        )
    width = max(map(len, named))
    for name, value in named.items():
        print(f"{name:{width}} {value:12,} {unit}".rstrip())


def show_rows(figures: _Table, *, as_json: bool, heading: str = "") -> None:
    """Print a line for each row, below a heading if there is one, or all as one JSON object."""
    if as_json:
        print(json.dumps(figures))
        return
    if heading:
        print(heading)
    width = max(map(len, figures))
    for title, row in figures.items():
        print(f"{title:{width}}", "   ".join(f"{name}: {value:8}" for name, value in row.items()))
