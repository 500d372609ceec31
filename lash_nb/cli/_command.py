"""What a person can ask for on the command line, and its errors: each is one line, and says what to do.

A verb's own module is imported when the verb is called: `lash-nb trace` does not wait for the libraries of `lash-nb demo`.
"""

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, NoReturn

from lash_nb import __version__
from lash_nb.cli._output import sturdy_output
from lash_nb.errors import LashError
from lash_nb.words import legible

__all__ = ["run"]

_MISUSED: Final = 2
"""Exit code after a command that is none, as the system's own programs have it."""
_DIGITS: Final = 18
"""A number of more digits counts nothing that there is."""


class Verb(NamedTuple):
    """A thing to ask for."""

    name: str
    """The word."""
    summary: str
    """What it does, in a line."""
    declare: Callable[[argparse.ArgumentParser], None]
    """Declares its arguments."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; returns the exit code, 1 after an error."""
    asked = _parser().parse_args(arguments)
    try:
        with sturdy_output():
            code: int = importlib.import_module(f"lash_nb.cli._{asked.verb}").run(asked)
    except BrokenPipeError:  # whoever read, as in `… | head`, has seen enough
        return 1
    except LashError as error:
        _say(str(error))
        return 1
    except OSError as error:  # a full disk behind `> file`
        place = "" if error.filename is None else f" {error.filename!r}"
        _say(f"the output{place} cannot be written: {error.strerror or error}; free some room, or write it elsewhere")
        return 1
    except MemoryError:
        _say("there is not enough memory; look into a part of the trace, or use a machine with more")
        return 1
    return code


def _say(words: str) -> None:
    print(f"lash-nb: {' '.join(legible(words).split())}", file=sys.stderr)


class _Parser(argparse.ArgumentParser):
    """Tells what is wrong with a command in one line."""

    def error(self, message: str) -> NoReturn:
        """End the process."""
        self.exit(
            _MISUSED, f"{self.prog}: {' '.join(legible(message).split())}; {self.prog} --help tells what it takes\n"
        )


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="lash-nb", description="Build, watch and take apart LLM agents.")
    parser.add_argument("--version", action="version", version=f"lash-nb {__version__}")
    verbs = parser.add_subparsers(required=True, metavar="VERB", dest="verb")
    for verb in VERBS:
        verb.declare(verbs.add_parser(verb.name, help=verb.summary, description=verb.summary))
    return parser


def _declare_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="execute every notebook instead of opening one")
    parser.add_argument("--notebooks", default="notebooks", metavar="DIR", help="default: %(default)s")


def _declare_trace(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="JSONL, plain or .gz; several, and patterns as 'run-*.jsonl', are read as one trace",
    )
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--summary", action="store_true", help="print its numbers; the default")
    shown.add_argument(
        "--table", metavar="NAME", help="print one table: turns, tool_calls, …; a wrong name lists them all"
    )
    shown.add_argument(
        "-o", "--output", metavar="HTML", help="write a report that needs no network and no script to be read"
    )
    rows = parser.add_mutually_exclusive_group()
    rows.add_argument("--head", type=_count, metavar="N", help="with --table: print the first N rows; default: 50")
    rows.add_argument("--csv", action="store_true", help="with --table: print all rows, whole, as CSV")
    parser.add_argument("--columns", metavar="A,B", help="with --table: only these columns")
    parser.add_argument("--title", help="heading of the report; default: the file's name")
    parser.add_argument(
        "--turns", metavar="A-B", help="of these turns only, by their place in the trace, as 41-60 or 7"
    )


def _count(words: str) -> int:
    """Read a number of rows."""
    if not words.isdecimal() or len(words) > _DIGITS:
        message = f"a number of rows, not {legible(repr(words), 60)}"
        raise argparse.ArgumentTypeError(message)
    return int(words)


VERBS: Final = (
    Verb("demo", "run a first turn here, then open the notebooks", _declare_demo),
    Verb("trace", "look into a trace: print its numbers or a table, or write a report", _declare_trace),
)
"""All verbs; the verb `x` is run by `run(asked)` of the module `_x`."""
