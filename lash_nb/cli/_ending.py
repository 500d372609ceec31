"""How a command ends that is told to: a signal becomes an exception, so that whatever is half done is cleared away as after Ctrl-C."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

__all__ = ["INTERRUPTED", "Ended", "ending_on_signals"]

_SIGNALED: Final = 128
"""Exit codes after a signal begin here, as shells have it."""
INTERRUPTED: Final = _SIGNALED + signal.SIGINT
"""Exit code after Ctrl-C."""
_ENDING: Final = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Ended(BaseException):
    """The command was told to end.

    Attributes:
        exit_code: The exit code that tells of it: 143 after SIGTERM, 129 after SIGHUP.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code: Final = _SIGNALED + number


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Raise `Ended` at the first SIGTERM or SIGHUP; one that somebody ignores, as `nohup` does, or handles is left alone."""
    ours = [number for number in _ENDING if signal.getsignal(number) is signal.SIG_DFL]

    def end(number: int, _frame: FrameType | None) -> None:
        _handle(ours, signal.SIG_IGN)  # what is half done is cleared away once
        raise Ended(number)

    _handle(ours, end)
    try:
        yield
    finally:
        _handle(ours, signal.SIG_DFL)


def _handle(numbers: list[signal.Signals], handler: object) -> None:
    for number in numbers:
        try:
            signal.signal(number, handler)  # type: ignore[arg-type]  # one of the three above
        except ValueError:  # only the main thread may; another one is no command
            return
