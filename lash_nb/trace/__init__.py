"""Traces: records in, as an index with bodies on demand; and the turns and calls that the records tell of."""

from lash_nb.trace._calls import LlmCall, Span, ToolCall, Turn, total_usage
from lash_nb.trace._index import CodedColumn, TraceError, TraceIndex
from lash_nb.trace._peek import NO_INT
from lash_nb.trace._reader import Trace, TraceInput, read_trace
from lash_nb.trace._sink import JsonlTraceSink, MemoryTraceSink, TeeTraceSink, TraceSink, TraceSinkWarning
from lash_nb.trace._summary import TraceSummary

__all__ = [
    "NO_INT",
    "CodedColumn",
    "JsonlTraceSink",
    "LlmCall",
    "MemoryTraceSink",
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
    "read_trace",
    "total_usage",
]
