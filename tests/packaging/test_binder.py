"""The binder folder: what a hosted notebook server builds the project from."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]


def test_repo2docker_accepts_the_project() -> None:
    """Repo2docker writes a recipe that installs the project and runs its postBuild; no container engine is needed for that."""
    done = subprocess.run(
        [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
    )
    recipe = done.stdout + done.stderr

    assert done.returncode == 0, recipe
    assert 'pip install --no-cache-dir -r "binder/requirements.txt"' in recipe
    assert "RUN ./binder/postBuild" in recipe
    assert os.access(ROOT / "binder" / "postBuild", os.X_OK)
