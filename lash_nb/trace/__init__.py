"""Traces: records in, as an index with bodies on demand; and the turns and calls that the records tell of."""

from lash_nb.trace._attempts import Attempt
from lash_nb.trace._bad_lines import TraceError
from lash_nb.trace._call_columns import Outcome, Outcomes
from lash_nb.trace._calls import LlmCall, Span, ToolCall, Turn
from lash_nb.trace._code_blocks import CodeBlock
from lash_nb.trace._column import CodedColumn
from lash_nb.trace._executions import ChildStart, Execution, NodeRun
from lash_nb.trace._facts import (
    CONTEXT_FACTS,
    RECORD_FACTS,
    Place,
    is_withheld,
    kind_of,
    member,
    read_fact,
)
from lash_nb.trace._given import given_trace, path_for
from lash_nb.trace._index import TEXT_COLUMNS, TraceIndex
from lash_nb.trace._lashlang_graph import LashlangGraph, LashlangNode
from lash_nb.trace._llm_mapping import LlmTraceMapper, parsed_or_text
from lash_nb.trace._notes import (
    ContextPressure,
    DurableEvent,
    Notes,
    OtherRecord,
    Prompt,
    StreamEvent,
)
from lash_nb.trace._other_file import refuse_other_file
from lash_nb.trace._pairing import Pairs, SpanRows
from lash_nb.trace._peek import NO_INT
from lash_nb.trace._pieces import Message, Piece, latest_messages, read_messages, read_reply
from lash_nb.trace._reader import Trace, TraceInput, read_trace
from lash_nb.trace._record_columns import RecordColumns
from lash_nb.trace._shapes import SHAPES, UNRELEASED, Shape, shape_of
from lash_nb.trace._sink import JsonlTraceSink, MemoryTraceSink, TeeTraceSink, TraceSink, TraceSinkWarning
from lash_nb.trace._span_links import SpanKind
from lash_nb.trace._spans import SpanNode
from lash_nb.trace._stamps import StampReader
from lash_nb.trace._statuses import (
    AS_OF_TURNS,
    FAILED_STATUSES,
    GOOD_STATUSES,
    LLM_STATUSES,
    OPEN_STATUSES,
    TOOL_STATUSES,
    TURN_STATUSES,
)
from lash_nb.trace._summary import TraceSummary
from lash_nb.trace._usage import Usage, total_usage

__all__ = [
    "AS_OF_TURNS",
    "CONTEXT_FACTS",
    "FAILED_STATUSES",
    "GOOD_STATUSES",
    "LLM_STATUSES",
    "NO_INT",
    "OPEN_STATUSES",
    "RECORD_FACTS",
    "SHAPES",
    "TEXT_COLUMNS",
    "TOOL_STATUSES",
    "TURN_STATUSES",
    "UNRELEASED",
    "Attempt",
    "ChildStart",
    "CodeBlock",
    "CodedColumn",
    "ContextPressure",
    "DurableEvent",
    "Execution",
    "JsonlTraceSink",
    "LashlangGraph",
    "LashlangNode",
    "LlmCall",
    "LlmTraceMapper",
    "MemoryTraceSink",
    "Message",
    "NodeRun",
    "Notes",
    "OtherRecord",
    "Outcome",
    "Outcomes",
    "Pairs",
    "Piece",
    "Place",
    "Prompt",
    "RecordColumns",
    "Shape",
    "Span",
    "SpanKind",
    "SpanNode",
    "SpanRows",
    "StampReader",
    "StreamEvent",
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
    "given_trace",
    "is_withheld",
    "kind_of",
    "latest_messages",
    "member",
    "parsed_or_text",
    "path_for",
    "read_fact",
    "read_messages",
    "read_reply",
    "read_trace",
    "refuse_other_file",
    "shape_of",
    "total_usage",
]
