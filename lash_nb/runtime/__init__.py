"""Sessions at work: state, lifecycle, turn loop, commits."""

from lash_nb.runtime._commands import SessionCommandReceipt
from lash_nb.runtime._environment import ProcessRegistry, Residency, RuntimeEnvironment, TerminationPolicy
from lash_nb.runtime._fork import fork_snapshot
from lash_nb.runtime._loading import load_persisted_session_state
from lash_nb.runtime._observation import RuntimeObservation
from lash_nb.runtime._phases import RuntimeTurnPhase, RuntimeTurnPhaseProbe
from lash_nb.runtime._prompt_preview import PromptComponent, PromptComponentKind, PromptPreview, preview_prompt
from lash_nb.runtime._read_view import SessionReadView
from lash_nb.runtime._result import TurnResult
from lash_nb.runtime._runtime import LashRuntime
from lash_nb.runtime._services import (
    EmbeddedRuntimeHost,
    ParkedSession,
    PersistentRuntimeServices,
    ProcessRuntimeHost,
    RuntimeServices,
)
from lash_nb.runtime._session_ops import OrphanVacuum
from lash_nb.runtime._state import RuntimeSessionState
from lash_nb.runtime._state_snapshots import state_builtins
from lash_nb.runtime._turn_options import TurnOptions
from lash_nb.runtime._turn_stream import ActivitySink, EventSink

__all__ = [
    "ActivitySink",
    "EmbeddedRuntimeHost",
    "EventSink",
    "LashRuntime",
    "OrphanVacuum",
    "ParkedSession",
    "PersistentRuntimeServices",
    "ProcessRegistry",
    "ProcessRuntimeHost",
    "PromptComponent",
    "PromptComponentKind",
    "PromptPreview",
    "Residency",
    "RuntimeEnvironment",
    "RuntimeObservation",
    "RuntimeServices",
    "RuntimeSessionState",
    "RuntimeTurnPhase",
    "RuntimeTurnPhaseProbe",
    "SessionCommandReceipt",
    "SessionReadView",
    "TerminationPolicy",
    "TurnOptions",
    "TurnResult",
    "fork_snapshot",
    "load_persisted_session_state",
    "preview_prompt",
    "state_builtins",
]
