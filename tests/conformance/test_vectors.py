"""Golden data is found, read and packed as it is; what is none is refused, and what a runner does not understand fails."""

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from tests.conformance.pack import main as pack
from tests.conformance.test_wire import fault_of
from tests.conformance.vectors import (
    PACKED,
    TESTED,
    VectorsError,
    find_groups,
    find_strangers,
    read_documents,
    read_files,
    read_group,
)

CASE: Final[dict[str, Any]] = {"name": "string/x/1", "type": "string", "in": '"a"', "out": '"a"'}
TRACE: Final = '{"schema_version":2,"text":"a\u2028b\u0085c"}\n{"schema_version":2}'.encode()


def golden(folder: Path, *cases: dict[str, Any]) -> Path:
    """Return a folder with wire cases."""
    (folder / "wire").mkdir(parents=True)
    (folder / "wire" / "x.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases), encoding="utf-8")
    return folder


def test_repository_carries_every_group_in_little_space() -> None:
    """All groups that have tests are there, packed, in 6 MB."""
    assert find_groups(PACKED).keys() == TESTED.keys()
    assert sum(path.stat().st_size for path in PACKED.iterdir()) < 6_000_000


def test_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A mistyped folder, and an empty one, are errors that say what is wanted."""
    for folder in (tmp_path / "missing", tmp_path):
        with pytest.raises(VectorsError, match="turns/, wire/"):
            find_groups(folder)


def test_everything_in_the_folder_is_known(vectors: Path) -> None:
    """What these tests run on holds nothing but groups; a mistyped one would be left out."""
    assert find_strangers(vectors) == []


def test_groups_without_tests_are_not_enough(tmp_path: Path) -> None:
    """A folder whose groups are all without tests is an error: nothing would be run."""
    (tmp_path / "flow").mkdir()
    with pytest.raises(VectorsError, match="no golden data with tests here"):
        find_groups(tmp_path)


def test_empty_group_is_refused(tmp_path: Path) -> None:
    """A group that is there and holds nothing is an error."""
    golden(tmp_path, CASE)
    (tmp_path / "traces").mkdir()
    with pytest.raises(VectorsError, match="traces is empty"):
        find_groups(tmp_path)


def test_single_group_is_recognized(tmp_path: Path) -> None:
    """The folder of one group may be given itself, under its own name or any other."""
    named = golden(tmp_path / "a", CASE) / "wire"
    other = named.rename(tmp_path / "other")
    assert find_groups(other) == {"wire": other}
    assert list(read_group(other, "wire")) == [CASE]


def test_files_may_be_packed_one_by_one(tmp_path: Path) -> None:
    """A file of a plain group may be compressed, a README is none, and anything else is refused."""
    wire = golden(tmp_path, CASE) / "wire"
    (wire / "y.jsonl.gz").write_bytes(gzip.compress(json.dumps(CASE | {"name": "string/x/2"}).encode()))
    (wire / "README.md").write_text("about", encoding="utf-8")
    assert [case["name"] for case in read_group(tmp_path, "wire")] == ["string/x/1", "string/x/2"]
    (wire / "z.jsnol").write_text("{}", encoding="utf-8")
    with pytest.raises(VectorsError, match="jsnol"):
        list(read_group(tmp_path, "wire"))


def test_packed_documents_are_the_same_documents(tmp_path: Path) -> None:
    """Packing keeps every document, and the same documents give the same bytes."""
    turns = golden(tmp_path / "in", CASE, CASE) / "turns"
    turns.mkdir()
    (turns / "a.json").write_text('{\n "scenario": {"name": "ä"}\n}', encoding="utf-8")
    (turns / "b.json").write_text('{"scenario": {"name": "b"}}', encoding="utf-8")
    for out in ("one", "two"):
        assert pack([str(tmp_path / "in"), str(tmp_path / out), "--only", "turns/a", "--only", "wire"]) == 0
    assert list(read_group(tmp_path / "one", "turns")) == [{"scenario": {"name": "ä"}}]
    assert list(read_group(tmp_path / "one", "wire")) == list(read_documents(tmp_path / "in" / "wire")) == [CASE, CASE]
    assert (tmp_path / "one" / "wire.jsonl.gz").read_bytes() == (tmp_path / "two" / "wire.jsonl.gz").read_bytes()


def test_packed_files_are_the_same_bytes(tmp_path: Path) -> None:
    """Packing keeps names and bytes of trace files, line separators inside texts too."""
    traces = tmp_path / "in" / "traces"
    traces.mkdir(parents=True)
    files = {"a.lashlang.jsonl": TRACE, "b.jsonl": b"\xff\r\n"}
    for name, content in files.items():
        (traces / name).write_bytes(content)
    (traces / "README.md").write_text("about", encoding="utf-8")
    for out in ("one", "two"):
        assert pack([str(tmp_path / "in"), str(tmp_path / out)]) == 0
    assert dict(read_files(tmp_path / "in", "traces")) == dict(read_files(tmp_path / "one", "traces")) == files
    assert list(read_files(tmp_path / "one", "wire")) == []
    assert (tmp_path / "one" / "traces.tar.gz").read_bytes() == (tmp_path / "two" / "traces.tar.gz").read_bytes()


class Ran(NamedTuple):
    """How the tests of the wire went on a folder.

    Attributes:
        code: The exit code.
        said: What was printed, errors too.
    """

    code: int
    said: str


INEXACT: Final = {
    "name": "number/x/1",
    "type": "number",
    "in": "0.1",
    "out": "0.1000000000000001",
    "inexact_float": True,
}
WRONG: Final = [CASE | {"name": f"string/x/{number}", "out": "1"} for number in range(9)]
FOLDERS: Final[dict[str, list[dict[str, Any]]]] = {
    "right": [CASE, INEXACT],
    "wrong": [CASE | {"name": "right"}, *WRONG, CASE | {"type": "Unheard"}],
    "empty": [],
}
RUNNING: Final = """
import contextlib, io, json, sys, pytest
ran = {}
for name in ("right", "wrong", "empty", "missing"):
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = pytest.main(["-q", "-p", "no:cacheprovider", "tests/conformance/test_wire.py", "--vectors", f"{sys.argv[1]}/{name}"])
    ran[name] = [int(code), said.getvalue()]
print(json.dumps(ran))
"""
"""Starting Python and importing what is tested takes longest, so one process runs the tests on every folder."""
ON_ONE_WORKER: Final = pytest.mark.xdist_group("folders")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """The tests of the wire on each folder of golden data, and on one that is not there."""
    parent = tmp_path_factory.mktemp("folders")
    for name, cases in FOLDERS.items():
        golden(parent / name, *cases)
    (parent / "right" / "trace").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", RUNNING, str(parent)], capture_output=True, check=True, cwd=PACKED.parent.parent
    )
    return {name: Ran(*told) for name, told in json.loads(done.stdout).items()}


@ON_ONE_WORKER
def test_cases_that_pass_are_counted(ran: dict[str, Ran]) -> None:
    """The summary says what was run, and how many cases have which flag."""
    code, said = ran["right"]
    assert code == 0, said
    assert "2 wire cases, 1 flagged inexact_float" in said
    assert "not there: facade, stores, traces, traces_later, turns" in said


@ON_ONE_WORKER
def test_unknown_group_is_named(ran: dict[str, Ran], tmp_path: Path) -> None:
    """A mistyped group beside a right one is told, and the right one runs."""
    golden(tmp_path, CASE)
    (tmp_path / "trace").mkdir()
    assert find_strangers(tmp_path) == ["trace"]
    assert "not known: trace" in ran["right"].said


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"out": '"b"'}, 'expected "b"'),
        ({"sha256": "0" * 64}, "sha256"),
        ({"bits": "0" * 16}, "bits"),
        ({"type": "to_json_twice"}, "no type and no operation"),
        ({"mood": 1}, "keys that this runner does not know: mood"),
        ({"error": "syntax"}, "either `out` or `error`"),
        ({"inexact_float": False}, "a flag that is not true"),
    ],
)
def test_case_that_is_wrong_or_not_understood_has_a_fault(changes: dict[str, Any], reason: str) -> None:
    """A case does not pass if it comes out otherwise, or if anything in it is not understood."""
    assert fault_of(CASE) is None
    assert reason in str(fault_of(CASE | changes))


@ON_ONE_WORKER
def test_faults_are_named(ran: dict[str, Ran]) -> None:
    """Every case that fails is named, cases of a type that nobody knows too."""
    code, said = ran["wrong"]
    assert code == 1
    assert f"9 of 10 fail: {', '.join(case['name'] for case in WRONG)}" in said
    assert "1 of 1 fail: string/x/1" in said


@ON_ONE_WORKER
def test_nothing_to_run_is_no_success(ran: dict[str, Ran]) -> None:
    """A folder that is not there, and a group without a case, fail."""
    assert ran["missing"].code == 4
    assert "is no folder" in ran["missing"].said
    assert ran["empty"].code == 1
