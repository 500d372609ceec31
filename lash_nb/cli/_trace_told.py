"""Print a trace's numbers or one of its tables, or write the report."""

from argparse import Namespace

from lash_nb.cli._output import write_data
from lash_nb.errors import CallerError
from lash_nb.plots import byte_size, printable
from lash_nb.trace import Trace, read_trace, refuse_other_file
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
        refuse_other_file(trace)
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
