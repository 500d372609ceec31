"""The request of the standard protocol: the conversation message by message (lash 0.1.0-alpha.37, turns §2.7)."""

from collections.abc import Sequence

from lash_nb.machine._config import TurnMachineConfig
from lash_nb.machine._rendering import render_message, text_message, turn_events_block
from lash_nb.wire import LlmAttachment, LlmMessage, LlmRequest, Message, TurnCause

__all__ = ["ChatProjector"]


class ChatProjector:
    """Makes model requests of a conversation; one per session.

    It remembers what it rendered last. A request whose conversation begins with the same messages costs the rendering of the new ones
    and one tuple, so asking the model does not get slower as the session gets longer.
    """

    def __init__(self) -> None:
        self._rendered_of: list[Message] = []
        self._ends: list[tuple[int, int]] = []
        self._messages: list[LlmMessage] = []
        self._attachments: list[LlmAttachment] = []

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
        self._render(_without(messages, turn_causes))
        before = (text_message("System", config.system_prompt),) if config.system_prompt.strip() else ()
        behind = (text_message("User", turn_events_block(turn_causes)),) if turn_causes else ()
        return LlmRequest(
            model=config.model,
            messages=(*before, *self._messages, *behind),
            attachments=tuple(self._attachments),
            tools=config.tool_specs if use_tools else (),
            tool_choice="Auto" if use_tools else "None",
            model_variant=config.model_variant,
            generation=config.generation,
            session_id=config.run_session_id,
        )

    def _render(self, messages: Sequence[Message]) -> None:
        """Bring what is remembered to `messages`: keep the common beginning, render the rest."""
        self._cut(_common_beginning(self._rendered_of, messages))
        for message in messages[len(self._rendered_of) :]:
            rendered = render_message(message, first_attachment=len(self._attachments))
            if rendered is not None:
                self._messages.append(rendered.message)
                self._attachments.extend(rendered.attachments)
            self._rendered_of.append(message)
            self._ends.append((len(self._messages), len(self._attachments)))

    def _cut(self, kept: int) -> None:
        count, attachments = self._ends[kept - 1] if kept else (0, 0)
        del self._rendered_of[kept:], self._ends[kept:], self._messages[count:], self._attachments[attachments:]


def _without(messages: Sequence[Message], causes: Sequence[TurnCause]) -> Sequence[Message]:
    if not causes:
        return messages
    ids = {cause.id for cause in causes}
    return [message for message in messages if message.role != "Event" or message.id not in ids]


def _common_beginning(old: Sequence[Message], new: Sequence[Message]) -> int:
    """Return how many messages both begin with.

    The usual case, that `new` continues `old`, is one list comparison, which looks at identities first.
    """
    if old == list(new[: len(old)]):
        return len(old)
    pairs = enumerate(zip(old, new, strict=False))
    return next((index for index, (one, other) in pairs if one is not other and one != other), min(len(old), len(new)))
