"""Who answers a session that is gone on with: whoever the line names, or the notebook has, in place of whoever answered it before."""

from collections.abc import Mapping
from typing import Any

from lash_nb.core import DEFAULT_CONTEXT_WINDOW, MODEL_SERVICES, ProviderChoice, choose_provider, model_for
from lash_nb.magics._namespace import chosen_provider
from lash_nb.magics._open_session import OpenSession
from lash_nb.wire import ModelSpec, SessionPolicy

__all__ = ["adopt_provider", "adoption_python"]


async def adopt_provider(
    opened: OpenSession, namespace: Mapping[str, Any], name: str | None, model: str | None
) -> str | None:
    """Let a provider answer from now on; return what changed with it, in a sentence, if anything did.

    A session asks for the provider by its kind, and without one of that kind its next turn would fail.

    Args:
        opened: The session.
        namespace: The user's variables.
        name: Variable of the provider; None for the one that the notebook has.
        model: Id of the model; None for the one that the session asked before.

    Raises:
        CallerError: there is no such provider, or a turn is under way.
    """
    choice = choose_provider(chosen_provider(namespace, name)[0])
    provider, before = choice.provider, opened.session.policy_snapshot()
    asks = _asked_model(choice, before, model)
    if (provider.kind, asks) == (before.provider_id, before.model):
        return None
    opened.refuse_during_turn()
    await opened.answer_by(name or provider.kind, provider, asks)
    session_id = opened.session.session_id
    return (
        f"Session {session_id} worked with {before.model.id} of {before.provider_id or 'no provider'} before; from now on"
        f" {asks.id} of {provider.kind} answers. Others: %lash open {session_id} --provider VAR --model ID"
    )


def adoption_python(namespace: Mapping[str, Any], name: str | None, model: str | None) -> str:
    """Return the same in Python."""
    _, expression = chosen_provider(namespace, name)
    given = f"provider={expression}"
    if model is not None:
        given += f", model=lash_nb.wire.ModelSpec.from_token_limits({model!r}, context_window_tokens={DEFAULT_CONTEXT_WINDOW})"
    return f"await session.configure(lash_nb.core.SessionConfigPatch({given}))"


def _asked_model(choice: ProviderChoice, before: SessionPolicy, model: str | None) -> ModelSpec:
    """The model that is named, else the one of before, unless the provider is another one with models of its own."""
    if model is None and choice.provider.kind != before.provider_id and choice.provider.kind in MODEL_SERVICES:
        model = choice.model
    if model is None or model == before.model.id:
        return before.model
    spec = model_for(choice.provider, model)
    if isinstance(spec, str):
        return ModelSpec.from_token_limits(spec, context_window_tokens=DEFAULT_CONTEXT_WINDOW)
    return spec
