"""The page about tables: it names every table, and its examples run."""

import re
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from lash_nb.cli import main
from lash_nb.frames import TRACE_TABLES
from tests.frames.tables_page import PAGE, columns_listed, groups_listed
from tests.trace.lines import STATION


def test_every_table_is_on_the_page() -> None:
    """Each table of a trace has its line."""
    text = PAGE.read_text(encoding="utf-8")

    assert [name for name in TRACE_TABLES if f"| `{name}_df` |" not in text] == []


@pytest.mark.parametrize("listed", [groups_listed, columns_listed])
def test_every_group_and_column_is_on_the_page(listed: Callable[[], str]) -> None:
    """Groups with what they tell, their columns and tables; columns with their type, meaning and unit: as they are."""
    rewrite = "after a change on purpose run: python -m tests.frames.tables_page"

    assert listed() in PAGE.read_text(encoding="utf-8"), rewrite


def test_every_column_says_what_it_means() -> None:
    """In a sentence; a unit in its name is said there, too."""
    units = {"_ms": "illisecond", "_usd": "USD", "_chars": "haracters", "_bytes": "ytes", "byte_len": "bytes"}
    rows = [line.split(" | ") for line in columns_listed().splitlines()[2:]]
    silent = [row[1] for row in rows if not row[3].rstrip(" |").endswith((".", "…"))]
    unitless = [
        row[1]
        for row in rows
        for name, unit in units.items()
        if row[1].strip("`").endswith(name) and unit not in row[3]
    ]

    assert len(rows) > 300
    assert silent == unitless == []


def test_the_examples_run() -> None:
    """All of them one after the other, on the trace of the weather desk."""
    examples = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    for example in examples:
        exec(example.replace("run.jsonl", STATION.as_posix()), names)  # noqa: S102 - our own page

    frame: pd.DataFrame = names["llm_calls_df"](names["trace"], columns=names["columns"])
    assert len(examples) > 2
    assert list(frame["messages"])[:2] == [2, 4]


@pytest.mark.parametrize("name", TRACE_TABLES)
def test_every_table_prints_in_a_terminal(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`lash-nb trace FILE --table NAME` takes every name; there are no problems with a whole trace."""
    assert main(["trace", str(STATION), "--table", name]) == 0

    printed = capsys.readouterr()
    assert all(column.name in printed.out for column in TRACE_TABLES[name].columns)
    assert printed.err == ""
