"""Traces: records in, as an index with bodies on demand; and the turns and calls that the records tell of."""

from lash_nb.trace._calls import LlmCall, Span, ToolCall, Turn
from lash_nb.trace._column import CodedColumn
from lash_nb.trace._facts import (
    CONTEXT_FACTS,
    RECORD_FACTS,
    RECORD_TYPES,
    Place,
    RecordType,
    kind_of,
    member,
    read_fact,
)
from lash_nb.trace._index import TEXT_COLUMNS, TraceError, TraceIndex
from lash_nb.trace._peek import NO_INT
from lash_nb.trace._reader import Trace, TraceInput, read_trace
from lash_nb.trace._sink import JsonlTraceSink, MemoryTraceSink, TeeTraceSink, TraceSink, TraceSinkWarning
from lash_nb.trace._summary import TraceSummary
from lash_nb.trace._usage import Usage, total_usage

__all__ = [
    "CONTEXT_FACTS",
    "NO_INT",
    "RECORD_FACTS",
    "RECORD_TYPES",
    "TEXT_COLUMNS",
    "CodedColumn",
    "JsonlTraceSink",
    "LlmCall",
    "MemoryTraceSink",
    "Place",
    "RecordType",
    "Span",
    "TeeTraceSink",
    "ToolCall",
    "Trace",
    "TraceError",
    "TraceIndex",
    "TraceInput",
    "TraceSink",
    "TraceSinkWarning",
    "TraceSummary",
    "Turn",
    "Usage",
    "kind_of",
    "member",
    "read_fact",
    "read_trace",
    "total_usage",
]
