"""What single records tell beside turns, calls and code: prompts, streams, pressure on the context, durable effects, and all the rest.

Each is a row with the fields that records of its sort have in any release; a field that a record lacks, or fills with something else than it
should, is empty, and the record is there whole in `trace[row]`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final, Generic, TypeVar, overload

import msgspec

from lash_nb.trace._execution_events import Records
from lash_nb.trace._facts import CONTEXT_FACTS, RECORD_FACTS, is_withheld, kind_of, read_fact
from lash_nb.trace._usage import Usage

__all__ = [
    "CONTEXT_PRESSURE_KINDS",
    "DURABLE_KINDS",
    "PROMPT_KINDS",
    "STREAM_KINDS",
    "ContextPressure",
    "DurableEvent",
    "Note",
    "Notes",
    "OtherRecord",
    "Prompt",
    "StreamEvent",
]

T = TypeVar("T", bound="Note")

PROMPT_KINDS: Final = frozenset({"prompt_built", "composition_changed", "prompt_composition_failed"})
"""Kinds of records that tell of prompts."""
STREAM_KINDS: Final = frozenset({"provider_request", "provider_stream_event", "provider_event", "runtime_stream_event"})
"""Kinds of records that tell of streams."""
CONTEXT_PRESSURE_KINDS: Final = frozenset(
    {
        "compaction_needed",
        "compaction_started",
        "compaction_completed",
        "prompt_view_pruned",
        "prompt_view_attachments_pruned",
    }
)
"""Kinds of records that tell how full the context is and what was done about it."""
DURABLE_KINDS: Final = frozenset(
    {
        "journaled_effect_started",
        "journaled_effect_settled",
        "durable_wait_parked",
        "durable_wait_resolved",
        "durable_timer_started",
        "durable_timer_resolved",
        "durable_segment_boundary",
        "store_error_observed",
        "effect_envelope_diff",
    }
)
"""Kinds of records that tell what a durable host did."""


class Note(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one record tells, and where it stands."""

    order: int
    """Number of the record in the trace, from 0."""
    time_ns: int
    """When it was written, in nanoseconds since the Unix epoch."""
    kind: str
    """What it is about, in the words of the release that this package follows."""
    is_withheld: bool
    """Whether the host withheld texts (version 36): what is empty here may not have been."""
    session_id: str | None
    """The session."""
    turn_id: str | None
    """The turn."""
    turn_index: int | None
    """Number of the turn in its session."""
    protocol_iteration: int | None
    """Round of the turn, from 0."""
    llm_call_id: str | None
    """The model call."""


class Prompt(Note, frozen=True, kw_only=True):
    """A prompt that was put together, or the prompt and tools that a session has from here on."""

    prompt_hash: str | None
    """SHA-256 of its text; of prompt and tools their fingerprint."""
    prompt_chars: int | None
    """Its length in characters."""
    prompt_text: str | None
    """The whole text (since version 5)."""
    components: list[Any] | None
    """Its parts, as plain objects."""
    tools: list[Any] | None
    """The tools with their plain schemas (since version 5)."""
    limits: Any
    """Limits that it did not keep (version 36)."""
    error_message: Any
    """Why it could not be put together (version 36)."""


class StreamEvent(Note, frozen=True, kw_only=True):
    """One piece of a stream: as the provider sent it, or as the runtime took it; also what was sent to the provider."""

    name: str | None
    """What came: the provider's event, or the endpoint of a request, or what the runtime made of it."""
    provider: str | None
    """The provider."""
    direction: str | None
    """`request` or `response` (version 36)."""
    sequence: int | None
    """Its place in the stream."""
    elapsed_ms: int | None
    """Milliseconds since the call began."""
    item_id: str | None
    """The provider's id of the item."""
    output_index: int | None
    """The item's place in the answer."""
    raw_len: int | None
    """Bytes of what was sent."""
    raw_sha256: str | None
    """Their SHA-256."""
    raw_json: Any
    """What was sent, as plain JSON."""
    omitted_reason: str | None
    """Why that is not here: `size_limit`, `invalid_json` or `content_policy`."""
    stream_text: str | None
    """Text that is to be seen."""
    raw_text: str | None
    """Text as it came."""
    block_id: str | None
    """The block that it belongs to (since version 24)."""
    block_phase: str | None
    """`started`, `delta` or `completed` (version 36)."""
    stream_call_id: str | None
    """The tool call that it tells of."""
    tool_name: str | None
    """The tool of that call."""
    input_json: Any
    """Arguments of that call."""
    partial_usage: Usage | None
    """Tokens so far; never to be added to those of the call."""


class ContextPressure(Note, frozen=True, kw_only=True):
    """How full the context is, and what was done about it."""

    used_tokens: int | None
    """Tokens in use."""
    max_context_tokens: int | None
    """Tokens that the model can take."""
    threshold_tokens: int | None
    """Tokens from which on a compaction is due."""
    dropped_messages: int | None
    """Messages left out of the prompt."""
    retained_messages: int | None
    """Messages kept in the prompt."""
    pruned_attachments: int | None
    """Attachments left out of the prompt (since version 32)."""
    source_messages: int | None
    """Messages that are summarized."""
    has_instructions: bool | None
    """Whether instructions were given for the summary."""
    summary_nodes: int | None
    """Nodes that the summary takes."""


class DurableEvent(Note, frozen=True, kw_only=True):
    """What a durable host did: effects put into a journal, waits, timers, errors of a store."""

    name: str | None
    """The effect, what is waited for, why a segment ended, or the store's operation."""
    status: str | None
    """How it ended."""
    effect_kind: str | None
    """Kind of the effect."""
    duration_ms: int | None
    """Length of a timer in milliseconds."""
    started_at_ms: int | None
    """When a wait began, in milliseconds since the Unix epoch (version 36)."""
    effects_executed: int | None
    """Effects in the segment."""
    journaled_bytes: int | None
    """Bytes in the journal, about."""
    error_class: str | None
    """Class of the error, as in `stored_data_corrupt`."""
    error_message: str | None
    """What went wrong."""
    recorded_hash: str | None
    """Hash of the effect's envelope in the journal."""
    rebuilt_hash: str | None
    """Hash of the envelope that the replay made."""
    divergent_paths: list[Any] | None
    """Where the two differ, as plain objects."""


class OtherRecord(Note, frozen=True, kw_only=True):
    """A record that no other table has; what it tells is in its body."""

    type: str
    """Its type, as it is written."""
    name: str | None
    """Its name, where it has one: of a custom record, the plugin of a step."""
    status: str | None
    """How what it tells of ended."""
    payload: Any
    """The content of a custom record or of a plugin's step, as plain JSON."""
    is_known: bool
    """Whether this release describes its type and schema version."""


_ACCEPTED: Final[dict[Any, tuple[type, ...]]] = {
    str | None: (str,),
    int | None: (int,),
    bool | None: (bool,),
    list[Any] | None: (list,),
    Usage | None: (Usage,),
    Any: (object,),
}
"""Values that a field of each type takes."""


class Notes(Sequence[T], Generic[T]):
    """Rows made of records when they are asked for; only their numbers are in memory."""

    def __init__(self, trace: Records, rows: Sequence[int], kind: type[T]) -> None:
        self._trace = trace
        self._kind = kind
        self.rows = rows
        """Numbers of the records."""

    @overload
    def __getitem__(self, number: int) -> T: ...

    @overload
    def __getitem__(self, number: slice) -> "Notes[T]": ...

    def __getitem__(self, number: int | slice) -> "T | Notes[T]":
        if isinstance(number, slice):
            return Notes(self._trace, self.rows[number], self._kind)
        return next(iter(Notes(self._trace, [self.rows[number]], self._kind)))

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[T]:
        make, times = _maker(self._kind), self._trace.index.time_ns
        known = self._trace.index.is_known if issubclass(self._kind, OtherRecord) else None
        for row, body in zip(self.rows, self._trace.bodies(self.rows), strict=True):
            facts = make(body)
            if known is not None:
                facts |= {"type": body["type"], "is_known": bool(known[row])}
            yield self._kind(order=row, time_ns=int(times[row]), **facts)

    def __repr__(self) -> str:
        return f"<{len(self):,} × {self._kind.__name__}>"


@cache
def _maker(kind: type[Note]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Return the function that reads a row's facts: its fields are called as the facts are."""
    types = {one.name: one.type for one in msgspec.structs.fields(kind)}
    facts = [(name, _ACCEPTED[types[name]]) for name in types if name in RECORD_FACTS or name in CONTEXT_FACTS]

    def make(body: Mapping[str, Any]) -> dict[str, Any]:
        values = {name: _accepted(read_fact(name, body), accepted) for name, accepted in facts}
        return {"kind": kind_of(str(body.get("type"))), "is_withheld": is_withheld(body), **values}

    return make


def _accepted(value: Any, accepted: tuple[type, ...]) -> Any:
    if isinstance(value, bool) and int in accepted:
        return None
    return value if isinstance(value, accepted) else None
