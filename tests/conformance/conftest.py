"""The option that points the conformance tests at other golden data, and the documents that they run on."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.vectors import PACKED, read_group

Document = dict[str, Any]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--vectors`."""
    parser.addoption(
        "--vectors",
        type=Path,
        default=PACKED,
        metavar="DIR",
        help="run the conformance tests on another folder of golden data, plain or packed",
    )


def _folder(config: pytest.Config) -> Path:
    """The option exists only where this file is read before the command line, as in `pytest tests/conformance`."""
    folder: Path = config.getoption("--vectors", default=PACKED)
    return folder


@pytest.fixture(scope="session")
def vectors(pytestconfig: pytest.Config) -> Path:
    """The folder of golden data."""
    return _folder(pytestconfig)


@pytest.fixture
def recorded(request: pytest.FixtureRequest) -> Document:
    """One recorded scenario."""
    document: Document = request.param or pytest.fail(_missing(request.config, "turns"))
    return document


@pytest.fixture
def cases(request: pytest.FixtureRequest) -> list[Document]:
    """All wire cases of one type or operation."""
    found: list[Document] = request.param or pytest.fail(_missing(request.config, "wire"))
    return found


def _missing(config: pytest.Config, group: str) -> str:
    """Say what is not there; without any document pytest would call the test skipped."""
    return f"{_folder(config)} holds no {group}; give a folder with {group}/ or {group}.jsonl.gz"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each recorded scenario, or for each type on the wire."""
    folder = _folder(metafunc.config)
    if "recorded" in metafunc.fixturenames:
        by_name = {document["scenario"]["name"]: document for document in read_group(folder, "turns")}
        metafunc.parametrize("recorded", list(by_name.values()) or [None], ids=list(by_name) or ["none"], indirect=True)
    if "cases" in metafunc.fixturenames:
        by_type = _by_type(folder)
        metafunc.parametrize("cases", list(by_type.values()) or [None], ids=list(by_type) or ["none"], indirect=True)


def _by_type(folder: Path) -> dict[str, list[Document]]:
    by_type: defaultdict[str, list[Document]] = defaultdict(list)
    for case in read_group(folder, "wire"):
        by_type[case["type"]].append(case)
    return dict(sorted(by_type.items()))
