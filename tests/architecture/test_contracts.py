"""The laws of the street: who may import whom, and what a bare import loads."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.architecture.source import ROOT

HEAVY: Final = {"pandas", "matplotlib", "IPython", "ipywidgets", "anywidget", "traitlets"}


def test_data_flows_one_way() -> None:
    """Every import contract in pyproject.toml is kept."""
    lint = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert lint.returncode == 0, lint.stdout


def test_a_bare_import_loads_nothing_that_draws() -> None:
    """`import lash_nb` in a fresh interpreter loads no pandas, matplotlib, IPython or widgets."""
    program = "import json, sys, lash_nb; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    assert HEAVY.isdisjoint(json.loads(loaded))
