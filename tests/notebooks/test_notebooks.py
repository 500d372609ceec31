"""The notebooks people start with: each runs from top to bottom, and is kept small and clean in the repository."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from tests import conftest
from tests.conftest import Demo

NOTEBOOKS: Final = sorted(conftest.NOTEBOOKS.glob("*.ipynb"))
SAVED_BYTES: Final = 100_000
OF_A_MACHINE: Final = re.compile(r"/(?:home|Users|root|work|tmp)/|[A-Z]:\\\\")
"""A path that is right on one machine only."""


def name_of(notebook: Path) -> str:
    """The notebook's own name, for the test's."""
    return notebook.stem


def code_cells(notebook: Path) -> list[dict[str, Any]]:
    """Every code cell, in order."""
    return [cell for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


def test_the_tour_is_complete() -> None:
    """The six stops of the tour are there."""
    tour = [
        "01_first_turn",
        "02_step_through_effects",
        "03_explore_a_trace",
        "04_attachments",
        "05_bring_your_own_model",
        "06_sessions_that_outlive_the_kernel",
    ]

    assert set(tour) <= {notebook.stem for notebook in NOTEBOOKS}


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=name_of)
def test_a_notebook_runs(notebook: Path, demo_run: Demo) -> None:
    """A real kernel executed every cell, none ended in an error or wrote to standard error."""
    cells = code_cells(demo_run.executed / notebook.name)
    outputs = [output for cell in cells for output in cell["outputs"]]

    assert ["".join(cell["source"]) for cell in cells] == ["".join(cell["source"]) for cell in code_cells(notebook)]
    assert all(cell["execution_count"] for cell in cells if cell["source"])
    assert [output["text"] for output in outputs if output.get("name") == "stderr"] == []
    assert [output for output in outputs if output["output_type"] == "error"] == []


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=name_of)
def test_a_saved_notebook_is_small(notebook: Path) -> None:
    """A notebook and its saved outputs stay below 100 kB."""
    assert notebook.stat().st_size < SAVED_BYTES


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=name_of)
def test_a_saved_notebook_names_no_machine(notebook: Path) -> None:
    """No cell and no saved output holds an absolute path."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]

    assert OF_A_MACHINE.findall(json.dumps(cells)) == []


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=name_of)
def test_a_notebook_runs_anywhere(notebook: Path) -> None:
    """A notebook asks for the kernel that every installation has, of no particular Python."""
    metadata = json.loads(notebook.read_text(encoding="utf-8"))["metadata"]

    assert metadata["kernelspec"]["name"] == "python3"
    assert "version" not in metadata.get("language_info", {})
