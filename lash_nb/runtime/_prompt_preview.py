"""What a model would be asked next, piece by piece; nobody asks it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from lash_nb.machine import PromptPiece, TurnMachineConfig, contributions_layer, prompt_pieces
from lash_nb.plugins import ProtocolPreamble, ToolSurface
from lash_nb.runtime._preview_hooks import Said, hooked_beginning, plain_beginning, unasked
from lash_nb.runtime._runtime import LashRuntime
from lash_nb.wire import (
    BuiltinEntry,
    ImageBlock,
    LlmContentBlock,
    LlmMessage,
    LlmToolSpec,
    PromptContribution,
    QueuedWorkBatch,
    ReasoningBlock,
    SlotEntry,
    TextBlock,
    TextItem,
    ToolCallBlock,
    ToolResultBlock,
    TurnInput,
    TurnInputPayload,
    to_json,
)
from lash_nb.words import counted

__all__ = ["PromptComponent", "PromptComponentKind", "PromptPreview", "preview_prompt"]

PromptComponentKind: TypeAlias = Literal["system", "tool", "history", "input"]
"""What a component is: a text of the system prompt, a tool, a message of the conversation, or what comes in with the next call."""

_CHARS_PER_TOKEN: Final = 4
"""What providers themselves tell as a rule for English text; JSON and other languages take more tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptComponent:
    """One piece of what the model gets."""

    kind: PromptComponentKind
    """What it is."""
    name: str
    """Its name: a text of the prompt, a tool, or who speaks."""
    source: str
    """Who put it there: `runtime`, `template`, `protocol`, `turn`, `core`, `session`, a plugin; of a tool its source; `conversation`, `you`,
    a batch of the queue, or a hook with its plugin."""
    text: str = field(repr=False)
    """What the model reads."""
    images: int = 0
    """Pictures beside the text."""

    @property
    def chars(self) -> int:
        """Its length in characters."""
        return len(self.text)

    @property
    def tokens(self) -> int:
        """About how many tokens: a quarter of the characters; pictures are not counted."""
        return -(-len(self.text) // _CHARS_PER_TOKEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptPreview:
    """What a session would ask its model at the next call."""

    session_id: str
    """The session."""
    model: str
    """The model."""
    context_window: int | None
    """Size of the model's context window, in tokens."""
    components: tuple[PromptComponent, ...] = field(repr=False)
    """The pieces, in the order of the request."""
    last_tokens: int | None
    """Tokens of the prompt of the last call, as the provider counted them; None when it did not, or there was none."""
    during_turn: bool
    """Whether a turn runs, so that the next call is one of it."""
    unasked: tuple[str, ...] = ()
    """The hooks that were not asked and may change the call, each with its plugin."""
    ended_by: str = ""
    """The plugin that would end the turn before its first call, and why."""

    @property
    def chars(self) -> int:
        """Characters of all components."""
        return sum(one.chars for one in self.components)

    @property
    def tokens(self) -> int:
        """About how many tokens all components have."""
        return sum(one.tokens for one in self.components)

    @property
    def share(self) -> float | None:
        """How much of the context window that is, from 0; None when the window is not known."""
        return self.tokens / self.context_window if self.context_window else None


async def preview_prompt(
    runtime: LashRuntime, turn_input: TurnInput | None = None, *, ask_hooks: bool = False
) -> PromptPreview:
    """Put together what a model would get: with `turn_input`, else with what waits in the queue for the next call.

    Args:
        runtime: The session.
        turn_input: What the user would give.
        ask_hooks: Ask the transforms and the hooks before turns, as the next turn will; what they do outside of the session is done.
            In a turn that runs they were asked already.

    Raises:
        CallerError: `invalid_turn_input`, hooks are asked and a picture has no bytes.
        PluginError: a plugin could not tell what it adds to the prompt, or a hook failed.
    """
    policy, usage = runtime.state.effective_policy(), runtime.state.last_prompt_usage
    waiting = [("you", turn_input)] if turn_input else await _waiting(runtime)
    during_turn = runtime.machine is not None
    if ask_hooks and not during_turn:
        start = await hooked_beginning(runtime, waiting)
    else:
        start = plain_beginning(runtime)
    tools, of_turn = start.tools, start.contributions
    preamble = runtime.plugins.driver.preamble(tools)
    config = _config(runtime, preamble)
    return PromptPreview(
        session_id=runtime.session_id,
        model=policy.model.id,
        context_window=policy.model.limits.context_window_tokens,
        components=(
            *await _system(runtime, preamble, tools, of_turn),
            *(_tool(spec, runtime.plugins.registry.source(spec.name) or "turn") for spec in preamble.tool_specs),
            *(part for said in start.said for part in _said(said, preamble, config)),
            *([] if start.was_asked else [_given(who, what) for who, what in waiting]),
        ),
        last_tokens=usage.prompt_context_tokens if usage else None,
        during_turn=during_turn,
        unasked=() if start.was_asked else unasked(runtime),
        ended_by=start.ended_by,
    )


async def _system(
    runtime: LashRuntime, preamble: ProtocolPreamble, tools: ToolSurface, of_turn: Sequence[PromptContribution]
) -> Sequence[PromptComponent]:
    plugins = runtime.plugins
    layers = (
        ("protocol", contributions_layer(preamble.prompt_contributions)),
        ("turn", contributions_layer(of_turn)),
        *((plugin, contributions_layer([one])) for plugin, one in await plugins.owned_prompt_contributions(tools)),
        ("core", runtime.environment.prompt),
        ("session", runtime.state.policy.prompt),
    )
    names = [name for name, _ in layers]
    pieces = prompt_pieces(
        [layer for _, layer in layers], execution=preamble.execution_section, availability=tools.availability
    )
    return [_text_of_prompt(piece, names) for piece in pieces]


def _config(runtime: LashRuntime, preamble: ProtocolPreamble) -> TurnMachineConfig:
    """The prompt is left out: it is shown text by text."""
    return TurnMachineConfig(
        protocol_driver=preamble.driver,
        projector=preamble.projector,
        sync_execution_surface=preamble.sync_execution_surface,
        model=runtime.state.effective_policy().model.id,
        session_id=runtime.session_id,
        new_message_id=runtime.environment.ids.hex,
    )


async def _waiting(runtime: LashRuntime) -> Sequence[tuple[str, TurnInput]]:
    """Into a turn that runs comes what may join it; between turns, the first of what waits begins the next one."""
    if runtime.store is None:
        return ()
    running = runtime.machine is not None
    waiting = await runtime.queued_work()
    return [given for batch in (waiting if running else waiting[:1]) for given in _queued(batch, during_turn=running)]


def _queued(batch: QueuedWorkBatch, *, during_turn: bool) -> Iterator[tuple[str, TurnInput]]:
    if during_turn and batch.delivery_policy != "earliest_safe_boundary":
        return
    for item in batch.items:
        if isinstance(item.payload, TurnInputPayload):
            yield f"queue {batch.batch_id}", item.payload.input


def _text_of_prompt(piece: PromptPiece, layers: Sequence[str]) -> PromptComponent:
    text = "\n\n".join(filter(None, (piece.heading, piece.text)))
    name, source = "text", "template"
    match piece.entry:
        case BuiltinEntry(builtin=builtin):
            name, source = str(builtin), "runtime"
        case SlotEntry(slot=slot):
            name, source = f"slot {slot}", "" if piece.layer is None else layers[piece.layer]
    return PromptComponent(kind="system", name=name, source=source, text=text)


def _tool(spec: LlmToolSpec, source: str) -> PromptComponent:
    told = {"name": spec.name, "description": spec.description, "input_schema": spec.input_schema}
    return PromptComponent(kind="tool", name=spec.name, source=source, text=to_json(told).decode())


def _said(said: Said, preamble: ProtocolPreamble, config: TurnMachineConfig) -> Iterator[PromptComponent]:
    request = preamble.projector.project(config, messages=said.messages, use_tools=False)
    return (_message(message, said) for message in request.messages)


def _message(message: LlmMessage, origin: Said) -> PromptComponent:
    kinds = [block.variant for block in message.blocks]
    images = sum(isinstance(one, ImageBlock) for one in kinds)
    calls = [one.tool_name for one in kinds if isinstance(one, ToolCallBlock | ToolResultBlock) and one.tool_name]
    said = f"{message.role}: {', '.join(calls)}" if calls else message.role
    text = "\n".join(filter(None, map(_block_text, message.blocks)))
    return PromptComponent(kind=origin.kind, name=said, source=origin.source, text=text, images=images)


def _block_text(block: LlmContentBlock) -> str:
    match block.variant:
        case TextBlock(text=text) | ReasoningBlock(text=text):
            return text
        case ToolCallBlock(tool_name=name, input_json=arguments):
            return f"{name} {arguments}"
        case ToolResultBlock(content=content):
            return content
        case _:
            return ""


def _given(source: str, given: TurnInput) -> PromptComponent:
    text = "\n".join(item.text for item in given.items if isinstance(item, TextItem))
    images = len(given.image_blobs)
    name = f"User with {counted(images, 'picture')}" if images else "User"
    return PromptComponent(kind="input", name=name, source=source, text=text, images=images)
