"""Deletes a session: its handles of background processes first, then what is stored of it (lash 0.1.0-alpha.37, facade §2.8)."""

from typing import Final

from msgspec import field

from lash_nb.effects import EffectHost, ScopedEffectController
from lash_nb.errors import EmbedError, LashError, PluginError, RuntimeEffectControllerError, StoreError
from lash_nb.stores import ProcessRegistry, SessionStoreFactory
from lash_nb.wire import (
    EffectOrigin,
    EffectSubject,
    ProcessDeleteSessionCommand,
    ProcessDeleteSessionOutcome,
    ProcessEffectCommand,
    ProcessEventAppendRequest,
    ProcessOutcome,
    ProcessSessionDeleteReport,
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
    RuntimeInvocation,
    RuntimeReplay,
    RuntimeScope,
    SessionDeleteScope,
    Wire,
    effect_kind,
)

__all__ = ["SessionDeleteReport", "delete_process_state", "delete_stored_session", "own_controller"]


_REASON: Final = "session deleted"
"""Why a process is asked to stop."""


def _none() -> None:
    """Default of a field that is written as `null`."""


class SessionDeleteReport(Wire, frozen=True, kw_only=True):
    """What deleting a session did."""

    session_id: str
    """The session."""
    process: ProcessSessionDeleteReport | None = field(default_factory=_none)
    """What became of its background processes, on a host that has any."""


class _ProcessState:
    """Takes the session's handles away at the registry, and asks the processes to stop that nobody sees any more."""

    origin: Final[EffectOrigin] = "executed"

    def __init__(self, registry: ProcessRegistry) -> None:
        self._registry = registry

    async def execute(self, envelope: RuntimeEffectEnvelope) -> RuntimeEffectOutcome:
        try:
            report = await self._registry.delete_session_process_state(envelope.invocation.scope.session_id)
            for process_id in report.cancel_process_ids:
                request = ProcessEventAppendRequest.cancel_requested(process_id, _REASON)
                await self._registry.append_event(process_id, request)
        except (PluginError, StoreError) as error:
            raise RuntimeEffectControllerError("process_registry", error.message) from error
        return ProcessOutcome(result=ProcessDeleteSessionOutcome(report=report))


def own_controller(host: EffectHost, session_id: str) -> ScopedEffectController:
    """Return the controller of a deletion's own scope.

    Raises:
        EmbedError: `DurableEffectHostRequiresHandlerContext`, the host records effects, so the caller has to say of what this one is part.
    """
    if host.durability_tier == "durable":
        raise EmbedError(
            "DurableEffectHostRequiresHandlerContext",
            f"the effect host records what it does, so deleting session {session_id} needs a scope that is the same when it is tried again;"
            " give one, as in delete_session(id, core.effect_host().scoped(…))",
            operation="session delete",
        )
    return host.scoped(SessionDeleteScope(session_id=session_id))


async def delete_process_state(
    session_id: str, registry: ProcessRegistry, controller: ScopedEffectController
) -> ProcessSessionDeleteReport:
    """Take the session's handles away, as an effect of this scope.

    Raises:
        EmbedError: `SessionDeleteProcess`, the effect failed or gave something else.
    """
    try:
        outcome = await controller.execute_effect(_envelope(session_id), _ProcessState(registry))
    except LashError as error:
        raise _process_error(session_id, str(error)) from error
    if isinstance(outcome, ProcessOutcome) and isinstance(outcome.result, ProcessDeleteSessionOutcome):
        return outcome.result.report
    raise _process_error(session_id, f"the effect gave another outcome: {effect_kind(outcome)}")


async def delete_stored_session(session_id: str, factory: SessionStoreFactory) -> None:
    """Delete what is stored of a session.

    Raises:
        EmbedError: `StoreFactory`.
    """
    try:
        await factory.delete_session(session_id)
    except StoreError as error:
        raise EmbedError(
            "StoreFactory",
            f"session {session_id} cannot be deleted: {error.message}",
            session_id=session_id,
            message=error.message,
        ) from error


def _envelope(session_id: str) -> RuntimeEffectEnvelope:
    command = ProcessDeleteSessionCommand(session_id=session_id)
    return RuntimeEffectEnvelope(
        invocation=RuntimeInvocation(
            scope=RuntimeScope(session_id=session_id),
            subject=EffectSubject(effect_id=command.effect_id, kind="process"),
            replay=RuntimeReplay(key=f"{session_id}:delete-session"),
        ),
        command=ProcessEffectCommand(command=command),
    )


def _process_error(session_id: str, message: str) -> EmbedError:
    told = f"the background processes of session {session_id} were not let go: {message}; nothing of it is deleted, try again"
    return EmbedError("SessionDeleteProcess", told, session_id=session_id, message=message)
