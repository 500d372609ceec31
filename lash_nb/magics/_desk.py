"""What the buttons below a running turn do: pause, cancel, say."""

from typing import Final

from lash_nb.core import LashSession
from lash_nb.plots import duration, one_line
from lash_nb.wire import EffectEntry, SleepCommand

__all__ = ["Desk"]

_RETRY: Final = ":attempt:"
"""Stands in the id of a sleep between two attempts, behind the tool and before the number of the one that failed."""


class Desk:
    """The desk of the turn that runs in a session."""

    def __init__(self, session: LashSession) -> None:
        self._session: Final = session

    def pause(self) -> None:
        """Let it stop before its next effect, as the first Ctrl-C does."""
        self._session.stepper.pause()

    def cancel(self) -> None:
        """End it, as the second Ctrl-C does."""
        self._session.cancel_running_turns()

    async def say(self, text: str) -> str:
        """Queue it for the turn, as `%lash queue --now` does."""
        await self._session.control.injection.inject_turn_input(text)
        return f"“{one_line(text, 60)}” comes in at the next checkpoint."

    def doing(self) -> str:
        """Return for what attempt of which tool the turn sleeps, if it does."""
        latest = self._session.effects[-1] if self._session.effects else None
        return "" if latest is None else _retry_words(latest)


def _retry_words(entry: EffectEntry) -> str:
    command, name = entry.envelope.command, entry.envelope.invocation.effect_id or ""
    if entry.status != "running" or not isinstance(command, SleepCommand) or _RETRY not in name:
        return ""
    before, _, number = name.rpartition(_RETRY)
    attempt = number.partition(":")[0]
    following = f" (attempt {int(attempt) + 1})" if attempt.isdecimal() else ""
    return f"retrying {one_line(before.rpartition(':')[2], 48)} in {duration(command.duration_ms)}{following}"
