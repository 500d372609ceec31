"""Processes of their own, for tests of what several of them share."""

import asyncio
import os
import traceback
from collections.abc import Awaitable, Callable

__all__ = ["FORKING", "ended", "forked"]

FORKING = "ignore:.*use of fork.*:DeprecationWarning"
"""What later Pythons say to a fork beside other threads: those of the test runner, which the child never meets."""


def forked(work: Callable[[], Awaitable[object]]) -> int:
    """Let a process of its own do this work; its number."""

    async def worked() -> None:
        await work()

    child = os.fork()
    if child == 0:
        try:
            asyncio.run(worked())
        except BaseException:  # noqa: BLE001 - the child ends here, whatever happened
            traceback.print_exc()
            os._exit(1)
        finally:
            os._exit(0)
    return child


def ended(child: int) -> int:
    """Wait for a process and tell how it ended: its exit status, or the signal below zero."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
