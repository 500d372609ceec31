"""The request of the standard protocol: the conversation message by message (lash 0.1.0-alpha.37, turns §2.7)."""

from array import array
from collections.abc import Iterable, Sequence
from typing import Final

from lash_nb.machine._config import TurnMachineConfig
from lash_nb.machine._rendering import render_message, text_message, turn_events_block
from lash_nb.wire import (
    LlmAttachment,
    LlmMessage,
    LlmRequest,
    Message,
    SharedSequence,
    TurnCause,
    common_beginning,
)

__all__ = ["ChatProjector"]

_NOTHING: Final = SharedSequence[Message]()


class ChatProjector:
    """Makes model requests of a conversation; one per session.

    It remembers what it rendered last. A request whose conversation begins with the same messages costs the rendering of the new ones, so
    asking the model does not get slower as the session gets longer, and all requests share what they begin with.
    """

    def __init__(self) -> None:
        self._of: SharedSequence[Message] = _NOTHING
        self._left_out: frozenset[str] = frozenset()
        self._events: dict[str, int] = {}
        self._ends = array("Q")
        self._picture_ends = array("Q")
        self._messages: SharedSequence[LlmMessage] = SharedSequence()
        self._attachments: tuple[LlmAttachment, ...] = ()
        self._prompt: tuple[str, tuple[LlmMessage, ...]] = ("", ())

    def project(
        self,
        config: TurnMachineConfig,
        *,
        messages: Sequence[Message],
        turn_causes: Sequence[TurnCause] = (),
        use_tools: bool,
    ) -> LlmRequest:
        """Return the request for `messages`.

        Events that caused the turn stand in one block at the end instead of their places; a prompt that is not blank comes first.
        """
        self._render(SharedSequence.of(messages), frozenset([cause.id for cause in turn_causes]))
        if config.system_prompt != self._prompt[0]:
            prompt = config.system_prompt
            self._prompt = (prompt, (text_message("System", prompt),) if prompt.strip() else ())
        behind = (text_message("User", turn_events_block(turn_causes)),) if turn_causes else ()
        return LlmRequest(
            model=config.model,
            messages=self._messages.within(self._prompt[1], behind),
            attachments=self._attachments,
            tools=config.tool_specs if use_tools else (),
            tool_choice="Auto" if use_tools else "None",
            model_variant=config.model_variant,
            generation=config.generation,
            session_id=config.run_session_id,
        )

    def _render(self, messages: SharedSequence[Message], left_out: frozenset[str]) -> None:
        """Bring what is remembered to `messages` without the events `left_out`: keep the common beginning, render the rest."""
        known, self._of = self._of, _NOTHING  # an interrupt from here on leaves half of it, which nothing is built on
        kept = common_beginning(known, messages)
        if left_out != self._left_out:
            changed = [self._events[event] for event in left_out ^ self._left_out if event in self._events]
            kept = min((kept, *changed))
            self._left_out = left_out
        if kept < len(known) or not kept:
            self._cut(kept)
        self._messages = self._messages.extended(self._rendered(messages[kept:], kept))
        self._of = messages

    def _rendered(self, messages: Iterable[Message], first: int) -> list[LlmMessage]:
        """Render messages, of which the first one stands at the place `first`, and note their places."""
        fresh: list[LlmMessage] = []
        known, pictures = len(self._messages), len(self._attachments)
        for place, message in enumerate(messages, first):
            if message.role != "Event" or self._is_shown(message.id, place):
                rendered, attachments = render_message(message, first_attachment=pictures)
                if rendered is not None:
                    fresh.append(rendered)
                if attachments:
                    self._attachments += attachments
                    pictures = len(self._attachments)
            self._ends.append(known + len(fresh))
            self._picture_ends.append(pictures)
        return fresh

    def _is_shown(self, event_id: str, place: int) -> bool:
        """Note where an event stands; tell whether it is shown there."""
        self._events.setdefault(event_id, place)
        return event_id not in self._left_out

    def _cut(self, kept: int) -> None:
        """Forget all but the first messages."""
        while self._events and self._events[next(reversed(self._events))] >= kept:
            self._events.popitem()
        del self._ends[kept:], self._picture_ends[kept:]
        self._messages = self._messages.first(self._ends[-1] if kept else 0)
        self._attachments = self._attachments[: self._picture_ends[-1] if kept else 0]
