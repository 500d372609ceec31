"""Where traces come from: files, patterns, packed files, streams, and what cannot be read at all."""

import gzip
import io
import json
import os
import random
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lash_nb.errors import CallerError, TraceReadError
from lash_nb.trace import read_trace
from tests.trace.lines import line, record


def test_records_may_come_as_values(tmp_path: Path) -> None:
    """Dicts, bytes and text of records, and files of them, are the same trace."""
    body = record(1, "custom", payload={"a": "b\nc"})
    pretty = json.dumps(body, indent=2)
    path = tmp_path / "a.jsonl"
    path.write_bytes(line(body))

    for source in ([body], [pretty], [pretty.encode()], line(body), path, str(path), [path], iter([str(path)])):
        assert list(read_trace(source)) == [body]


def test_several_files_are_one_trace(tmp_path: Path) -> None:
    """Records of several files stand in the order of the files; an error says which file."""
    paths = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for number, path in enumerate(paths):
        path.write_bytes(line(record(number, "custom", name=path.name)) + b"bad\n")

    trace = read_trace(paths)

    assert trace.name == "a.jsonl and 1 more"
    assert [body["name"] for body in trace] == ["a.jsonl", "b.jsonl"]
    assert trace[1]["name"] == "b.jsonl"
    assert [(error.source, error.line) for error in trace.errors] == [("a.jsonl", 2), ("b.jsonl", 2)]


@pytest.mark.parametrize("where", ["missing.jsonl", "."])
def test_what_cannot_be_opened_is_one_line(where: str, tmp_path: Path) -> None:
    """A missing file and a directory are one-line errors that name the path and say what to do."""
    with pytest.raises(TraceReadError) as caught:
        read_trace(tmp_path / where)

    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.code == "trace_read"


@pytest.mark.parametrize("stream", ["/dev/zero", "pipe"])
def test_what_never_ends_is_not_begun(stream: str, tmp_path: Path) -> None:
    """A pipe that nobody writes to and a device without end are refused at once."""
    path = tmp_path / stream
    if not path.exists():
        os.mkfifo(path)

    with pytest.raises(TraceReadError, match="a pipe or a device"):
        read_trace(path)


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    """A trace that nobody may read."""
    path = tmp_path / "locked.jsonl"
    path.touch(mode=0o000)
    return path


@pytest.fixture
def nobody(locked: Path) -> Iterator[None]:
    """Act as a user without rights, who for root is somebody else."""
    assert locked.exists()
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    yield
    os.seteuid(before)


@pytest.mark.usefixtures("nobody")
def test_a_file_that_may_not_be_read(locked: Path) -> None:
    """A file without permission is a one-line error that says what to do."""
    with pytest.raises(TraceReadError, match="not permitted; change its mode"):
        read_trace(locked)


def test_one_record_alone_is_refused() -> None:
    """A single record is no trace; the message says how to make one."""
    with pytest.raises(CallerError, match="wrap one record in a list"):
        read_trace(record(1, "custom"))


def lines_of(count: int) -> bytes:
    """A trace of so many records."""
    return b"".join(line(record(number % 60, "custom", name=f"n{number}")) for number in range(count))


def test_a_packed_file_is_a_trace(tmp_path: Path) -> None:
    """A gzip file, also one that was packed bit by bit, has the same records as its content, whatever it is called."""
    data = lines_of(50)
    half = data.index(b"\n", len(data) // 2) - 10
    path = tmp_path / "trace.log"
    path.write_bytes(gzip.compress(data[:half]) + gzip.compress(data[half:]))

    trace = read_trace(path)

    assert [trace.raw(row) for row in range(50)] == data.splitlines()
    assert (trace.errors, trace.refresh(), trace.name) == ((), 0, "trace.log")


@pytest.mark.parametrize("cut", [0.3, 0.9, 0.999])
def test_a_packed_file_that_is_cut_off_says_so(tmp_path: Path, cut: float) -> None:
    """What could be unpacked is there, and a row of errors tells that the rest is lost."""
    data = "".join(random.Random(1).choices("abcdefgh", k=300_000)).encode()  # noqa: S311 - the same text each time
    packed = gzip.compress(line(record(1, "custom")) + line(record(2, "custom", text=data.decode())))
    path = tmp_path / "trace.jsonl.gz"
    path.write_bytes(packed[: int(len(packed) * cut)])

    trace = read_trace(path)

    assert trace[0]["id"] == "r1"
    assert [error.reason for error in trace.errors] == ["the rest is lost: the packed file is cut off here"]
    assert (trace.refresh(), trace.bad_lines) == (0, 1)


def test_a_packed_file_that_ends_in_something_else_says_so(tmp_path: Path) -> None:
    """Bytes behind the packed ones are told of."""
    path = tmp_path / "trace.jsonl.gz"
    path.write_bytes(gzip.compress(line(record(1, "custom"))) + b"something else")

    trace = read_trace(path)

    assert len(trace) == 1
    assert "the rest is lost" in trace.errors[0].reason


@pytest.mark.parametrize("rest", [b"", b"garbage", b"\x08" + b"\0" * 20], ids=["nothing", "garbage", "zeros"])
def test_what_only_looks_packed_is_refused(tmp_path: Path, rest: bytes) -> None:
    """A file that begins as gzip files do, but is none, is a one-line error."""
    path = tmp_path / "trace.jsonl.gz"
    path.write_bytes(b"\x1f\x8b" + rest)

    with pytest.raises(TraceReadError, match="cannot be read: it is packed and damaged from its beginning on"):
        read_trace(path)


@pytest.mark.parametrize("mode", ["rb", "wb", "w"])
@pytest.mark.parametrize("is_closed", [True, False])
def test_an_open_file_that_cannot_be_read_is_refused(tmp_path: Path, mode: str, is_closed: bool) -> None:
    """A file that is closed, or open for writing alone, is a one-line error that says how to open it."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"")
    with path.open(mode) as file:
        if is_closed:
            file.close()
        if (mode, is_closed) == ("rb", False):
            assert len(read_trace(file)) == 0
            return
        with pytest.raises(TraceReadError, match="it is closed, or open for writing alone; open it with open"):
            read_trace(file)


def test_a_packed_file_that_fits_no_disk(tmp_path: Path) -> None:
    """A packed file that unpacks to more than there is room for is a one-line error; memory holds a block of it at a time."""
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(60):
            file.write(b"\0" * 1_000_000)
    code = (
        "import resource, sys, tracemalloc\n"
        "from lash_nb.errors import TraceReadError\n"
        "from lash_nb.trace import read_trace\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (40_000_000, -1))\n"
        "tracemalloc.start()\n"
        "try: read_trace(sys.argv[1])\n"
        "except TraceReadError as error: print(error)\n"
        "print(tracemalloc.get_traced_memory()[1])"
    )
    done = subprocess.run([sys.executable, "-c", code, path], check=True, capture_output=True, text=True)
    message, peak = done.stdout.splitlines()

    assert "there is no room on the disk for its unpacked bytes" in message
    assert int(peak) < 30_000_000


def test_a_stream_is_read_once(tmp_path: Path) -> None:
    """An open file, of bytes or of text with bytes that are no text, and one that fails in the middle, are traces."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines_of(3) + b'{"x":"\xff"}\n')
    with path.open("rb") as binary, path.open(encoding="utf-8") as text:
        traces = [read_trace(binary), read_trace(text), read_trace(io.BytesIO(path.read_bytes()))]

    assert [len(trace) for trace in traces] == [3, 3, 3]
    assert [trace.name for trace in traces] == ["a.jsonl", "a.jsonl", "trace"]
    assert all("not UTF-8" in trace.errors[0].reason for trace in traces)
    assert len(read_trace(io.StringIO(lines_of(2).decode()))) == 2


def test_a_pattern_names_files(tmp_path: Path) -> None:
    """A pattern reads what matches it, by name, folders left out; a pattern that matches nothing is a one-line error."""
    for name in ("b", "a"):
        (tmp_path / f"{name}.jsonl").write_bytes(line(record(1, "custom", name=name)))
    (tmp_path / "c.jsonl").mkdir()

    assert [body["name"] for body in read_trace(tmp_path / "*.jsonl")] == ["a", "b"]
    with pytest.raises(TraceReadError, match="no file matches; check the pattern"):
        read_trace(tmp_path / "*.trace")


def test_a_file_named_with_wild_signs_is_a_file(tmp_path: Path) -> None:
    """A path that exists is no pattern."""
    path = tmp_path / "run[1].jsonl"
    path.write_bytes(lines_of(2))

    assert len(read_trace(path)) == 2


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    """However a list spells a file, it is one."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines_of(2))
    (tmp_path / "link.jsonl").symlink_to(path)
    twice = [path, str(path), tmp_path / "." / "a.jsonl", tmp_path / "link.jsonl", tmp_path / "*.jsonl"]

    assert len(read_trace(twice)) == 2


@contextmanager
def few_open_files(count: int) -> Iterator[None]:
    """Let this process open only so many files more."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 200  # noqa: PTH208 - numbers, not paths
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + count, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
def test_a_thousand_files_are_one_trace(tmp_path: Path, pack: type[bytes]) -> None:
    """Files are not kept open, packed ones neither, and each record is found in its own."""
    for number in range(1000):
        (tmp_path / f"{number:04}.jsonl").write_bytes(pack(line(record(1, "custom", number=number)) * 2))

    with few_open_files(20):
        trace = read_trace(tmp_path / "*.jsonl")
        numbers = [body["number"] for body in trace]

    assert numbers == [number // 2 for number in range(2000)]
    assert trace[1235]["number"] == 617


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\n", b"\r\n \n"], ids=str)
def test_nothing_is_an_empty_trace(tmp_path: Path, data: bytes) -> None:
    """A file with nothing in it, or nothing but a mark and line ends, has no records and no errors."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(data)

    assert (len(read_trace(path)), read_trace(path).errors) == (0, ())


@pytest.mark.parametrize("path", ["", "a\0b", "a/b/c.jsonl", "~nobody/x"])
def test_paths_that_are_none(path: str) -> None:
    """Whatever text is given as a path, what comes is one line that says it cannot be read."""
    with pytest.raises((TraceReadError, CallerError)) as caught:
        read_trace(path)

    assert "\n" not in str(caught.value)
