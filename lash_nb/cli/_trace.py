"""`lash-nb trace`: print a trace's numbers or one of its tables, or write the report."""

import gc
import sys
from argparse import Namespace
from typing import Final

from lash_nb.errors import CallerError
from lash_nb.plots import byte_size, printable
from lash_nb.trace import Trace, read_trace
from lash_nb.views import summary_text, trace_report, turn_places, write_trace_report

__all__ = ["run"]

PROBLEMS: Final = 20
"""As many bad lines and cells are told one by one."""


def run(asked: Namespace) -> int:
    """Run the verb; returns the exit code."""
    collects = gc.isenabled()
    gc.disable()  # nothing here makes cycles, and looking for some among a million calls takes a tenth of the time
    try:
        return _run(asked)
    finally:
        if collects:
            gc.enable()


def _run(asked: Namespace) -> int:
    if asked.output is None and (asked.title is not None or asked.turns is not None):
        message = "--title and --turns are for a report: name its file with -o report.html"
        raise CallerError(message)
    trace = read_trace(asked.files[0] if len(asked.files) == 1 else asked.files)
    if asked.table is not None:
        _print_table(trace, asked.table)
    elif asked.output is not None:
        _report(trace, asked)
    else:
        print(summary_text(trace))
    return 0


def _report(trace: Trace, asked: Namespace) -> None:
    """Write the report and say where it is; `-` is the standard output."""
    wanted = {"title": asked.title, "files": asked.files, "turns": turn_places(asked.turns)}
    if asked.output == "-":
        sys.stdout.writelines(trace_report(trace, **wanted))
        return
    size = write_trace_report(asked.output, trace, **wanted)
    print(printable(f"{asked.output}: {byte_size(size)}"))


def _print_table(trace: Trace, name: str) -> None:
    from lash_nb.frames import TRACE_TABLES  # noqa: PLC0415 - pandas loads as long as a whole report takes

    if name not in TRACE_TABLES:
        message = f"there is no table {name!r}; there are {', '.join(TRACE_TABLES)}"
        raise CallerError(message)
    table, problems = TRACE_TABLES[name](trace, strict=False)
    print(printable(table.to_string(index=False)))
    for problem in problems[:PROBLEMS]:
        print(printable(f"lash-nb: {problem}"), file=sys.stderr)
    if len(problems) > PROBLEMS:
        print(f"lash-nb: and {len(problems) - PROBLEMS} more", file=sys.stderr)
