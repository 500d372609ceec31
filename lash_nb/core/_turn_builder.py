"""Collects what a turn does differently, then runs it (lash 0.1.0-alpha.37, facade §6.2)."""

import asyncio
import copy
import itertools
import os
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import msgspec

from lash_nb.clock import CancellationToken
from lash_nb.core._attending import attended
from lash_nb.core._choices import chosen_model, chosen_provider
from lash_nb.core._handle import SessionHandle
from lash_nb.core._plugin_binding import PluginBinding
from lash_nb.core._prompt_layer_sink import PromptLayerSink
from lash_nb.core._stream import TurnStream
from lash_nb.core._unawaited import Unawaited, names_of
from lash_nb.effects import ScopedEffectController
from lash_nb.errors import CallerError, EmbedError
from lash_nb.plugins import turn_picture
from lash_nb.providers import LlmProvider, ProviderHandle
from lash_nb.runtime import ActivitySink, EventSink, TurnOptions, TurnResult
from lash_nb.tasks import begun_beside, carried
from lash_nb.wire import (
    Json,
    ModelSpec,
    PromptLayer,
    ProseOrSubmit,
    ProtocolTurnOptions,
    RlmCreateExtras,
    RlmTermination,
    SubmitRequired,
    TurnInput,
    to_builtins,
)

__all__ = ["TurnBuilder", "checked_input"]


class TurnBuilder(Unawaited, PromptLayerSink):
    """One turn to come; every setter returns the builder. `await builder` is `await builder.run()`."""

    _what_to_write: ClassVar[Mapping[str, str]] = names_of(TurnResult, "result = await session.turn(…)")
    _how_to_read: ClassVar[str] = "write `async for activity in session.turn(…).stream():`"

    def __init__(self, handle: SessionHandle, turn_input: TurnInput | str) -> None:
        self._handle = handle
        self._runtime = handle.runtime
        self._input = checked_input(turn_input)
        self._options = TurnOptions()

    def __repr__(self) -> str:
        return "<TurnBuilder, a turn that is not begun: await ….run(), or .stream(); .image(…) and others add to it>"

    def __await__(self) -> Generator[Any, None, TurnResult]:
        return self.run().__await__()

    @property
    def session_id(self) -> str:
        """The session whose turn it is."""
        return self._runtime.session_id

    @property
    def cancellation(self) -> CancellationToken:
        """What cancels this turn."""
        return self._options.cancel

    @property
    def turn_input(self) -> TurnInput:
        """What is given to the turn so far."""
        return self._input

    @property
    def turn_options(self) -> ProtocolTurnOptions:
        """The options of the protocol that were said so far."""
        return self._options.protocol_turn_options or ProtocolTurnOptions()

    def image(self, picture: object, *, label: str | None = None) -> Self:
        """Add a picture after what is there; it is read or drawn now.

        Args:
            picture: Bytes of a PNG, JPEG, GIF, WebP or BMP, the path of such a file, or a figure of matplotlib.
            label: Its name for people, numbered when another picture has it; by default that of its file.

        Raises:
            CallerError: `turn_image`, it is none of these or cannot be read.
        """
        data, taken = turn_picture(picture), self._input.image_blobs
        name = _free_name(label or _file_name(picture) or f"image-{len(taken) + 1}", data, taken)
        self._input = self._input.with_image(name, data)
        return self

    def turn_id(self, turn_id: str) -> Self:
        """Give the turn an id instead of a random one."""
        self._input = msgspec.structs.replace(self._input, trace_turn_id=turn_id)
        return self

    def cancel(self, token: CancellationToken) -> Self:
        """Cancel the turn when this token is cancelled."""
        return self._set(cancel=token)

    def provider(self, provider: LlmProvider | ProviderHandle) -> Self:
        """Let this provider answer, in this turn only."""
        return self._set(provider=chosen_provider(provider))

    def model(self, model: ModelSpec | str) -> Self:
        """Ask this model, in this turn only; an id alone has the limits that the builder of a core gives it."""
        return self._set(model=chosen_model(model))

    def protocol_turn_options(self, options: ProtocolTurnOptions) -> Self:
        """Lay these options of the protocol over the session's."""
        return self._set(protocol_turn_options=options)

    def require_submit(self) -> Self:
        """End the turn with a submitted value alone, in mode rlm."""
        return self._terminate(SubmitRequired())

    def require_submit_schema(self, schema: Json) -> Self:
        """End the turn with a submitted value that fits this JSON schema alone, in mode rlm."""
        return self._terminate(SubmitRequired(schema=schema))

    def allow_prose_or_submit(self) -> Self:
        """Let the turn end with prose, too, in mode rlm."""
        return self._terminate(ProseOrSubmit())

    def plugin_input(self, plugin: str | type[PluginBinding[Any]], value: Any) -> Self:
        """Give a plugin something for this turn only, any object; a session with a store refuses the turn, for it cannot store it."""
        plugin_id = plugin if isinstance(plugin, str) else plugin.id
        return self._set(plugin_inputs={**self._options.plugin_inputs, plugin_id: value})

    def prompt_layer(self, layer: PromptLayer) -> Self:
        """Lay this over the system prompt, in this turn only."""
        return self._set(prompt=layer)

    def effects(self, controller: ScopedEffectController) -> Self:
        """Let the turn's effects be part of this scope, as of a step of a workflow that may be run again; a turn's scope gives it its id."""
        return self._set(controller=controller)

    def watched_by(self, sink: ActivitySink) -> Self:
        """Send the turn's activities to `sink` too."""
        return self._set(activities=(*self._options.activities, sink))

    async def run(self) -> TurnResult:
        """Run the turn on the running loop.

        Raises:
            LashRuntimeError: the turn ended without a result; what was committed stays.
            EmbedError: `MissingPluginTurnInput`, a plugin of the session wants something that the turn does not give.
        """
        self._check_plugin_inputs()
        return await attended(self._handle.pauses, self._options.cancel, self._run())

    async def stream_to(self, sink: ActivitySink) -> TurnResult:
        """Run the turn and send its activities to `sink` as they happen. Errors as in `run`."""
        return await self.watched_by(sink).run()

    async def collect_session_events_with(self, sink: EventSink) -> TurnResult:
        """Run the turn and send its raw session events to `sink`. Errors as in `run`."""
        return await self._set(events=(*self._options.events, sink)).run()

    def stream(self) -> TurnStream:
        """Return the activities of the turn as they happen, to be read with `async for`; reading begins the turn, and leaving the loop ends it.

        The text as it comes, and then the whole result:

            stream = session.turn("…").stream()
            async for activity in stream:
                if isinstance(activity.event, lash_nb.wire.AssistantProseDelta):
                    print(activity.event.text, end="", flush=True)
            result = await stream.result()
        """
        token = self._options.cancel.child()  # the turn's own: the builder's may be shared
        turn = copy.copy(self).cancel(token)
        return TurnStream(turn.stream_to, token, self._runtime)

    def run_beside(self) -> "asyncio.Task[TurnResult]":
        """Run the turn as a task that nobody has to wait for; a tool may begin the next turn of its session like this."""
        return begun_beside(carried(self.run()), self._runtime.writer.outside())

    def refuse_waiting(self) -> None:
        """Raise where waiting for this turn, which was begun, would never end.

        Raises:
            CallerError: `turn_inside_turn`, a turn of the same session waits for whoever asks.
        """
        self._runtime.writer.refuse_waiting()

    async def _run(self) -> TurnResult:
        with self._handle.turning(self._options.cancel) as turn:
            turn.result = result = await self._runtime.stream_turn(self._input, self._options)
        return result

    def _check_plugin_inputs(self) -> None:
        missing = next((one for one in self._handle.required_inputs if one not in self._options.plugin_inputs), None)
        if missing is not None:
            raise EmbedError(
                "MissingPluginTurnInput",
                f"plugin `{missing}` wants something of every turn; give it with .plugin_input({missing!r}, …)",
                plugin_id=missing,
            )

    def _terminate(self, termination: RlmTermination) -> Self:
        options = ProtocolTurnOptions(payload=to_builtins(RlmCreateExtras(termination=termination)))
        return self._set(protocol_turn_options=self.turn_options.merged(options))

    def _held_prompt_layer(self) -> PromptLayer:
        return self._options.prompt

    def _set(self, **changes: Any) -> Self:
        self._options = msgspec.structs.replace(self._options, **changes)
        return self


def checked_input(turn_input: object) -> TurnInput:
    """Return what a turn begins with.

    Raises:
        CallerError: `turn_input`, it is neither a text nor an input.
    """
    if isinstance(turn_input, str):
        return TurnInput.text(turn_input)
    if not isinstance(turn_input, TurnInput):
        raise CallerError(
            f"a turn begins with a text or a TurnInput, not with {type(turn_input).__name__}; write session.turn('…')",
            code="turn_input",
        )
    return turn_input


def _file_name(picture: object) -> str | None:
    return Path(os.fsdecode(picture)).name if isinstance(picture, str | os.PathLike) else None


def _free_name(wanted: str, data: bytes, taken: Mapping[str, bytes]) -> str:
    """Return the name under which a picture hides no other one; given twice it is the same one."""
    names = itertools.chain((wanted,), (f"{wanted}-{number}" for number in itertools.count(2)))
    return next(name for name in names if taken.get(name, data) == data)
