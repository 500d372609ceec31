"""A Ctrl-C at any place where Python looks for one."""

import dis
import os
import sys
from types import FrameType
from typing import Any, Final

__all__ = ["Interrupter"]

_SIGNALS_ARE_SEEN_AFTER: Final = {
    dis.opmap[name] for name in ("CALL", "CALL_FUNCTION_EX", "CALL_KW", "JUMP_BACKWARD", "RESUME") if name in dis.opmap
}
"""The instructions after which Python raises what a signal's handler raises."""


class Interrupter:
    """Raises KeyboardInterrupt where a Ctrl-C could, in some modules, once; made for `sys.settrace`.

    Args:
        after: How many such places are passed before.
        where: The names of the modules' files.

    Attributes:
        hit: The place; None while there was none.
    """

    def __init__(self, after: int, where: frozenset[str]) -> None:
        self.hit: str | None = None
        self._left = after
        self._where = where
        self._last: dict[FrameType, int] = {}

    def __call__(self, frame: FrameType, event: str, _: Any) -> Any:
        """Follow each instruction of these modules."""
        if _name(frame) not in self._where:
            return None
        frame.f_trace_opcodes = True
        if event == "return":
            self._last.pop(frame, None)
        elif event == "opcode":
            before, self._last[frame] = self._last.get(frame), frame.f_code.co_code[frame.f_lasti]
            if before in _SIGNALS_ARE_SEEN_AFTER:
                self._count(frame)
        return self

    def _count(self, frame: FrameType) -> None:
        self._left -= 1
        if self._left < 0:
            sys.settrace(None)
            self.hit = f"{_name(frame)}:{frame.f_lineno}"
            raise KeyboardInterrupt


def _name(frame: FrameType) -> str:
    """Return the name of a module's file; every call in Python asks."""
    return frame.f_code.co_filename.rpartition(os.sep)[2]
