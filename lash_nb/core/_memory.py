"""Where in memory a core keeps its records."""

from lash_nb.trace import MemoryTraceSink, TeeTraceSink, TraceSink

__all__ = ["memory_of"]


def memory_of(sink: TraceSink | None) -> MemoryTraceSink | None:
    """Return the sink that keeps records in memory: this one, or one of those beside each other in it; None when there is none."""
    sinks = sink.sinks if isinstance(sink, TeeTraceSink) else (sink,)
    return next((one for one in sinks if isinstance(one, MemoryTraceSink)), None)
