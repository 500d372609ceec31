"""Servers on loopback that speak the protocols of model providers: test code, and the one place that knows how they answer."""

from tests.providers.servers._chat import ChatDialect
from tests.providers.servers._dialect import USAGE, Called, Dialect, Said, answered
from tests.providers.servers._server import DROP, HANG, Answer, Asked, ModelServer, Piece, pause

DIALECTS: tuple[Dialect, ...] = (ChatDialect(),)
"""Every protocol: the contract suite runs on each of them."""

__all__ = [
    "DIALECTS",
    "DROP",
    "HANG",
    "USAGE",
    "Answer",
    "Asked",
    "Called",
    "ChatDialect",
    "Dialect",
    "ModelServer",
    "Piece",
    "Said",
    "answered",
    "pause",
]
