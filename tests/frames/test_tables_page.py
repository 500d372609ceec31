"""The page about tables: it names every table, and its examples run."""

import re
from typing import Any

import pandas as pd
import pytest

from lash_nb.cli import main
from lash_nb.frames import TRACE_TABLES
from tests.frames.tables_page import PAGE, listed
from tests.trace.lines import STATION


def test_every_table_is_on_the_page() -> None:
    """Each table of a trace has its line."""
    text = PAGE.read_text(encoding="utf-8")

    assert [name for name in TRACE_TABLES if f"| `{name}_df` |" not in text] == []


def test_every_group_of_columns_is_on_the_page() -> None:
    """With what it tells, its columns and its tables, as they are."""
    rewrite = "after a change on purpose run: python -m tests.frames.tables_page"

    assert listed() in PAGE.read_text(encoding="utf-8"), rewrite


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
