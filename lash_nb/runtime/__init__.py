"""Sessions at work: state, lifecycle, turn loop, commits."""

from lash_nb.runtime._environment import Residency, RuntimeEnvironment, TerminationPolicy
from lash_nb.runtime._read_view import SessionReadView
from lash_nb.runtime._result import TurnResult
from lash_nb.runtime._runtime import LashRuntime
from lash_nb.runtime._state import RuntimeSessionState
from lash_nb.runtime._turn import TurnOptions
from lash_nb.runtime._turn_stream import ActivitySink, EventSink

__all__ = [
    "ActivitySink",
    "EventSink",
    "LashRuntime",
    "Residency",
    "RuntimeEnvironment",
    "RuntimeSessionState",
    "SessionReadView",
    "TerminationPolicy",
    "TurnOptions",
    "TurnResult",
]
