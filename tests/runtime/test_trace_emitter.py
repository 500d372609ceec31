"""Where trace records come from."""

from lash_nb.clock import CountingIds, ManualClock
from lash_nb.runtime._trace_emitter import TraceEmitter, llm_call_context
from lash_nb.trace import MemoryTraceSink
from lash_nb.wire import RuntimeScope, TraceContext, TurnStarted, turn_effect_invocation

EVENT = TurnStarted(metadata={"input_item_count": 1})


def emitter(sink: MemoryTraceSink | None, **options: object) -> TraceEmitter:
    """An emitter whose time and ids only count."""
    return TraceEmitter(sink, clock=ManualClock(1_000_000_000), ids=CountingIds(), **options)  # type: ignore[arg-type]  # passed through


def test_a_record_is_stamped_with_time_and_id() -> None:
    """Each record has the clock's time and a fresh id."""
    sink = MemoryTraceSink()
    trace = emitter(sink)
    for _ in range(2):
        trace.emit(EVENT, TraceContext(session_id="s"))
    assert [record.timestamp for record in sink.records] == ["1970-01-01T00:00:01+00:00"] * 2
    assert len({record.id for record in sink.records}) == 2
    assert sink.records[0].context == TraceContext(session_id="s")


def test_the_host_speaks_where_the_context_is_silent() -> None:
    """The base context fills gaps and overrides nothing."""
    sink = MemoryTraceSink()
    trace = emitter(sink, base=TraceContext(session_id="base", turn_id="base"))
    trace.emit(EVENT, TraceContext(session_id="own"))
    assert sink.records[0].context == TraceContext(session_id="own", turn_id="base")


def test_without_a_sink_nothing_is_made() -> None:
    """No record, no id is spent."""
    ids = CountingIds()
    trace = TraceEmitter(None, clock=ManualClock(), ids=ids, level="extended")
    trace.emit(EVENT, TraceContext())
    assert (trace.enabled, trace.extended) == (False, False)
    assert ids.hex() == f"{1:032x}"


def test_stream_records_are_for_the_extended_level() -> None:
    """Only the extended level, with a sink, asks for the records of a stream."""
    assert emitter(MemoryTraceSink(), level="extended").extended
    assert not emitter(MemoryTraceSink()).extended


def test_a_model_calls_records_say_what_its_invocation_says() -> None:
    """Ids, turn, iteration and replay key stand in the context."""
    scope = RuntimeScope(session_id="s", turn_id="t", turn_index=3, protocol_iteration=1)
    invocation = turn_effect_invocation(scope, 2, "llm_call")
    context = llm_call_context(invocation, "s:3:1:0")
    assert (context.session_id, context.turn_id, context.turn_index, context.protocol_iteration) == ("s", "t", 3, 1)
    assert (context.effect_id, context.llm_call_id) == ("2", "s:3:1:0")
    assert context.metadata["replay_key"] == "s:t:3:1:llm_call:2"
