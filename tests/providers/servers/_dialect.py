"""What every protocol's server can say: the contract suite says it in this form, a dialect writes it as its protocol does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from lash_nb.providers import LlmProvider, ProviderOptions
from lash_nb.wire import LlmTerminalReason, LlmUsage
from tests.providers.servers._server import Answer, Asked

__all__ = ["USAGE", "Called", "Dialect", "Said", "answered"]

USAGE: Final = LlmUsage(input_tokens=40, output_tokens=7, cached_input_tokens=16, reasoning_tokens=3)


@dataclass(frozen=True, slots=True)
class Called:
    """A tool call, its arguments in pieces."""

    id: str
    tool: str
    pieces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """An answer."""

    text: tuple[str, ...] = ()
    """Pieces of text."""
    thought: tuple[str, ...] = ()
    """Pieces of reasoning."""
    calls: tuple[Called, ...] = ()
    """Tool calls."""
    reason: LlmTerminalReason = "stop"
    """Why it ends."""
    usage: LlmUsage = USAGE
    """What it cost; a dialect that does not count reasoning leaves that out."""


class Dialect(Protocol):
    """One protocol, from the server's side."""

    kind: str
    """The provider's kind."""
    key_header: str
    """The header that has the key, in small letters."""
    path: str
    """Where it asks."""
    counts_reasoning: bool
    """Whether usage tells of reasoning."""
    answers_whole: bool
    """Whether an answer in one piece is asked for when nobody listens."""

    def provider(self, url: str, *, key: str | None = None, options: ProviderOptions | None = None) -> LlmProvider:
        """Return a provider that asks the server at `url`; `options` none means no retries, no waiting."""
        ...

    def stream(self, said: Said) -> list[bytes]:
        """Return the answer as the events of a stream, each whole."""
        ...

    def whole(self, said: Said) -> Mapping[str, Any]:
        """Return the answer in one piece."""
        ...

    def failure(self, message: str, code: str, status: int = 400) -> Mapping[str, Any]:
        """Return the body of an HTTP error."""
        ...

    def failure_event(self, message: str, *, passes: bool) -> bytes:
        """Return the event that ends a stream badly."""
        ...

    def pictures(self, asked: Asked) -> list[tuple[str, bytes]]:
        """Return the pictures of a request: type and bytes."""
        ...

    def tool_names(self, asked: Asked) -> list[str]:
        """Return the names of the tools that a request offers."""
        ...


def answered(dialect: Dialect, said: Said) -> Answer:
    """Return `said` as a stream."""
    return Answer(dialect.stream(said))
