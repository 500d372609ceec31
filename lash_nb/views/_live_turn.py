"""A turn while it runs, in the page: text as it comes, what runs now, and the ways to speak into it or to end it.

The page draws what is told, row by row, and counts the time itself: rows are told once and then only what changed in them, and a page that
comes late, or again, asks for all of them. When the turn is over its finished card takes the place of this view.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import traitlets as t

from lash_nb.errors import LashError
from lash_nb.views._base import View
from lash_nb.views._json import call_text
from lash_nb.views._live_rows import LiveRow, live_rows
from lash_nb.views._sources import module, stylesheet
from lash_nb.views._turn import TurnDisplay, turn_head

__all__ = ["LiveTurnView", "TurnDesk"]


class TurnDesk(Protocol):
    """What a person may do to a turn that runs; called on the event loop of the turn."""

    def pause(self) -> None:
        """Let it stop before its next effect."""
        ...

    def cancel(self) -> None:
        """End it."""
        ...

    async def say(self, text: str) -> str:
        """Tell it something and return, in words, when it hears that."""
        ...

    def doing(self) -> str:
        """Return what it waits for beside model and tools, in words; empty as a rule."""
        ...


class LiveTurnView(View):
    """The card of a running turn, with buttons."""

    _esm = module("live_turn")
    _css = stylesheet("live_turn")

    head = t.Dict().tag(sync=True)
    """State, title, place, what runs now, how long it has run in milliseconds, counters."""
    said = t.Dict().tag(sync=True)
    """What became of the last word to the turn: `message`, and whether that is a `problem`."""

    def __init__(self, card: TurnDisplay, desk: TurnDesk, **traits: Any) -> None:
        super().__init__(**traits)
        self.is_seen: bool = False
        """Whether a page has shown it."""
        self._card: Final = card
        self._desk: Final = desk
        self._told: list[LiveRow] = []
        self._loop = _running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self.on_msg(self._receive)
        self.refresh()

    def static_html(self) -> str:
        """Return the card as it is now, without scripts."""
        return self._card.html()

    def text(self) -> str:
        """Return the card as text."""
        return self._card.text()

    def refresh(self) -> None:
        """Tell the page what changed since it was told last."""
        self.head = {
            **turn_head(self._card),
            "now": self._now(),
            "elapsed": self._card.elapsed_ms or 0,
        }
        rows = live_rows(self._card.rows)
        changes = [change for place, row in enumerate(rows) if (change := _change(place, row, self._told)) is not None]
        if changes and self.is_seen:
            self.send({"changes": changes, "count": len(rows)})
        self._told = rows

    def _now(self) -> str:
        if words := self._desk.doing():
            return words
        tool = self._card.rows.running_tool
        if tool is not None:
            return f"{tool.name}({call_text(tool.args, 60)})"
        return "" if self._card.rows.is_writing else "waiting for the model"

    async def perform(self, command: Mapping[str, Any]) -> None:
        """Do what the page asks for; what goes wrong is shown there."""
        actions: Mapping[object, Callable[[Mapping[str, Any]], Awaitable[None]]] = {
            "show": self._show,
            "pause": self._pause,
            "cancel": self._cancel,
            "say": self._say,
        }
        action = actions.get(command.get("do"))
        try:
            if action is not None:
                await action(command)
        except LashError as error:
            self.said = {"message": error.message, "problem": True}

    async def _show(self, _command: Mapping[str, Any]) -> None:
        self.is_seen = True
        self._told = []
        self.refresh()

    async def _pause(self, _command: Mapping[str, Any]) -> None:
        self._desk.pause()
        self._card.pause()
        self.refresh()

    async def _cancel(self, _command: Mapping[str, Any]) -> None:
        self._desk.cancel()
        self.said = {"message": "Cancelling …", "problem": False}

    async def _say(self, command: Mapping[str, Any]) -> None:
        text = str(command.get("text") or "").strip()
        if text:
            self.said = {"message": await self._desk.say(text), "problem": False}

    def _receive(self, _widget: object, command: Any, _buffers: object) -> None:
        """Take a message of the page, on whatever thread it comes; where no loop runs nothing has to be waited for."""
        if not isinstance(command, dict):
            return
        if self._loop is None:
            asyncio.run(self.perform(command))
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._start, command)

    def _start(self, command: Mapping[str, Any]) -> None:
        task = asyncio.ensure_future(self.perform(command))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _change(place: int, row: LiveRow, told: Sequence[LiveRow]) -> dict[str, Any] | None:
    """What the page has to be told of a row: all of it, what its text grew by, or nothing."""
    before = told[place] if place < len(told) else None
    if row == before:
        return None
    if before is not None and before.kind == row.kind == "prose" and row.text.startswith(before.text):
        return {"at": place, "grown": row.text[len(before.text) :]}
    return {"at": place, "row": row.as_dict()}
