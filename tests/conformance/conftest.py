"""The option that points the conformance tests at other golden data, and the documents that they run on."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.vectors import PACKED, read_group


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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give one scenario, or the wire cases of one type, to each test that asks for them."""
    folder = _folder(metafunc.config)
    if "recorded" in metafunc.fixturenames:
        documents = list(read_group(folder, "turns"))
        metafunc.parametrize("recorded", documents, ids=[document["scenario"]["name"] for document in documents])
    if "cases" in metafunc.fixturenames:
        by_type = _by_type(read_group(folder, "wire"))
        metafunc.parametrize("cases", list(by_type.values()), ids=list(by_type))


def _by_type(cases: Any) -> dict[str, list[dict[str, Any]]]:
    by_type: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for case in cases:
        by_type[case["type"]].append(case)
    return dict(sorted(by_type.items()))
