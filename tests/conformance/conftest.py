"""The option that points the conformance tests at other golden data."""

from pathlib import Path

import pytest

from tests.conformance.vectors import PACKED


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--vectors`."""
    parser.addoption(
        "--vectors",
        type=Path,
        default=PACKED,
        metavar="DIR",
        help="run the conformance tests on another folder of golden data, plain or packed",
    )


@pytest.fixture(scope="session")
def vectors(pytestconfig: pytest.Config) -> Path:
    """The folder of golden data."""
    folder: Path = pytestconfig.getoption("--vectors", default=PACKED)
    return folder
