"""What the next call begins with: as the session stands, or as its plugins' hooks would have it.

Hooks are code of others, which may do anything; so they are asked for a preview only when somebody says so. What they want of the session
is shown and not done.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal, NamedTuple, NoReturn, TypeAlias

from lash_nb.errors import DirectCompletionError
from lash_nb.plugins import (
    MESSAGE_ROLES,
    AbortTurn,
    DirectCompletions,
    EnqueueMessages,
    OwnedDirective,
    PreparedContext,
    ToolSurface,
    TurnHookContext,
    TurnTransformContext,
    collected,
)
from lash_nb.runtime._input import normalized, user_message
from lash_nb.runtime._runtime import LashRuntime
from lash_nb.stores import InMemoryAttachmentStore
from lash_nb.wire import CausalRef, DirectRequest, Message, PluginOrigin, PromptContribution, TurnInput

__all__ = ["Beginning", "Said", "hooked_beginning", "plain_beginning", "unasked"]

_ORIGIN: Final = PluginOrigin(plugin_id="preview")
_Place: TypeAlias = tuple[Literal["history", "input"], str]
"""The kind of a message and who said it."""
_CHANGED: Final[_Place] = ("history", "transform")


@dataclass(frozen=True, slots=True)
class Said:
    """Messages that stand one after the other and have one origin."""

    kind: Literal["history", "input"]
    """Whether they were there before, or come in with the turn."""
    source: str
    """Who said them."""
    messages: tuple[Message, ...]
    """The messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """What the next call begins with."""

    said: tuple[Said, ...]
    """The conversation; with the input where hooks were asked."""
    tools: ToolSurface
    """The tools."""
    contributions: tuple[PromptContribution, ...]
    """Texts that transforms add to the prompt."""
    was_asked: bool = False
    """Whether hooks were asked."""
    ended_by: str = ""
    """The plugin that would end the turn, and why."""


def unasked(runtime: LashRuntime) -> tuple[str, ...]:
    """Return the hooks that may change the next call, each with its plugin; in a turn that runs, those of its checkpoints."""
    plugins = runtime.plugins
    if runtime.machine is not None:
        return tuple(f"checkpoint hook of {plugin}" for plugin, _ in plugins.hooks.checkpoint)
    return (
        *(f"transform of {plugin}" for plugin, _ in plugins.transforms),
        *(f"hook of {plugin}" for plugin, _ in plugins.hooks.before_turn),
    )


def plain_beginning(runtime: LashRuntime) -> Beginning:
    """Return how it stands, without asking any hook. Errors as in `PluginSession.tool_surface`."""
    plugins = runtime.plugins
    return Beginning(
        said=(Said("history", "conversation", tuple(runtime.conversation())),),
        tools=plugins.tool_surface(),
        contributions=plugins.context_contributions if runtime.machine is not None else (),
    )


async def hooked_beginning(runtime: LashRuntime, given: Sequence[tuple[str, TurnInput]]) -> Beginning:
    """Ask transforms and hooks as the next turn will, and return what they make of it; the session stays as it is.

    Args:
        runtime: The session; no turn runs.
        given: What comes in, as `(who, what)`.

    Raises:
        CallerError: `invalid_turn_input`, as the turn would.
        PluginError: a hook failed.
        ToolRegistryError: tools of a transform clash.
    """
    plugins = runtime.plugins
    origins = {message.id: _Origin("history", "conversation", message) for message in runtime.conversation()}
    attachments = InMemoryAttachmentStore()  # a look stores nothing
    for number, (who, what) in enumerate(given):
        message = user_message(f"preview{number}", normalized(what, attachments))
        origins[message.id] = _Origin("input", who, message)
    begun = PreparedContext(messages=[one.message for one in origins.values()])
    prepared = await runtime.writer.within(lambda: plugins.transformed(_context(runtime), begun))
    context = TurnHookContext(session_id=runtime.session_id, read_messages=lambda: prepared.messages)
    wishes = await runtime.writer.within(lambda: collected(plugins.hooks.before_turn, context))
    return Beginning(
        said=(*_runs(prepared.messages, origins), *_wanted(wishes)),
        tools=plugins.surface_of(prepared),
        contributions=prepared.prompt_contributions,
        was_asked=True,
        ended_by=_ended_by(wishes),
    )


class _Origin(NamedTuple):
    """A message as it was before a transform saw it."""

    kind: Literal["history", "input"]
    source: str
    message: Message


def _runs(messages: Sequence[Message], origins: Mapping[str, _Origin]) -> Iterator[Said]:
    """The conversation in stretches of one origin; what a transform wrote, or wrote anew, is its own."""

    def origin(message: Message) -> _Place:
        known = origins.get(message.id)
        return (known.kind, known.source) if known and known.message == message else _CHANGED

    for (kind, source), run in groupby(messages, origin):
        yield Said(kind, source, tuple(run))


def _wanted(wishes: Sequence[OwnedDirective]) -> Iterator[Said]:
    """What hooks tell the model; of the roles, only users and the system are heard."""
    for plugin, directive in wishes:
        if isinstance(directive, EnqueueMessages):
            heard = [one for one in directive.messages if one.role in MESSAGE_ROLES]
            yield Said(
                "input",
                f"hook of {plugin}",
                tuple(one.to_message(f"{plugin}{number}", _ORIGIN) for number, one in enumerate(heard)),
            )


def _ended_by(wishes: Sequence[OwnedDirective]) -> str:
    """Of several that end the turn, the last one counts."""
    ends = [f"{plugin}: {one.message} ({one.code})" for plugin, one in wishes if isinstance(one, AbortTurn)]
    return ends[-1] if ends else ""


def _context(runtime: LashRuntime) -> TurnTransformContext:
    model = runtime.state.effective_policy().model
    return TurnTransformContext(
        session_id=runtime.session_id,
        prompt_usage=runtime.state.last_prompt_usage,
        plugin_inputs={},
        max_context_tokens=model.limits.context_window_tokens,
        direct=DirectCompletions(ask=_refuse, model=lambda: model, usage_source="direct"),
    )


async def _refuse(_request: DirectRequest, _usage_source: str, _caused_by: CausalRef | None, /) -> NoReturn:
    raise DirectCompletionError("a preview asks no model; look at the prompt without asking the hooks")
