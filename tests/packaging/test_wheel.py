"""The wheel: what is in it, and that it works in an environment that holds it and its declared dependencies, nothing else."""

import importlib.metadata
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement

ROOT: Final = Path(__file__).parents[2]
SOURCES: Final = sorted((ROOT / "widgets" / "src").iterdir())

EVERY_MODULE: Final = """
import importlib, pathlib, pkgutil, lash_nb
home = pathlib.Path(lash_nb.__file__).parent
for module in pkgutil.walk_packages([str(home)], "lash_nb."):
    importlib.import_module(module.name)
print(home)
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT))
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment with the wheel and the dependencies that it declares."""
    home = tmp_path_factory.mktemp("empty") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", str(home))
    interpreter = home / "bin" / "python"
    run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(interpreter),
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        str(wheel),
    )
    installed = importlib.metadata.Distribution.at(next(home.rglob("lash_nb-*.dist-info")))
    borrow(needed(installed.requires or []), next((home / "lib").glob("python*/site-packages")))
    return interpreter


def run(*command: str, cwd: Path = ROOT) -> str:
    """Run a program to its good end and return what it printed, without the paths that this environment adds to Python's."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def needed(requirements: Iterable[str]) -> dict[str, importlib.metadata.Distribution]:
    """Every distribution that these requirements lead to, by name."""
    found: dict[str, importlib.metadata.Distribution] = {}
    waiting = [(Requirement(text), "") for text in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        key = f"{requirement.name.lower()}{sorted(requirement.extras)}"
        if key in found or (requirement.marker and not requirement.marker.evaluate({"extra": extra})):
            continue
        found[key] = importlib.metadata.distribution(requirement.name)
        asked = ["", *requirement.extras]
        waiting += [(Requirement(text), name) for text in found[key].requires or [] for name in asked]
    return found


def borrow(distributions: dict[str, importlib.metadata.Distribution], site: Path) -> None:
    """Link the installed files of these distributions into another environment: what an index would bring, without the index."""
    for distribution in distributions.values():
        for top in {Path(file).parts[0] for file in distribution.files or [] if ".." not in Path(file).parts}:
            link, target = site / top, Path(str(distribution.locate_file(top)))
            if not link.exists() and top != "__pycache__":
                link.symlink_to(target)


def test_the_wheel_holds_both_halves(wheel: Path) -> None:
    """The wheel holds Python, its type mark, every browser source, the license, and nothing of tests or notebooks."""
    names = set(zipfile.ZipFile(wheel).namelist())

    assert {"lash_nb/__init__.py", "lash_nb/py.typed"} <= names
    assert {f"lash_nb/static/{source.name}" for source in SOURCES} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.split("/")[0] for name in names} == {
        "lash_nb",
        wheel.name.removesuffix("-py3-none-any.whl") + ".dist-info",
    }


def test_the_wheel_needs_no_more_than_it_declares(python: Path, tmp_path: Path) -> None:
    """Every module can be imported from the wheel, with the declared dependencies alone."""
    home = run(str(python), "-c", EVERY_MODULE, cwd=tmp_path).strip()

    assert Path(home).is_relative_to(python.parents[1])


def test_the_wheel_brings_its_browser_half(python: Path, tmp_path: Path) -> None:
    """A view from the wheel has the source of its browser half."""
    program = "from lash_nb.views import SessionGraphView; print(len(str(SessionGraphView._esm)))"

    assert int(run(str(python), "-c", program, cwd=tmp_path)) > 1000


def test_the_wheel_brings_its_command(python: Path, tmp_path: Path) -> None:
    """The command line from the wheel sums up a trace."""
    trace = ROOT / "notebooks" / "data" / "station.trace.jsonl"

    printed = run(str(python.with_name("lash-nb")), "trace", str(trace), "--summary", cwd=tmp_path)

    assert "203 records, 1 session, 23 turns" in printed
