"""The page about tables: it names every table, and its examples run."""

import re
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pytest

from lash_nb.cli import main
from lash_nb.frames import TRACE_TABLES
from tests.trace.lines import STATION

PAGE: Final = Path(__file__).parents[2] / "docs" / "tables.md"


def test_every_table_is_on_the_page() -> None:
    """Each table of a trace has its line."""
    text = PAGE.read_text(encoding="utf-8")

    assert [name for name in TRACE_TABLES if f"| `{name}_df` |" not in text] == []


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
