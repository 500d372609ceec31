"""Effects: the host that performs envelopes, and the hosts around it that record, remember and step."""

from lash_nb.effects._decision import PendingEffect
from lash_nb.effects._entries import EffectEntries
from lash_nb.effects._fixed import loosened
from lash_nb.effects._host import EffectHost, LocalExecutor, ScopedEffectController
from lash_nb.effects._inline import InlineEffectHost
from lash_nb.effects._journal import JournalEffectHost
from lash_nb.effects._passage import effect_status
from lash_nb.effects._sqlite_host import SqliteEffectHost
from lash_nb.effects._step import StepEffectHost
from lash_nb.effects._step_control import DEFAULT_STOPS, StepControl, StepMode

__all__ = [
    "DEFAULT_STOPS",
    "EffectEntries",
    "EffectHost",
    "InlineEffectHost",
    "JournalEffectHost",
    "LocalExecutor",
    "PendingEffect",
    "ScopedEffectController",
    "SqliteEffectHost",
    "StepControl",
    "StepEffectHost",
    "StepMode",
    "effect_status",
    "loosened",
]
