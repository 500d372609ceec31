"""Records of a trace that no other table has."""

from typing import Final

from lash_nb.frames._column import Column
from lash_nb.frames._ids import RECORD_HEAD, RECORD_IDS, RECORD_ORIGIN
from lash_nb.frames._records import RECORD_CONTENT
from lash_nb.frames._table import Rows, table
from lash_nb.frames._trace_rows import RecordRows
from lash_nb.trace import Trace

__all__ = ["OTHER_RECORD_COLUMNS", "other_records_df"]

OTHER_RECORD_COLUMNS: Final = (
    *RECORD_HEAD,
    Column("type", "index.type", "category", "Its type, as it is written."),
    Column("name", "index.name", "category", "Its name, where it has one: of a custom record, the plugin of a step."),
    Column("status", "index.status", "category", "How it ended, where it says so."),
    Column("is_known", "index.is_known", "boolean", "Whether its type and version are described here."),
    *RECORD_CONTENT,
    *RECORD_ORIGIN,
)
"""What each record is and everything that it says."""


@table(OTHER_RECORD_COLUMNS, always=RECORD_IDS)
def other_records_df(trace: Trace) -> Rows:
    """One row per record that no other table has: custom ones, steps of plugins, types that nobody knows.

    A column's function gets a `RecordRow`: `body` (the record, whole) and `facts`.
    """
    return RecordRows(trace, trace.others.rows)
