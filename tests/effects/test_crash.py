"""Processes that are killed again and again come to the end of their turns, and repeat nothing that was recorded."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

TURNS: Final = 12


@pytest.mark.slow
@pytest.mark.parametrize("how", [(), ("queued",), ("beside",)], ids=["by id", "queued", "beside"])
def test_killed_turns_are_gone_on_with(tmp_path: Path, how: tuple[str, ...]) -> None:
    """SIGKILL at random moments of durable turns: in the end each is in the history once, whole and in order."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.effects.crash", str(tmp_path), str(TURNS), "37", *how],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )

    assert ran.returncode == 0, ran.stderr
    killed, turns, called = map(int, re.findall(r"\d+", ran.stdout))
    assert turns == TURNS
    assert TURNS <= called <= TURNS + killed
