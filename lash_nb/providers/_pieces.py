"""What stands between a provider and who hears its stream: pieces that are none are refused where they are made, and nothing comes after the end."""

from typing import Final, get_args

from msgspec.structs import astuple

from lash_nb.providers._stream import LlmStreamEvent, PartEvent, StreamSink
from lash_nb.wire import LlmOutputPart, LlmResponse, to_json

__all__ = ["Pieces", "refuse_half_texts"]

_KINDS: Final = frozenset(get_args(LlmStreamEvent))


class Pieces:
    """The stream of one attempt.

    Args:
        stream: Who hears it.
    """

    def __init__(self, stream: StreamSink) -> None:
        self._stream = stream
        self._is_over = False

    def __call__(self, event: LlmStreamEvent) -> None:
        """Hand a piece on; one that comes after the answer is nobody's, as what was left behind streams on into the next calls.

        Raises:
            TypeError: it is none.
            WireError: its text holds half of a surrogate pair.
        """
        if self._is_over:
            return
        if type(event) not in _KINDS:
            raise TypeError(f"a stream takes DeltaEvent(text) and its like, not {type(event).__name__}")
        text = getattr(event, "text", None) or ""  # of services that say nothing some say null
        if not isinstance(text, str):
            raise TypeError(f"the text of {type(event).__name__} is a str, not {type(text).__name__}")
        if isinstance(event, PartEvent):
            _look_at(event.part)
        elif not text.isascii():
            to_json(text)
        self._stream(event)

    def end(self) -> None:
        """Hand nothing on any more."""
        self._is_over = True


def refuse_half_texts(response: LlmResponse) -> None:
    """Refuse an answer of which a text holds half of a surrogate pair: its commit would be, and the turn were lost.

    Raises:
        WireError: there is one.
    """
    if not response.full_text.isascii():
        to_json(response.full_text)
    for part in response.parts:
        _look_at(part)


def _look_at(part: LlmOutputPart) -> None:
    """Write a part, unless nothing in it could be half of a pair: of a thousand calls each has three such texts."""
    for value in astuple(part.variant):
        if value is not None and not (isinstance(value, str) and value.isascii()):
            to_json(part)
            break
