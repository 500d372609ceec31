"""How a direct completion is performed: an effect, its records, its ledger row (lash 0.1.0-alpha.37, effect wire format §15.4, turns §12.4).

The records are written when the outcome is there, wherever it comes from: performed, injected, or from a record.
"""

from dataclasses import dataclass
from typing import Self

import msgspec

from lash_nb.clock import NS_PER_MS, Clock, IdSource
from lash_nb.effects import ScopedEffectController
from lash_nb.errors import (
    AttachmentStoreError,
    DirectCompletionError,
    LlmTransportError,
    RuntimeEffectControllerError,
)
from lash_nb.providers import LlmStreamEvent, ProviderHandle, llm_call_error
from lash_nb.runtime._context import TurnContext
from lash_nb.runtime._direct_usage import PendingUsage
from lash_nb.runtime._trace_emitter import TraceEmitter
from lash_nb.stores import AttachmentStore, resolve_llm_request_attachments
from lash_nb.trace import LlmTraceMapper
from lash_nb.wire import (
    CausalRef,
    DirectCommand,
    DirectOutcome,
    DirectRequest,
    EffectOrigin,
    Json,
    LlmCallCompleted,
    LlmCallError,
    LlmCallFailed,
    LlmCallStarted,
    LlmRequestSpec,
    LlmResponse,
    LlmResult,
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
    TokenLedgerEntry,
    TraceContext,
    direct_effect_invocation,
    direct_request_discriminator,
    expect_outcome,
    to_builtins,
)

__all__ = ["DirectDesk", "DirectExecutor"]


class DirectExecutor:
    """Asks a provider for one answer, and nothing else."""

    origin: EffectOrigin = "executed"

    def __init__(self, provider: ProviderHandle, attachments: AttachmentStore, clock: Clock) -> None:
        self._provider = provider
        self._attachments = attachments
        self._clock = clock
        self.took_ms = 0
        """How long it worked, in milliseconds; nothing where the outcome came from elsewhere."""

    async def execute(self, envelope: RuntimeEffectEnvelope) -> RuntimeEffectOutcome:
        """Perform the envelope; every failure of the call is an `Err` inside the outcome.

        Raises:
            RuntimeEffectControllerError: `runtime_effect_local_executor_mismatch`, the envelope asks for something else.
        """
        if not isinstance(envelope.command, DirectCommand):
            raise RuntimeEffectControllerError(
                "runtime_effect_local_executor_mismatch",
                f"only direct completions can be performed here, not {envelope.kind}; report this",
            )
        began = self._clock.monotonic_ns()
        result = await self._answer(envelope.command.request)
        self.took_ms = (self._clock.monotonic_ns() - began) // NS_PER_MS
        return DirectOutcome(result=result)

    async def _answer(self, spec: LlmRequestSpec) -> LlmResult:
        try:
            request = resolve_llm_request_attachments(spec.into_request(), self._attachments)
        except AttachmentStoreError as error:
            return LlmResult(
                Err=LlmCallError(
                    message=error.message,
                    retryable=False,
                    code="attachment_resolution_failed",
                    terminal_reason="provider_error",
                )
            )
        stream = _unheard if self._provider.requires_streaming else None
        try:
            return LlmResult(Ok=await self._provider.complete(request, stream, clock=self._clock))
        except LlmTransportError as error:
            return LlmResult(Err=llm_call_error(error))


def _unheard(_: LlmStreamEvent) -> None:
    """A provider that only streams has to be listened to; the whole answer comes at its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectDesk:
    """Where direct completions of one session, or of one of its turns, are asked for."""

    session_id: str
    """The session."""
    turn_id: str | None
    """The turn as effects name it; None between turns."""
    controller: ScopedEffectController
    """Who performs effects."""
    provider: ProviderHandle
    """Who answers."""
    attachments: AttachmentStore
    """Where the bytes of pictures are put."""
    trace: TraceEmitter
    """Where records go."""
    clock: Clock
    """Time."""
    ids: IdSource
    """Identities."""
    usage: PendingUsage
    """Where costs are noted."""

    @classmethod
    def of_turn(
        cls, turn: TurnContext, *, turn_id: str, controller: ScopedEffectController, provider: ProviderHandle
    ) -> Self:
        """Return the desk of a turn, or of a part of it with effects in a scope of its own."""
        return cls(
            session_id=turn.session_id,
            turn_id=turn_id,
            controller=controller,
            provider=provider,
            attachments=turn.attachments,
            trace=turn.trace,
            clock=turn.clock,
            ids=turn.ids,
            usage=turn.pending_usage,
        )

    async def ask(self, request: DirectRequest, usage_source: str, caused_by: CausalRef | None) -> LlmResponse:
        """Perform one completion and note what it cost.

        Raises:
            DirectCompletionError: the call failed, or the provider does not offer the model in that variant (`invalid_model_variant`).
            CallerError: `direct_image_missing`.
            RuntimeEffectControllerError: a picture cannot be stored, or the effect host failed.
        """
        self._check_variant(request)
        caused_by = caused_by if request.caused_by is None else request.caused_by
        spec = LlmRequestSpec.from_request(request.into_request(self.session_id), self.attachments.put)
        discriminator = direct_request_discriminator(spec, request.replay, caused_by)
        invocation = direct_effect_invocation(self.session_id, usage_source, discriminator, self.turn_id, caused_by)
        local = DirectExecutor(self.provider, self.attachments, self.clock)
        envelope = RuntimeEffectEnvelope(
            invocation=invocation, command=DirectCommand(request=spec, usage_source=usage_source)
        )
        outcome = expect_outcome(await self.controller.execute_effect(envelope, local), DirectOutcome)
        self._record(spec, outcome.result, caused_by, local.took_ms)
        if not isinstance(outcome.result.Ok, LlmResponse):
            raise _failure(outcome.result.variant)
        response = outcome.result.Ok
        self.usage.add(
            TokenLedgerEntry(source=usage_source, model=request.model, usage=response.usage.to_token_usage())
        )
        return response

    def _check_variant(self, request: DirectRequest) -> None:
        variant = request.model_variant
        if variant is not None and not self.provider.supports_variant(request.model, variant):
            raise DirectCompletionError(
                f"model {request.model} on {self.provider.kind} does not offer variant {variant!r}; choose another or none",
                failure_code="invalid_model_variant",
                retryable=False,
            )

    def _record(self, spec: LlmRequestSpec, result: LlmResult, caused_by: CausalRef | None, duration_ms: int) -> None:
        if not self.trace.enabled:
            return
        mapper = LlmTraceMapper()  # the session's own remembers the conversation, which this is not
        metadata: dict[str, Json] = {} if caused_by is None else {"caused_by": to_builtins(caused_by)}
        context = TraceContext(session_id=self.session_id, llm_call_id=self.ids.uuid(), metadata=metadata)
        asked = msgspec.structs.replace(mapper.request(spec.into_request()), stream=self.provider.requires_streaming)
        self.trace.emit(LlmCallStarted(request=asked), context)
        self.trace.emit(_ended(mapper, result, duration_ms), context)


def _ended(mapper: LlmTraceMapper, result: LlmResult, duration_ms: int) -> LlmCallCompleted | LlmCallFailed:
    if not isinstance(result.Ok, LlmResponse):
        return LlmCallFailed(error=mapper.error(result.variant))
    return LlmCallCompleted(
        response=mapper.response(result.Ok, duration_ms),
        usage=result.Ok.usage,
        provider_usage=result.Ok.provider_usage,
    )


def _failure(error: LlmCallError) -> DirectCompletionError:
    return DirectCompletionError(error.message, failure_code=error.code, retryable=error.retryable)
