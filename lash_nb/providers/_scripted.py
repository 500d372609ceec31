"""The provider that needs no model: it answers from a list, or with a Python function."""

import inspect
import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import count
from typing import Any, Final, TypeAlias

from lash_nb.clock import Clock, SystemClock
from lash_nb.errors import LlmTransportError, wrong_type
from lash_nb.providers._options import ProviderOptions
from lash_nb.providers._own_function import function_words
from lash_nb.providers._reply import REPLIES, ScriptedReply, response_of, with_call_ids
from lash_nb.providers._stream import DeltaEvent, LlmStreamEvent, ReasoningDeltaStream, StreamSink, UsageEvent
from lash_nb.wire import LlmOutputPart, LlmRequest, LlmResponse
from lash_nb.words import counted

__all__ = ["Script", "ScriptedProvider"]

Script: TypeAlias = Iterable[ScriptedReply] | Callable[[LlmRequest], ScriptedReply | Awaitable[ScriptedReply]]
"""Replies in order, or a function (plain or async) from the request to the reply."""

_NO_LIST: Final = (Mapping, set, frozenset)
"""What can be gone through and is no script: the keys would answer, or the replies in any order."""
_WORD: Final = re.compile(r"\S+\s*|\s+")
"""Every match in order is the whole text again."""


class ScriptedProvider:
    """Answers from `replies`: in order when it is a list, by calling it when it is a function of the request.

    Text is streamed word by word to whoever listens; with `delay`, that many seconds pass after each word. All requests are
    kept in `requests`. The same object serves every session of a core, in the order in which they ask.

    Raises:
        CallerError: `replies` is neither, or something in the list is no reply.
    """

    def __init__(
        self,
        replies: Script = (),
        *,
        kind: str = "scripted",
        options: ProviderOptions | None = None,
        variants: Iterable[str] = (),
        delay: float = 0,
        clock: Clock | None = None,
    ) -> None:
        self.kind: Final = kind
        self.options: Final = options or ProviderOptions()
        self.requires_streaming: Final = False
        self.requests: Final[list[LlmRequest]] = []
        """All requests so far."""
        self._function = replies if callable(replies) else None
        self._replies = deque(() if callable(replies) else _listed(replies))
        self._call_numbers = count(1)
        self._variants = frozenset(variants)
        self._delay = delay
        self._clock = clock or SystemClock()

    def __repr__(self) -> str:
        source = "a function" if self._function else f"{counted(len(self._replies), 'reply', 'replies')} left"
        return f"ScriptedProvider({source}, {counted(len(self.requests), 'call')} answered)"

    def supports_variant(self, model: str, variant: str) -> bool:  # noqa: ARG002 - every model of a script has the same ones
        """Tell whether `variant` was declared."""
        return variant in self._variants

    async def complete(self, request: LlmRequest, stream: StreamSink | None = None) -> LlmResponse:
        """Answer with the next reply.

        Raises:
            LlmTransportError: the script has no reply left, the reply is a failure, or the function returned none.
        """
        self.requests.append(request)
        given = self._next(request)
        scripted = given if isinstance(given, REPLIES) else await self._awaited(given)
        if isinstance(scripted, Exception):
            raise scripted
        response = with_call_ids(response_of(scripted), lambda: f"call-{next(self._call_numbers)}")
        if stream is not None:
            await self._stream(response, stream)
        return response

    def _next(self, request: LlmRequest) -> ScriptedReply | Awaitable[ScriptedReply]:
        if self._function is not None:
            return self._function(request)
        if self._replies:
            return self._replies.popleft()
        raise LlmTransportError(
            f"the script has no reply left for call {len(self.requests)}; give ScriptedProvider more replies or a function"
        )

    async def _awaited(self, given: object) -> ScriptedReply:
        """Return the reply of an async function; of a plain one `given` is none."""
        scripted = await given if inspect.isawaitable(given) else given
        if isinstance(scripted, REPLIES):
            return scripted
        told = "None" if scripted is None else type(scripted).__name__
        raise LlmTransportError(
            f"your function {function_words(self._function)} returned {told}; return a text, call(…) or reply(…)",
            code="provider_response",
        )

    async def _stream(self, response: LlmResponse, stream: StreamSink) -> None:
        for part in response.parts:
            for event in _deltas(part):
                stream(event)
                if self._delay:
                    await self._clock.sleep(self._delay)
        stream(UsageEvent(response.usage))


def _listed(replies: Any) -> Iterable[ScriptedReply]:
    if isinstance(replies, str):
        return [replies]
    if isinstance(replies, Iterable) and not isinstance(replies, _NO_LIST):
        return map(_checked, replies, count(1))
    raise wrong_type("a list of replies or a function of the request", replies, instead=_instead(replies))


def _instead(replies: Any) -> str:
    if isinstance(replies, Mapping):
        return "ScriptedProvider([{…}]) of a reply as JSON, ScriptedProvider(lambda request: …) to choose one by what is asked"
    return 'ScriptedProvider(["Hello."])'


def _checked(given: Any, number: int) -> ScriptedReply:
    if isinstance(given, REPLIES):
        return given
    wanted = f"a reply as number {number} of the script (a text, call(…), reply(…) or an exception)"
    raise wrong_type(wanted, given, instead='ScriptedProvider(["Hello."])')


def _deltas(part: LlmOutputPart) -> Iterable[LlmStreamEvent]:
    if part.Text:
        return map(DeltaEvent, _WORD.findall(part.Text.text))
    return map(ReasoningDeltaStream, _WORD.findall(part.Reasoning.text)) if part.Reasoning else ()
