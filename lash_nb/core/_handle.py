"""What the builders and controls of one opened session share."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

from lash_nb.clock import CancellationToken
from lash_nb.core._live_session import LiveSession
from lash_nb.core._process_work import QueuedWorkPoke
from lash_nb.runtime import LashRuntime, TurnOptions
from lash_nb.stores import LiveReplayStore

__all__ = ["SessionHandle"]


class SessionHandle:
    """An opened runtime, the turns that run through this handle, and who is told of what happens.

    Attributes:
        runtime: The runtime.
        live: Keeps events for watchers.
        required_inputs: The plugins, by id, that every turn has to give something, in the order in which they were added.
    """

    def __init__(
        self,
        runtime: LashRuntime,
        live_replay_store: LiveReplayStore,
        *,
        poke: QueuedWorkPoke | None = None,
        required_inputs: Sequence[str] = (),
    ) -> None:
        self.runtime = runtime
        self.live = LiveSession(runtime, live_replay_store)
        self.required_inputs = tuple(required_inputs)
        self._poke = poke
        self._turns: list[CancellationToken] = []

    @contextmanager
    def turning(self, token: CancellationToken) -> Iterator[None]:
        """Let a turn be found as long as it runs."""
        self._turns.append(token)
        try:
            yield
        finally:
            self._turns.remove(token)

    def cancel_turns(self, started: Iterable[CancellationToken]) -> int:
        """Cancel the turns that run, and those that were started and wait; return how many that are."""
        tokens = {id(token): token for token in (*self._turns, *started)}
        for token in tokens.values():
            token.cancel()
        return len(tokens)

    def watched(self, options: TurnOptions) -> TurnOptions:
        """Return the options of a turn whose activities are kept for watchers before anybody else gets them."""
        return dataclasses.replace(options, activities=(self.live.record_activity, *options.activities))

    def queued(self, batch_id: str, reason: Literal["queued_turn_input", "session_command"]) -> None:
        """Tell watchers, and whoever runs queued turns, that there is work."""
        if reason == "queued_turn_input":
            self.live.record_queue("enqueued", batch_id)
        if self._poke is not None:
            self._poke.poke_session(self.runtime.session_id, reason)
