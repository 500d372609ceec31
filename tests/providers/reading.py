"""Reading the bytes of a stream without a network."""

import json
from collections.abc import Iterable
from typing import Any

from lash_nb.errors import LlmTransportError
from lash_nb.providers import DeltaEvent, LlmStreamEvent, PartEvent, ReasoningDeltaStream
from lash_nb.providers._endpoint import AnswerReader
from lash_nb.providers._sse import SseParser
from lash_nb.wire import LlmResponse, ToolCallPart

__all__ = ["calls_of", "read_bytes", "read_events", "read_or_code", "shown"]


def read_events(reader: AnswerReader, events: Iterable[dict[str, Any]]) -> tuple[LlmResponse, list[LlmStreamEvent]]:
    """Return the response of these events, and what was told on the way."""
    return _read(reader, map(json.dumps, events))


def read_bytes(reader: AnswerReader, data: bytes) -> tuple[LlmResponse, list[LlmStreamEvent]]:
    """Return the response of the bytes of a stream, and what was told on the way."""
    parser = SseParser()
    return _read(reader, (event.decode() for event in (*parser.feed(data), *parser.close())))


def read_or_code(reader: AnswerReader, data: bytes) -> LlmResponse | str:
    """Return the response of the bytes of a stream, or the code of what is wrong with them."""
    try:
        return read_bytes(reader, data)[0]
    except LlmTransportError as error:
        return str(error.provider_code)
    except ValueError:
        return "no JSON"


def _read(reader: AnswerReader, events: Iterable[str]) -> tuple[LlmResponse, list[LlmStreamEvent]]:
    told = [one for event in events for one in reader.feed(event)]
    return reader.finish(), told


def shown(told: Iterable[LlmStreamEvent]) -> tuple[str, str, list[ToolCallPart]]:
    """Return what somebody who listens has at the end: text, reasoning, calls."""
    heard = list(told)
    return (
        "".join(event.text for event in heard if isinstance(event, DeltaEvent)),
        "".join(event.text for event in heard if isinstance(event, ReasoningDeltaStream)),
        [event.part.ToolCall for event in heard if isinstance(event, PartEvent) and event.part.ToolCall],
    )


def calls_of(response: LlmResponse) -> list[ToolCallPart]:
    """Return the calls of a response."""
    return [part.ToolCall for part in response.parts if part.ToolCall]
