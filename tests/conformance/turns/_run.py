"""One run of one scenario: what its steps share."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from lash_nb.clock import CancellationToken
from lash_nb.core import LashCore, LashSession
from lash_nb.runtime import LashRuntime, ParkedSession, Residency, RuntimeEnvironment, RuntimeSessionState
from lash_nb.wire import QueuedWorkClaim, RuntimeCommit
from tests.conformance.turns._gates import Gates
from tests.conformance.turns._observed import ObservedStore
from tests.conformance.turns._recorder import Recorder
from tests.conformance.turns._variables import Variables

__all__ = ["NoHandleError", "Run", "SpawnedTurn"]

T = TypeVar("T")


class NoHandleError(Exception):
    """A step needs something that no step before it opened."""


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
    folder: Path
    """Empty at the start; stores that need files have them here."""
    recorder: Recorder = field(default_factory=Recorder)
    gates: Gates = field(default_factory=Gates)
    variables: Variables = field(default_factory=Variables)
    shared: dict[str, Any] = field(default_factory=dict)
    """What outlives a core: stores, hosts, the provider, by name."""
    stores: dict[str, ObservedStore] = field(default_factory=dict)
    """The stores by session id."""
    bindings: dict[str, Any] = field(default_factory=dict)
    """How the store factory misbehaves: `message`, `bind_to`."""
    commits: list[RuntimeCommit] = field(default_factory=list)
    """All commits of all stores, in order."""
    sessions: dict[str, LashSession] = field(default_factory=dict)
    """Open handles."""
    runtimes: dict[str, LashRuntime] = field(default_factory=dict)
    """Runtimes that were opened below the facade."""
    parked: dict[str, ParkedSession] = field(default_factory=dict)
    """Parked ones."""
    states: dict[str, Any] = field(default_factory=dict)
    """States that a step kept."""
    claims: dict[str, QueuedWorkClaim] = field(default_factory=dict)
    """Claims that a step kept."""
    counters: dict[str, Any] = field(default_factory=dict)
    """The counter plugin that was built last, by id."""
    tool_sources: dict[str, str] = field(default_factory=dict)
    """Sources of tools that a step added, by the name it gave them."""
    turns: dict[str, SpawnedTurn] = field(default_factory=dict)
    """Spawned turns by name."""
    core: LashCore | None = None
    """None until it is built."""

    def keep(self, name: str, make: Callable[[], T]) -> T:
        """Return what is shared under `name`, made at the first call."""
        if name not in self.shared:
            self.shared[name] = make()
        kept: T = self.shared[name]
        return kept

    def session(self, step: dict[str, Any]) -> LashSession:
        """Return the open handle that a step means."""
        return _found(self.sessions, step, "session")

    def runtime(self, step: dict[str, Any]) -> LashRuntime:
        """Return the runtime that a step means."""
        return _found(self.runtimes, step, "runtime")

    def state(self, name: str) -> RuntimeSessionState:
        """Return a kept state as a whole state; what was kept as a snapshot keeps the names of its frames."""
        if name not in self.states:
            message = f"no state was kept as {name}"
            raise NoHandleError(message)
        kept = self.states[name]
        if isinstance(kept, RuntimeSessionState):
            return kept
        assert self.core is not None
        return RuntimeSessionState.from_snapshot(kept, self.core.parts.clock)

    def environment(self, residency: Residency | None = None) -> RuntimeEnvironment:
        """Return the environment in which runtimes are opened below the facade."""
        assert self.core is not None
        made = self.core.environment(self.core.parts.modes["standard"], None)
        return made if residency is None else replace(made, residency=residency)


def _found(table: dict[str, T], step: dict[str, Any], what: str) -> T:
    name = step.get("session", "main")
    if name not in table:
        message = f"no {what} is open under {name}"
        raise NoHandleError(message)
    return table[name]
