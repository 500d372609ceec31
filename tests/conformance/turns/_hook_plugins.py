"""The plugins of a scenario whose hooks act from a script."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import msgspec

from lash_nb.errors import PluginError
from lash_nb.plugins import (
    AssistantResponseHookContext,
    AssistantResponseTransform,
    AssistantStreamHookContext,
    AssistantStreamTransform,
    PluginDirective,
    PluginRegistrar,
    StaticPlugin,
)
from lash_nb.wire import LlmResponse, PluginRuntimeEvent, PromptContribution, from_builtins
from tests.conformance.turns._provider import scripted_response
from tests.conformance.turns._recorder import Recorder

__all__ = ["HOOK_KEYS", "hook_plugin"]

Entry: TypeAlias = Any
Info: TypeAlias = Callable[[Any], dict[str, Any] | None]
Act: TypeAlias = Callable[[Any, Entry], Any]


def hook_plugin(given: dict[str, Any], recorder: Recorder) -> StaticPlugin:
    """Return a plugin that registers a hook for each key that is there."""

    def register(registrar: PluginRegistrar) -> None:
        for point, (add, info, act) in POINTS.items():
            if point in given:
                add(registrar, _scripted(given, point, info, act, recorder))

    return StaticPlugin(given["id"], register)


def _scripted(given: dict[str, Any], point: str, info: Info, act: Act, recorder: Recorder) -> Callable[[Any], Any]:
    script = list(given[point])

    def hook(context: Any) -> Any:
        recorder.push("hook", plugin=given["id"], point=point, info=info(context))
        entry = script.pop(0) if script else []
        if isinstance(entry, dict) and "error" in entry:
            raise PluginError("session", entry["error"])
        return act(context, entry)

    return hook


def _directives(_context: Any, entry: Entry) -> list[PluginDirective]:
    return [from_builtins(one, PluginDirective) for one in entry]


def _contributions(_context: Any, entry: Entry) -> list[PromptContribution]:
    return [from_builtins(one, PromptContribution) for one in entry]


def _chunk(context: AssistantStreamHookContext, entry: Entry) -> AssistantStreamTransform:
    told = dict(entry)
    return AssistantStreamTransform(
        chunk=told.get("chunk", context.chunk),
        reasoning_deltas=tuple(told.get("reasoning_deltas", ())),
        events=_events(told),
        abort_stream=told.get("abort", False),
    )


def _response(context: AssistantResponseHookContext, entry: Entry) -> AssistantResponseTransform:
    told = dict(entry)
    response: LlmResponse = scripted_response(told["response"]) if "response" in told else context.response
    return AssistantResponseTransform(response=response, events=_events(told))


def _events(told: dict[str, Any]) -> tuple[PluginRuntimeEvent, ...]:
    return tuple(msgspec.convert(one, PluginRuntimeEvent) for one in told.get("events", ()))


POINTS: Final[Mapping[str, tuple[Callable[[PluginRegistrar, Any], None], Info, Act]]] = {
    "prompt": (PluginRegistrar.add_prompt_contributor, lambda _: None, _contributions),
    "before_turn": (PluginRegistrar.before_turn, lambda _: None, _directives),
    "before_tool_call": (
        PluginRegistrar.before_tool_call,
        lambda context: {"tool_name": context.tool_name, "args": context.args},
        _directives,
    ),
    "after_tool_call": (
        PluginRegistrar.after_tool_call,
        lambda context: {"tool_name": context.tool_name, "args": context.args, "output": context.output},
        _directives,
    ),
    "after_turn": (PluginRegistrar.after_turn, lambda _: None, _directives),
    "checkpoint": (PluginRegistrar.checkpoint, lambda context: {"checkpoint": context.checkpoint}, _directives),
    "stream": (PluginRegistrar.assistant_stream, lambda context: {"chunk": context.chunk}, _chunk),
    "response": (PluginRegistrar.assistant_response, lambda context: {"response": context.response}, _response),
}
"""How each hook is registered, what the recording says of its call, and what it returns for an entry."""
HOOK_KEYS: Final = frozenset(POINTS) | {"id"}
