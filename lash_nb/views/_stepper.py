"""The stepper: what happened, what is about to happen, what the model knows. A second face of `%lash step`, with buttons.

The page sends commands; this half hands them to the steppable and shows what became of it. A command may arrive on any thread (JupyterLab
routes widget messages over subshells), so it is handed to the loop on which the view was made; commands run one after the other.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import traitlets as t
from IPython.core.getipython import get_ipython

from lash_nb.errors import CallerError, LashError, wrong_type
from lash_nb.views import _stepper_rows as rows
from lash_nb.views._base import View
from lash_nb.views._effects_static import effects_html, effects_text
from lash_nb.views._fields import edited_envelope
from lash_nb.views._injection import magic, model_sees, outcome_of
from lash_nb.views._sources import module, stylesheet
from lash_nb.views._steppable import Steppable
from lash_nb.views._stepper_place import StepperPlace
from lash_nb.wire import EffectEntry

__all__ = ["StepperView"]


class StepperView(View):
    """Buttons and forms around a `Steppable`; the cell below goes on working while the turn is paused."""

    _esm = module("stepper")
    _css = stylesheet("stepper")

    state = t.Dict().tag(sync=True)
    """Phase, state line, stop switches, places to continue to."""
    rail = t.Dict().tag(sync=True)
    """The effects by turn, newest last."""
    envelope = t.Dict().tag(sync=True)
    """The effect in the middle: the pending one, or a past one that was clicked."""
    conversation = t.Dict().tag(sync=True)
    """The end of what the model knows."""
    checked = t.Dict().tag(sync=True)
    """What Python says to an edit: the new hash, or the problem."""
    preview = t.Dict().tag(sync=True)
    """What Python says to an outcome that is being written."""
    problem = t.Dict().tag(sync=True)
    """Why the last command did not work; empty after one that did."""

    _unsubscribe: Callable[[], None] | None = None
    _due: asyncio.TimerHandle | None = None

    def __init__(self, steppable: Steppable, **traits: Any) -> None:
        if not isinstance(steppable, Steppable):
            raise wrong_type("a turn to step through", steppable, instead="StepperView(session.stepper)")
        super().__init__(**traits)
        self.steppable: Final = steppable
        self._shown: int | None = None
        self._place: StepperPlace | None = None
        self._drawn: tuple[EffectEntry | None, dict[str, Any]] | None = None
        self._rests_until = 0.0
        self._loop = _running_loop()
        self._turnstile = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self.on_msg(self._receive)
        self._refresh()
        self._unsubscribe = steppable.subscribe(self._follow)

    def close(self) -> None:
        """Take the view off its steppable and off the page."""
        self._leave()
        super().close()

    def _leave(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _ipython_display_(self, **kwargs: Any) -> None:
        """Show it where a kernel answers as a place of its own, once in a cell: it is often shown, and the cell's value as well."""
        shell = get_ipython()
        if getattr(shell, "kernel", None) is None:
            super()._ipython_display_(**kwargs)
            return
        cell = shell.execution_count if shell else 0
        if self._place is None or self._place.cell != cell:
            self._place = StepperPlace(self, cell=cell)

    def static_html(self) -> str:
        """Return the effects of the last turn as a table that needs no script."""
        data = self.steppable.attachment_data
        return effects_html(self.steppable.entries, title=self._title(), attachment_data=data)

    def text(self) -> str:
        """Return the effects of the last turn as aligned text."""
        return effects_text(self.steppable.entries, title=self._title(), next_commands=self._next_commands())

    async def perform(self, command: Mapping[str, Any]) -> None:
        """Do what a button asks for; what goes wrong is shown in the page, nothing that was typed is lost."""
        self.problem = {}
        try:
            await self._action(command.get("do"))(command)
        except LashError as error:
            self.problem = {"message": error.message, "path": getattr(error, "path", "")}
        except (Exception, KeyboardInterrupt, SystemExit) as error:  # noqa: BLE001 - a provider's own: for the page, not for the loop
            self.problem = {"message": f"{type(error).__name__}: {error}", "path": ""}
        self._refresh()
        if command.get("do") in _GOES_ON:
            self._show_end()

    def _show_end(self) -> None:
        """Leave the card of a turn that is over below the stepper that was shown last, as the cell of a turn does."""
        if self._place is not None and self.steppable.state == "finished" and self.steppable.result is not None:
            self._place.draw_card(self.steppable)
            self._place.draw_twin(self)

    def _action(self, name: object) -> Callable[[Mapping[str, Any]], Awaitable[None]]:
        actions = {
            "step": self._step,
            "continue": self._continue,
            "inject": self._inject,
            "cancel": self._cancel,
            "stop_at": self._stop_at,
            "show": self._show,
            "check": self._check,
            "preview": self._preview,
        }
        if name not in actions:
            message = f"unknown command {name!r}; use one of {', '.join(actions)}"
            raise CallerError(message)
        return actions[str(name)]

    def _receive(self, _widget: object, command: Any, _buffers: object) -> None:
        """Take a message of the page, on whatever thread it comes."""
        loop = self._loop or _running_loop()
        if loop is None or loop.is_closed():
            self.problem = {"message": "no event loop runs in this kernel; use %lash step", "path": ""}
            return
        self._loop = loop
        loop.call_soon_threadsafe(self._start, command)

    def _start(self, command: Mapping[str, Any]) -> None:
        task = asyncio.ensure_future(self._in_turn(command))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _in_turn(self, command: Mapping[str, Any]) -> None:
        if command.get("do") in _IMMEDIATE:
            await self.perform(command)
            return
        async with self._turnstile:
            await self.perform(command)

    def _follow(self) -> None:
        """Draw what changed, at once where the turn waits; one that runs through hundreds of effects is left most of the time for them."""
        loop, rest = _running_loop(), self._rests_until - time.monotonic()
        if self.steppable.state != "running" or rest <= 0 or loop is None:
            self._draw()
        elif self._due is None:
            self._due = loop.call_later(rest, self._draw)

    def _draw(self) -> None:
        """Draw; of a turn that is kept the twin, too, which a saved notebook shows, and then nothing changes any more."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        began = time.monotonic()
        self._refresh()
        self._rests_until = time.monotonic() + _REST * (time.monotonic() - began)
        if self.steppable.is_kept:
            self._leave()
            if self._place is not None:
                self._place.draw_twin(self)

    def _refresh(self) -> None:
        entry = self._entry_shown()
        with self.hold_trait_notifications():
            self.state = rows.state(self.steppable)
            self.rail = rows.rail(self.steppable)
            self.envelope = self._envelope_of(entry)
            self.conversation = rows.conversation(self.steppable)
            self.selection = f"effect {entry.order}" if entry else ""

    def _envelope_of(self, entry: EffectEntry | None) -> dict[str, Any]:
        """Draw an effect once: a model call is as long as the session, and each step tells of several changes."""
        if self._drawn is None or not _looks_the_same(self._drawn[0], entry):
            self._drawn = (entry, rows.envelope(entry, self.steppable))
        return self._drawn[1]

    def _entry_shown(self) -> EffectEntry | None:
        if self._shown is not None:
            for entry in reversed(self.steppable.entries):
                if entry.order == self._shown:
                    return entry
        return self.steppable.pending

    def _pending(self) -> EffectEntry:
        pending = self.steppable.pending
        if pending is None:
            message = 'nothing is pending; start a turn with %lash step "…"'
            raise CallerError(message)
        return pending

    def _title(self) -> str:
        state = rows.state(self.steppable)
        turn = f"{state['turn']} · " if state["turn"] else ""
        return f"Stepper  {self.steppable.session_id} · {turn}{state['title'].lower()} {state['detail']}"

    def _next_commands(self) -> str:
        if self.steppable.pending:
            return "next: %lash step, %lash continue, %lash inject '…'"
        if self.steppable.state == "running":
            return "still running; next: %lash continue, which waits for its end, or %lash cancel"
        return 'next: %lash step "…"'

    async def _step(self, command: Mapping[str, Any]) -> None:
        edited = command.get("edited")
        pending = self._pending()
        self._shown = None
        await self.steppable.step(edited_envelope(pending.envelope, edited) if edited else None)

    async def _continue(self, command: Mapping[str, Any]) -> None:
        self._shown = None
        await self.steppable.continue_(command.get("to"))

    async def _inject(self, command: Mapping[str, Any]) -> None:
        outcome = outcome_of(self._pending().envelope, command.get("outcome") or {})
        self._shown = None
        await self.steppable.inject(outcome)

    async def _cancel(self, _command: Mapping[str, Any]) -> None:
        await self.steppable.cancel()

    async def _stop_at(self, command: Mapping[str, Any]) -> None:
        kinds = frozenset(map(str, command.get("kinds") or ()))
        unknown = kinds.difference(rows.KINDS)
        if unknown:
            message = f"no effect kind {', '.join(sorted(unknown))}; use some of {', '.join(rows.KINDS)}"
            raise CallerError(message)
        self.steppable.stop_at = kinds

    async def _show(self, command: Mapping[str, Any]) -> None:
        order = int(command.get("order", -1))
        pending = self.steppable.pending
        self._shown = None if order < 0 or (pending is not None and pending.order == order) else order

    async def _check(self, command: Mapping[str, Any]) -> None:
        try:
            edited = edited_envelope(self._pending().envelope, command.get("edited") or {})
        except LashError as error:
            self.checked = {"hash": "", "problem": error.message}
        else:
            self.checked = {"hash": edited.hash(), "problem": ""}

    async def _preview(self, command: Mapping[str, Any]) -> None:
        envelope, form = self._pending().envelope, command.get("outcome") or {}
        try:
            outcome = outcome_of(envelope, form)
        except LashError as error:
            self.preview = {"problem": error.message}
        else:
            self.preview = {"model_sees": model_sees(outcome), "same_as": magic(envelope, form), "problem": ""}


_REST: Final = 9
"""How many times longer than a drawing took the next one is put off while a turn runs."""
_GOES_ON: Final = frozenset({"step", "continue", "inject", "cancel"})
"""Commands after which the turn may be over."""
_IMMEDIATE: Final = frozenset({"cancel", "stop_at", "show", "check", "preview"})
"""Commands that must not wait for a running step: cancelling it above all."""


def _looks_the_same(one: EffectEntry | None, other: EffectEntry | None) -> bool:
    if one is None or other is None:
        return one is other
    same_place = (one.order, one.status) == (other.order, other.status)
    return same_place and one.envelope is other.envelope and one.outcome is other.outcome


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
