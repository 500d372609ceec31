"""How a machine is set up (lash 0.1.0-alpha.37, turns §2.1)."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct, field

from lash_nb.machine._turn_limit import turn_limit_message
from lash_nb.wire import GenerationOptions, LlmRequest, LlmToolSpec, Message, ProtocolTurnOptions, TurnCause

if TYPE_CHECKING:
    from lash_nb.machine._driver import ProtocolDriver

__all__ = ["RequestProjector", "TurnMachineConfig"]


class RequestProjector(Protocol):
    """Turns a conversation into a model request; one per session, so that it may remember what it rendered."""

    def project(
        self,
        config: "TurnMachineConfig",
        *,
        messages: Sequence[Message],
        turn_causes: Sequence[TurnCause] = (),
        use_tools: bool,
    ) -> LlmRequest:
        """Return the request for `messages`, with the configured tools or without."""
        ...


class TurnMachineConfig(Struct, frozen=True, kw_only=True):
    """Everything about a turn that does not change by itself; a surface sync replaces prompt and tool specs."""

    protocol_driver: "ProtocolDriver"
    """The protocol."""
    projector: RequestProjector
    """Makes model requests of the conversation."""
    sync_execution_surface: bool
    """Whether tools and prompt are brought up to date before each iteration."""
    model: str
    """The model id."""
    max_context_tokens: int | None = None
    """Context window of the model, in tokens."""
    max_turns: int | None = None
    """Most iterations of the model loop; None for no limit."""
    model_variant: str | None = None
    """Variant of the model."""
    generation: GenerationOptions = field(default_factory=GenerationOptions)
    """Limits of one generation."""
    run_session_id: str | None = None
    """Cache key that requests carry for the provider."""
    autonomous: bool = False
    """Whether nobody watches."""
    tool_specs: tuple[LlmToolSpec, ...] = ()
    """The tools that the model may call."""
    system_prompt: str = ""
    """The prompt; a blank one is left out of requests."""
    session_id: str
    """The session."""
    termination: ProtocolTurnOptions = field(default_factory=ProtocolTurnOptions)
    """The protocol's options for this turn."""
    turn_limit_final_message: Callable[[str, int], Message] = turn_limit_message
    """Makes the message, of the given id, that tells the model that the given limit is reached."""
    new_message_id: Callable[[], str]
    """Gives a fresh message id: the machine itself has no randomness."""
    emit_llm_trace: bool = False
    """Whether `Log` notes are made of model calls; the runtime traces them itself."""
