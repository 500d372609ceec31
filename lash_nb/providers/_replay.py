"""The provider that answers from a trace: what was asked once is answered as it was answered then, without a model."""

import warnings
from typing import Final

from lash_nb.errors import CallerError, LashError, LlmTransportError, TraceReadError, exception_text
from lash_nb.providers._options import ProviderOptions, ProviderReliability, RetryOptions
from lash_nb.providers._recorded_calls import RecordedCalls, Request, asked_by, differences
from lash_nb.providers._scripted import ScriptedProvider
from lash_nb.trace import LlmTraceMapper, Trace, TraceInput, read_trace
from lash_nb.wire import LlmRequest, LlmResponse
from lash_nb.words import counted, legible

__all__ = ["ReplayProvider", "ReplayWarning"]

_ONCE: Final = ProviderOptions(reliability=ProviderReliability(retry=RetryOptions(enabled=False)))
"""A failure that was recorded is one after all retries."""
_NO_REQUEST: Final = (LashError, AttributeError, TypeError, ValueError, RecursionError)
"""What is raised over something that is no request, whatever else it is."""
_SHOWN: Final = 300
"""Characters of what is wrong with a request that a message shows."""


class ReplayWarning(UserWarning):
    """A recorded call answers a request that is not the one that was recorded."""


class ReplayProvider(ScriptedProvider):
    """Answers model calls from a recorded trace, each recorded call once, in whatever order they are asked.

    A request is answered by the first call left that asked exactly the same; failures are recorded answers, too. Text is streamed word by
    word. What a trace does not hold cannot come back: signatures and encrypted reasoning are missing, so a replayed session goes on with a
    real provider as one whose reasoning was left out.

        provider = ReplayProvider("run.jsonl")
    """

    def __init__(
        self, trace: Trace | TraceInput, *, in_order: bool = False, kind: str = "replay", delay: float = 0
    ) -> None:
        """Get ready to answer from `trace`.

        Args:
            trace: A trace, also that of a live session (`session.trace`), or what `read_trace` takes; what is recorded later does not count.
            in_order: Whether a request that was not recorded is answered by the next call left, with a `ReplayWarning` that says what differs.
            kind: The provider's kind: that of the recorded session where a stored session goes on.
            delay: Seconds after each word.

        Raises:
            CallerError: `replay_empty`: the trace has no model calls.
            TraceReadError: the trace cannot be read.
        """
        recording = trace if isinstance(trace, Trace) else read_trace(trace)
        self._calls = RecordedCalls(recording)
        self._all = len(self._calls)
        if not self._all:
            raise CallerError(
                f"the trace {recording.name!r} has no model calls to answer from; record a session with"
                " .trace_sink(JsonlTraceSink('run.jsonl')) first",
                code="replay_empty",
            )
        self._in_order = in_order
        self._mapper = LlmTraceMapper()
        super().__init__(self._recorded, kind=kind, options=_ONCE, delay=delay)

    def __repr__(self) -> str:
        return f"ReplayProvider({self._all - len(self._calls)} of {counted(self._all, 'recorded call')} answered)"

    @property
    def left(self) -> int:
        """How many recorded calls nobody has asked for yet."""
        return len(self._calls)

    @property
    def usual_model(self) -> str:
        """The model that the first recorded call asked."""
        return str(self._calls.request(0).get("model") or f"{self.kind}-model")

    def supports_variant(self, model: str, variant: str) -> bool:  # noqa: ARG002 - a request that differs is told of when it is asked
        """Know every variant: what was recorded decides."""
        return True

    def _recorded(self, request: LlmRequest) -> LlmResponse:
        asked = self._asked(request)
        try:
            number = self._calls.find(asked)
            return self._calls.take(self._next_left(asked) if number is None else number)
        except TraceReadError as error:
            raise LlmTransportError(
                f"the recording cannot be read any more: {error.message.rstrip('.')}; {self._has}. Put the file back as it was, or record again, and make a"
                " new ReplayProvider",
                kind="validation",
                code="replay_unreadable",
            ) from error

    def _asked(self, request: LlmRequest) -> Request:
        try:
            return asked_by(request, self._mapper)
        except _NO_REQUEST as error:
            raise LlmTransportError(
                f"this request cannot be looked up in a recording, for no trace could tell it ({legible(exception_text(error), _SHOWN)});"
                f" {self._has}. Ask with an LlmRequest of texts and JSON, as a session does",
                kind="validation",
                code="replay_request",
            ) from error

    @property
    def _has(self) -> str:
        return f"it has {counted(self._all, 'call')}, {len(self._calls)} of them left"

    def _next_left(self, asked: Request) -> int:
        """The next call left, for a request that nobody recorded."""
        number = self._calls.first
        if number is None:
            raise LlmTransportError(
                f"all {counted(self._all, 'recorded call')} are answered, and one more is asked, of model {asked.get('model')!r}; record again, or make a new ReplayProvider"
                " to begin anew",
                kind="validation",
                code="replay_exhausted",
            )
        what = f"differs from recorded call {number + 1}: {differences(self._calls.request(number), asked)}"
        if not self._in_order:
            raise LlmTransportError(
                f"this request was not recorded; it {what}. Ask the same as then, or give in_order=True to take recorded answers one after another",
                kind="validation",
                code="replay_mismatch",
            )
        warnings.warn(f"a recorded answer is given to a request that {what}", ReplayWarning, stacklevel=2)
        return number
