"""The hooks of a turn as a whole: before it, at its checkpoints, after it (lash 0.1.0-alpha.37, turns §5.2, §5.4 and §14.4).

All hooks of a point are asked first; then their directives are applied, in order. Of several that abort, the last one counts. Hooks that wait
when the turn is cancelled are broken off; those behind it, and of one that was cancelled before, are asked to their end, as it is to be committed.
All run in the turn's own task: what they set in its context, tools and later hooks see.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import msgspec

from lash_nb.errors import LashRuntimeError, PluginError
from lash_nb.plugins import (
    MESSAGE_ROLES,
    AbortTurn,
    CheckpointHookContext,
    CreateSession,
    EmitRuntimeEvents,
    EmitTrace,
    EnqueueMessages,
    HookAnswer,
    OwnedDirective,
    OwnedEvent,
    TurnFinalized,
    TurnHookContext,
    TurnHookPoint,
    TurnPersisted,
    TurnResultHookContext,
    TurnResultSummary,
    collected,
    refusal,
)
from lash_nb.runtime._assembler import Assembly
from lash_nb.runtime._cancelling import TurnCancelledError, here_until_cancelled
from lash_nb.runtime._context import TurnContext
from lash_nb.runtime._hook_desk import TurnHookDesk
from lash_nb.runtime._queue_checkpoint import perform_checkpoint
from lash_nb.wire import (
    CheckpointCommand,
    CheckpointDelivery,
    CheckpointOutcome,
    CheckpointResult,
    EffectErrorRecord,
    InjectedMessagesCommittedEvent,
    Message,
    PluginMessage,
    PluginOrigin,
    RuntimeEffectEnvelope,
    TokenUsage,
)

__all__ = [
    "HookWishes",
    "ask_after_turn",
    "ask_before_turn",
    "checkpoint_with_hooks",
    "hook_messages",
    "tell_persisted",
    "turn_summary",
]

C = TypeVar("C")
_ORIGIN = PluginOrigin(plugin_id="plugin")
"""Where messages of hooks come from, unless they say it themselves."""


@dataclass(slots=True)
class HookWishes:
    """What the hooks of a point want, once what concerns nobody else is done."""

    messages: list[PluginMessage] = field(default_factory=list)
    """To be told to the model."""
    events: list[OwnedEvent] = field(default_factory=list)
    """To be told to those who watch."""
    abort: AbortTurn | None = None
    """Why the turn is to end."""


async def ask_before_turn(turn: TurnContext) -> HookWishes:
    """Ask what is to happen before the turn is stored.

    Raises:
        LashRuntimeError: `plugin_prepare_turn`, a hook failed or wants what it may not.
    """
    context = TurnHookContext(
        session_id=turn.session_id, read_messages=turn.conversation, plugin_inputs=turn.plugin_inputs
    )
    try:
        return await _wishes(turn, "before_turn", turn.plugins.hooks.before_turn, context)
    except PluginError as error:
        raise LashRuntimeError("plugin_prepare_turn", error.message) from error


async def ask_after_turn(turn: TurnContext, summary: TurnResultSummary) -> HookWishes:
    """Ask what is to happen before a turn that is over is stored, then tell that it is over.

    Raises:
        LashRuntimeError: `plugin_finalize_turn`, a hook failed or wants what it may not.
    """
    hooks = turn.plugins.hooks
    context = TurnResultHookContext(session_id=turn.session_id, turn=summary)
    try:
        wishes = await _wishes(turn, "after_turn", hooks.after_turn, context)
    except PluginError as error:
        raise LashRuntimeError("plugin_finalize_turn", error.message) from error
    event = TurnFinalized(session_id=turn.session_id, turn=summary)
    await turn.writer.within(lambda: hooks.notify(event))
    return wishes


async def tell_persisted(turn: TurnContext) -> None:
    """Tell that a turn is committed."""
    event = TurnPersisted(session_id=turn.session_id, read_messages=turn.conversation)
    await turn.writer.within(lambda: turn.plugins.hooks.notify(event))


async def checkpoint_with_hooks(
    envelope: RuntimeEffectEnvelope, command: CheckpointCommand, turn: TurnContext
) -> CheckpointOutcome:
    """Take in what hooks around tools left here, then queued work, then what the hooks of checkpoints want."""
    waiting, turn.waiting_messages = turn.waiting_messages, ()
    held = turn.claims.count
    outcome = await perform_checkpoint(envelope, command, turn)
    hooks = turn.plugins.hooks.checkpoint
    delivery = outcome.result.Ok
    if not isinstance(delivery, CheckpointDelivery) or not (waiting or hooks):
        return outcome
    try:
        added = await _ask_checkpoint(turn, command) if hooks else []
    except LashRuntimeError as error:
        await turn.claims.give_back_after(held)
        return CheckpointOutcome(result=CheckpointResult(Err=EffectErrorRecord.of(error)))
    if waiting or added:
        told = (*waiting, *added)
        turn.hub.emit(InjectedMessagesCommittedEvent(checkpoint=command.checkpoint, messages=told))
    whole = msgspec.structs.replace(delivery, messages=(*waiting, *delivery.messages, *added))
    return CheckpointOutcome(result=CheckpointResult(Ok=whole))


async def _ask_checkpoint(turn: TurnContext, command: CheckpointCommand) -> list[PluginMessage]:
    context = CheckpointHookContext(
        session_id=turn.session_id, read_messages=turn.conversation, checkpoint=command.checkpoint
    )
    try:
        wishes = await _wishes(turn, "checkpoint", turn.plugins.hooks.checkpoint, context)
    except PluginError as error:
        raise LashRuntimeError("plugin_checkpoint", error.message) from error
    TurnHookDesk(turn).tell(wishes.events)
    if wishes.abort is not None:
        raise LashRuntimeError(wishes.abort.code, wishes.abort.message)
    return wishes.messages


async def _wishes(
    turn: TurnContext, point: TurnHookPoint, hooks: Sequence[tuple[str, Callable[[C], HookAnswer]]], context: C
) -> HookWishes:
    wishes, desk = HookWishes(), TurnHookDesk(turn)
    asking = partial(collected, hooks, context, partial(turn.plugins.hooks.phase, point))
    try:
        if point == "after_turn" or turn.cancel.cancelled:
            wanted = await turn.writer.within(asking)
        else:
            wanted = await here_until_cancelled(asking, turn)
    except TurnCancelledError:
        return wishes
    for owned in wanted:
        await _apply(wishes, desk, point, owned)
    return wishes


async def _apply(wishes: HookWishes, desk: TurnHookDesk, point: TurnHookPoint, owned: OwnedDirective) -> None:
    plugin, directive = owned
    refused = refusal(point, directive)
    if refused is not None:
        raise PluginError("session", f"`{plugin}`: {refused}")
    match directive:
        case AbortTurn():
            wishes.abort = directive
        case EnqueueMessages():
            wishes.messages += directive.messages
        case EmitRuntimeEvents():
            wishes.events += (OwnedEvent(plugin, event) for event in directive.events)
        case EmitTrace():
            desk.trace(plugin, directive)
        case CreateSession():
            await desk.create_session(directive.request)


def hook_messages(wishes: HookWishes, turn: TurnContext) -> list[Message]:
    """Return what hooks tell the model as messages of the graph; only users and the system are heard."""
    return [
        message.to_message(f"m{turn.ids.hex()}", _ORIGIN)
        for message in wishes.messages
        if message.role in MESSAGE_ROLES
    ]


def turn_summary(assembly: Assembly, usage: TokenUsage) -> TurnResultSummary:
    """Return what hooks get to know of a turn that is over."""
    told: dict[str, Any] = {
        name: getattr(assembly, name) for name in ("outcome", "assistant_output", "execution", "tool_calls", "errors")
    }
    return TurnResultSummary(token_usage=usage, **told)
