"""The option that points the conformance tests at other golden data, and the documents that they run on."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pytest

from tests.conformance.vectors import PACKED, TESTED, VectorsError, find_groups, find_strangers, read_group

Document = dict[str, Any]

COUNTED: Final = {
    "cases": "wire cases",
    "inexact_float": "flagged inexact_float, compared but for the last digits of their numbers",
    "not_fixed_point": "flagged not_fixed_point",
}
"""What tests record about the cases that they ran, and how the summary calls it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--vectors`."""
    parser.addoption(
        "--vectors",
        type=Path,
        default=PACKED,
        metavar="DIR",
        help="run the conformance tests on another folder of golden data, plain or packed",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a folder without golden data before anything runs: its tests would be skipped, which looks like success."""
    try:
        find_groups(_folder(config))
    except VectorsError as error:
        raise pytest.UsageError(f"--vectors: {error}") from error


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was run and what was left out."""
    there = find_groups(_folder(config)).keys()
    count: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        count.update({key: value for key, value in report.user_properties if key in COUNTED})
    terminalreporter.section("golden data")
    terminalreporter.write_line(f"{_folder(config)}: {', '.join(sorted(there & TESTED.keys()))}")
    for label, names in (
        ("not there", TESTED.keys() - there),
        ("without tests here", there - TESTED.keys()),
        ("not known", find_strangers(_folder(config))),
    ):
        if names:
            terminalreporter.write_line(f"{label}: {', '.join(sorted(names))}")
    if count["cases"]:
        terminalreporter.write_line(", ".join(f"{count[key]} {label}" for key, label in COUNTED.items()))


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
    document: Document = request.param or pytest.fail("turns hold no scenario")
    return document


@pytest.fixture
def facade_line(request: pytest.FixtureRequest) -> Document:
    """One line of what the builder of cores does."""
    document: Document = request.param or pytest.fail("facade holds no line")
    return document


@pytest.fixture
def cases(request: pytest.FixtureRequest) -> list[Document]:
    """All wire cases of one type or operation."""
    found: list[Document] = request.param or pytest.fail("wire holds no case")
    return found


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each recorded scenario, for each line about the builder, or for each type on the wire."""
    if "recorded" in metafunc.fixturenames:
        _parametrize(
            metafunc, "recorded", "turns", lambda scenarios: {one["scenario"]["name"]: one for one in scenarios}
        )
    if "cases" in metafunc.fixturenames:
        _parametrize(metafunc, "cases", "wire", _by_type)
    if "facade_line" in metafunc.fixturenames:
        _parametrize(metafunc, "facade_line", "facade", _by_choice)


def _parametrize(metafunc: pytest.Metafunc, name: str, group: str, by_id: Any) -> None:
    """Give a test the documents of a group; one without documents fails, one that is not there is skipped."""
    folder = _folder(metafunc.config)
    if group in find_groups(folder):
        documents = by_id(read_group(folder, group))
        metafunc.parametrize(name, list(documents.values()) or [None], ids=list(documents) or ["none"], indirect=True)
    else:
        absent = pytest.param(None, marks=pytest.mark.skip(f"{folder} holds no {group}"), id="absent")
        metafunc.parametrize(name, [absent], indirect=True)


def _by_choice(lines: Iterable[Document]) -> dict[str, Document]:
    return {"-".join(one.get("faults") or sorted(map("=".join, one["choices"].items()))): one for one in lines}


def _by_type(cases: Iterable[Document]) -> dict[str, list[Document]]:
    by_type: defaultdict[str, list[Document]] = defaultdict(list)
    for case in cases:
        by_type[str(case.get("type"))].append(case)
    return dict(sorted(by_type.items()))
