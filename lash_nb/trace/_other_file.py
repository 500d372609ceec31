"""What a file is that is no trace, in words that say what to do."""

from collections.abc import Mapping
from typing import Final

from lash_nb.errors import CallerError
from lash_nb.trace._reader import Trace
from lash_nb.words import counted

__all__ = ["refuse_other_file"]

_KINDS: Final[Mapping[str, str]] = {
    "SQLite format 3": "a SQLite database, as in which lash_nb.open_store(…) finds sessions",
    "PK\x03\x04": "a zip archive",
    "%PDF": "a PDF",
    "<": "HTML or XML",
    "{": "JSON of another kind",
    "[": "JSON of another kind",
}
"""What other files begin with."""


def refuse_other_file(trace: Trace) -> None:
    """Check that there are records, or no lines at all: numbers, rows or a drawing of bad lines alone would say nothing.

    Raises:
        CallerError: `no_trace`, none of its lines is a record; the message says what the file seems to be.
    """
    if len(trace) or not trace.bad_lines:
        return
    first = trace.errors[0]
    kind = next((kind for begins, kind in _KINDS.items() if first.text.startswith(begins)), None)
    seems = kind or ("text" if "\ufffd" not in first.text and first.text.isprintable() else "of a binary format")
    message = (
        f"{trace.name} is no trace: none of {counted(trace.bad_lines, 'line')} is a record, and it seems to be {seems};"
        f" line {first.line}: {first.reason}; a trace is JSONL, a record in each line"
    )
    raise CallerError(message, code="no_trace")
