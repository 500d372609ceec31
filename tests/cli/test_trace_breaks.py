"""What may go wrong around `lash-nb trace`: terminals of other encodings, full disks, odd names, signals. One line each, and nothing is left."""

import csv
import gzip
import io
import os
import pty
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import pytest

from lash_nb.cli import main
from tests.trace.lines import STATION, line, tool_end, tool_start

PROGRAM: Final = (sys.executable, "-m", "lash_nb.cli", "trace")
HUGE: Final = "1" * 5_000


def run(*arguments: object, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run `lash-nb trace` as a person does."""
    environment = {**os.environ, **options.pop("env", {})}
    return subprocess.run(
        [*PROGRAM, *map(str, arguments)], capture_output=True, check=False, env=environment, **options
    )


def little_room() -> None:
    """Let no file become larger than 10 kB."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_of_another_encoding_shows_what_it_can(
    encoding: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A letter that it lacks is a question mark."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(line(tool_end(0, "c", "success", name="天気")))
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, encoding))

    assert main(["trace", str(path), "--summary"]) == 0
    assert main(["trace", str(path), "--table", "tool_calls", "--columns", "name"]) == 0

    assert "?? " in shown.getvalue().decode(encoding)


def test_data_is_utf_8_wherever_it_goes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A page and a CSV that are piped are the same bytes in any locale."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(line(tool_end(0, "c", "success", name="天気")))
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, "ascii"))

    assert main(["trace", str(path), "-o", "-"]) == 0
    assert main(["trace", str(path), "--table", "tool_calls", "--columns", "name", "--csv"]) == 0

    page, _, rows = shown.getvalue().decode().partition("</html>\n")
    assert "天気" in page
    assert list(csv.reader(rows.splitlines())) == [["name"], ["天気"]]


def test_the_locale_of_a_bare_machine_is_enough() -> None:
    """`LANG=C` without the interpreter's own help."""
    done = run(STATION, env={"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"})

    assert (done.returncode, done.stderr) == (0, b"")
    assert b"203 records" in done.stdout


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_finds_no_room_is_never_cut_in_silence(unbuffered: str, tmp_path: Path) -> None:
    """Not even where the interpreter is told not to buffer, as in containers: it drops what a write did not take."""
    with (tmp_path / "rows.csv").open("wb") as file:
        command = [*PROGRAM, str(STATION), "--table", "records", "--csv"]
        environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
        done = subprocess.run(
            command, stdout=file, stderr=subprocess.PIPE, check=False, env=environment, preexec_fn=little_room
        )

    assert done.returncode == 1
    assert done.stderr == (
        b"lash-nb: the output cannot be written: File too large; free some room, or write it elsewhere\n"
    )


def test_a_closed_output_is_told() -> None:
    """`lash-nb trace FILE >&-` has nowhere to write to."""
    command = ["sh", "-c", f"{' '.join(PROGRAM)} '{STATION}' >&-"]
    done = subprocess.run(command, capture_output=True, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith(b"lash-nb: the output cannot be written: it is closed")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["~nosuchuser/x"], "'~nosuchuser/x' cannot be read: Could not determine home directory; check the path"),
        (["ring"], "'ring' cannot be read: Too many levels of symbolic links; check the path"),
        ([HUGE], "cannot be read: File name too long; check the path"),
        (["[a" * 5_000 + "*"], "cannot be read: "),
        (["**/" * 1_000 + "*"], "cannot be read: "),
        (["trace.jsonl", "-o", "~nosuchuser/x"], "cannot be written: Could not determine home directory. Nothing was"),
        (["trace.jsonl", "-o", "ring"], "'ring' cannot be written: "),
        (["trace.jsonl", "-o", HUGE], "cannot be written: File name too long. Nothing was changed; name another file"),
        (["trace.jsonl", "-o", "a\0b"], "embedded null"),
        (["trace.jsonl", "-o", "out.html", "--turns", HUGE], "takes places of turns as 41-60 or 7, not '111"),
        (["trace.jsonl", "-o", "out.html", "--turns", f"1-{HUGE}"], "takes places of turns as 41-60 or 7, not '1-1"),
        (["trace.jsonl", "--table", HUGE], "characters left out"),
        (["trace.jsonl", "--table", "turns", "--columns", HUGE], "characters left out"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_odd_names_and_numbers_are_errors_of_one_line(
    arguments: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit code 1, one short line, no file more or less."""
    monkeypatch.chdir(tmp_path)
    Path("trace.jsonl").write_bytes(STATION.read_bytes())
    Path("ring").symlink_to("ring")

    assert main(["trace", *arguments]) == 1

    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert told in printed.err
    assert len(printed.err) < 2_200
    assert {file.name for file in tmp_path.iterdir()} == {"trace.jsonl", "ring"}


@pytest.mark.parametrize("arguments", [[], ["x", "--head", HUGE], ["x", "--nothing"]], ids=["none", "head", "option"])
def test_a_command_that_is_none_is_told_in_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, and where to read on."""
    with pytest.raises(SystemExit) as ended:
        main(["trace", *arguments])

    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert said.count("\n") == 1
    assert len(said) < 500
    assert said.endswith("--help tells what it takes\n")


def test_a_trace_is_known_by_its_home_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report never overwrites the trace that it tells of, however the trace is named."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "trace.jsonl").write_bytes(STATION.read_bytes())

    assert main(["trace", "~/trace.jsonl", "-o", str(tmp_path / "trace.jsonl")]) == 1
    assert (tmp_path / "trace.jsonl").read_bytes() == STATION.read_bytes()


@pytest.mark.parametrize("output", ["out.html", None])
def test_a_packed_trace_needs_room(output: str | None, tmp_path: Path) -> None:
    """Where its unpacked bytes find none, that is told, and nothing is left."""
    packed = tmp_path / "trace.jsonl.gz"
    packed.write_bytes(gzip.compress(STATION.read_bytes()))

    done = run(packed.name, *(["-o", output] if output else []), cwd=tmp_path, preexec_fn=little_room)

    assert done.returncode == 1
    assert b"there is no room on the disk for its unpacked bytes; unpack it elsewhere" in done.stderr
    assert done.stderr.count(b"\n") == 1
    assert [file.name for file in tmp_path.iterdir()] == ["trace.jsonl.gz"]


def test_ctrl_c_while_libraries_load_is_silent() -> None:
    """The exit code is 130, and there is no traceback."""
    program = (
        "import signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # whoever runs the tests may ignore it
        "class Impatient:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'numpy': signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Impatient())\n"
        "from lash_nb.cli import main\n"
        "assert not {'numpy', 'msgspec', 'argparse'} & set(sys.modules)\n"
        "sys.exit(main(['trace', 'x.jsonl']))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_leaves_nothing_behind(number: signal.Signals, code: int, tmp_path: Path) -> None:
    """Told to end while it writes, the program says nothing, and the older report is alone in its folder."""
    trace, target = tmp_path / "trace.jsonl", tmp_path / "out" / "report.html"
    trace.write_bytes(STATION.read_bytes() * 100)
    target.parent.mkdir()
    target.write_text("older")
    with subprocess.Popen(
        [*PROGRAM, trace, "-o", target],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # noqa: PLW1509 - no threads; who runs the tests may ignore it
    ) as process:
        deadline = time.monotonic() + 60
        while len(list(target.parent.iterdir())) == 1 and time.monotonic() < deadline:
            time.sleep(0.001)
        process.send_signal(number)
        said = process.communicate()

    assert (process.returncode, said) == (code, (b"", b""))
    assert [file.name for file in target.parent.iterdir()] == ["report.html"]
    assert target.read_text() == "older"


@pytest.mark.slow
def test_a_signal_ends_a_command_whose_reader_sleeps() -> None:
    """What waits in a full pipe is let go."""
    command = [*PROGRAM, str(STATION), "--table", "records", "--csv"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.read(1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) in {
            143,
            -signal.SIGTERM,
        }  # the second when it was done, and the interpreter wrote the rest


def test_what_others_ignore_stays_ignored() -> None:
    """`nohup` means it; and whoever calls `main` has the handlers back."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        main(["trace", "none.jsonl"])
        after = signal.getsignal(signal.SIGHUP), signal.getsignal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGHUP, before)

    assert after == (signal.SIG_IGN, signal.SIG_DFL)


@pytest.mark.parametrize("shown", [["--table", "tool_calls"], ["--table", "tool_calls", "--csv"], ["-o", "-"], []])
def test_a_real_terminal_gets_no_orders(shown: list[str], tmp_path: Path) -> None:
    """Whatever the trace says in names, arguments and types, the terminal sees letters, blanks and line ends."""
    evil = "\x1b]0;owned\x07\u202egnp.exe\x9b2J"
    path = tmp_path / "a.jsonl"
    start = tool_start(0, evil, name=evil, args={evil: evil})
    path.write_bytes(b"".join(map(line, [start, tool_end(1, evil, evil, name=evil), {**start, "type": evil}])))
    ours, theirs = pty.openpty()
    with subprocess.Popen([*PROGRAM, str(path), *shown], stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = _all_of(ours)

    assert process.returncode == 0
    assert [
        row for row in said.decode().replace("\r\n", "\n").split("\n") if not row.replace("\t", "").isprintable()
    ] == []


def _all_of(terminal: int) -> bytes:
    said = b""
    try:
        while block := os.read(terminal, 65_536):
            said += block
    except OSError:  # the other side has closed it
        pass
    finally:
        os.close(terminal)
    return said
