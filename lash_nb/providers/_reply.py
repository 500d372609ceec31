"""Answers written by hand: what a script is made of."""

import reprlib
from collections.abc import Callable
from operator import is_
from typing import Any, Final, Protocol, TypeAlias

from msgspec.structs import replace

from lash_nb.errors import CallerError, wrong_type
from lash_nb.wire import (
    Json,
    LlmOutputPart,
    LlmResponse,
    LlmUsage,
    TextPart,
    ToolCallPart,
    from_builtins,
    to_json,
)

__all__ = ["REPLIES", "NamedTool", "ScriptedReply", "call", "calls", "reply", "response_of", "with_call_ids"]

ScriptedReply: TypeAlias = str | LlmResponse | dict[str, Any] | Exception
"""One answer: a text, a whole response, one as plain JSON, or an exception to raise."""
REPLIES: Final = (str, LlmResponse, dict, Exception)
"""The types of a `ScriptedReply`."""

_TEXT_USAGE = LlmUsage(input_tokens=100, output_tokens=10, cached_input_tokens=0, reasoning_tokens=0)
_CALL_USAGE = LlmUsage(input_tokens=120, output_tokens=20, cached_input_tokens=0, reasoning_tokens=0)
_RESPONSE_DEFAULTS = {
    "full_text": "",
    "parts": [],
    "usage": {"input_tokens": 0, "output_tokens": 0, "cached_input_tokens": 0, "reasoning_tokens": 0},
    "terminal_reason": "unknown",
}


class NamedTool(Protocol):
    """A tool that knows its name, as what `@tool` makes of a function."""

    @property
    def name(self) -> str:
        """The name that the model calls."""
        ...


def reply(text: str, *, usage: LlmUsage | None = None) -> LlmResponse:
    """Return the response that says `text` and ends the turn.

    Raises:
        CallerError: what is given is no text, or no usage.
    """
    if not isinstance(text, str):
        raise wrong_type("a text", text, instead="reply('Hello.')")
    return LlmResponse(
        full_text=text,
        parts=(LlmOutputPart(Text=TextPart(text=text)),),
        usage=_usage_of(usage, _TEXT_USAGE),
        terminal_reason="stop",
    )


def call(
    tool: str | NamedTool,
    args: dict[str, Json] | None = None,
    *,
    id: str = "",
    say: str | None = None,
    usage: LlmUsage | None = None,
) -> LlmResponse:
    """Return the response that calls one tool, given by its name or itself, saying `say` before; a blank id is numbered by the `ScriptedProvider` that gives it.

    Raises:
        CallerError: what is given for the tool, or for the usage, is none.
    """
    return calls((id, tool, args or {}), say=say, usage=usage)


def calls(
    *made: tuple[str, str | NamedTool, dict[str, Json]], say: str | None = None, usage: LlmUsage | None = None
) -> LlmResponse:
    """Return the response that makes several calls; each is `(id, tool, args)`, tool and a blank id as in `call`.

    Raises:
        CallerError: a call is no such triple, or what is given is no usage.
    """
    said = () if say is None else (LlmOutputPart(Text=TextPart(text=say)),)
    return LlmResponse(
        full_text=say or "",
        parts=(*said, *map(_call_part, made)),
        usage=_usage_of(usage, _CALL_USAGE),
        terminal_reason="tool_use",
    )


def response_of(scripted: str | LlmResponse | dict[str, Any]) -> LlmResponse:
    """Return the response that a scripted reply stands for; absent keys of a plain one are empty."""
    if isinstance(scripted, str):
        return reply(scripted)
    if isinstance(scripted, LlmResponse):
        return scripted
    response: LlmResponse = from_builtins({**_RESPONSE_DEFAULTS, **scripted}, LlmResponse)
    return response


def with_call_ids(response: LlmResponse, fresh: Callable[[], str]) -> LlmResponse:
    """Return the response with fresh ids for the calls that have none: a session needs a new one for each."""
    parts = [_with_call_id(part, fresh) for part in response.parts]
    return response if all(map(is_, parts, response.parts)) else replace(response, parts=tuple(parts))


def _with_call_id(part: LlmOutputPart, fresh: Callable[[], str]) -> LlmOutputPart:
    called = part.ToolCall
    return part if called is None or called.call_id else LlmOutputPart(ToolCall=replace(called, call_id=fresh()))


def _usage_of(given: Any, usual: LlmUsage) -> LlmUsage:
    if given is None:
        return usual
    if not isinstance(given, LlmUsage):
        counters = ", ".join(f"{name}=0" for name in LlmUsage.__struct_fields__)
        raise wrong_type("an LlmUsage", given, instead=f"reply('Hello.', usage=LlmUsage({counters}))")
    return given


def _call_part(made: Any) -> LlmOutputPart:
    if not isinstance(made, tuple | list) or len(made) != 3 or not isinstance(made[0], str):
        message = f"calls() takes (id, tool, args) for each call, and {reprlib.repr(made)} is not such a triple; write e.g. calls(('', 'add', {{'a': 1}}))"
        raise CallerError(message)
    call_id, tool, args = made
    part = ToolCallPart(call_id=call_id, tool_name=_name_of(tool), input_json=to_json(args).decode())
    return LlmOutputPart(ToolCall=part)


def _name_of(tool: Any) -> str:
    name = tool if isinstance(tool, str) else getattr(tool, "name", None)
    if not isinstance(name, str):
        raise wrong_type("the name of a tool (or what @tool made)", tool, instead="call('add', {'a': 1})")
    return name
