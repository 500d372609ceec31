"""The laws of the street: who may import whom, and what a bare import loads."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.architecture.source import MODULES, PACKAGE, ROOT, name_of, tree_of

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


def test_no_room_reaches_behind_the_face_of_another() -> None:
    """A private module is imported inside its own package only; everybody else asks the package's face."""
    reached = [
        f"{name_of(module)}: {node.module}"
        for module in MODULES
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.ImportFrom) and node.module and "._" in node.module
        if node.module.partition("._")[0] != ".".join(module.relative_to(PACKAGE.parent).parts[:-1])
    ]

    assert reached == []
