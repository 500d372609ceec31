"""Servers on loopback that speak the protocols of model providers: test code, and the one place that knows how they answer."""

from tests.providers.servers._chat import ChatDialect
from tests.providers.servers._dialect import USAGE, Called, Dialect, Said, answered
from tests.providers.servers._messages import MessagesDialect, messages_event
from tests.providers.servers._responses import ResponsesDialect, responses_event
from tests.providers.servers._server import DROP, HANG, Answer, Answers, Asked, ModelServer, Piece, pause

DIALECTS: tuple[Dialect, ...] = (ChatDialect(), ResponsesDialect(), MessagesDialect())
"""Every protocol: the contract suite runs on each of them."""

__all__ = [
    "DIALECTS",
    "DROP",
    "HANG",
    "USAGE",
    "Answer",
    "Answers",
    "Asked",
    "Called",
    "ChatDialect",
    "Dialect",
    "MessagesDialect",
    "ModelServer",
    "Piece",
    "ResponsesDialect",
    "Said",
    "answered",
    "messages_event",
    "pause",
    "responses_event",
]
