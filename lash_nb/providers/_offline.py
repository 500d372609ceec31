"""The stand-in where no provider was given: no model, only words compared with words. The same prompt gets the same answer, always."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from lash_nb.providers._offline_arguments import arguments_for
from lash_nb.providers._reply import call, reply
from lash_nb.providers._scripted import ScriptedProvider
from lash_nb.wire import (
    Json,
    LlmMessage,
    LlmOutputSpec,
    LlmRequest,
    LlmResponse,
    LlmToolSpec,
    OutputJsonSchema,
    ToolResultBlock,
)
from lash_nb.words import counted

__all__ = ["OfflineProvider"]

_WORDS: Final = re.compile(r"[a-z0-9]+")
_OF_THE_PROTOCOL: Final = frozenset({"batch"})
"""Tools that call other tools: nothing that a question could be about."""
_COMMON: Final = frozenset(
    _WORDS.findall(
        "a all an and any are as at be by can do does for from get give had has have how i in into is it its me my now of on or our"
        " please show take tell that the their them then there these this to us use was what when where which who will with you your"
    )
)
_NAME_WEIGHT: Final = 3
_SENTENCE: Final = 400
_WITHOUT_TOOL: Final = (
    "I am the offline stand-in, there is no model behind me: I only call tools whose names or descriptions share words with the"
    " prompt, and {reason}. %lash provider lists who else can answer."
)


class OfflineProvider(ScriptedProvider):
    """Calls the tool that fits the prompt best, once, and answers with what came of it; says so when none fits.

    Where an answer of a schema is wanted, it fills one with words and numbers of the prompt.
    """

    def __init__(self) -> None:
        super().__init__(_answer, kind="offline")

    def __repr__(self) -> str:
        return f"OfflineProvider({counted(len(self.requests), 'call')} answered)"


def _answer(request: LlmRequest) -> LlmResponse:
    prompt, after = _last_prompt(request.messages)
    if request.output_spec is not None:
        return reply(json.dumps(_filled(request.output_spec, prompt), ensure_ascii=False))
    results = list(_results(after))
    if results:
        return reply(_sentence(results))
    offered = [tool for tool in request.tools if tool.name not in _OF_THE_PROTOCOL]
    best = max(offered, key=lambda tool: _likeness(tool, prompt), default=None)
    if best is None or not _likeness(best, prompt):
        return reply(_WITHOUT_TOOL.format(reason="none does here" if offered else "there are no tools yet"))
    # The call's number in the conversation makes its id unique in the session.
    return call(best.name, arguments_for(best.input_schema, prompt), id=f"offline-{len(request.messages)}")


def _filled(wanted: LlmOutputSpec, prompt: str) -> dict[str, Json]:
    """A JSON object made of the prompt's own words, of the schema that is wanted if there is one."""
    schema = wanted.JsonSchema.schema if isinstance(wanted, OutputJsonSchema) and wanted.JsonSchema else None
    return {"prompt": prompt} if schema is None else arguments_for(schema, prompt)


def _last_prompt(messages: Sequence[LlmMessage]) -> tuple[str, Sequence[LlmMessage]]:
    """The last thing that the user said, and the messages after it."""
    for place in range(len(messages) - 1, -1, -1):
        texts = [block.Text.text for block in messages[place].blocks if block.Text]
        if messages[place].role == "User" and texts:
            return "\n".join(texts), messages[place + 1 :]
    return "", messages


def _results(messages: Sequence[LlmMessage]) -> Iterator[ToolResultBlock]:
    for message in messages:
        yield from (block.ToolResult for block in message.blocks if block.ToolResult)


def _likeness(tool: LlmToolSpec, prompt: str) -> int:
    asked = _stems(prompt)
    name, described = _stems(tool.name), _stems(f"{tool.description} {' '.join(_vocabulary(tool.input_schema))}")
    return _NAME_WEIGHT * len(asked & name) + len(asked & (described - name))


def _vocabulary(schema: Any) -> Iterator[str]:
    """Names of parameters and the words that they take."""
    if isinstance(schema, Mapping):
        yield from map(str, schema.get("enum") or ())
        for key in ("properties", "$defs"):
            yield from map(str, schema.get(key) or ())
        for value in schema.values():
            yield from _vocabulary(value)


def _stems(text: str) -> set[str]:
    """The words that mean something, singular and plural alike."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text).lower()
    words = (word for word in _WORDS.findall(spaced) if word not in _COMMON)
    return {word[:-1] if len(word) > 3 and word.endswith("s") else word for word in words}


def _sentence(results: list[ToolResultBlock]) -> str:
    said = "; ".join(f"{result.tool_name or 'the tool'} says {_in_words(result.content)}" for result in results)
    cut = said if len(said) <= _SENTENCE else f"{said[:_SENTENCE].rstrip()}…"
    return f"{cut[:1].upper()}{cut[1:]}."


def _in_words(content: str) -> str:
    try:
        value = json.loads(content)
    except ValueError:
        return content.strip().rstrip(".") or "nothing"
    return _value_in_words(value)


def _value_in_words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_value_in_words(one)}" for name, one in value.items()) or "nothing"
    if isinstance(value, list):
        return f"{len(value)} values: {', '.join(map(_value_in_words, value))}" if value else "nothing"
    return value if isinstance(value, str) else json.dumps(value)
