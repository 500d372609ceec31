"""Golden traces of all releases, as records and as traces."""

import json
from functools import cache
from typing import Any

import pandas as pd

from lash_nb.trace import Trace, read_trace
from tests.conformance.vectors import PACKED, read_files


@cache
def files() -> dict[str, bytes]:
    """Every golden trace file by its name."""
    groups = ("traces", "traces_later")
    return {name: content for group in groups for name, content in read_files(PACKED, group)}


def records(name: str) -> list[dict[str, Any]]:
    """The records of a golden file, read without any of the package."""
    return [json.loads(line) for line in files()[name].removesuffix(b"\n").split(b"\n")]


def trace_of(*names: str) -> Trace:
    """Golden files as one trace."""
    return read_trace(b"".join(files()[name] for name in names), name=names[0])


def plain(column: "pd.Series[Any]") -> list[Any]:
    """The values of a column, None for nothing."""
    return [None if value is None or value is pd.NA or value is pd.NaT or value != value else value for value in column]  # noqa: PLR0124 - NaN is not itself
