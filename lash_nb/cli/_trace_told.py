"""Print a trace's numbers or one of its tables, or write the report."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Final

from lash_nb.cli._output import write_data
from lash_nb.errors import CallerError
from lash_nb.plots import byte_size, counted, printable
from lash_nb.trace import Trace, read_trace
from lash_nb.views import summary_text, trace_report, turn_places, write_trace_report

__all__ = ["run"]


def run(asked: Namespace) -> int:
    """Do what the verb is asked for; returns the exit code."""
    if asked.output is None and (asked.title is not None or asked.turns is not None):
        message = "--title and --turns are for a report: add -o report.html, the file to write it to"
        raise CallerError(message)
    if asked.table is None and (asked.csv or asked.head is not None or asked.columns is not None):
        message = "--head, --csv and --columns are for a table: name it, e.g. --table tool_calls"
        raise CallerError(message)
    trace = read_trace(asked.files[0] if len(asked.files) == 1 else asked.files)
    if asked.table != "errors":
        _refuse_other_files(trace)
    if asked.table is not None:
        from lash_nb.cli._trace_table import print_table  # noqa: PLC0415 - pandas loads as long as a whole report takes

        print_table(trace, asked)
    elif asked.output is not None:
        _report(trace, asked)
    else:
        print(summary_text(trace))
    return 0


def _report(trace: Trace, asked: Namespace) -> None:
    """Write the report and say where it is; `-` is the standard output."""
    wanted = {"title": asked.title, "files": asked.files, "turns": turn_places(asked.turns)}
    if asked.output == "-":
        for part in trace_report(trace, **wanted):
            write_data(part)
        return
    size = write_trace_report(asked.output, trace, **wanted)
    print(printable(f"{asked.output}: {byte_size(size)}"))


def _refuse_other_files(trace: Trace) -> None:
    """Raise for what is no trace at all: numbers or rows of nothing, or a page of bad lines alone, would say nothing."""
    if len(trace) or not trace.bad_lines:
        return
    first = trace.errors[0]
    kind = next((kind for begins, kind in _KINDS.items() if first.text.startswith(begins)), None)
    seems = kind or ("text" if "\ufffd" not in first.text and first.text.isprintable() else "of a binary format")
    message = (
        f"{trace.name} is no trace: none of {counted(trace.bad_lines, 'line')} is a record, and it seems to be {seems};"
        f" line {first.line}: {first.reason}; a trace is JSONL, a record in each line"
    )
    raise CallerError(message)


_KINDS: Final[Mapping[str, str]] = {
    "SQLite format 3": "a SQLite database, as in which lash_nb.open_store(…) finds sessions",
    "PK\x03\x04": "a zip archive",
    "%PDF": "a PDF",
    "<": "HTML or XML",
    "{": "JSON of another kind",
    "[": "JSON of another kind",
}
"""What other files begin with."""
