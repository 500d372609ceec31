"""Another interpreter of this Python, for work beside this one: started when there is work, or before that, so that both load libraries at once."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

__all__ = ["UNSTARTED", "Interpreter", "dismiss", "has_room", "hired", "spare"]


class Interpreter(subprocess.Popen[bytes]):
    """Another interpreter, in a session of its own."""

    def kill(self) -> None:
        """End it and what it started: the program of that name may be one that starts the interpreter, which would live on."""
        if self.poll() is None and hasattr(os, "killpg"):
            with suppress(OSError):  # it ends by itself at this moment
                os.killpg(self.pid, signal.SIGKILL)
        super().kill()


UNSTARTED: Final = (OSError, ValueError, RuntimeError)
"""What may be raised when the system does not let us have another process."""
_waiting: Final[dict[str, Interpreter]] = {}


def has_room() -> bool:
    """Tell whether there is a second processor, and surely an interpreter to start."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return processors > 1 and Path(sys.executable or "").name.startswith("python")


@contextmanager
def spare(module: str) -> Iterator[None]:
    """Let an interpreter wait for work while the context lasts; without one, whoever has work starts one.

    Args:
        module: Whose function `serve` it calls.
    """
    with suppress(*UNSTARTED):
        _waiting[module] = _started(module)
    try:
        yield
    finally:
        if module in _waiting:
            dismiss(_waiting.pop(module))


def hired(module: str) -> Interpreter:
    """Return an interpreter that calls `serve` of a module: the one that waits, else a new one. Work goes to its input, results come from its output.

    Raises:
        OSError, ValueError, RuntimeError: the system does not let us.
    """
    return _waiting.pop(module, None) or _started(module)


def dismiss(process: Interpreter) -> None:
    """End an interpreter, and wait for that."""
    process.kill()
    for stream in (process.stdin, process.stdout):
        with suppress(OSError):  # what it did not read is of no use any more
            stream.close()  # type: ignore[union-attr]  # they are pipes
    process.wait()


def _started(module: str) -> Interpreter:
    """Start an interpreter, in a session of its own, where an interrupt from the keyboard does not reach it."""
    texts = (entry for entry in sys.path if isinstance(entry, str))  # an import passes by what else somebody put there
    found_here = os.pathsep.join(filter(None, texts))  # not the working directory, which may be anybody's
    return Interpreter(
        [sys.executable, "-P", "-c", f"from {module} import serve; serve()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": found_here},
        start_new_session=True,
    )
