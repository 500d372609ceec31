"""The facade: build a core, open sessions, run and steer turns."""

from lash_nb.core._around_turns import AroundTurn, stand_around_turns
from lash_nb.core._attending import GOES_ON, Attendant, TurnPauses, attend_turns_by
from lash_nb.core._awaited import AwaitedTurn
from lash_nb.core._background import (
    ChildrenControl,
    DefaultProcessCancelAbility,
    ProcessCancelAbility,
    ProcessControl,
    TriggersControl,
)
from lash_nb.core._builder import AdvancedLashCoreBuilder, LashCoreBuilder
from lash_nb.core._choices import DEFAULT_CONTEXT_WINDOW
from lash_nb.core._commands_control import CommandsControl
from lash_nb.core._config_control import ConfigControl, SessionConfigPatch
from lash_nb.core._control import SessionControl
from lash_nb.core._core import CoreParts, LashCore, SessionDeleteReport
from lash_nb.core._host_config import RuntimeHostConfig
from lash_nb.core._host_events import HostEventsControl
from lash_nb.core._injection_control import InjectedTurnInput, InjectionControl
from lash_nb.core._mode_control import ModeControl
from lash_nb.core._modes import RLM, STANDARD, ModeId, ModePreset
from lash_nb.core._notebook import MODEL_SERVICES, ModelService, ProviderChoice, choose_provider, model_for
from lash_nb.core._observable import (
    ObservableSession,
    SessionGap,
    SessionObservation,
    SessionReplayed,
    SessionResume,
)
from lash_nb.core._plugin_binding import PluginBinding
from lash_nb.core._process_work import (
    DurableProcessWorkerConfig,
    ProcessWorkDriver,
    ProcessWorkObserver,
    ProcessWorkPoke,
    QueuedWorkPoke,
)
from lash_nb.core._prompt_layer_sink import PromptLayerSink
from lash_nb.core._queue_builders import QueuedTurnBuilder, QueueInputBuilder
from lash_nb.core._queued_work_runner import (
    QUEUED_WORK_POLL_MS,
    QueuedWorkRunHandle,
    QueuedWorkRunner,
    QueuedWorkRunRequest,
)
from lash_nb.core._rlm import RLM_UNAVAILABLE, RlmProtocolPluginConfig
from lash_nb.core._running import RunningTurn
from lash_nb.core._session import LashSession
from lash_nb.core._session_builder import SessionBuilder
from lash_nb.core._session_spec import SessionSpec
from lash_nb.core._session_state import SessionStateService
from lash_nb.core._state_control import StateControl
from lash_nb.core._stepper import Stepper
from lash_nb.core._stream import TurnStream
from lash_nb.core._tools_control import ToolDescription, ToolsControl
from lash_nb.core._turn_builder import TurnBuilder
from lash_nb.core._usage import USAGE_SOURCES, diff_token_ledger, diff_usage_reports

__all__ = [
    "DEFAULT_CONTEXT_WINDOW",
    "GOES_ON",
    "MODEL_SERVICES",
    "QUEUED_WORK_POLL_MS",
    "RLM",
    "RLM_UNAVAILABLE",
    "STANDARD",
    "USAGE_SOURCES",
    "AdvancedLashCoreBuilder",
    "AroundTurn",
    "Attendant",
    "AwaitedTurn",
    "ChildrenControl",
    "CommandsControl",
    "ConfigControl",
    "CoreParts",
    "DefaultProcessCancelAbility",
    "DurableProcessWorkerConfig",
    "HostEventsControl",
    "InjectedTurnInput",
    "InjectionControl",
    "LashCore",
    "LashCoreBuilder",
    "LashSession",
    "ModeControl",
    "ModeId",
    "ModePreset",
    "ModelService",
    "ObservableSession",
    "PluginBinding",
    "ProcessCancelAbility",
    "ProcessControl",
    "ProcessWorkDriver",
    "ProcessWorkObserver",
    "ProcessWorkPoke",
    "PromptLayerSink",
    "ProviderChoice",
    "QueueInputBuilder",
    "QueuedTurnBuilder",
    "QueuedWorkPoke",
    "QueuedWorkRunHandle",
    "QueuedWorkRunRequest",
    "QueuedWorkRunner",
    "RlmProtocolPluginConfig",
    "RunningTurn",
    "RuntimeHostConfig",
    "SessionBuilder",
    "SessionConfigPatch",
    "SessionControl",
    "SessionDeleteReport",
    "SessionGap",
    "SessionObservation",
    "SessionReplayed",
    "SessionResume",
    "SessionSpec",
    "SessionStateService",
    "StateControl",
    "Stepper",
    "ToolDescription",
    "ToolsControl",
    "TriggersControl",
    "TurnBuilder",
    "TurnPauses",
    "TurnStream",
    "attend_turns_by",
    "choose_provider",
    "diff_token_ledger",
    "diff_usage_reports",
    "model_for",
    "stand_around_turns",
]
