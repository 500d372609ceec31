"""One run of one scenario: what its steps share."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from lash_nb.clock import CancellationToken
from lash_nb.core import LashCore, LashSession
from tests.conformance.turns._gates import Gates
from tests.conformance.turns._recorder import Recorder

__all__ = ["Run", "SpawnedTurn"]


@dataclass(frozen=True, slots=True)
class SpawnedTurn:
    """A turn that runs beside the steps."""

    task: asyncio.Task[Any]
    """Gives the value of its step, or its error."""
    token: CancellationToken
    """Cancels it."""


@dataclass
class Run:
    """The state of a run; fresh for each scenario."""

    scenario: dict[str, Any]
    recorder: Recorder = field(default_factory=Recorder)
    gates: Gates = field(default_factory=Gates)
    stores: dict[str, Any] = field(default_factory=dict)
    """The real stores by session id, to be read directly."""
    sessions: dict[str, LashSession] = field(default_factory=dict)
    """Open handles."""
    turns: dict[str, SpawnedTurn] = field(default_factory=dict)
    """Spawned turns by name."""
    core: LashCore | None = None
    """None until it is built."""
