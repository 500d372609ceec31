"""A writer that is killed loses nothing that was committed, and leaves nothing torn."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from lash_nb import open_store

KILLS: Final = 100


@pytest.mark.slow
def test_killed_writers_leave_a_whole_database(tmp_path: Path) -> None:
    """SIGKILL at random moments of committing: after each, everything that was told to be committed is there, with its pictures."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.stores.crash", str(tmp_path), str(KILLS), "37"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )

    assert ran.returncode == 0, ran.stderr
    killed, begun, committed = map(int, re.findall(r"\d+", ran.stdout))
    assert killed == KILLS
    assert begun >= committed > 0
    assert open_store(tmp_path).sessions[0].turns == begun
