"""The hooks of a session's plugins: how they are asked, and how what they raise is told (lash 0.1.0-alpha.37, turns §14.2).

Every hook is a plain function or a coroutine function. All hooks of a point are asked before any directive is applied, in the order
in which their plugins registered them; those of model calls are chained, those of lifecycle events run side by side.
"""

import asyncio
import contextlib
import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar, get_args

from lash_nb.errors import PluginError, WireError, exception_text
from lash_nb.plugins._hook_contexts import (
    AssistantResponseHookContext,
    AssistantResponseTransform,
    AssistantStreamHookContext,
    AssistantStreamTransform,
    CheckpointHookContext,
    PluginLifecycleEvent,
    SessionConfigChanged,
    ToolCallHookContext,
    ToolResultHookContext,
    TurnHookContext,
    TurnResultHookContext,
)
from lash_nb.plugins._hook_directives import PluginDirective
from lash_nb.tasks import is_being_cancelled
from lash_nb.wire import LlmResponse, PluginRuntimeEvent, SessionPolicy, from_json, to_json

__all__ = [
    "AfterToolCallHook",
    "AfterTurnHook",
    "AssistantResponseHook",
    "AssistantStreamHook",
    "BeforeToolCallHook",
    "BeforeTurnHook",
    "CheckpointHook",
    "HookAnswer",
    "OwnedDirective",
    "OwnedEvent",
    "PluginHooks",
    "PluginLifecycleHook",
    "SessionConfigMutator",
    "StreamedChunk",
    "asked",
    "collected",
    "listed",
]

C = TypeVar("C")
T = TypeVar("T")

_LOG = logging.getLogger(__name__)

HookPhase: TypeAlias = Callable[[str], contextlib.AbstractContextManager[None]]
"""Told by name what a plugin is asked, around the asking."""
Directives: TypeAlias = Iterable[PluginDirective] | None
HookAnswer: TypeAlias = Directives | Awaitable[Directives]
"""What hooks with directives return; None is none."""
BeforeTurnHook: TypeAlias = Callable[[TurnHookContext], HookAnswer]
"""Asked before a turn is stored."""
AfterTurnHook: TypeAlias = Callable[[TurnResultHookContext], HookAnswer]
"""Asked before a turn that is over is stored."""
CheckpointHook: TypeAlias = Callable[[CheckpointHookContext], HookAnswer]
"""Asked where more may come into a turn."""
BeforeToolCallHook: TypeAlias = Callable[[ToolCallHookContext], HookAnswer]
"""Asked before a call's arguments are checked."""
AfterToolCallHook: TypeAlias = Callable[[ToolResultHookContext], HookAnswer]
"""Asked before the model sees a result."""
AssistantStreamHook: TypeAlias = Callable[
    [AssistantStreamHookContext], AssistantStreamTransform | Awaitable[AssistantStreamTransform]
]
"""Changes a piece of text before anybody sees it."""
AssistantResponseHook: TypeAlias = Callable[
    [AssistantResponseHookContext], AssistantResponseTransform | Awaitable[AssistantResponseTransform]
]
"""Changes a response before the turn goes on from it."""
PluginLifecycleHook: TypeAlias = Callable[[PluginLifecycleEvent], Awaitable[None] | None]
"""Told of what happened."""
SessionConfigMutator: TypeAlias = Callable[
    [SessionConfigChanged, SessionPolicy], SessionPolicy | Awaitable[SessionPolicy]
]
"""Changes what a session is about to work with; gets what the one before made of it."""


class OwnedDirective(NamedTuple):
    """A directive and whose it is."""

    plugin_id: str
    """The plugin."""
    directive: PluginDirective
    """What it wants."""


class OwnedEvent(NamedTuple):
    """An event and whose it is."""

    plugin_id: str
    """The plugin."""
    event: PluginRuntimeEvent
    """What it tells."""


@dataclass(frozen=True, slots=True)
class StreamedChunk:
    """What all stream hooks made of a piece of text."""

    chunk: str
    """The piece."""
    reasoning_deltas: tuple[str, ...] = ()
    """What to show as reasoning."""
    events: tuple[OwnedEvent, ...] = ()
    """What to tell."""
    abort: bool = False
    """Whether the call is to end here."""


@dataclass(slots=True)
class PluginHooks:
    """All hooks of a session, each with the id of its plugin. A point without hooks costs one look at its list."""

    before_turn: Final[list[tuple[str, BeforeTurnHook]]] = field(default_factory=list)
    after_turn: Final[list[tuple[str, AfterTurnHook]]] = field(default_factory=list)
    checkpoint: Final[list[tuple[str, CheckpointHook]]] = field(default_factory=list)
    before_tool_call: Final[list[tuple[str, BeforeToolCallHook]]] = field(default_factory=list)
    after_tool_call: Final[list[tuple[str, AfterToolCallHook]]] = field(default_factory=list)
    assistant_stream: Final[list[tuple[str, AssistantStreamHook]]] = field(default_factory=list)
    assistant_response: Final[list[tuple[str, AssistantResponseHook]]] = field(default_factory=list)
    lifecycle: Final[list[tuple[str, PluginLifecycleHook]]] = field(default_factory=list)
    config_mutators: Final[list[tuple[str, SessionConfigMutator]]] = field(default_factory=list)
    within: HookPhase = field(default=lambda _: contextlib.nullcontext())
    """Whoever measures hooks; the phases are called `plugin_hook.{kind}.{plugin}`."""

    async def streamed(self, session_id: str, chunk: str) -> StreamedChunk:
        """Return what the stream hooks make of a piece of text, one after the other.

        Raises:
            PluginError: a hook failed.
        """
        made = StreamedChunk(chunk)
        for plugin, hook in self.assistant_stream:
            context = AssistantStreamHookContext(session_id=session_id, chunk=made.chunk)
            step = _typed(plugin, AssistantStreamTransform, await asked(plugin, hook, context))
            made = StreamedChunk(
                chunk=step.chunk,
                reasoning_deltas=(*made.reasoning_deltas, *step.reasoning_deltas),
                events=(*made.events, *_owned_events(plugin, step.events)),
                abort=made.abort or step.abort_stream,
            )
        return made

    async def responded(self, session_id: str, response: LlmResponse) -> tuple[LlmResponse, tuple[OwnedEvent, ...]]:
        """Return what the response hooks make of a response, and what they tell.

        Raises:
            PluginError: a hook failed.
        """
        events: tuple[OwnedEvent, ...] = ()
        for plugin, hook in self.assistant_response:
            context = AssistantResponseHookContext(session_id=session_id, response=response)
            step = _typed(plugin, AssistantResponseTransform, await asked(plugin, hook, context))
            response = _typed(plugin, LlmResponse, step.response)
            events += tuple(_owned_events(plugin, step.events))
        return response, events

    async def notify(self, event: PluginLifecycleEvent) -> None:
        """Tell every plugin that follows the session, side by side; who fails is told of in the log."""
        told = (self._told(plugin, hook, event) for plugin, hook in self.lifecycle)
        for (plugin, _), answer in zip(
            self.lifecycle, await asyncio.gather(*told, return_exceptions=True), strict=True
        ):
            if isinstance(answer, PluginError):
                _LOG.warning("plugin %s failed at %s: %s", plugin, event.type, answer)
            elif isinstance(answer, BaseException):
                raise answer

    async def _told(self, plugin: str, hook: PluginLifecycleHook, event: PluginLifecycleEvent) -> None:
        with self.phase(event.type, plugin):
            await asked(plugin, hook, event)

    def phase(self, kind: str, plugin: str) -> contextlib.AbstractContextManager[None]:
        """Tell whoever measures that a plugin is asked."""
        return self.within(f"plugin_hook.{kind}.{plugin}")

    async def mutated(self, change: SessionConfigChanged) -> SessionPolicy:
        """Return what the plugins make of a new policy, one after the other; who fails is told of in the log and left out."""
        policy = change.current
        for plugin, mutator in self.config_mutators:
            try:
                given = await asked(plugin, _bound(mutator, change), policy)
                policy = _typed(plugin, SessionPolicy, given)
            except PluginError as error:
                _LOG.warning("plugin %s failed to change the configuration: %s", plugin, error)
        return policy


async def collected(
    hooks: Sequence[tuple[str, Callable[[C], HookAnswer]]],
    context: C,
    phase: HookPhase = lambda _: contextlib.nullcontext(),
) -> tuple[OwnedDirective, ...]:
    """Ask all hooks of a point, each within the phase of its plugin, and return what they want, in order.

    Raises:
        PluginError: a hook failed, or wants something that is no directive or cannot be written as JSON.
    """
    wanted: list[OwnedDirective] = []
    for plugin, hook in hooks:
        with phase(plugin):
            answer = await asked(plugin, hook, context)
        wanted += _owned(plugin, answer)
    return tuple(wanted)


async def asked(plugin_id: str, hook: Callable[[C], Any], context: C) -> Any:
    """What a hook answers, or its failure as a `PluginError`; a cancellation of this task goes through."""
    try:
        answer = hook(context)
        return await answer if inspect.isawaitable(answer) else answer
    except PluginError:
        raise
    except (Exception, SystemExit, asyncio.CancelledError) as error:
        if isinstance(error, asyncio.CancelledError) and is_being_cancelled():
            raise
        detail = f"`{plugin_id}` raised {type(error).__name__}: {exception_text(error)}"
        raise PluginError("invoke", detail) from error


def _bound(
    mutator: SessionConfigMutator, change: SessionConfigChanged
) -> Callable[[SessionPolicy], SessionPolicy | Awaitable[SessionPolicy]]:
    return lambda policy: mutator(replace(change, current=policy), policy)


def listed(plugin_id: str, kind: Any, answer: object) -> tuple[Any, ...]:
    """Return what a plugin gave as a tuple of values of one kind.

    Raises:
        PluginError: it gave something else.
    """
    try:
        given: tuple[Any, ...] = tuple(answer)  # type: ignore[arg-type]  # whatever a plugin gave
    except Exception as error:
        raise PluginError(
            "session", f"`{plugin_id}` returned {type(answer).__name__} where a list of {_named(kind)} belongs"
        ) from error
    for one in given:
        _typed(plugin_id, kind, one)
    return given


def _owned(plugin_id: str, answer: object) -> Iterator[OwnedDirective]:
    for directive in listed(plugin_id, PluginDirective, () if answer is None else answer):
        _checked_json(plugin_id, directive)
        yield OwnedDirective(plugin_id, directive)


def _owned_events(plugin_id: str, events: Iterable[PluginRuntimeEvent]) -> Iterator[OwnedEvent]:
    for event in listed(plugin_id, PluginRuntimeEvent, events):
        _checked_json(plugin_id, event)
        yield OwnedEvent(plugin_id, event)


def _typed(plugin_id: str, kind: Any, given: Any) -> Any:
    if isinstance(given, kind):
        return given
    raise PluginError("session", f"`{plugin_id}` returned {type(given).__name__} where {_named(kind)} belongs")


def _named(kind: Any) -> str:
    """A type, or the types of a union, by name."""
    return " or ".join(one.__name__ for one in get_args(kind) or (kind,))


def _checked_json(plugin_id: str, given: object) -> None:
    """Who watches and who stores must be able to write it, and to read it again."""
    try:
        from_json(to_json(given), type(given))
    except WireError as error:
        raise PluginError(
            "session", f"`{plugin_id}` returned a {type(given).__name__} that cannot be told: {error}"
        ) from error
