"""Direct completions of an open session, between its turns or beside one (lash 0.1.0-alpha.37, sessions §16.3)."""

import logging

from lash_nb.effects import ScopedEffectController
from lash_nb.errors import CallerError, LashRuntimeError
from lash_nb.runtime._direct import DirectDesk
from lash_nb.runtime._open_runtime import OpenRuntime
from lash_nb.wire import CausalRef, DirectRequest, LlmResponse, RuntimeOperationScope

__all__ = ["DirectOps"]

_LOG = logging.getLogger(__name__)


class DirectOps(OpenRuntime):
    """Asks a model beside the conversation; no turn waits for it, and it waits for no turn."""

    async def complete_directly(
        self, request: DirectRequest, usage_source: str, caused_by: CausalRef | None
    ) -> LlmResponse:
        """Perform one completion; what it cost is committed at once, or with the turn that runs.

        Raises:
            DirectCompletionError: the call failed.
            CallerError: `session_closed`; `direct_image_missing`.
            LashRuntimeError: `llm_provider`; a picture cannot be stored, or the effect host failed.
        """
        if self._closed:
            raise CallerError(f"session {self.session_id} is closed; open it again", code="session_closed")
        response = await self._desk(request, usage_source).ask(request, usage_source, caused_by)
        await self.keep_usage()
        return response

    def _desk(self, request: DirectRequest, usage_source: str) -> DirectDesk:
        env, policy = self.environment, self.state.effective_policy()
        return DirectDesk(
            session_id=self.session_id,
            turn_id=None,
            controller=self._operation(request, usage_source),
            provider=env.provider(policy.provider_id, self.session_id),
            attachments=self.attachments,
            trace=self.trace,
            clock=env.clock,
            ids=env.ids,
            usage=self.pending_usage,
        )

    def _operation(self, request: DirectRequest, usage_source: str) -> ScopedEffectController:
        """An operation of its own: a durable host repeats its answer only to a caller who names it by a key.

        It passes by the stepper, which holds back the effects of turns.
        """
        key = request.replay.key if request.replay is not None and request.replay.key else self.environment.ids.uuid()
        operation = f"{self.session_id}:direct:{usage_source}:{key}"
        return self.journal.scoped(RuntimeOperationScope(operation_id=operation))

    async def keep_usage(self) -> None:
        """Commit what direct completions cost, unless somebody is at work whose commit takes it along; a store that refuses is asked again later."""
        if not self.pending_usage.rows or not self.writer.is_free or self._closed:
            return
        try:
            async with self._exclusive():
                with self._whole_or_not():
                    await self._commit()
                self._publish()
        except LashRuntimeError as error:
            _LOG.warning("usage of session %s was not stored yet: %s", self.session_id, error)
