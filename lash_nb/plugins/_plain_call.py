"""One call of a plain function, which runs in a thread and cannot be stopped from outside: who waits for it can only leave."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final, NoReturn

from lash_nb.clock import SystemClock
from lash_nb.plugins._result import tool_interrupted

__all__ = ["PlainCall", "left_calls", "left_replay_keys", "left_running", "left_words"]

_CLOCK: Final = SystemClock()
_LEFT: "Final[set[PlainCall]]" = set()
_forks = 0
"""How often this process and those that it descends from came out of a fork."""


def _begin_afresh() -> None:
    _LEFT.clear()  # they run on in the process that forked
    global _forks  # noqa: PLW0603 - it is the process's
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_afresh)


class PlainCall:
    """Calls the function when it is called itself, once.

    Attributes:
        tool: The name of the tool.
        replay_key: The identity of the call; None for what is no call of a tool.
        took_ns: How long the function took; None until it is over.
    """

    __slots__ = ("_arguments", "_began_ns", "_function", "_is_dropped", "replay_key", "took_ns", "tool")

    def __init__(
        self, tool: str, function: Callable[..., Any], arguments: dict[str, Any], *, replay_key: str | None = None
    ) -> None:
        self.tool = tool
        self.replay_key = replay_key
        self.took_ns: int | None = None
        self._began_ns = 0
        self._function = function
        self._arguments = arguments
        self._is_dropped = False

    def __call__(self) -> Any:
        """Return what the function returns, and raise nothing that a thread cannot hand on; the child of a function that forks ends here."""
        forks = _forks
        self._began_ns = _CLOCK.monotonic_ns()
        try:
            return self._function(**self._arguments)
        except StopIteration as error:  # a future cannot carry it: whoever awaits the thread would wait for ever
            raise RuntimeError("the function let a StopIteration out; give next() a default") from error
        except GeneratorExit as error:  # meant for a coroutine, and this is none
            raise RuntimeError("the function raised GeneratorExit") from error
        except KeyboardInterrupt:
            return tool_interrupted()
        finally:
            if _forks > forks:
                _end_child(self.tool, sys.exc_info()[1])
            self.took_ns = _CLOCK.monotonic_ns() - self._began_ns
            _LEFT.discard(self)

    @property
    def is_left(self) -> bool:
        """Whether it runs although nobody waits for it any more."""
        return self in _LEFT

    def leave(self) -> None:
        """Say that nobody waits for it any more."""
        _LEFT.add(self)
        if self._is_dropped or self.took_ns is not None:  # or it was over in that moment
            _LEFT.discard(self)

    def end(self) -> None:
        """Say that it is over, however it ended: also where the call itself was broken off as it was about to."""
        if self.took_ns is None:
            self.took_ns = _CLOCK.monotonic_ns() - self._began_ns
        _LEFT.discard(self)

    def drop(self) -> None:
        """Say that it is not called any more."""
        self._is_dropped = True


def _end_child(tool: str, error: BaseException | None) -> NoReturn:
    """End a process that nobody waits for as for a tool: it has one thread and no event loop, and would go on as a second program."""
    code = 1
    try:
        if isinstance(error, SystemExit) and isinstance(error.code, int | None):
            code = (error.code or 0) & 0xFF  # as the system takes it; os._exit takes no more than an int of C
        else:
            os.write(2, _last_words(tool, error).encode())  # what writes to sys.stderr may be the parent's alone
    finally:  # it may have closed its stderr
        os._exit(code)


def _last_words(tool: str, error: BaseException | None) -> str:
    if isinstance(error, SystemExit):
        return f"{error.code}\n"
    how = f"raised {type(error).__name__}" if error else "returned"
    return f"lash_nb: ended child process {os.getpid()}, for tool {tool} forked and {how} in it; end the child with os._exit, or use subprocess\n"


def left_calls() -> frozenset[PlainCall]:
    """Return the calls that run although nobody waits for them any more, in whichever thread."""
    return frozenset(tuple(_LEFT))


def left_running() -> Sequence[str]:
    """Return the names of the tools whose functions still run in their threads although nobody waits for them any more, one for each call."""
    return sorted(call.tool for call in left_calls())


def left_replay_keys() -> frozenset[str]:
    """Return the replay keys of the same calls."""
    return frozenset(call.replay_key for call in left_calls() if call.replay_key is not None)


def left_words() -> str:
    """Return a sentence, with a space before it, about functions that run on although their calls were cancelled; empty when there are none."""
    names = dict.fromkeys(left_running())
    if not names:
        return ""
    return f" Still running in its thread: {', '.join(names)}; nobody hears the result, and context.cancellation tells a function to stop."
