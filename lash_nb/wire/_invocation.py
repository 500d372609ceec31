"""Who asks for an effect, and under which identity (lash 0.1.0-alpha.37, effect wire format §2 and §15.1)."""

from typing import Literal, TypeAlias

from lash_nb.wire._base import U64, Wire

__all__ = [
    "CausalEffect",
    "CausalHostEvent",
    "CausalProcess",
    "CausalProcessEvent",
    "CausalRef",
    "CausalSessionNode",
    "CausalToolCall",
    "CausalTurn",
    "DurabilityTier",
    "EffectScope",
    "EffectSubject",
    "HostEventSubject",
    "ProcessEffectScope",
    "ProcessEventSubject",
    "ProcessSubject",
    "QueueDrainScope",
    "RuntimeEffectKind",
    "RuntimeInvocation",
    "RuntimeOperationScope",
    "RuntimeReplay",
    "RuntimeScope",
    "RuntimeSubject",
    "SessionDeleteScope",
    "SessionNodeSubject",
    "TurnScope",
]

RuntimeEffectKind: TypeAlias = Literal[
    "llm_call", "direct", "tool_call", "process", "exec_code", "checkpoint", "sync_execution_surface", "sleep"
]
"""The eight kinds of nondeterministic step."""

DurabilityTier: TypeAlias = Literal["inline", "durable"]
"""`inline`: lost with the process. `durable`: outlives it."""


class RuntimeScope(Wire, frozen=True, kw_only=True):
    """Where in a session something happens."""

    session_id: str
    """The owning session."""
    turn_id: str | None = None
    """The turn, by its effect scope id."""
    turn_index: U64 | None = None
    """Number of the turn in its session; the first is 1."""
    protocol_iteration: U64 | None = None
    """Iteration of the model loop inside the turn, from 0."""


class RuntimeReplay(Wire, frozen=True, kw_only=True):
    """The identity under which a durable host finds a recorded outcome again."""

    key: str
    """The replay key."""


class EffectSubject(Wire, frozen=True, kw_only=True, tag_field="type", tag="effect"):
    """A nondeterministic step."""

    effect_id: str
    """Id of the step in its scope."""
    kind: RuntimeEffectKind
    """What kind of step."""


class ProcessSubject(Wire, frozen=True, kw_only=True, tag_field="type", tag="process"):
    """A background process."""

    process_id: str
    """The process."""


class ProcessEventSubject(Wire, frozen=True, kw_only=True, tag_field="type", tag="process_event"):
    """An event of a background process."""

    process_id: str
    """The process."""
    sequence: U64
    """Number of the event, from 1."""
    event_type: str
    """Its declared type."""


class HostEventSubject(Wire, frozen=True, kw_only=True, tag_field="type", tag="host_event"):
    """An event that the host reported."""

    occurrence_id: str
    """The occurrence."""


class SessionNodeSubject(Wire, frozen=True, kw_only=True, tag_field="type", tag="session_node"):
    """A node of the session graph."""

    node_id: str
    """The node."""


RuntimeSubject: TypeAlias = EffectSubject | ProcessSubject | ProcessEventSubject | HostEventSubject | SessionNodeSubject
"""What an invocation is about."""


class CausalTurn(Wire, frozen=True, kw_only=True, tag_field="type", tag="turn"):
    """Caused by a turn."""

    session_id: str
    """Its session."""
    turn_id: str
    """The turn."""


class CausalEffect(Wire, frozen=True, kw_only=True, tag_field="type", tag="effect"):
    """Caused by an effect."""

    session_id: str
    """Its session."""
    turn_id: str | None = None
    """Its turn, if any."""
    effect_id: str
    """The effect."""


class CausalToolCall(Wire, frozen=True, kw_only=True, tag_field="type", tag="tool_call"):
    """Caused by a tool call."""

    session_id: str
    """Its session."""
    call_id: str
    """The call."""


class CausalProcess(Wire, frozen=True, kw_only=True, tag_field="type", tag="process"):
    """Caused by a process."""

    process_id: str
    """The process."""


class CausalProcessEvent(Wire, frozen=True, kw_only=True, tag_field="type", tag="process_event"):
    """Caused by an event of a process."""

    process_id: str
    """The process."""
    sequence: U64
    """Number of the event."""


class CausalHostEvent(Wire, frozen=True, kw_only=True, tag_field="type", tag="host_event"):
    """Caused by an event that the host reported."""

    occurrence_id: str
    """The occurrence."""


class CausalSessionNode(Wire, frozen=True, kw_only=True, tag_field="type", tag="session_node"):
    """Caused by a node of the session graph."""

    session_id: str
    """Its session."""
    node_id: str
    """The node."""


CausalRef: TypeAlias = (
    CausalTurn
    | CausalEffect
    | CausalToolCall
    | CausalProcess
    | CausalProcessEvent
    | CausalHostEvent
    | CausalSessionNode
)
"""The fact that led to another one."""


class RuntimeInvocation(Wire, frozen=True, kw_only=True):
    """Where, what, why, and under which replay key."""

    scope: RuntimeScope
    """Where."""
    subject: RuntimeSubject
    """What."""
    caused_by: CausalRef | None = None
    """The parent fact."""
    replay: RuntimeReplay | None = None
    """Durable identity."""

    @property
    def effect_id(self) -> str | None:
        """Id of the effect, when the subject is one."""
        return self.subject.effect_id if isinstance(self.subject, EffectSubject) else None

    @property
    def effect_kind(self) -> RuntimeEffectKind | None:
        """Kind of the effect, when the subject is one."""
        return self.subject.kind if isinstance(self.subject, EffectSubject) else None

    @property
    def replay_key(self) -> str | None:
        """The replay key, if there is one."""
        return self.replay.key if self.replay else None

    def causal_ref(self) -> CausalRef:
        """Return this invocation as the cause of another one."""
        match self.subject:
            case EffectSubject(effect_id=effect_id):
                return CausalEffect(session_id=self.scope.session_id, turn_id=self.scope.turn_id, effect_id=effect_id)
            case ProcessSubject(process_id=process_id):
                return CausalProcess(process_id=process_id)
            case ProcessEventSubject(process_id=process_id, sequence=sequence):
                return CausalProcessEvent(process_id=process_id, sequence=sequence)
            case HostEventSubject(occurrence_id=occurrence_id):
                return CausalHostEvent(occurrence_id=occurrence_id)
            case SessionNodeSubject(node_id=node_id):
                return CausalSessionNode(session_id=self.scope.session_id, node_id=node_id)


class TurnScope(Wire, frozen=True, kw_only=True, tag_field="type", tag="turn"):
    """The effects of one turn."""

    session_id: str
    """The session."""
    turn_id: str
    """The turn."""

    @property
    def id(self) -> str:
        """The scope id."""
        return self.turn_id


class ProcessEffectScope(Wire, frozen=True, kw_only=True, tag_field="type", tag="process"):
    """The effects of one background process."""

    process_id: str
    """The process."""

    @property
    def id(self) -> str:
        """The scope id."""
        return self.process_id


class QueueDrainScope(Wire, frozen=True, kw_only=True, tag_field="type", tag="queue_drain"):
    """The effects of a turn that runs queued work."""

    session_id: str
    """The session."""
    drain_id: str
    """Id of the queue claim."""

    @property
    def id(self) -> str:
        """The scope id."""
        return self.drain_id


class SessionDeleteScope(Wire, frozen=True, kw_only=True, tag_field="type", tag="session_delete"):
    """The effects of deleting a session."""

    session_id: str
    """The session."""

    @property
    def id(self) -> str:
        """The scope id."""
        return self.session_id


class RuntimeOperationScope(Wire, frozen=True, kw_only=True, tag_field="type", tag="runtime_operation"):
    """The effects of an operation outside any turn."""

    operation_id: str
    """The operation."""

    @property
    def id(self) -> str:
        """The scope id."""
        return self.operation_id


EffectScope: TypeAlias = TurnScope | ProcessEffectScope | QueueDrainScope | SessionDeleteScope | RuntimeOperationScope
"""What a scoped controller serves."""
