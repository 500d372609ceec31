"""Which process holds queued work, and whether that process is dead (as lash asks of its leases since 0.1.0-alpha.71).

The token of a claim is opaque to others, so ours ends in the process that made it: where it runs, its number, and when it began. Work of a
process that is certainly dead is free at once. Nothing is certain of one on another machine, in another container or from before the machine
was started, nor of a token that names none, as the reference's; their leases have to end.
"""

import hashlib
import os
import sys
from functools import cache
from pathlib import Path
from typing import Final

__all__ = ["HOLDER_IS_GONE", "holder_is_gone", "signed"]

HOLDER_IS_GONE: Final = "lash_holder_is_gone"
"""What the function is called in SQL."""
_SEPARATOR: Final = "@"
_PROC: Final = Path("/proc")
_STATE, _BEGAN = 0, 19
"""Where in a process's own line, after its name, its state stands and when it began, in ticks since the machine was started."""
_ENDED: Final = frozenset("ZX")
"""States of a process that runs no more, whether its parent has noticed or not."""


def signed(token: str) -> str:
    """Return a token under the name of this process, whoever's name it bore."""
    bare = token.partition(_SEPARATOR)[0]
    own = _own_name(os.getpid())
    return f"{bare}{_SEPARATOR}{own}" if own else bare


def holder_is_gone(token: bytes | None) -> bool:
    """Tell whether a token, whatever stands in it, names a process that is certainly dead."""
    match (token or b"").decode(errors="replace").partition(_SEPARATOR)[2].split("."):
        case [place, number, began] if number.isdecimal() and place == _place():
            return _is_gone(number, began)
    return False


@cache
def _own_name(pid: int) -> str:
    """Return the name of this process, whose number is asked for because a fork has another one; blank where none can be told."""
    place, own = _place(), _line_of(pid)
    return f"{place}.{pid}.{own[_BEGAN] if own else ''}" if place else ""


@cache
def _place() -> str:
    """Return what all processes have in common that see each other under the same numbers; blank where that cannot be told."""
    if sys.platform == "win32":
        return ""
    told = os.uname().nodename
    if sys.platform == "linux":  # whose containers may have one name, and numbers of their own
        try:
            told = (_PROC / "sys/kernel/random/boot_id").read_text() + str((_PROC / "self/ns/pid").readlink())
        except OSError:
            return ""
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _is_gone(number: str, began: str) -> bool:
    if sys.platform == "win32":  # where the signal that only asks ends the process
        return False
    try:
        pid = int(number)
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError, ValueError):  # nobody's, or longer than any number of a process
        return True
    except PermissionError:  # somebody else's process, which is one
        pass
    line = _line_of(pid)
    return bool(line) and (line[_STATE] in _ENDED or line[_BEGAN] != began)


def _line_of(pid: int) -> list[str]:
    """Return what the system tells of a process, after its name; nothing where it tells nothing."""
    try:
        return (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []
